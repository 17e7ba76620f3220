#include "monitor/objectives/error_budget.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace vitrine::monitor {
namespace {

std::int64_t MinuteAt(Micros now) {
  return std::max<std::int64_t>(0, now.value) / (60 * kMicrosPerSecond);
}

}  // namespace

ErrorBudget::Minute& ErrorBudget::Of(std::int64_t minute) {
  Minute& place = ring_[static_cast<std::size_t>(minute) % ring_.size()];
  if (place.minute != minute) {
    place = {minute, 0, 0};
  }
  return place;
}

void ErrorBudget::Count(Micros now, GoodOfAll total) {
  if (last_ && total.all >= last_->all && total.good >= last_->good) {
    const std::uint64_t all = total.all - last_->all;
    newest_ = std::max(newest_, MinuteAt(now));
    Minute& minute = Of(newest_);
    minute.all += all;
    minute.good += std::min(total.good - last_->good, all);
  }
  last_ = total;
}

GoodOfAll ErrorBudget::Within(Micros now, std::chrono::minutes window) const {
  const std::int64_t until = std::max(newest_, MinuteAt(now));
  const std::int64_t from = until - window.count();
  GoodOfAll sum;
  for (const Minute& minute : ring_) {
    if (minute.minute > from && minute.minute <= until) {
      sum.good += minute.good;
      sum.all += minute.all;
    }
  }
  return sum;
}

nlohmann::json ErrorBudget::Save() const {
  nlohmann::json minutes = nlohmann::json::array();
  for (const Minute& minute : ring_) {
    if (minute.all > 0) {
      minutes.push_back({minute.minute, minute.good, minute.all});
    }
  }
  return minutes;
}

void ErrorBudget::Load(const nlohmann::json& saved) {
  ErrorBudget read;
  for (const nlohmann::json& row : saved) {
    const auto minute = row.at(0).get<std::int64_t>();
    if (minute < 0) {
      continue;
    }
    Minute& place = read.Of(minute);
    place.all = row.at(2).get<std::uint64_t>();
    place.good = std::min(row.at(1).get<std::uint64_t>(), place.all);
    read.newest_ = std::max(read.newest_, minute);
  }
  ring_ = std::move(read.ring_);
  newest_ = read.newest_;
}

double BurnRate(const GoodOfAll& counts, double target) {
  if (counts.all == 0) {
    return 0;
  }
  const double bad =
      static_cast<double>(counts.all - counts.good) / static_cast<double>(counts.all);
  return bad / (1 - target);
}

}  // namespace vitrine::monitor
