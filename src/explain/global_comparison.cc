#include <algorithm>
#include <cmath>
#include <map>

#include "explain/global_attributions.h"

namespace vitrine::explain {
namespace {

// Shares by feature of both sides: before, now.
std::map<std::string, std::pair<double, double>> Joined(const std::vector<Importance>& before,
                                                        const std::vector<Importance>& now) {
  std::map<std::string, std::pair<double, double>> joined;
  for (const Importance& one : before) {
    joined[one.feature].first = one.share;
  }
  for (const Importance& one : now) {
    joined[one.feature].second = one.share;
  }
  return joined;
}

double Dcg(const std::vector<double>& gains) {
  double sum = 0;
  for (std::size_t i = 0; i < gains.size(); ++i) {
    sum += gains[i] / std::log2(static_cast<double>(i) + 2);
  }
  return sum;
}

FamilyComparison CompareFamily(const std::string& segment, Family family,
                               const SegmentImportance& before, const SegmentImportance& now) {
  static const std::vector<Importance> kNothing;
  const auto of = [family](const SegmentImportance& side) -> const std::vector<Importance>& {
    const auto found = side.families.find(family);
    return found == side.families.end() ? kNothing : found->second;
  };
  FamilyComparison comparison{.segment = segment,
                              .family = family,
                              .answers = std::min(before.answers, now.answers),
                              .ndcg = AttributionNdcg(of(before), of(now)),
                              .changes = {}};
  for (const auto& [feature, shares] : Joined(of(before), of(now))) {
    comparison.changes.push_back(
        {.feature = feature, .before = shares.first, .now = shares.second});
  }
  std::sort(comparison.changes.begin(), comparison.changes.end(),
            [](const ImportanceChange& a, const ImportanceChange& b) {
              const double change_a = std::fabs(a.now - a.before);
              const double change_b = std::fabs(b.now - b.before);
              return change_a != change_b ? change_a > change_b : a.feature < b.feature;
            });
  return comparison;
}

}  // namespace

double AttributionNdcg(const std::vector<Importance>& reference,
                       const std::vector<Importance>& now) {
  if (reference.size() < 2) {
    return 1;
  }
  // By the share now; of equal ones, what counted more before stands first.
  std::vector<std::pair<double, double>> order;
  std::vector<double> ideal;
  for (const auto& [feature, shares] : Joined(reference, now)) {
    order.emplace_back(shares.second, shares.first);
    ideal.push_back(shares.first);
  }
  std::sort(order.rbegin(), order.rend());
  std::sort(ideal.rbegin(), ideal.rend());
  std::vector<double> gains;
  for (const auto& [by, gain] : order) {
    gains.push_back(gain);
  }
  const double best = Dcg(ideal);
  return best > 0 ? Dcg(gains) / best : 1;
}

GlobalComparison Compare(const GlobalReport& reference, const GlobalReport& now) {
  GlobalComparison comparison;
  for (const SegmentImportance& before : reference.segments) {
    const SegmentImportance* after = now.Find(before.segment);
    if (after == nullptr || before.answers == 0 || after->answers == 0) {
      continue;
    }
    for (const Family family : {Family::kEvent, Family::kRecency}) {
      comparison.parts.push_back(CompareFamily(before.segment, family, before, *after));
      if (before.segment == "all") {
        comparison.ndcg = std::min(comparison.ndcg, comparison.parts.back().ndcg);
      }
    }
  }
  return comparison;
}

}  // namespace vitrine::explain
