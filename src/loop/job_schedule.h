/// Queues a job whenever its schedule says so. What was due while no process was there is made up for once, at the start.
///
/// That a minute of the schedule was served is read from the jobs themselves: a process that dies between queueing and
/// anything else finds the job, and queues no second one.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "core/status.h"
#include "core/time.h"
#include "loop/cron.h"

namespace vitrine::loop {

class JobSchedule {
 public:
  struct Ports {
    /// When the newest job of the kind was made, by whomever; none: there was none.
    std::function<Result<std::optional<Micros>>()> last;
    /// Queues one. Errors: the next look tries again.
    std::function<Status()> start;
    std::function<Micros()> now;  ///< null: the system clock
  };
  /// Looks every `every` in a thread of its own; 0: only LookNow looks. What `ports` call outlives it.
  JobSchedule(Cron cron, std::chrono::milliseconds every, Ports ports);

  /// Queues a job where one is due. Errors: those of the ports. Threads: any; one look at a time.
  Status LookNow();

 private:
  void Run(const std::stop_token& stop);

  Cron cron_;
  std::chrono::milliseconds every_;
  Ports ports_;
  std::mutex looking_;  // of served_
  /// Minutes of the schedule up to here need nothing any more; none: not looked yet.
  std::optional<Micros> served_;
  Micros begun_;  ///< where there was no job before, the schedule begins with the process
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread thread_;  // last: stops before the rest dies
};

}  // namespace vitrine::loop
