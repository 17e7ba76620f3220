#include "apps/vitrine/job_service.h"

#include <fmt/format.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>

#include "loop/job_folders.h"

namespace vitrine::apps {
namespace {

/// Logs of ended jobs that stay in memory for who follows them late.
constexpr std::size_t kLogsKept = 32;
constexpr std::size_t kKeysKept = 1024;
/// Folders of ended jobs whose results stay on disk.
constexpr std::size_t kFoldersKept = 20;

bool MayPass(Code code) {
  return code == Code::kUnavailable || code == Code::kResourceExhausted ||
         code == Code::kDeadlineExceeded;
}

}  // namespace

JobRunner::JobRunner(loop::JobStore& store, std::string folder,
                     std::map<std::string, JobBody> kinds, ChangeLog& changes, RetryPolicy retry)
    : store_(store),
      folder_(std::move(folder)),
      kinds_(std::move(kinds)),
      changes_(changes),
      retry_(retry) {
  Recover();
  thread_ = std::jthread([this](const std::stop_token& stop) { Run(stop); });
}

JobRunner::~JobRunner() {
  thread_.request_stop();
  cancel_.request_stop();
  if (thread_.joinable()) {
    thread_.join();
  }
}

void JobRunner::Recover() {
  std::string cursor;
  for (;;) {
    const auto page = store_.ListJobs(cursor, 100);
    if (!page.ok() || page->empty()) {
      return;
    }
    for (loop::Job job : *page) {
      if (job.state == loop::JobState::kQueued || job.state == loop::JobState::kRunning) {
        job.state = loop::JobState::kQueued;
        const std::string id = job.id;
        queue_[id] = {.job = std::move(job), .due = {}};
      }
    }
    cursor = page->back().id;
  }
}

Result<loop::Job> JobRunner::Start(std::string_view kind, std::string_view spec,
                                   std::string_view actor, std::string_view idempotency_key) {
  if (!kinds_.contains(std::string(kind))) {
    std::string known;
    for (const auto& [name, body] : kinds_) {
      known += (known.empty() ? "" : ", ") + name;
    }
    return InvalidArgument(fmt::format("there is no job kind '{}'; there are: {}", kind, known));
  }
  const std::scoped_lock lock(mutex_);
  if (const auto known = by_key_.find(idempotency_key);
      !idempotency_key.empty() && known != by_key_.end()) {
    return store_.GetJob(known->second);
  }
  ASSIGN_OR_RETURN(loop::Job job, store_.CreateJob({.id = {},
                                                    .kind = std::string(kind),
                                                    .spec = std::string(spec),
                                                    .actor = std::string(actor),
                                                    .created = Now()}));
  if (!idempotency_key.empty()) {
    if (by_key_.size() >= kKeysKept) {
      by_key_.clear();
    }
    by_key_.emplace(idempotency_key, job.id);
  }
  queue_[job.id] = {.job = job, .due = {}};
  changed_.notify_all();
  return job;
}

Status JobRunner::Cancel(std::string_view id, std::string_view /*actor*/) {
  ASSIGN_OR_RETURN(loop::Job job, store_.GetJob(id));
  {
    const std::scoped_lock lock(mutex_);
    if (running_ == job.id) {
      cancelled_ = true;
      cancel_.request_stop();
      return Status::Ok();
    }
    if (queue_.erase(job.id) == 0) {
      return FailedPrecondition(fmt::format("{} has ended ({}) and cannot be cancelled", id,
                                            loop::JobStateName(job.state)));
    }
  }
  job.state = loop::JobState::kCancelled;
  job.finished = Now();
  RETURN_IF_ERROR(store_.UpdateJob(job));
  Announce(job);
  return Status::Ok();
}

std::shared_ptr<ChangeLog> JobRunner::LogOf(const std::string& id) {
  const std::scoped_lock lock(mutex_);
  auto& log = logs_[id];
  if (!log) {
    log = std::make_shared<ChangeLog>(10'000);
    while (logs_.size() > kLogsKept && logs_.begin()->first != id) {
      logs_.erase(logs_.begin());
    }
  }
  return log;
}

void JobRunner::FollowLog(std::string_view id, std::string_view last_event_id,
                          std::shared_ptr<http::EventStream> stream) {
  const auto job = store_.GetJob(id);
  if (!job.ok()) {
    stream->Send("end", nlohmann::json({{"error", job.status().message()}}).dump());
    stream->Close();
    return;
  }
  const std::shared_ptr<ChangeLog> log = LogOf(job->id);
  const bool ended =
      job->state != loop::JobState::kQueued && job->state != loop::JobState::kRunning;
  if (ended) {
    stream->Send("end", nlohmann::json({{"state", loop::JobStateName(job->state)}}).dump());
    stream->Close();
    return;
  }
  log->FollowFromStart(last_event_id, std::move(stream));
}

void JobRunner::Announce(const loop::Job& job) {
  changes_.Add("job", nlohmann::json({{"id", job.id},
                                      {"kind", job.kind},
                                      {"state", loop::JobStateName(job.state)},
                                      {"error", job.error}})
                          .dump());
}

void JobRunner::Run(const std::stop_token& stop) {
  for (;;) {
    Waiting waiting;
    {
      std::unique_lock lock(mutex_);
      if (!Next(lock, stop, waiting)) {
        return;
      }
      running_ = waiting.job.id;
      cancelled_ = false;
      cancel_ = {};
    }
    RunOne(std::move(waiting), stop);
    const std::scoped_lock lock(mutex_);
    running_.clear();
  }
}

bool JobRunner::Next(std::unique_lock<std::mutex>& lock, const std::stop_token& stop,
                     Waiting& next) {
  while (!stop.stop_requested()) {
    const auto now = Clock::now();
    auto soonest = queue_.end();
    for (auto at = queue_.begin(); at != queue_.end(); ++at) {
      if (at->second.due <= now) {
        next = std::move(at->second);
        queue_.erase(at);
        return true;
      }
      if (soonest == queue_.end() || at->second.due < soonest->second.due) {
        soonest = at;
      }
    }
    const std::size_t queued = queue_.size();
    const auto changed = [this, queued] { return queue_.size() != queued; };
    const auto until = soonest == queue_.end() ? Clock::time_point::max() : soonest->second.due;
    Pace::WaitUntil(changed_, lock, stop, until, changed);
  }
  return false;
}

void JobRunner::RunOne(Waiting waiting, const std::stop_token& stop) {
  loop::Job& job = waiting.job;
  job.state = loop::JobState::kRunning;
  job.started = Now();
  job.error.clear();
  ++job.attempts;
  static_cast<void>(store_.UpdateJob(job));  // a record that lags is mended by the next update
  Announce(job);
  const std::shared_ptr<ChangeLog> log = LogOf(job.id);
  Progress progress;
  progress.stop = cancel_.get_token();
  auto recorded = std::chrono::steady_clock::now() - std::chrono::hours(1);
  progress.report = [&](const ProgressReport& report) {
    const std::string line = ProgressJsonLine(report, -1);
    log->Add("progress", std::string_view(line).substr(0, line.size() - 1));
    if (const auto now = std::chrono::steady_clock::now();
        now - recorded > std::chrono::seconds(1)) {
      recorded = now;
      job.progress = line;
      static_cast<void>(store_.UpdateJob(job));
    }
  };
  const std::stop_callback forward(stop, [this] { cancel_.request_stop(); });
  const Result<std::string> result =
      kinds_.at(job.kind)(job, fmt::format("{}/{}", folder_, job.id), progress);
  const bool again = Finish(waiting, result, stop.stop_requested());
  static_cast<void>(loop::TidyJobFolders(folder_, store_, kFoldersKept));  // or with the next job
  if (again) {
    return;
  }
  log->Add("end",
           nlohmann::json({{"state", loop::JobStateName(job.state)}, {"error", job.error}}).dump(),
           /*last=*/true);
}

bool JobRunner::Retry(Waiting& waiting, const Status& reason) {
  if (!waiting.job.actor.starts_with(kTriggerActor) || !MayPass(reason.code()) ||
      waiting.failures >= retry_.retries) {
    return false;
  }
  const auto rest = retry_.first * (std::int64_t{1} << waiting.failures);
  ++waiting.failures;
  waiting.due = Clock::now() + rest;
  waiting.job.state = loop::JobState::kQueued;
  waiting.job.error =
      fmt::format("{} (tried {} of {} times; again at {})", reason.message(), waiting.failures,
                  retry_.retries + 1,
                  FormatIso({Now().value +
                             std::chrono::duration_cast<std::chrono::microseconds>(rest).count()}));
  return true;
}

bool JobRunner::Finish(Waiting& waiting, const Result<std::string>& result, bool stopping) {
  loop::Job& job = waiting.job;
  bool again = false;
  if (result.ok()) {
    job.state = loop::JobState::kSucceeded;
    job.result = *result;
  } else if (result.status().code() == Code::kCancelled) {
    bool asked = false;
    {
      const std::scoped_lock lock(mutex_);
      asked = cancelled_;
    }
    // The server stops: the job stays queued and goes on at the next start.
    job.state = stopping && !asked ? loop::JobState::kQueued : loop::JobState::kCancelled;
    job.error = job.state == loop::JobState::kCancelled ? "cancelled" : "";
  } else if (again = !stopping && Retry(waiting, result.status()); !again) {
    job.state = loop::JobState::kFailed;
    job.error = result.status().message();
  }
  job.finished = Now();
  static_cast<void>(store_.UpdateJob(job));
  if (again) {
    const std::scoped_lock lock(mutex_);
    again = !cancelled_;  // somebody wanted its end while it failed
    if (again) {
      queue_[job.id] = waiting;
    }
  }
  if (job.state == loop::JobState::kQueued && !again && !stopping) {
    job.state = loop::JobState::kCancelled;
    job.error = "cancelled";
    static_cast<void>(store_.UpdateJob(job));
  }
  Announce(job);
  return again;
}

}  // namespace vitrine::apps
