#include "simulate/load/load_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace vitrine::simulate {
namespace {

constexpr int kGiveUp = 1000;
/// How often a run that waits looks at the stop token.
constexpr Nanos kGlance = 50'000'000;
constexpr std::size_t kMostWindows = 200;
constexpr double kMostArrivals = 5e7;

double Seconds(Nanos time) {
  return static_cast<double>(time) / static_cast<double>(kNanosPerSecond);
}

Status Check(const LoadOptions& options) {
  if (options.window <= 0 || options.windows == 0 || options.windows > kMostWindows) {
    return InvalidArgument(
        fmt::format("a run has 1 to {} windows, each longer than nothing; choose another window or "
                    "duration",
                    kMostWindows));
  }
  if (options.warmup < 0 || options.timeout <= 0) {
    return InvalidArgument("the warm-up may not be negative, and the timeout must be positive");
  }
  if (options.rate < 0 || (options.rate == 0 && options.concurrency == 0)) {
    return InvalidArgument("the rate must be positive, or there must be a concurrency");
  }
  const auto windows = static_cast<double>(options.windows);
  if (options.rate * (Seconds(options.warmup) + windows * Seconds(options.window)) >
      kMostArrivals) {
    return InvalidArgument("that are more than 50 million requests; choose a shorter duration");
  }
  return Status::Ok();
}

class Run {
 public:
  Run(LoadTarget& target, const LoadOptions& options, const std::stop_token& stop)
      : target_(target), options_(options), stop_(stop), windows_(options.windows + 1) {
    if (open_loop()) {
      schedule_ = DrawArrivals(options.rate, length(), options.spacing, options.seed);
    }
    answers_.reserve(1024);
    begin_ = target.Now();
  }

  Result<LoadResult> Go() {
    while (open_ > 0 || (!settled_ && figures_.size() < options_.windows)) {
      if (stop_.stop_requested()) {
        return Cancelled("stopped before the run was over");
      }
      if (broken_ >= kGiveUp) {
        return Unavailable(
            fmt::format("the server is gone: {} requests in a row got no connection, or lost it "
                        "before their answer was whole",
                        kGiveUp));
      }
      const Nanos until = settled_ ? target_.Now() + kGlance : Issue();
      answers_.clear();
      target_.Wait(until, answers_);
      for (const LoadAnswer& answer : answers_) {
        --open_;
        Record(answer);
      }
      Judge();
    }
    return Sum();
  }

 private:
  [[nodiscard]] bool open_loop() const { return options_.rate > 0; }
  [[nodiscard]] Nanos length() const {
    return options_.warmup + static_cast<Nanos>(options_.windows) * options_.window;
  }
  [[nodiscard]] Nanos Due(std::size_t arrival) const { return begin_ + schedule_[arrival]; }
  /// The end of the window that is judged next.
  [[nodiscard]] Nanos NextEnd() const {
    return begin_ + options_.warmup + static_cast<Nanos>(figures_.size() + 1) * options_.window;
  }
  /// The first window is the warm-up.
  LoadWindow& WindowOf(Nanos due) {
    const Nanos measured = due - begin_ - options_.warmup;
    return measured < 0 ? windows_.front()
                        : windows_[static_cast<std::size_t>(1 + measured / options_.window)];
  }

  /// Sends what may be sent; returns until when nothing more can be.
  Nanos Issue() {
    const Nanos until = open_loop() ? IssueOpen() : IssueClosed();
    const Nanos end = NextEnd();
    return end > target_.Now() ? std::min(until, end) : until;
  }

  Nanos IssueOpen() {
    while (true) {
      const Nanos now = target_.Now();
      while (sent_ < seen_ && Due(sent_) + options_.timeout <= now) {
        Record({.due = Due(sent_++), .at = now, .outcome = LoadOutcome::kTimedOut});
        ++WindowOf(Due(sent_ - 1)).counts.unsent;
      }
      if (sent_ < seen_ && target_.free() > 0) {
        target_.Send(sent_, Due(sent_), Due(sent_) + options_.timeout);
        ++sent_;
        ++open_;
        continue;
      }
      if (seen_ == schedule_.size() || Due(seen_) > now) {
        const Nanos next = seen_ < schedule_.size() ? Due(seen_) : now + kGlance;
        return std::min(next, now + kGlance);
      }
      LoadWindow& window = WindowOf(Due(seen_));
      ++window.due;
      window.lag.Record(now - Due(seen_));
      ++seen_;
      if (sent_ + 1 < seen_ || target_.free() == 0) {
        ++window.waited;
      }
    }
  }

  Nanos IssueClosed() {
    Nanos now = target_.Now();
    while (open_ < options_.concurrency && now - begin_ < length() && target_.free() > 0) {
      ++WindowOf(now).due;
      target_.Send(sent_++, now, now + options_.timeout);
      ++open_;
      now = target_.Now();
    }
    return now + kGlance;
  }

  void Record(const LoadAnswer& answer) {
    LoadWindow& window = WindowOf(answer.due);
    window.counts.Add(answer);
    if (answer.outcome == LoadOutcome::kAnswered) {
      (answer.good ? window.latency : window.refusal).Record(answer.at - answer.due);
    }
    broken_ = answer.outcome == LoadOutcome::kBroken ? broken_ + 1 : 0;
  }

  /// Closes the windows that are over and whose requests have all ended.
  void Judge() {
    while (!settled_ && figures_.size() < options_.windows && target_.Now() >= NextEnd()) {
      if (open_loop() && seen_ < schedule_.size() && Due(seen_) < NextEnd()) {
        return;  // not all that was due in it has been seen yet
      }
      const LoadWindow& window = windows_[figures_.size() + 1];
      if (window.open() > 0) {
        return;
      }
      const Nanos latency = window.Latency(options_.stable_percentile);
      const double seconds = options_.stable_percentile == 0
                                 ? window.latency.mean() / static_cast<double>(kNanosPerSecond)
                                 : (latency == LatencyHistogram::kNever ? 0 : Seconds(latency));
      figures_.push_back(
          {.throughput = static_cast<double>(window.counts.good) / Seconds(options_.window),
           .latency = seconds});
      settled_ = options_.until_stable && Stable(figures_, options_.stability);
    }
  }

  [[nodiscard]] LoadResult Sum() const {
    LoadResult result;
    result.windows = figures_;
    result.stable = Stable(figures_, options_.stability);
    const std::size_t counted = settled_ ? options_.stability.windows : figures_.size();
    for (std::size_t w = figures_.size() - counted; w < figures_.size(); ++w) {
      result.total.Merge(windows_[w + 1]);
    }
    result.seconds = static_cast<double>(counted) * Seconds(options_.window);
    result.warmup_failed = windows_.front().counts.failed();
    result.spoiled = result.total.counts.good == 0 ? "there was no good answer"
                                                   : SpoiledByLag(result.total, options_.lag);
    return result;
  }

  LoadTarget& target_;
  const LoadOptions& options_;
  const std::stop_token& stop_;
  std::vector<Nanos> schedule_;
  std::vector<LoadWindow> windows_;
  std::vector<WindowFigures> figures_;
  std::vector<LoadAnswer> answers_;
  Nanos begin_ = 0;
  std::size_t seen_ = 0;  // arrivals that were due and noticed
  std::size_t sent_ = 0;  // of those, sent or given up: the rest wait for a connection
  std::size_t open_ = 0;  // sent and not ended
  int broken_ = 0;        // in a row
  bool settled_ = false;
};

}  // namespace

void OutcomeCounts::Add(const LoadAnswer& answer) {
  switch (answer.outcome) {
    case LoadOutcome::kAnswered:
      ++by_status[static_cast<std::size_t>(std::clamp(answer.status, 0, 999))];
      ++(answer.good ? good : refused);
      break;
    case LoadOutcome::kTimedOut:
      ++timed_out;
      break;
    case LoadOutcome::kBroken:
      ++broken;
      break;
    case LoadOutcome::kGarbled:
      ++garbled;
      break;
  }
}

void OutcomeCounts::Merge(const OutcomeCounts& other) {
  for (std::size_t status = 0; status < by_status.size(); ++status) {
    by_status[status] += other.by_status[status];
  }
  good += other.good;
  refused += other.refused;
  timed_out += other.timed_out;
  unsent += other.unsent;
  broken += other.broken;
  garbled += other.garbled;
}

void LoadWindow::Merge(const LoadWindow& other) {
  due += other.due;
  waited += other.waited;
  latency.Merge(other.latency);
  refusal.Merge(other.refusal);
  lag.Merge(other.lag);
  counts.Merge(other.counts);
}

std::string SpoiledByLag(const LoadWindow& window, const LagRule& rule) {
  const Nanos lag = window.lag.Quantile(0.99);
  const Nanos latency = window.Latency(0.99);
  const bool share_kept = latency == LatencyHistogram::kNever ||
                          static_cast<double>(lag) <= rule.share * static_cast<double>(latency);
  if (lag <= rule.harmless || (share_kept && lag <= rule.always)) {
    return "";
  }
  return fmt::format(
      "the generator itself was late: p99 of its lag is {:.3f} ms, and may be {:.0f} % of the "
      "measured p99 and {:.0f} ms at most. Give it a core of its own, and let it spin there, or "
      "lower the rate",
      static_cast<double>(lag) * 1e-6, 100 * rule.share, static_cast<double>(rule.always) * 1e-6);
}

Result<LoadResult> RunLoad(LoadTarget& target, const LoadOptions& options,
                           const std::stop_token& stop) {
  RETURN_IF_ERROR(Check(options));
  return Run(target, options, stop).Go();
}

}  // namespace vitrine::simulate
