#include "rollout/sample_ratio.h"

#include <algorithm>
#include <cmath>

#include "core/check.h"

namespace vitrine::rollout {

void SampleRatioTest::Add(Arm arm) {
  const bool treated = arm == Arm::kTreatment;
  std::uint64_t& count = treated ? treatment : control;
  const double intended = treated ? share : 1 - share;
  // The mixture's prediction of this arm over the intended one.
  const double predicted = (concentration * intended + static_cast<double>(count)) /
                           (concentration + static_cast<double>(control + treatment));
  log_evidence += std::log(predicted / intended);
  largest = std::max(largest, log_evidence);
  ++count;
}

void SampleRatioTest::ChangeShare(double to) {
  CHECK(to > 0 && to < 1);
  share = to;
  control = 0;
  treatment = 0;
}

double SampleRatioTest::PValue() const { return std::exp(-largest); }

}  // namespace vitrine::rollout
