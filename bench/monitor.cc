// Monitoring: ./dev bench monitor [PART...]; without one, all parts. Parts: cost, state, month, drift,
// estimate. The state is a part of cost too.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "bench/monitor_cost.h"
#include "bench/monitor_drift.h"
#include "bench/monitor_estimate.h"
#include "bench/report.h"

namespace vitrine::bench {
namespace {

void RunDrift(const std::filesystem::path& bin, std::vector<Bar>& bars) {
  constexpr int kRuns = 1000;
  constexpr int kStreams = 1000;
  MeasureDriftRates(kRuns, bars);
  MeasureLooks(kStreams, bars);
  MeasureOfflineCost((bin / "vitrine-lake").string(), "build/bench/drift-frames", bars);
}

int Run(int argc, char** argv) {
  const std::vector<std::string> parts(argv + 1, argv + argc);
  const auto wanted = [&](const char* part) {
    return parts.empty() || std::find(parts.begin(), parts.end(), part) != parts.end();
  };
  std::vector<Bar> bars;
  if (wanted("cost")) {
    MeasureWatching(bars);
  }
  if (wanted("cost") || wanted("state")) {
    MeasureState(bars);
    MeasureMemory(bars);
  }
  if (wanted("month")) {
    MeasureMonth(bars);
  }
  if (wanted("drift")) {
    RunDrift(std::filesystem::path(argv[0]).parent_path().parent_path(), bars);
  }
  if (wanted("estimate")) {
    MeasureSimulatedEstimates(bars);
    MeasureReplayedEstimates(bars);
    MeasureEstimateCost(bars);
  }
  Report("monitor", bars);
  return 0;
}

}  // namespace
}  // namespace vitrine::bench

int main(int argc, char** argv) { return vitrine::bench::Run(argc, argv); }
