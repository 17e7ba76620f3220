/// Starts turns of the loop by itself: looks every few seconds at what is known, asks feedback/retrain_trigger.h, and
/// queues a turn where there is a cause. What a sale or the day's budget holds is listed, and goes off afterwards where its
/// cause still stands.
///
/// Who started a turn, and when, is read from the jobs themselves: a server that dies between queueing a turn and anything
/// else finds that turn in its queue, and starts no second one. Only where the count of events stood when the last
/// turn took them is kept here.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "core/guarded.h"
#include "core/status.h"
#include "core/time.h"
#include "feedback/retrain_trigger.h"
#include "loop/cron.h"

namespace vitrine::loop {

struct RetrainWatchOptions {
  std::optional<Cron> schedule;
  feedback::TriggerPolicy policy;
  std::chrono::milliseconds every{10'000};  ///< between looks; 0: only LookNow looks
  std::function<Micros()> now;              ///< null: the system clock
};

/// What a look sees. `inputs` without new_events and slot, which the watch adds.
struct RetrainSight {
  feedback::TriggerInputs inputs;
  std::uint64_t events = 0;  ///< counted ever; less than before: the count began anew
  /// Of `events`, those that the last turn did not take: they came while it ran. Asked once a turn, since it reads the
  /// log; null: what the turn took is not known, and it counts as all.
  std::function<Result<std::uint64_t>()> left;
  /// The last turn took events that are not in `events` yet: counting lags behind the log after a start. Until it has come so
  /// far, nothing is new.
  bool lags = false;
};

struct HeldTrigger {
  feedback::TriggerCause cause = feedback::TriggerCause::kNone;
  std::string reason;  ///< at the newest look
  Micros since;
};

/// After the newest look. Immutable.
struct RetrainView {
  Micros looked;
  feedback::TriggerDecision decision;
  std::optional<Micros> next;     ///< minute of the schedule
  std::vector<HeldTrigger> held;  ///< a cause once, the oldest first
  std::uint64_t new_events = 0;
  std::string job;    ///< that this look queued; empty: none
  std::string error;  ///< why it could not look or start; empty: it could
};

class RetrainWatch {
 public:
  struct Ports {
    /// Errors are shown in the view; the next look tries again.
    std::function<Result<RetrainSight>(Micros now)> look;
    /// Queues a turn for `decision`, with its reason in the audit log; returns the job's id.
    std::function<Result<std::string>(const feedback::TriggerDecision& decision)> start;
    /// A small text that outlives the process; Read gives "" where nothing was kept.
    std::function<Result<std::string>()> read;
    std::function<Status(const std::string& text)> keep;
  };
  /// Looks in a thread of its own from now on. What `ports` call outlives it.
  RetrainWatch(RetrainWatchOptions options, Ports ports);
  ~RetrainWatch();
  RetrainWatch(const RetrainWatch&) = delete;
  RetrainWatch& operator=(const RetrainWatch&) = delete;

  /// Never null. Threads: any; does not wait.
  [[nodiscard]] std::shared_ptr<const RetrainView> View() const { return view_.Get(); }
  /// Looks, and starts a turn where one is due. Threads: any; one look at a time.
  std::shared_ptr<const RetrainView> LookNow();

 private:
  /// Where the count of events stood when the last turn took them.
  struct Kept {
    Micros last_turn;
    std::uint64_t events = 0;
    std::map<std::string, Micros> drifts;  ///< features that a turn was started for, and when
  };
  void Run(const std::stop_token& stop);
  void Recall();
  Status Look(Micros now, RetrainView& view);
  /// Events that no turn took; remembers what a turn took that has ended since the last look.
  Result<std::uint64_t> NewEvents(const RetrainSight& sight);
  Status Keep(Kept kept);
  /// Of `drifted`, those that a turn was started for within a week.
  [[nodiscard]] std::vector<std::string> DriftedAgain(const std::vector<std::string>& drifted,
                                                      Micros now) const;
  void Hold(const feedback::TriggerDecision& decision, Micros now);

  RetrainWatchOptions options_;
  Ports ports_;
  std::mutex looking_;  // of kept_ and held_
  std::optional<Kept> kept_;
  std::vector<HeldTrigger> held_;
  Published<RetrainView> view_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread thread_;  // last: stops before the rest dies
};

/// {"next", "looked", "decision": {"retrain", "held", "cause", "reason"}, "held": [...], "new_events", "job", "error"}.
std::string ToJson(const RetrainView& view);

}  // namespace vitrine::loop
