/// When to train anew: pure functions from what is known to a decision with its reason.
/// Threads: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/time.h"

namespace vitrine::feedback {

struct TriggerPolicy {
  bool quality = false;  ///< alerts say that shoppers take less of what is shown
  bool drift = false;    ///< alerts say that served features have moved
  double growth = 0;     ///< volume: events since / events trained on; 0: never
  double newcomers =
      0;  ///< catalogue: share of its items that the champion does not know; 0: never
  /// Never twice within; a person may still ask. After n rollouts of turns that were rolled back one after the other
  /// 2^(n-1) times as long, a day at most: the same cause would bring the same failure.
  Micros cool_down{3'600 * kMicrosPerSecond};
  std::uint64_t minimum_new_events = 1000;  ///< fewer teach nothing new: no trigger fires
  std::uint32_t per_day = 6;                ///< turns that triggers start within 24 hours, at most
};

struct TriggerInputs {
  Micros now;
  Micros last_turn;                  ///< end of the last turn, whoever asked for it; 0: never
  Micros slot;                       ///< newest minute of the schedule; 0: there is none
  std::uint64_t new_events = 0;      ///< since that turn
  std::uint64_t trained_events = 0;  ///< that the champion was fitted on; 0: not known
  std::uint64_t items = 0;           ///< of the catalogue
  std::uint64_t unknown_items = 0;   ///< of them, at least so many that the champion does not know
  std::vector<std::string> drifted;  ///< names of drifted features
  /// Of them those that a turn was started for within a week: it did not end their drift, nor would the next.
  std::vector<std::string> drifted_again;
  std::vector<std::string> losses;  ///< alerts of quality that are open, a sentence each
  std::string frozen;               ///< why nothing may change now, for people; empty: it may
  std::string rollout;              ///< "rollout-000003 goes on"; empty: none does
  Micros rolled_back;               ///< when the newest rollout that a turn began failed; 0: never
  std::uint32_t failed_rollouts = 0;  ///< of turns, one after the other, up to that one
  std::uint32_t started_today = 0;    ///< turns that triggers started within 24 hours
  bool running = false;               ///< a turn is under way
};

enum class TriggerCause : std::uint8_t {
  kNone,
  kFirst,
  kQuality,
  kDrift,
  kVolume,
  kCatalogue,
  kSchedule
};
/// "none", "first", "quality", "drift", "volume", "catalogue", "schedule".
std::string_view TriggerCauseName(TriggerCause cause);

struct TriggerDecision {
  bool retrain = false;
  bool held = false;  ///< there is a cause, but a freeze or the budget holds it
  TriggerCause cause = TriggerCause::kNone;
  std::string reason;  ///< one or two sentences, for yes and for no
};

/// Order of causes: first training, quality, drift, volume, catalogue, schedule.
TriggerDecision DecideRetrain(const TriggerInputs& inputs, const TriggerPolicy& policy);

}  // namespace vitrine::feedback
