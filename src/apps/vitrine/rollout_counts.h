/// What users of a rollout's arms did, joined from the log: answers, clicks, purchases, a user at a time.
/// Bounded memory; nothing of it is kept on disk, so that a restart begins a stretch anew.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/event.h"
#include "core/impression.h"
#include "core/time.h"
#include "data/event_log.h"
#include "rollout/decide.h"
#include "rollout/sample_ratio.h"

namespace vitrine::apps {

struct RolloutCountsOptions {
  std::string rollout;
  double share = 0;  ///< of users in the treatment; 1: there is no other arm
  Micros since;      ///< answers before it belong to another stretch
  Micros click_window;
  Micros purchase_window;
  std::size_t most_users = 500'000;    ///< those who come later are not counted
  std::size_t most_answers = 200'000;  ///< that wait for clicks; the oldest leave
};

/// Of one stretch of one rollout. Threads: any.
class RolloutCounts {
 public:
  explicit RolloutCounts(const RolloutCountsOptions& options);

  /// A record of the log, in its order.
  void OnRecord(const data::LogRecord& record);
  /// Writes users, clicks, buyers and revenue of the stretch.
  void FillIn(rollout::Stretch& stretch) const;
  /// Always-valid; 1 where everybody is in the treatment.
  [[nodiscard]] double SampleRatioP() const;

 private:
  struct User {
    bool treatment = false;
    bool bought = false;
    rollout::Unit clicks{.value = 0, .weight = 0};
    rollout::Unit revenue;
    Micros last;  ///< answer
  };
  struct Answer {
    std::uint64_t user = 0;
    Micros ts;
    bool clicked = false;
    /// Of an interleaved answer: hashes of what either team picked and nobody clicked yet.
    std::vector<std::uint64_t> by_control;
    std::vector<std::uint64_t> by_candidate;
  };
  void OnImpression(const Impression& impression);
  void OnInterleaved(const Impression& impression);
  void KeepAnswer(const Impression& impression, Answer answer);
  /// A click on an interleaved answer.
  void Credit(const Event& event, Answer& answer);
  void OnEvent(const Event& event);
  void OnPurchase(const Event& event, User& user);
  User* UserOf(std::uint64_t user);
  static rollout::JointMoments& Of(rollout::ArmMoments& arms, const User& user) {
    return user.treatment ? arms.treatment : arms.control;
  }

  RolloutCountsOptions options_;
  mutable std::mutex mutex_;
  std::unordered_map<std::uint64_t, User> users_;
  std::unordered_map<std::uint64_t, Answer> answers_;
  std::deque<std::uint64_t> order_;  // of answers_, oldest first
  std::unordered_map<std::uint64_t, rollout::Credit>
      interleaved_;  // users, and whose items they took
  rollout::Preference preference_;
  rollout::ArmMoments clicks_;
  rollout::ArmMoments revenue_;
  rollout::ArmCounts buyers_;
  std::optional<rollout::SampleRatioTest> ratio_;
};

}  // namespace vitrine::apps
