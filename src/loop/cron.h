/// A schedule in cron's words: "minute hour day-of-month month day-of-week", UTC.
///   "0 4 * * *"       every day at four            "*/15 8-18 * * mon-fri"   in office hours
/// Each field takes *, numbers, names (jan, mon), lists, ranges and steps; 7 is Sunday too. Where both kinds of day are
/// given, either will do (POSIX crontab). @hourly, @daily, @weekly and @monthly stand for what they say.
/// Threads: a value.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/status.h"
#include "core/time.h"

namespace vitrine::loop {

class Cron {
 public:
  /// Errors: kInvalidArgument (names the field and what would do; or a date that never comes, such as 31 February).
  static Result<Cron> Parse(std::string_view text);

  /// The first minute after `time` that the schedule names.
  [[nodiscard]] Micros After(Micros time) const;
  /// The last one that is not after `time`.
  [[nodiscard]] Micros NotAfter(Micros time) const;

 private:
  enum Field : std::size_t { kMinute, kHour, kDay, kMonth, kWeekday, kFields };

  /// Days since 1970.
  [[nodiscard]] bool HasDay(std::int64_t day) const;
  [[nodiscard]] bool Has(Field field, unsigned value) const {
    return (set_[field] >> value & 1U) != 0;
  }
  /// From minute `from` of a day on, or back from it, by `step` = 1 or -1.
  [[nodiscard]] std::optional<int> MinuteOfDay(int from, int step) const;
  [[nodiscard]] std::optional<Micros> Find(Micros time, int step) const;

  std::array<std::uint64_t, kFields> set_{};
  bool any_day_ = true;
  bool any_weekday_ = true;
};

}  // namespace vitrine::loop
