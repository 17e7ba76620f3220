#include "monitor/contract/feed_table.h"

#include <algorithm>

namespace vitrine::monitor {
namespace {

/// Seconds: from what a click takes to a week.
const std::vector<double>& LagBounds() {
  static const std::vector<double> bounds = {1,     2,     5,     10,    30,     60,
                                             120,   300,   600,   1800,  3600,   7200,
                                             14400, 28800, 43200, 86400, 172800, 604800};
  return bounds;
}

constexpr std::string_view kOther = "other";

FeedRow& RowOf(std::vector<FeedRow>& rows, std::string_view feed) {
  const auto find = [&rows](std::string_view name) {
    return std::find_if(rows.begin(), rows.end(),
                        [name](const FeedRow& row) { return row.feed == name; });
  };
  auto found = find(feed);
  if (found == rows.end() && rows.size() + 1 >= FeedTable::kMostFeeds) {
    feed = kOther;
    found = find(feed);
  }
  if (found != rows.end()) {
    return *found;
  }
  FeedRow& row = rows.emplace_back();
  row.feed = feed;
  row.lags.upper_bounds = LagBounds();
  row.lags.counts.assign(LagBounds().size() + 1, 0);
  return row;
}

}  // namespace

FeedTable::FeedTable() { rows_.reserve(kMostFeeds); }

void FeedTable::Count(std::string_view feed, std::span<const Event> events,
                      std::uint64_t duplicates, Micros now) {
  if (events.empty()) {
    return;
  }
  const std::scoped_lock lock(mutex_);
  FeedRow& row = RowOf(rows_, feed);
  row.events += events.size();
  row.duplicates += duplicates;
  row.arrived = std::max(row.arrived, now);
  for (const Event& event : events) {
    const double lag =
        static_cast<double>(now.value - event.ts.value) / static_cast<double>(kMicrosPerSecond);
    row.future += event.ts.value > now.value + kFutureMargin.value ? 1 : 0;
    row.ahead_seconds = std::max(row.ahead_seconds, -lag);
    row.newest = std::max(row.newest, event.ts);
    const auto& bounds = row.lags.upper_bounds;
    const auto bin = std::lower_bound(bounds.begin(), bounds.end(), std::max(0.0, lag));
    ++row.lags.counts[static_cast<std::size_t>(bin - bounds.begin())];
    ++row.lags.count;
    row.lags.sum += std::max(0.0, lag);
  }
}

std::vector<FeedRow> FeedTable::Rows() const {
  const std::scoped_lock lock(mutex_);
  return rows_;
}

}  // namespace vitrine::monitor
