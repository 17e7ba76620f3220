#include "apps/lake/console.h"

#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <ctime>
#include <string>

#include <fmt/format.h>

namespace vitrine::apps {
namespace {

sigset_t StopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  return signals;
}

}  // namespace

StopOnSignal::StopOnSignal() {
  const sigset_t signals = StopSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  waiter_ = std::jthread([this](const std::stop_token& end) {
    const sigset_t waited = StopSignals();
    bool asked = false;
    while (!end.stop_requested()) {
      constexpr std::timespec kStep{0, 100'000'000};
      if (sigtimedwait(&waited, nullptr, &kStep) < 0) {
        continue;
      }
      if (asked) {
        _exit(130);
      }
      asked = true;
      source_.request_stop();
    }
  });
}

StopOnSignal::~StopOnSignal() { waiter_.request_stop(); }

Progress ConsoleProgress(bool json, const std::stop_token& stop) {
  Progress progress;
  progress.stop = stop;
  if (json) {
    progress.report = [](const ProgressReport& report) {
      std::fputs(ProgressJsonLine(report, -1).c_str(), stderr);
    };
  } else if (isatty(STDERR_FILENO) != 0) {
    progress.report = [](const ProgressReport& report) {
      const std::string place =
          report.total > 0
              ? fmt::format("{:.0f} of {:.0f} {}", report.done, report.total, report.unit)
              : fmt::format("{:.0f} {}", report.done, report.unit);
      fmt::print(stderr, "\r\033[K{}: {} {}", report.stage, place, report.detail);
      std::fflush(stderr);
    };
  }
  return progress;
}

}  // namespace vitrine::apps
