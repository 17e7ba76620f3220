/// How a long task says how far it is, and learns that it should stop.
/// A child process (vitrine-lake, vitrine-trainer, probe) writes each report as one JSON line on
/// stderr when it was started with --json; its result is one JSON object on stdout.
#pragma once

#include <functional>
#include <stop_token>
#include <string>

namespace vitrine {

struct ProgressReport {
  std::string stage;  ///< "read", "clean", "epoch", ...
  double done = 0;
  double total = 0;    ///< 0 unknown
  std::string unit;    ///< "rows", "users", "epochs"
  std::string detail;  ///< for people: "loss 5.21, NDCG@10 .0461"
};

/// Where reports go, and whether to go on. Copies share both.
struct Progress {
  std::function<void(const ProgressReport&)> report = [](const ProgressReport&) {};
  std::stop_token stop;
  [[nodiscard]] bool cancelled() const { return stop.stop_requested(); }
};

/// One JSON line (with "\n") of a report; `seconds_left` below 0 is left out.
std::string ProgressJsonLine(const ProgressReport& report, double seconds_left);

}  // namespace vitrine
