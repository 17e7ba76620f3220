// One world of ./dev bench rollout month: rollout_world loop|twin|oracle SEED [DAYS]; prints what happened as JSON. A process a
// world, since a process follows one simulated clock.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "bench/month.h"
#include "bench/serving_fixture.h"

int main(int argc, char** argv) {
  using vitrine::bench::MonthArm;
  const std::string arm = argc > 1 ? argv[1] : "";
  if (argc < 3 || (arm != "loop" && arm != "twin" && arm != "oracle")) {
    std::fprintf(stderr, "rollout_world loop|twin|oracle SEED [DAYS]\n");
    return 2;
  }
  const vitrine::bench::TemporaryFolder folder;
  vitrine::bench::MonthOptions options;
  options.arm = arm == "loop"   ? MonthArm::kLoop
                : arm == "twin" ? MonthArm::kTwin
                                : MonthArm::kOracle;
  options.seed = std::strtoull(argv[2], nullptr, 10);
  options.days = argc > 3 ? std::atoi(argv[3]) : options.days;
  options.folder = folder.path();
  std::printf("%s\n", vitrine::bench::RunMonth(options).dump(1).c_str());
  return 0;
}
