/// What signals were a day and a week ago, for rules that compare with then.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "core/status.h"
#include "core/time.h"
#include "monitor/alerts/signal.h"

namespace vitrine::monitor {

/// What a signal was then.
struct SignalThen {
  double value = 0;
  double rows = 0;  ///< observations that one look at it rested on
};

/// Whether two shares of rows differ by no more than counting does; false of signals that are no shares.
bool MayBeChance(const Signal& now, const SignalThen& then);

/// Means of ten minutes, kept for eight days. A mean that rests on more observations counts for more.
/// Memory:  24 bytes a kept mean, at most 28 kB a series; series beyond kMostSeries are not kept
/// Threads: one caller at a time.
class SignalHistory {
 public:
  static constexpr std::int64_t kStep = 600 * kMicrosPerSecond;
  static constexpr std::int64_t kKeep = 8 * kMicrosPerDay;
  static constexpr std::size_t kMostSeries = 2000;

  void Add(std::string_view series, Micros now, double value, double rows);

  /// The mean of the half hour around `then`; none where nothing was kept of it.
  [[nodiscard]] std::optional<SignalThen> At(std::string_view series, Micros then) const;

  /// Forgets what is older than kKeep, and series of which nothing is left.
  void Trim(Micros now);

  [[nodiscard]] std::size_t series() const { return series_.size(); }

  [[nodiscard]] std::string ToJson() const;
  /// Replaces everything. Errors: kDataLoss (not what ToJson wrote).
  Status Load(std::string_view json);

 private:
  struct Step {
    std::int64_t step = 0;  // number of kStep since 1970
    float sum = 0;          // of value * weight
    float weight = 0;
    std::uint32_t looks = 0;
  };
  std::map<std::string, std::deque<Step>, std::less<>> series_;
};

}  // namespace vitrine::monitor
