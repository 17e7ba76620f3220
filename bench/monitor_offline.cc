// What a comparison of two files costs: vitrine-lake drift in a process of its own.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "adapters/duckdb/database.h"
#include "bench/monitor_drift.h"

namespace vitrine::bench {
namespace {

constexpr int kRows = 1'000'000;
constexpr int kRepeats = 5;

/// Ten numbers (normal) and ten words of 10 to 1,000 levels (the more common the lower); two of each
/// moved in `current`.
std::string FrameQuery(bool current) {
  std::string columns;
  for (int i = 0; i < 10; ++i) {
    columns += fmt::format(
        "round(sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random()) * {} + {}, 6) AS n{}, ",
        current && i == 1 ? 1.3 : 1.0, current && i == 0 ? 0.3 : 0.0, i);
  }
  constexpr int kLevels[] = {10, 20, 50, 100, 200, 300, 400, 500, 750, 1000};
  for (int i = 0; i < 10; ++i) {
    columns += fmt::format("'v{}_' || floor(pow({}, pow(random(), {})))::INT AS c{}, ", i,
                           kLevels[i], current && (i == 0 || i == 9) ? 1.3 : 1.0, i);
  }
  return "SELECT " + columns + "1 AS constant FROM range(" + std::to_string(kRows) + ")";
}

bool Write(const std::string& path, bool current) {
  const auto database = duckdb::Database::Open({.memory_limit_mb = 1024, .threads = 1});
  if (!database.ok()) {
    return false;
  }
  return (*database)->Execute(fmt::format("SELECT setseed({})", current ? 0.2 : 0.1)).ok() &&
         (*database)
             ->Execute(fmt::format("COPY ({}) TO {} (FORMAT parquet)", FrameQuery(current),
                                   duckdb::Quoted(path)))
             .ok();
}

struct Cost {
  double cpu_seconds = 0;
  double mebibytes = 0;
};

Cost Run(const std::string& program, const std::string& reference, const std::string& current) {
  const pid_t child = fork();
  if (child == 0) {
    const int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);
    dup2(nothing, STDOUT_FILENO);
    execl(program.c_str(), program.c_str(), "drift", reference.c_str(), current.c_str(),
          static_cast<char*>(nullptr));
    _exit(127);
  }
  int status = 0;
  rusage usage{};
  if (child < 0 || wait4(child, &status, 0, &usage) != child || status != 0) {
    return {};
  }
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return {seconds(usage.ru_utime) + seconds(usage.ru_stime),
          static_cast<double>(usage.ru_maxrss) / 1024};
}

}  // namespace

void MeasureOfflineCost(const std::string& lake_program, const std::string& folder,
                        std::vector<Bar>& bars) {
  std::filesystem::create_directories(folder);
  const std::string reference = folder + "/reference.parquet";
  const std::string current = folder + "/current.parquet";
  if (!Write(reference, false) || !Write(current, true)) {
    std::fprintf(stderr, "the frames cannot be written below %s\n", folder.c_str());
    return;
  }
  std::vector<double> seconds;
  std::vector<double> mebibytes;
  for (int i = 0; i < kRepeats; ++i) {
    const Cost cost = Run(lake_program, reference, current);
    if (cost.cpu_seconds > 0) {
      seconds.push_back(cost.cpu_seconds);
      mebibytes.push_back(cost.mebibytes);
    }
  }
  std::filesystem::remove_all(folder);
  if (seconds.empty()) {
    std::fprintf(stderr, "%s drift failed\n", lake_program.c_str());
    return;
  }
  bars.push_back({"vitrine-lake drift, 1,000,000 x 21 twice: CPU time", Median(seconds), "s", false,
                  1.6, kRepeats, Spread(seconds)});
  bars.push_back({"the same: most resident memory", Median(mebibytes), "MiB", false, 300, kRepeats,
                  Spread(mebibytes)});
}

}  // namespace vitrine::bench
