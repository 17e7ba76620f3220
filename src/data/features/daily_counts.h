/// Events of each item by UTC day, for counts in a window before a moment. Whole days only: the day
/// of the moment itself is left out, so that nothing at or after it can be counted.
/// Threads: immutable once built.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/history.h"
#include "core/time.h"
#include "data/features/source.h"
#include "data/features/transform.h"

namespace vitrine::data::features {

/// Number of the UTC day that holds `time`; days before 1970 are negative.
std::int64_t DayOf(Micros time);

class DailyCounts {
 public:
  DailyCounts() = default;
  /// Rows of the named types before data.until.
  DailyCounts(const FitData& data, std::uint32_t types);

  /// Events of `item` in the `days` whole days before the day of `as_of`. A moment beyond what was
  /// fitted is answered as of the end of the fitted data: the newest window that is known.
  [[nodiscard]] double Count(ItemIndex item, Micros as_of, std::int64_t days) const;
  [[nodiscard]] std::uint64_t total() const { return total_; }
  [[nodiscard]] std::size_t width() const { return begin_.empty() ? 0 : begin_.size() - 1; }

  [[nodiscard]] Json ToJson() const;
  static Result<DailyCounts> Parse(const FeatureDef& def, const Json& fitted, std::size_t width);

 private:
  std::vector<std::int64_t> begin_;  // by item, width + 1 offsets into day_ and upto_
  std::vector<std::int64_t> day_;    // rising within an item
  std::vector<std::int64_t> upto_;   // events of the item on this day and before
  std::int64_t until_day_ = 0;       // day of the end of the fitted data
  std::uint64_t total_ = 0;
};

/// Events of the named types in [as_of - days, as_of) of one user's history. Places that an explanation took
/// out (item 0) are not there.
double CountInHistory(const FeatureInput& input, std::uint32_t types, std::int64_t days);

/// "item" or "user", from FeatureDef::source. Errors: kInvalidArgument.
Result<Owner> CountOwner(const FeatureDef& def);
/// Errors: kFailedPrecondition: an op by time on ordinal time.
Status CheckTimes(const FeatureDef& def, const FitData& data);

}  // namespace vitrine::data::features
