/// A load target with a clock of its own, for tests: connections that answer after a time that a
/// function gives, one request each.
#pragma once

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

#include "simulate/load/load_run.h"
#include "simulate/load/load_target.h"

namespace vitrine::simulate {

/// Two windows of 200 ms after 50 ms, both of which count: for a target that is a real server.
inline LoadOptions ShortRun() {
  constexpr Nanos kMilli = 1'000'000;
  LoadOptions options;
  options.warmup = 50 * kMilli;
  options.window = 200 * kMilli;
  options.windows = 2;
  options.until_stable = false;
  return options;
}

class FakeTarget : public LoadTarget {
 public:
  /// When a request that is sent at a moment ends, and how; of `due` and `at` only `at` is read.
  using Serve = std::function<LoadAnswer(Nanos sent)>;

  FakeTarget(std::size_t connections, Serve serve)
      : connections_(connections), serve_(std::move(serve)) {}

  /// Every wait ends this much later than it should: a generator that gets no processor.
  void set_oversleep(Nanos time) { oversleep_ = time; }
  [[nodiscard]] const std::vector<Nanos>& dues() const { return dues_; }

  Nanos Now() override { return now_; }
  [[nodiscard]] std::size_t free() const override { return connections_ - pending_.size(); }
  void Send(std::uint64_t /*number*/, Nanos due, Nanos expires) override {
    LoadAnswer answer = serve_(now_);
    answer.due = due;
    if (answer.at > expires) {
      answer = {.due = due, .at = expires, .outcome = LoadOutcome::kTimedOut};
    }
    dues_.push_back(due);
    pending_.push_back(answer);
  }
  void Wait(Nanos until, std::vector<LoadAnswer>& answers) override {
    const auto first = std::ranges::min_element(pending_, {}, &LoadAnswer::at);
    now_ =
        std::max(now_, first == pending_.end() ? until : std::min(until, first->at)) + oversleep_;
    std::erase_if(pending_, [&](const LoadAnswer& answer) {
      const bool over = answer.at <= now_;
      if (over) {
        answers.push_back(answer);
      }
      return over;
    });
  }

  /// Always good, `time` after it was sent.
  static Serve Good(Nanos time) {
    return
        [time](Nanos sent) { return LoadAnswer{.at = sent + time, .good = true, .status = 200}; };
  }

 private:
  std::size_t connections_;
  Serve serve_;
  Nanos now_ = 1'000'000;
  Nanos oversleep_ = 0;
  std::vector<LoadAnswer> pending_;
  std::vector<Nanos> dues_;
};

}  // namespace vitrine::simulate
