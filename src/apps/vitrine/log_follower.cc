#include "apps/vitrine/log_follower.h"

#include <chrono>
#include <utility>

#include "core/pace.h"

namespace vitrine::apps {
namespace {

constexpr std::size_t kBatch = 1000;
/// Between two looks at a log in which nothing is new.
constexpr std::chrono::milliseconds kPause{200};

}  // namespace

LogFollower::LogFollower(const data::EventLog& log, monitor::OnlineMonitor& monitor, Also also)
    : log_(log),
      monitor_(monitor),
      also_(std::move(also)),
      thread_([this](const std::stop_token& stop) { Run(stop); }) {}

LogFollower::~LogFollower() {
  thread_.request_stop();
  thread_.join();
}

void LogFollower::Run(const std::stop_token& stop) {
  if (monitor_.watermark() > log_.LastSequence()) {
    monitor_.StartLogAnew();  // a state of another log: this one was restored, or the other lost
  }
  while (!stop.stop_requested()) {
    // A log that cannot be read is reported by those who write to it; its records are read later.
    const Micros begun = Now();
    const std::uint64_t last = log_.LastSequence();
    const auto records = log_.Read(monitor_.watermark(), kBatch);
    if (records.ok()) {
      for (const data::LogRecord& record : *records) {
        if (stop.stop_requested()) {
          return;
        }
        monitor_.OnRecord(record);
        also_(record);
      }
      if (records->size() == kBatch) {
        continue;
      }
      monitor_.OnReadThrough(last, begun);
    }
    std::unique_lock lock(mutex_);
    Pace::WaitFor(wake_, lock, stop, kPause, [] { return false; });
  }
}

}  // namespace vitrine::apps
