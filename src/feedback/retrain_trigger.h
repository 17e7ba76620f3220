/// When to train anew: pure functions from what is known to a decision with its reason.
/// Threads: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/artifact.h"
#include "core/time.h"

namespace vitrine::feedback {

struct TriggerPolicy {
  Micros every{kMicrosPerDay};                 ///< by the clock; 0: never
  Micros cool_down{3'600 * kMicrosPerSecond};  ///< never twice within; a person may still ask
  std::uint64_t minimum_new_events = 1000;     ///< fewer teach nothing new: no trigger fires
  std::uint64_t drifted_features = 1;          ///< drift: so many features; 0: never
  double quality_loss = 0.1;                   ///< quality: worse by this share, surely; 0: never
  std::uint64_t minimum_answers = 500;         ///< before quality is judged at all
  double growth = 0.5;  ///< volume: events since / events trained on; 0: never
};

/// Quality of the version in service now and when it was new (or promised by its evaluation).
struct QualitySignal {
  std::string metric;  ///< "click rate", for people
  MetricValue now;
  double before = 0;
  std::uint64_t answers = 0;
};

struct TriggerInputs {
  Micros now;
  Micros last_trained;               ///< end of the last training, 0: never
  std::uint64_t new_events = 0;      ///< since the snapshot it was trained on
  std::uint64_t trained_events = 0;  ///< in that snapshot
  std::vector<std::string> drifted;  ///< names of drifted features
  std::vector<QualitySignal> quality;
  bool running = false;  ///< a training is under way
};

enum class TriggerCause : std::uint8_t { kNone, kFirst, kSchedule, kDrift, kQuality, kVolume };
/// "none", "first", "schedule", "drift", "quality", "volume".
std::string_view TriggerCauseName(TriggerCause cause);

struct TriggerDecision {
  bool retrain = false;
  TriggerCause cause = TriggerCause::kNone;
  std::string reason;  ///< one sentence, for yes and for no
};

/// Order of causes: first training, quality, drift, volume, schedule.
TriggerDecision DecideRetrain(const TriggerInputs& inputs, const TriggerPolicy& policy);

}  // namespace vitrine::feedback
