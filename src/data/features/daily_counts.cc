#include "data/features/daily_counts.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "data/features/fitted.h"
#include "data/features/options.h"

namespace vitrine::data::features {
namespace {
bool Has(std::uint32_t types, EventType type) {
  return (types >> static_cast<unsigned>(type) & 1U) != 0;
}

/// The day after the last one whose events are all before `until`.
std::int64_t EndDay(const FitData& data, Micros last) {
  const Micros end = std::min(data.until, Micros{last.value + kMicrosPerDay});
  return DayOf(end);
}
}  // namespace

std::int64_t DayOf(Micros time) {
  const std::int64_t day = time.value / kMicrosPerDay;
  return time.value % kMicrosPerDay < 0 ? day - 1 : day;
}

DailyCounts::DailyCounts(const FitData& data, std::uint32_t types) {
  std::vector<std::pair<ItemIndex, std::int64_t>> events;
  Micros last{0};
  const Interactions& rows = data.interactions;
  for (std::size_t r = 0; r < rows.rows(); ++r) {
    if (rows.ts[r] >= data.until) {
      continue;
    }
    last = events.empty() ? rows.ts[r] : std::max(last, rows.ts[r]);
    const ItemIndex item = data.index[rows.item[r]];
    if (Has(types, rows.type[r]) && item >= kFirstItem) {
      events.emplace_back(item, DayOf(rows.ts[r]));
    }
  }
  std::sort(events.begin(), events.end());
  begin_.assign(data.vocabulary.width() + 1, 0);
  for (std::size_t i = 0; i < events.size(); ++i) {
    const bool same_item = i > 0 && events[i - 1].first == events[i].first;
    if (same_item && day_.back() == events[i].second) {
      ++upto_.back();
      continue;
    }
    day_.push_back(events[i].second);
    upto_.push_back(same_item ? upto_.back() + 1 : 1);
    begin_[events[i].first + 1] = static_cast<std::int64_t>(day_.size());
  }
  for (std::size_t i = 1; i < begin_.size(); ++i) {
    begin_[i] = std::max(begin_[i], begin_[i - 1]);
  }
  until_day_ = EndDay(data, last);
  total_ = events.size();
}

double DailyCounts::Count(ItemIndex item, Micros as_of, std::int64_t days) const {
  if (item >= width()) {
    return 0;
  }
  const std::int64_t end = std::min(DayOf(as_of), until_day_);
  const auto first = day_.begin() + begin_[item];
  const auto last = day_.begin() + begin_[item + 1];
  const auto before = [&](std::int64_t day) -> std::int64_t {
    const auto at = std::lower_bound(first, last, day);
    return at == first ? 0 : upto_[static_cast<std::size_t>(at - day_.begin()) - 1];
  };
  return static_cast<double>(before(end) - before(end - days));
}

Json DailyCounts::ToJson() const {
  return {{"begin", begin_},
          {"day", day_},
          {"upto", upto_},
          {"until_day", until_day_},
          {"total", total_}};
}

Result<DailyCounts> DailyCounts::Parse(const FeatureDef& def, const Json& fitted,
                                       std::size_t width) {
  DailyCounts counts;
  ASSIGN_OR_RETURN(counts.begin_, FittedInts(def, fitted, "begin"));
  ASSIGN_OR_RETURN(counts.day_, FittedInts(def, fitted, "day"));
  ASSIGN_OR_RETURN(counts.upto_, FittedInts(def, fitted, "upto"));
  ASSIGN_OR_RETURN(counts.until_day_, FittedInt(def, fitted, "until_day"));
  ASSIGN_OR_RETURN(const std::int64_t total, FittedInt(def, fitted, "total"));
  counts.total_ = static_cast<std::uint64_t>(std::max<std::int64_t>(total, 0));
  const auto size = static_cast<std::int64_t>(counts.day_.size());
  if (counts.begin_.size() != width + 1 || counts.upto_.size() != counts.day_.size() ||
      counts.begin_.front() != 0 || counts.begin_.back() != size ||
      !std::is_sorted(counts.begin_.begin(), counts.begin_.end())) {
    return FeatureError(def, "fitted.begin, day and upto do not fit each other");
  }
  return counts;
}

double CountInHistory(const FeatureInput& input, std::uint32_t types, std::int64_t days) {
  const std::int64_t from = input.as_of.value - days * kMicrosPerDay;
  double count = 0;
  for (const HistoryEvent& event : input.history) {
    if (event.item != kPaddingItem && event.ts.value >= from && event.ts < input.as_of &&
        Has(types, event.type)) {
      ++count;
    }
  }
  return count;
}

Result<Owner> CountOwner(const FeatureDef& def) {
  if (def.source == "item") {
    return Owner::kItem;
  }
  if (def.source == "user") {
    return Owner::kUser;
  }
  return FeatureError(def,
                      fmt::format("source is '{}'; counts are by item or by user", def.source));
}

Status CheckTimes(const FeatureDef& def, const FitData& data) {
  if (data.interactions.ordinal_time) {
    return FailedPrecondition(fmt::format(
        "feature '{}': {} counts by time, and this snapshot has only an order (ts = sequence); "
        "leave the feature out or import a source with times",
        def.name, def.op));
  }
  return Status::Ok();
}

}  // namespace vitrine::data::features
