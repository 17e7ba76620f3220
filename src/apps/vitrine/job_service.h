/// Runs the loop's jobs one after the other on a thread of its own, keeps their records in the job
/// store and their lines in data/jobs/ID.log, and resumes after a restart what a crash interrupted.
/// Threads: any.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>

#include "apps/vitrine/change_log.h"
#include "core/pace.h"
#include "core/progress.h"
#include "loop/job.h"
#include "transport/http/services.h"

namespace vitrine::apps {

/// What a job does: its result as JSON. `folder` is the job's own, kept for a resume.
using JobBody = std::function<Result<std::string>(const loop::Job& job, const std::string& folder,
                                                  const Progress& progress)>;

/// What the actor of a job begins with that nobody asked for: it started by itself.
inline constexpr std::string_view kTriggerActor = "trigger:";

/// A job that started by itself, and failed for want of something that may be there later (kUnavailable, kResourceExhausted,
/// kDeadlineExceeded), goes back to the queue, and is tried again after `first`, then twice that, and so on. The rest of the
/// queue does not wait. Who asked for a job hears of its failure, and decides.
struct RetryPolicy {
  std::chrono::milliseconds first{60'000};
  std::uint32_t retries = 3;
};

class JobRunner final : public http::JobService {
 public:
  /// `store`, `changes` outlive it. Jobs that were running when the last process died are queued
  /// again.
  JobRunner(loop::JobStore& store, std::string folder, std::map<std::string, JobBody> kinds,
            ChangeLog& changes, RetryPolicy retry = {});
  /// Cancels what runs (it resumes at the next start) and waits for it.
  ~JobRunner() override;

  Result<loop::Job> Start(std::string_view kind, std::string_view spec, std::string_view actor,
                          std::string_view idempotency_key) override;
  Result<loop::Job> Get(std::string_view id) const override { return store_.GetJob(id); }
  Result<std::vector<loop::Job>> List(std::string_view cursor, std::size_t limit) const override {
    return store_.ListJobs(cursor, limit);
  }
  Status Cancel(std::string_view id, std::string_view actor) override;
  void FollowLog(std::string_view id, std::string_view last_event_id,
                 std::shared_ptr<http::EventStream> stream) override;

 private:
  void Recover();
  using Clock = Pace;
  struct Waiting {
    loop::Job job;
    std::uint32_t failures = 0;
    Clock::time_point due;  ///< not before
  };
  using Queue = std::map<std::string, Waiting>;  // by id: oldest first

  void Run(const std::stop_token& stop);
  /// The oldest job that is due; waits for one. False: the runner stops. `lock` holds mutex_.
  bool Next(std::unique_lock<std::mutex>& lock, const std::stop_token& stop, Waiting& next);
  /// Back to the queue where the reason may go away by itself. True: it will be tried again.
  bool Retry(Waiting& waiting, const Status& reason);
  void RunOne(Waiting waiting, const std::stop_token& stop);
  /// Result, error and state of the job after its body returned. True: it will be tried again.
  bool Finish(Waiting& waiting, const Result<std::string>& result, bool stopping);
  void Announce(const loop::Job& job);
  std::shared_ptr<ChangeLog> LogOf(const std::string& id);

  loop::JobStore& store_;
  std::string folder_;
  std::map<std::string, JobBody> kinds_;
  ChangeLog& changes_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  RetryPolicy retry_;
  Queue queue_;
  std::map<std::string, std::string, std::less<>> by_key_;  // idempotency key -> id
  std::map<std::string, std::shared_ptr<ChangeLog>, std::less<>> logs_;
  std::string running_;
  std::stop_source cancel_;
  bool cancelled_ = false;
  std::jthread thread_;  // last: stops before the rest dies
};

}  // namespace vitrine::apps
