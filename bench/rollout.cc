// A rollout's statistics: ./dev bench rollout [PART...]; without one, all parts. Parts: guardrail,
// interleaving, off-policy, month, bad-versions. Everything is simulated from seeds: figures do not depend on the
// machine, but for a month's to the last click, and those of bad versions.
#include "bench/rollout.h"

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <string>
#include <utility>
#include <vector>

namespace vitrine::bench {
namespace {

int Run(int argc, char** argv) {
  const std::vector<std::string> parts(argv + 1, argv + argc);
  const std::vector<std::pair<std::string, void (*)(std::vector<Bar>&)>> all = {
      {"guardrail", MeasureGuardrails},
      {"interleaving", MeasureInterleaving},
      {"off-policy", MeasureOffPolicy},
      {"month", MeasureMonths},
      {"bad-versions", MeasureBadVersions}};
  for (const std::string& part : parts) {
    if (std::none_of(all.begin(), all.end(),
                     [&](const auto& known) { return known.first == part; })) {
      std::fprintf(
          stderr,
          "rollout: unknown part '%s'; there are guardrail, interleaving, off-policy, month, "
          "bad-versions\n",
          part.c_str());
      return 2;
    }
  }
  std::vector<Bar> bars;
  for (const auto& [name, measure] : all) {
    if (!parts.empty() && std::find(parts.begin(), parts.end(), name) == parts.end()) {
      continue;
    }
    const std::clock_t start = std::clock();
    measure(bars);
    bars.push_back({name + ": CPU time of this part",
                    static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC, "s", false, 0, 1,
                    0});
  }
  Report("rollout", bars);
  return 0;
}

}  // namespace
}  // namespace vitrine::bench

int main(int argc, char** argv) { return vitrine::bench::Run(argc, argv); }
