/// How vitrine-lake talks to whoever started it: progress on stderr, a stop by signal.
#pragma once

#include <stop_token>
#include <thread>

#include "core/progress.h"

namespace vitrine::apps {

/// Turns SIGINT and SIGTERM into a stop request; the second one ends the process at once.
/// Precondition: made before any other thread.
class StopOnSignal {
 public:
  StopOnSignal();
  ~StopOnSignal();
  StopOnSignal(const StopOnSignal&) = delete;
  StopOnSignal& operator=(const StopOnSignal&) = delete;
  [[nodiscard]] std::stop_token token() const { return source_.get_token(); }

 private:
  std::stop_source source_;
  std::jthread waiter_;
};

/// Progress as JSON lines for a parent process, or as one line that is overwritten on a terminal;
/// nothing where stderr is a file.
Progress ConsoleProgress(bool json, const std::stop_token& stop);

}  // namespace vitrine::apps
