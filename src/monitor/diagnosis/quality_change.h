/// How the rates of scenes differ before and after a deploy.
/// Threads: pure functions.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "monitor/diagnosis/cause.h"
#include "monitor/diagnosis/evidence.h"
#include "monitor/diagnosis/findings.h"

namespace vitrine::monitor {

struct QualityChange {
  Verdict verdict = Verdict::kUnknown;
  Verdict maturity = Verdict::kUnknown;  ///< kBad: labels are still to come for what was lost
  std::vector<EvidenceLine> drops;       ///< rates of scenes that fell surely
  std::size_t scenes_judged = 0;
  double loss_part = 0;  ///< of what was, of the scene that lost most; 0 where none did
  /// The drops of scenes whose answers are too young to be compared.
  std::vector<EvidenceLine> immature;
  /// The rate over all scenes, where it fell and no scene's did: more answers in scenes with lower rates.
  std::vector<EvidenceLine> mixed;
};

QualityChange CompareQuality(const std::optional<std::vector<SceneQuality>>& before,
                             const std::optional<std::vector<SceneQuality>>& after);

}  // namespace vitrine::monitor
