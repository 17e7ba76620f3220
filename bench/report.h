/// What a benchmark says: a table for people on stdout and build/bench/NAME.json for machines.
/// A benchmark reports, it does not judge: the exit code is 0 even where a bar falls short.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace vitrine::bench {

struct Bar {
  std::string bar;
  double value = 0;
  std::string unit;
  bool higher_is_better = false;
  double bound = 0;   ///< what is promised; 0: nothing is
  int pairs = 0;      ///< alternated measurements behind the value
  double spread = 0;  ///< between the quartiles of the pairs, over their median
  [[nodiscard]] bool ok() const {
    return bound == 0 || (higher_is_better ? value >= bound : value <= bound);
  }
};

inline double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values.empty() ? 0 : values[values.size() / 2];
}

inline double Spread(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t n = values.size();
  const double middle = n == 0 ? 0 : values[n / 2];
  return middle == 0 ? 0 : (values[n * 3 / 4] - values[n / 4]) / middle;
}

/// Seconds of one call of `work`, averaged over `calls` of them.
inline double SecondsPerCall(int calls, const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  for (int call = 0; call < calls; ++call) {
    work();
  }
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  return taken.count() / calls;
}

/// Seconds of one call of `work`: the median of `calls` of them, each timed by itself, so that what
/// the machine does meanwhile (another process, an interrupt) does not count. Reading the clock
/// costs about 30 ns a call.
inline double TypicalSeconds(int calls, const std::function<void()>& work) {
  std::vector<double> times;
  for (int call = 0; call < calls; ++call) {
    times.push_back(SecondsPerCall(1, work));
  }
  return Median(std::move(times));
}

/// Prints the table and writes build/bench/NAME.json beside the caller's working folder.
inline void Report(const std::string& name, const std::vector<Bar>& bars) {
  const char* commit = std::getenv("VITRINE_COMMIT");
  std::filesystem::create_directories("build/bench");
  std::ofstream json("build/bench/" + name + ".json");
  json << "{\"name\": \"" << name << "\", \"commit\": \"" << (commit == nullptr ? "" : commit)
       << "\", \"cores\": " << std::thread::hardware_concurrency() << ", \"bars\": [";
  std::printf("%-58s %12s %-8s %10s %6s\n", "bar", "value", "unit", "bound", "spread");
  for (std::size_t i = 0; i < bars.size(); ++i) {
    const Bar& bar = bars[i];
    json << (i == 0 ? "\n" : ",\n") << "  {\"bar\": \"" << bar.bar << "\", \"value\": " << bar.value
         << ", \"unit\": \"" << bar.unit << "\", \"better\": \""
         << (bar.higher_is_better ? "higher" : "lower") << "\", \"bound\": " << bar.bound
         << ", \"ok\": " << (bar.ok() ? "true" : "false") << ", \"pairs\": " << bar.pairs
         << ", \"spread\": " << bar.spread << "}";
    std::printf("%-58s %12.3f %-8s %10.3f %5.0f%%%s\n", bar.bar.c_str(), bar.value,
                bar.unit.c_str(), bar.bound, bar.spread * 100, bar.ok() ? "" : "  FALLS SHORT");
  }
  json << "\n]}\n";
}

}  // namespace vitrine::bench
