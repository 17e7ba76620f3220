#include "apps/trainer/progress_printer.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace vitrine::apps {
namespace {
constexpr std::chrono::milliseconds kBarEvery{100};
constexpr std::chrono::seconds kLineEvery{10};
constexpr int kBarWidth = 24;

std::string Clocked(double seconds) {
  const auto whole = static_cast<long>(std::ceil(seconds));
  return whole < 3600 ? fmt::format("{}:{:02}", whole / 60, whole % 60)
                      : fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}
}  // namespace

std::string ProgressBar(const ProgressReport& report, double seconds_left) {
  std::string line = report.stage;
  if (report.total > 0) {
    const double share = std::clamp(report.done / report.total, 0.0, 1.0);
    const int full = static_cast<int>(share * kBarWidth);
    line +=
        fmt::format(" [{}{}] {:.0f}/{:.0f} {}", std::string(static_cast<std::size_t>(full), '#'),
                    std::string(static_cast<std::size_t>(kBarWidth - full), '.'), report.done,
                    report.total, report.unit);
  } else if (report.done > 0) {
    line += fmt::format(" {:.0f} {}", report.done, report.unit);
  }
  if (!report.detail.empty()) {
    line += "  " + report.detail;
  }
  if (seconds_left >= 0) {
    line += fmt::format("  {} left", Clocked(seconds_left));
  }
  return line;
}

ProgressPrinter::~ProgressPrinter() {
  if (bar_open_) {
    std::fputc('\n', out_);
  }
}

double ProgressPrinter::SecondsLeft(const ProgressReport& report, Clock::time_point now) const {
  const double made = report.done - first_done_;
  if (report.total <= 0 || made <= 0) {
    return -1;
  }
  const double seconds = std::chrono::duration<double>(now - stage_begin_).count();
  return seconds / made * (report.total - report.done);
}

void ProgressPrinter::Print(const ProgressReport& report) {
  const Clock::time_point now = Clock::now();
  const bool new_stage = report.stage != stage_;
  if (new_stage) {
    stage_ = report.stage;
    stage_begin_ = now;
    first_done_ = report.done;
  }
  const bool finished = report.total > 0 && report.done >= report.total;
  const auto every =
      style_ == ProgressStyle::kLines ? Clock::duration(kLineEvery) : Clock::duration(kBarEvery);
  if (!new_stage && !finished && now - last_print_ < every) {
    return;
  }
  last_print_ = now;
  const double left = SecondsLeft(report, now);
  switch (style_) {
    case ProgressStyle::kJson:
      std::fputs(ProgressJsonLine(report, left).c_str(), out_);
      break;
    case ProgressStyle::kBar:
      // A stage's last bar stays; the next one starts on its own line.
      std::fputs(
          fmt::format("{}\r\x1b[K{}", new_stage && bar_open_ ? "\n" : "", ProgressBar(report, left))
              .c_str(),
          out_);
      bar_open_ = true;
      break;
    case ProgressStyle::kLines:
      std::fputs((ProgressBar(report, left) + "\n").c_str(), out_);
      break;
  }
  std::fflush(out_);
}

}  // namespace vitrine::apps
