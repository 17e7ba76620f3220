#include "monitor/windows/service_hours.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "monitor/json_view.h"
#include "monitor/windows/window_store.h"

namespace vitrine::monitor {
namespace {

using nlohmann::json;

json OfHours(const std::map<ServiceHours::Key, AnswerCounts>& hours) {
  json out = json::array();
  for (const auto& [key, counts] : hours) {
    out.push_back({key.first, key.second, AnswerCountsToJson(counts)});
  }
  return out;
}

std::map<ServiceHours::Key, AnswerCounts> HoursOf(const json& saved) {
  std::map<ServiceHours::Key, AnswerCounts> hours;
  for (const json& row : saved) {
    hours[{row.at(0).get<std::int64_t>(), row.at(1).get<std::string>()}] =
        AnswerCountsFromJson(row.at(2));
  }
  return hours;
}

}  // namespace

json AnswerCountsToJson(const AnswerCounts& counts) {
  return {counts.answers, counts.fallbacks, counts.seconds.view().sum,
          counts.seconds.view().counts};
}

template <typename Json>
AnswerCounts AnswerCountsFromJson(const Json& j) {
  AnswerCounts counts;
  counts.answers = j.at(0).template get<std::uint64_t>();
  counts.fallbacks = j.at(1).template get<std::uint64_t>();
  // Of other bins: the latencies of a program with other bounds are not told.
  counts.seconds.Restore(j.at(3).template get<std::vector<std::uint64_t>>(),
                         j.at(2).template get<double>());
  return counts;
}
template AnswerCounts AnswerCountsFromJson(const json&);
template AnswerCounts AnswerCountsFromJson(const JsonView&);

void ServiceHours::Add(const Impression& impression, Micros ts) {
  Key key{HourAt(ts), impression.model + "\n" + impression.scene};
  auto found = hours_.find(key);
  if (found == hours_.end()) {
    if (hours_.size() >= kMostRows || key.first < final_before_) {
      return;
    }
    found = hours_.emplace(std::move(key), AnswerCounts()).first;
  }
  AnswerCounts& counts = found->second;
  ++counts.answers;
  counts.fallbacks += impression.fallback.empty() ? 0 : 1;
  counts.seconds.Add(impression.seconds);
}

void ServiceHours::Finish(std::int64_t before) {
  final_before_ = std::max(final_before_, before);
  while (!hours_.empty() && hours_.begin()->first.first < final_before_) {
    final_hours_.insert(hours_.extract(hours_.begin()));
  }
  while (final_hours_.size() > kMostFinalRows) {
    final_hours_.erase(final_hours_.begin());
  }
}

void ServiceHours::DropFinalHours(const std::vector<Key>& hours) {
  for (const Key& hour : hours) {
    final_hours_.erase(hour);
  }
}

json ServiceHours::Save() const {
  return {{"hours", OfHours(hours_)},
          {"final_hours", OfHours(final_hours_)},
          {"final_before", final_before_}};
}

void ServiceHours::Load(const json& saved) {
  ServiceHours read;
  read.hours_ = HoursOf(saved.at("hours"));
  read.final_hours_ = HoursOf(saved.at("final_hours"));
  read.final_before_ = saved.at("final_before").get<std::int64_t>();
  *this = std::move(read);
}

}  // namespace vitrine::monitor
