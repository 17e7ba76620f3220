/// How a run shows how far it is, on stderr: JSON lines for a parent, a bar on a terminal, plain
/// lines in a log.
/// Threads: Print by one thread at a time.
#pragma once

#include <chrono>
#include <cstdio>
#include <string>

#include "core/progress.h"

namespace vitrine::apps {

enum class ProgressStyle { kJson, kBar, kLines };

class ProgressPrinter {
 public:
  ProgressPrinter(ProgressStyle style, std::FILE* out) : style_(style), out_(out) {}
  ~ProgressPrinter();
  ProgressPrinter(const ProgressPrinter&) = delete;
  ProgressPrinter& operator=(const ProgressPrinter&) = delete;

  void Print(const ProgressReport& report);

 private:
  using Clock = std::chrono::steady_clock;
  [[nodiscard]] double SecondsLeft(const ProgressReport& report, Clock::time_point now) const;

  ProgressStyle style_;
  std::FILE* out_;
  std::string stage_;
  Clock::time_point stage_begin_;
  double first_done_ = 0;  // where the stage stood when it was first seen (a resumed fit)
  Clock::time_point last_print_;
  bool bar_open_ = false;
};

/// One line of a bar: "fit [####......] 48/120 epochs  loss 5.2  3:10 left".
std::string ProgressBar(const ProgressReport& report, double seconds_left);

}  // namespace vitrine::apps
