#include "monitor/outcomes/list_behaviour.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <tuple>
#include <utility>

#include "monitor/json_view.h"

namespace vitrine::monitor {
namespace {

using nlohmann::json;

/// Places that pairs are made of; what is further down is seen by few.
constexpr std::size_t kMixedPlaces = 20;

}  // namespace

void AddBehaviour(BehaviourCounts& sum, const BehaviourCounts& other) {
  sum.places += other.places;
  sum.novelty += other.novelty;
  sum.head += other.head;
  sum.tied += other.tied;
  sum.outside += other.outside;
  sum.scored += other.scored;
  sum.lists += other.lists;
  sum.diversity += other.diversity;
  sum.known += other.known;
  sum.gini += other.gini;
  sum.gini_places += other.gini_places;
}

json BehaviourToJson(const BehaviourCounts& c) {
  return {c.places, c.novelty,   c.head,  c.tied, c.outside,    c.scored,
          c.lists,  c.diversity, c.known, c.gini, c.gini_places};
}

template <typename Json>
BehaviourCounts BehaviourFromJson(const Json& j) {
  const auto n = j.template get<std::array<double, 11>>();
  return {n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7], n[8], n[9], n[10]};
}
template BehaviourCounts BehaviourFromJson(const json&);
template BehaviourCounts BehaviourFromJson(const JsonView&);

double Gini(std::vector<double>& counts) {
  std::sort(counts.begin(), counts.end());
  double sum = 0;
  double weighted = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    sum += counts[i];
    weighted += static_cast<double>(i + 1) * counts[i];
  }
  const auto n = static_cast<double>(counts.size());
  return sum == 0 ? 0 : 2 * weighted / (n * sum) - (n + 1) / n;
}

BehaviourCounts ListBehaviour::Measure(const Impression& impression,
                                       std::span<const std::uint64_t> items,
                                       const ScoreRange& range) const {
  BehaviourCounts c;
  std::array<std::uint16_t, kMixedPlaces> categories{};
  std::size_t known = 0;
  for (std::size_t place = 0; place < items.size(); ++place) {
    const double score = impression.items[place].score;
    c.places += 1;
    c.novelty += items_.Information(items[place]);
    c.head += items_.InHead(items[place]) ? 1 : 0;
    c.tied += place > 0 && score == impression.items[place - 1].score ? 1 : 0;
    if (range.scored) {
      c.scored += 1;
      c.outside += score < range.lowest || score > range.highest ? 1 : 0;
    }
    const std::uint16_t category = place < kMixedPlaces ? items_.CategoryOf(items[place]) : 0;
    if (category != 0) {
      categories[known++] = category;
    }
  }
  c.known = static_cast<double>(known);
  if (known >= 2) {
    std::size_t different = 0;
    for (std::size_t a = 1; a < known; ++a) {
      for (std::size_t b = 0; b < a; ++b) {
        different += categories[a] != categories[b] ? 1 : 0;
      }
    }
    c.lists = 1;
    c.diversity = static_cast<double>(different) / (static_cast<double>(known * (known - 1)) / 2);
  }
  return c;
}

void ListBehaviour::OnAnswer(const std::string& row, const Impression& impression,
                             std::span<const std::uint64_t> items, const ScoreRange& range,
                             std::int64_t hour) {
  if (hour > newest_hour_) {
    newest_hour_ = hour;
    items_.FindHead();
  }
  const BehaviourCounts counts = Measure(impression, items, range);
  auto total = totals_.find(row);
  if (total == totals_.end()) {
    total = totals_.try_emplace(totals_.size() < kMostRows ? row : "other\nother").first;
  }
  AddBehaviour(total->second, counts);
  if (hour < final_before_) {
    return;
  }
  Open& open = OpenOf(row, hour);
  if (open.hour == hour) {
    for (const std::uint64_t item : items) {
      if (Shown* shown = open.shown.Get(item, item); shown != nullptr) {
        shown->times += 1;
      }
    }
    AddBehaviour(open.counts, counts);
    return;
  }
  if (const auto found = hours_.find({hour, row}); found != hours_.end()) {
    AddBehaviour(found->second, counts);  // late: of an hour that is not the newest
  } else {
    Keep({hour, row}, counts);
  }
}

void ListBehaviour::Keep(const std::pair<std::int64_t, std::string>& hour,
                         const BehaviourCounts& counts) {
  hours_[hour] = counts;
  while (hours_.size() > kMostHours) {
    hours_.erase(hours_.begin());
  }
}

ListBehaviour::Open& ListBehaviour::OpenOf(const std::string& row, std::int64_t hour) {
  const auto found = std::find_if(open_.begin(), open_.end(),
                                  [&row](const Open& open) { return open.row == row; });
  if (found != open_.end()) {
    if (hour > found->hour) {
      Close(*found);
      found->hour = hour;
    }
    return *found;
  }
  if (open_.size() == kMostOpen) {
    const auto oldest =
        std::min_element(open_.begin(), open_.end(), [](const Open& a, const Open& b) {
          return std::tie(a.hour, a.row) < std::tie(b.hour, b.row);
        });
    Close(*oldest);
    oldest->row = row;
    oldest->hour = hour;
    return *oldest;
  }
  Open& fresh = open_.emplace_back();
  fresh.row = row;
  fresh.hour = hour;
  return fresh;
}

BehaviourCounts ListBehaviour::WithGini(const Open& open) {
  BehaviourCounts counts = open.counts;
  std::vector<double> times;
  for (const Shown& shown : open.shown.rows()) {
    times.push_back(shown.times);
  }
  counts.gini = Gini(times) * counts.places;
  counts.gini_places = counts.places;
  return counts;
}

void ListBehaviour::Close(Open& open) {
  const BehaviourCounts counts = WithGini(open);
  const std::pair key(open.hour, open.row);
  if (const auto found = hours_.find(key); found != hours_.end()) {
    AddBehaviour(found->second, counts);
  } else {
    Keep(key, counts);
  }
  open.counts = {};
  open.shown.Clear();
}

void ListBehaviour::Finish(std::int64_t before) {
  if (before <= final_before_) {
    return;
  }
  final_before_ = before;
  for (Open& open : open_) {
    if (open.hour < final_before_ && open.counts.places > 0) {
      Close(open);
    }
  }
}

std::optional<BehaviourCounts> ListBehaviour::Find(
    const std::pair<std::int64_t, std::string>& hour) const {
  BehaviourCounts sum;
  for (const Open& open : open_) {
    if (open.hour == hour.first && open.row == hour.second && open.counts.places > 0) {
      sum = WithGini(open);
    }
  }
  if (const auto found = hours_.find(hour); found != hours_.end()) {
    AddBehaviour(sum, found->second);
  }
  return sum.places > 0 ? std::optional(sum) : std::nullopt;
}

void ListBehaviour::DropFinalHours(const std::vector<std::pair<std::int64_t, std::string>>& hours) {
  for (const auto& hour : hours) {
    hours_.erase(hour);
  }
}

json ListBehaviour::Save() const {
  json totals = json::object();
  for (const auto& [row, counts] : totals_) {
    totals[row] = BehaviourToJson(counts);
  }
  json open = json::array();
  for (const Open& o : open_) {
    json shown = json::array();
    for (const Shown& s : o.shown.rows()) {
      shown.push_back(s.key);
      shown.push_back(s.times);
    }
    open.push_back({o.row, o.hour, BehaviourToJson(o.counts), o.shown.level(), std::move(shown)});
  }
  json hours = json::array();
  for (const auto& [key, counts] : hours_) {
    hours.push_back({key.first, key.second, BehaviourToJson(counts)});
  }
  return {{"items", items_.Save()},        {"newest_hour", newest_hour_},
          {"final_before", final_before_}, {"totals", std::move(totals)},
          {"open", std::move(open)},       {"hours", std::move(hours)}};
}

void ListBehaviour::Load(const json& saved) {
  ListBehaviour read;
  read.items_.Load(saved.at("items"));
  read.newest_hour_ = saved.at("newest_hour").get<std::int64_t>();
  read.final_before_ = saved.at("final_before").get<std::int64_t>();
  for (const auto& [row, counts] : saved.at("totals").items()) {
    read.totals_[row] = BehaviourFromJson(counts);
  }
  for (const json& j : saved.at("open")) {
    if (read.open_.size() == kMostOpen) {
      break;
    }
    Open& open = read.open_.emplace_back();
    open.row = j.at(0).get<std::string>();
    open.hour = j.at(1).get<std::int64_t>();
    open.counts = BehaviourFromJson(j.at(2));
    std::vector<Shown> shown;
    const json& pairs = j.at(4);
    for (std::size_t i = 0; i + 1 < pairs.size(); i += 2) {
      const auto key = pairs[i].get<std::uint64_t>();
      shown.push_back({key, key, pairs[i + 1].get<double>()});
    }
    open.shown.Restore(j.at(3).get<unsigned>(), std::move(shown));
  }
  for (const json& hour : saved.at("hours")) {
    read.hours_[{hour.at(0).get<std::int64_t>(), hour.at(1).get<std::string>()}] =
        BehaviourFromJson(hour.at(2));
  }
  *this = std::move(read);
}

}  // namespace vitrine::monitor
