/// Shadow: a candidate answers copies of requests beside the version that serves, on a thread of its own, and
/// the two lists are compared. No user sees it, no record of it is kept, and an answer never waits for it.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

#include "data/event_log.h"
#include "serve/observer.h"
#include "serve/recommend.h"
#include "serve/traffic.h"

namespace vitrine::serve {

/// What a candidate's answers were like beside those that were given, over the same requests.
struct ShadowCounts {
  std::uint64_t offered = 0;
  std::uint64_t dropped = 0;   ///< there was no room: the candidate is slower than they come
  std::uint64_t compared = 0;  ///< both answered
  std::uint64_t failures =
      0;  ///< the candidate failed: an error, scores that are no numbers, no time
  std::uint64_t fallbacks = 0;  ///< it had nothing of its own to say where the other had
  std::string failure;          ///< what it said last
  double overlap = 0;  ///< sum over comparisons of the share of the first 10 places that both show
  ArmCounts control;   ///< times of both, each measured on this thread, in turns
  ArmCounts candidate;
  std::uint64_t shown = 0;            ///< items in either's compared answers
  std::uint64_t popular_control = 0;  ///< of them, among the 1 % most popular (at least 10 items)
  std::uint64_t popular_candidate = 0;
  std::uint64_t distinct_control = 0;
  std::uint64_t distinct_candidate = 0;
};

/// Threads: Offer and Counts from any; one thread of its own, which ends with it.
class ShadowRunner final : public ShadowSink {
 public:
  /// `parts`: as the Recommender's that gives the answers; its observer and ready lists are not used.
  /// Queue: `places` requests at most.
  ShadowRunner(const RecommenderParts& parts, std::string alias,
               std::shared_ptr<const ServedModel> candidate, std::size_t places = 64);
  ~ShadowRunner() override;

  /// Copies into memory that is used again; drops where the queue is full or another thread is at it.
  void Offer(const RecommendRequest& request, Micros as_of,
             const RecommendResponse& given) override;
  [[nodiscard]] ShadowCounts Counts() const;
  /// Waits until nothing is queued or under way. For tests.
  [[nodiscard]] bool WaitUntilIdle(Deadline deadline) const;

 private:
  struct Task {
    RecommendRequest request;
    std::vector<std::string> given;  ///< item ids, the first `shown` of them
    std::size_t shown = 0;
  };
  /// Hears why a version failed; nobody else is told.
  class Ear final : public ServeObserver {
   public:
    void OnServed(const ServedRun&) override {}
    void OnImpression(const Impression&, bool) override {}
    void OnDegraded(std::string_view, std::string_view) override {}
    void OnModelFailure(const ServedModel&, std::string_view message) override { said = message; }
    std::string said;
  };

  void Run(const std::stop_token& stop);
  void Compare(const Task& task);
  [[nodiscard]] bool IsPopular(const ServedModel& control, const std::string& item) const;

  Ear ear_;
  RecommenderParts parts_;
  std::string alias_;
  std::shared_ptr<const ServedModel> candidate_;
  Recommender recommender_;
  bool candidate_first_ = false;  // the thread's own, as what follows
  RecommendResponse by_control_;
  RecommendResponse by_candidate_;
  std::unordered_set<data::ItemNumber> control_items_;
  std::unordered_set<data::ItemNumber> candidate_items_;
  ArmCounters control_times_;
  ArmCounters candidate_times_;

  std::atomic<std::uint64_t> missed_{0};  // offers that found somebody at the queue
  mutable std::mutex mutex_;
  mutable std::condition_variable_any wake_;
  std::vector<Task> ring_;  // guarded, as all below
  std::size_t first_ = 0;
  std::size_t waiting_ = 0;
  bool busy_ = false;
  ShadowCounts counts_;
  std::jthread thread_;  // last
};

}  // namespace vitrine::serve
