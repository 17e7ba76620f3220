/// The shop's time, moved by a driver in another process: weeks of a simulated shop in minutes.
///
/// A small file that driver and servers map. It holds the time, and for each thread that looks at something from time to
/// time until when it rests (core/pace.h). The driver moves the time on only once every such thread rests beyond it: what a
/// moment sets off, a training of minutes too, is done before the next one comes. Who is woken by somebody else, not by
/// the time, may begin a step later; latencies are the machine's. (Conservative discrete-event simulation: Chandy & Misra, CACM 1981.)
#pragma once

#include <memory>
#include <string>

#include "core/simulated_time.h"
#include "core/status.h"
#include "core/time.h"

namespace vitrine::files {

/// Who moves it. The file is removed with it.
/// Threads: one.
class SimulatedClock {
 public:
  /// Errors: kUnavailable (the file cannot be made).
  static Result<std::unique_ptr<SimulatedClock>> Create(const std::string& path, Micros start);
  ~SimulatedClock();
  SimulatedClock(const SimulatedClock&) = delete;
  SimulatedClock& operator=(const SimulatedClock&) = delete;

  [[nodiscard]] Micros now() const { return {time_->now.load()}; }
  /// To `time`, in one step, and waits until every thread rests beyond it. A time before now is now.
  /// Errors: kDeadlineExceeded (a thread still looks).
  Status MoveTo(Micros time, Deadline deadline);
  /// After a server was killed: its threads rest no more.
  void Forget();

 private:
  SimulatedClock(std::string path, SimulatedTime* time) : path_(std::move(path)), time_(time) {}
  [[nodiscard]] bool AllRest() const;

  std::string path_;
  SimulatedTime* time_;
};

/// Now() and Pace of this process follow the clock of this file from here on. Once, before other threads are there.
/// `path` null or empty (an environment that does not name one): the machine's clock goes on to count.
/// Errors: kNotFound, kInvalidArgument (no such clock).
Status FollowSimulatedClock(const char* path);

}  // namespace vitrine::files
