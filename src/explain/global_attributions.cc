#include "explain/global_attributions.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "core/event.h"

namespace vitrine::explain {
namespace {

constexpr std::array<std::string_view, 4> kSegments = {"all", "new", "middle", "long"};
constexpr std::size_t kMiddleFrom = 5;
constexpr std::size_t kLongFrom = 20;

std::size_t SegmentOf(std::size_t known) {
  return known < kMiddleFrom ? 1 : known < kLongFrom ? 2 : 3;
}

// `back`: 0 is the newest place that the version knows.
std::string_view BandOf(std::size_t back) {
  constexpr std::array<std::pair<std::size_t, std::string_view>, 6> kBands = {
      {{1, "1"}, {2, "2"}, {3, "3"}, {5, "4-5"}, {10, "6-10"}, {20, "11-20"}}};
  for (const auto& [end, name] : kBands) {
    if (back < end) {
      return name;
    }
  }
  return "21+";
}

// The best that the history does not hold.
std::vector<ItemIndex> BestOf(const std::vector<double>& scores, const History& history,
                              std::size_t n) {
  std::vector<ItemIndex> order;
  for (std::size_t i = kFirstItem; i < scores.size(); ++i) {
    const auto index = static_cast<ItemIndex>(i);
    const bool held = std::any_of(history.begin(), history.end(),
                                  [index](const auto& event) { return event.item == index; });
    if (std::isfinite(scores[i]) && !held) {
      order.push_back(index);
    }
  }
  const auto end = order.begin() + static_cast<std::ptrdiff_t>(std::min(n, order.size()));
  std::partial_sort(order.begin(), end, order.end(), [&scores](ItemIndex a, ItemIndex b) {
    return scores[a] > scores[b] || (scores[a] == scores[b] && a < b);
  });
  order.erase(end, order.end());
  return order;
}

// Sums over `answers` as means and shares, largest first.
template <typename Sums, typename Name>
std::vector<Importance> Shares(const Sums& sums, double answers, const Name& name,
                               std::size_t most) {
  double total = 0;
  for (const auto& [key, sum] : sums) {
    total += sum;
  }
  std::vector<Importance> shares;
  for (const auto& [key, sum] : sums) {
    shares.push_back({.feature = std::string(name(key)),
                      .mean = sum / answers,
                      .share = total > 0 ? sum / total : 0});
  }
  std::sort(shares.begin(), shares.end(), [](const auto& a, const auto& b) {
    return a.mean != b.mean ? a.mean > b.mean : a.feature < b.feature;
  });
  shares.resize(std::min(most, shares.size()));
  return shares;
}

}  // namespace

std::string_view FamilyName(Family family) {
  switch (family) {
    case Family::kEvent:
      return "event";
    case Family::kRecency:
      return "recency";
    case Family::kItem:
      return "item";
  }
  return "unknown";
}

const SegmentImportance* GlobalReport::Find(std::string_view segment) const {
  const auto found =
      std::find_if(segments.begin(), segments.end(),
                   [segment](const SegmentImportance& one) { return one.segment == segment; });
  return found == segments.end() ? nullptr : &*found;
}

Status GlobalAttributions::Add(const Scorer& scorer, const History& history) {
  const auto known = static_cast<std::size_t>(
      std::count_if(history.begin(), history.end(),
                    [](const HistoryEvent& event) { return event.item >= kFirstItem; }));
  if (known == 0) {
    return Status::Ok();
  }
  std::vector<double> scores;
  RETURN_IF_ERROR(scorer.Score(std::span(&history, 1), scores));
  const std::vector<ItemIndex> targets = BestOf(scores, history, options_.items);
  if (targets.empty()) {
    return Status::Ok();
  }
  ASSIGN_OR_RETURN(const Attribution attribution,
                   Attribute(scorer, history, targets, {.pairs = options_.pairs}));
  exact_ += attribution.method == Method::kPermutations ? 0U : 1U;
  Gather(history, attribution, sums_[0]);
  Gather(history, attribution, sums_[SegmentOf(known)]);
  return Status::Ok();
}

void GlobalAttributions::Gather(const History& history, const Attribution& attribution,
                                Sums& sums) const {
  const auto targets = static_cast<double>(attribution.score.size());
  ++sums.answers;
  for (const double base : attribution.base) {
    sums.base += std::fabs(base) / targets;
  }
  std::size_t back = 0;
  for (std::size_t place = history.size(); place-- > 0;) {
    if (history[place].item < kFirstItem) {
      continue;
    }
    double size = 0;
    for (const std::vector<double>& parts : attribution.contributions) {
      size += std::fabs(parts[place]) / targets;
    }
    sums.events[std::string(EventName(history[place].type))] += size;
    sums.recency[std::string(BandOf(back))] += size;
    if (&sums == &sums_[0]) {
      sums.items[history[place].item] += size;
    }
    ++back;
  }
}

GlobalReport GlobalAttributions::Report(std::string version, std::string source, Micros made,
                                        const data::Vocabulary& vocabulary) const {
  GlobalReport report{.version = std::move(version),
                      .source = std::move(source),
                      .made = made,
                      .answers = answers(),
                      .exact = exact_,
                      .segments = {}};
  constexpr std::size_t kAll = std::numeric_limits<std::size_t>::max();
  const auto same = [](const std::string& name) { return std::string_view(name); };
  for (std::size_t s = 0; s < kSegments.size(); ++s) {
    const Sums& sums = sums_[s];
    SegmentImportance& segment = report.segments.emplace_back();
    segment.segment = kSegments.at(s);
    segment.answers = sums.answers;
    if (sums.answers == 0) {
      continue;
    }
    const auto count = static_cast<double>(sums.answers);
    segment.base = sums.base / count;
    segment.families[Family::kEvent] = Shares(sums.events, count, same, kAll);
    segment.families[Family::kRecency] = Shares(sums.recency, count, same, kAll);
    if (s == 0) {
      segment.families[Family::kItem] = Shares(
          sums.items, count, [&](ItemIndex index) { return vocabulary.Id(index); }, kMostItems);
    }
  }
  return report;
}

}  // namespace vitrine::explain
