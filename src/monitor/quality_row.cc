#include "monitor/quality_row.h"

#include <algorithm>
#include <cmath>

#include "core/check.h"

namespace vitrine::monitor {
namespace {

constexpr double kZ = 1.959963984540054;
/// Fewer groups with answers say nothing of how groups differ.
constexpr int kFewestGroups = 6;

double Ratio(double part, double whole) { return whole == 0 ? 0 : part / whole; }

LabelQuality OfLabel(Label which, const QualityCounts::OfLabel& counts,
                     const std::vector<int>& ks) {
  LabelQuality quality;
  quality.label = LabelName(which);
  quality.answers = counts.answers;
  quality.places = counts.places;
  quality.missed = counts.missed;
  quality.mrr = Ratio(counts.reciprocal, static_cast<double>(counts.answers));
  for (std::size_t i = 0; i < ks.size() && i < counts.recall.size(); ++i) {
    quality.recall[ks[i]] = Ratio(counts.recall[i], static_cast<double>(counts.answers));
    quality.ndcg[ks[i]] = Ratio(counts.ndcg[i], static_cast<double>(counts.answers));
  }
  return quality;
}

}  // namespace

double StudentQuantile(double freedom) {
  const double z3 = kZ * kZ * kZ;
  const double z5 = z3 * kZ * kZ;
  const double z7 = z5 * kZ * kZ;
  return kZ + (z3 + kZ) / (4 * freedom) + (5 * z5 + 16 * z3 + 3 * kZ) / (96 * freedom * freedom) +
         (3 * z7 + 19 * z5 + 17 * z3 - 15 * kZ) / (384 * freedom * freedom * freedom);
}

MetricValue WilsonInterval(std::uint64_t hits, std::uint64_t n) {
  if (n == 0) {
    return {};
  }
  const auto all = static_cast<double>(n);
  const double p = static_cast<double>(hits) / all;
  const double centre = p + kZ * kZ / (2 * all);
  const double spread = kZ * std::sqrt(p * (1 - p) / all + kZ * kZ / (4 * all * all));
  const double scale = 1 + kZ * kZ / all;
  return {p, std::max(0.0, (centre - spread) / scale), std::min(1.0, (centre + spread) / scale)};
}

MetricValue ClusteredShare(std::span<const ShopperGroup> groups,
                           std::uint32_t ShopperGroup::* hits) {
  std::uint64_t answers = 0;
  std::uint64_t with = 0;
  int filled = 0;
  for (const ShopperGroup& group : groups) {
    answers += group.answers;
    with += group.*hits;
    filled += group.answers > 0 ? 1 : 0;
  }
  MetricValue share = WilsonInterval(with, answers);
  if (filled < kFewestGroups) {
    return share;
  }
  double squares = 0;
  for (const ShopperGroup& group : groups) {
    if (group.answers > 0) {
      const double without = Ratio(static_cast<double>(with - group.*hits),
                                   static_cast<double>(answers - group.answers));
      squares += (without - share.mean) * (without - share.mean);
    }
  }
  const double freedom = filled - 1;
  const double spread = StudentQuantile(freedom) * std::sqrt(squares * freedom / filled);
  share.low = std::max(0.0, std::min(share.low, share.mean - spread));
  share.high = std::min(1.0, std::max(share.high, share.mean + spread));
  return share;
}

QualityRow QualityRowOf(const std::string& key, const QualityCounts& counts,
                        const std::vector<int>& ks) {
  QualityRow row;
  const std::size_t split = key.find('\n');
  row.model = key.substr(0, split);
  row.scene = key.substr(split + 1);
  row.answers = counts.answers;
  row.mature = counts.mature;
  row.shown = counts.shown;
  row.clicks = counts.clicks;
  const auto& click = counts.labels[static_cast<std::size_t>(Label::kClick)];
  const auto& purchase = counts.labels[static_cast<std::size_t>(Label::kPurchase)];
  row.ctr = Ratio(static_cast<double>(click.places), static_cast<double>(counts.shown));
  row.click_rate = ClusteredShare(counts.groups, &ShopperGroup::clicked);
  row.conversion_rate = ClusteredShare(counts.groups, &ShopperGroup::bought);
  row.more_clicks_than_shown = counts.clicks > counts.shown;
  row.labels.push_back(OfLabel(Label::kClick, click, ks));
  row.labels.push_back(OfLabel(Label::kPurchase, purchase, ks));
  return row;
}

void AddCounts(QualityCounts& sum, const QualityCounts& other) {
  sum.answers += other.answers;
  sum.mature += other.mature;
  sum.shown += other.shown;
  sum.clicks += other.clicks;
  for (std::size_t l = 0; l < kLabels; ++l) {
    QualityCounts::OfLabel& to = sum.labels[l];
    const QualityCounts::OfLabel& from = other.labels[l];
    to.answers += from.answers;
    to.hit_answers += from.hit_answers;
    to.places += from.places;
    to.missed += from.missed;
    to.reciprocal += from.reciprocal;
    to.recall.resize(std::max(to.recall.size(), from.recall.size()));
    to.ndcg.resize(to.recall.size());
    for (std::size_t i = 0; i < from.recall.size(); ++i) {
      to.recall[i] += from.recall[i];
      to.ndcg[i] += from.ndcg[i];
    }
  }
  for (std::size_t g = 0; g < kShopperGroups; ++g) {
    sum.groups[g].answers += other.groups[g].answers;
    sum.groups[g].clicked += other.groups[g].clicked;
    sum.groups[g].bought += other.groups[g].bought;
  }
}

}  // namespace vitrine::monitor
