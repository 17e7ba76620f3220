#include "train/validation.h"

#include <algorithm>
#include <numeric>
#include <random>

#include "evaluate/bootstrap.h"
#include "evaluate/ranking_metrics.h"

namespace vitrine::train {
namespace {
constexpr std::size_t kUsualScores = std::size_t{1} << 31;
constexpr std::size_t kFewestCases = 10'000;

/// Rows scored at once: as many as keep the scores below 64 MiB, at most 128.
std::size_t BatchFor(std::size_t width) {
  return std::clamp<std::size_t>((std::size_t{64} << 20) / (8 * width), 1, 128);
}

/// The numbers of the cases to take, rising.
std::vector<std::size_t> Draw(std::size_t all, const ValidationOptions& options) {
  std::vector<std::size_t> taken(all);
  std::iota(taken.begin(), taken.end(), std::size_t{0});
  if (options.cases == 0 || options.cases >= all) {
    return taken;
  }
  std::mt19937_64 random(options.seed);
  for (std::size_t i = 0; i < options.cases; ++i) {
    std::swap(taken[i], taken[i + random() % (all - i)]);
  }
  taken.resize(options.cases);
  std::sort(taken.begin(), taken.end());
  return taken;
}

void Block(const History& history, std::span<char> blocked, char value) {
  for (const HistoryEvent& event : history) {
    blocked[event.item] = value;
  }
}
}  // namespace

std::size_t CasesMeasured(std::uint64_t asked, std::size_t cases, std::size_t items) {
  const std::size_t usual = std::max(kFewestCases, kUsualScores / std::max<std::size_t>(items, 1));
  return std::min<std::size_t>(asked > 0 ? asked : usual, cases);
}

std::vector<std::uint32_t> RanksOf(std::span<const double> scores, std::span<const char> blocked,
                                   std::span<const ItemIndex> targets) {
  std::vector<std::uint32_t> ranks;
  for (const ItemIndex target : targets) {
    if (target < kFirstItem || target >= scores.size() || blocked[target] != 0) {
      continue;
    }
    const double score = scores[target];
    std::uint32_t before = 0;
    for (std::size_t i = kFirstItem; i < scores.size(); ++i) {
      const bool better = scores[i] > score || (scores[i] == score && i < target);
      before += better && blocked[i] == 0 ? 1 : 0;
    }
    ranks.push_back(before);
  }
  std::sort(ranks.begin(), ranks.end());
  return ranks;
}

Validation::Validation(const Material& material, const TrainingSet& set,
                       const ValidationOptions& options)
    : filtered_(material.protocol.history == evaluate::HistoryRule::kFiltered), options_(options) {
  const auto cases = material.split.Cases(evaluate::Part::kValidation);
  for (const std::size_t i : Draw(cases.size(), options)) {
    histories_.push_back(HistoryOf(material, cases[i], set.index));
    std::vector<ItemIndex>& targets = targets_.emplace_back();
    for (const std::uint32_t item : material.split.Targets(cases[i])) {
      targets.push_back(set.index[item]);
    }
  }
}

Result<std::vector<double>> Validation::PerCase(const Scorer& scorer,
                                                const Progress& progress) const {
  const std::size_t batch = BatchFor(scorer.width());
  std::vector<double> values;
  std::vector<double> scores;
  std::vector<char> blocked(scorer.width(), 0);
  for (std::size_t begin = 0; begin < histories_.size(); begin += batch) {
    if (progress.cancelled()) {
      return Cancelled("cancelled while validating");
    }
    const std::size_t count = std::min(batch, histories_.size() - begin);
    RETURN_IF_ERROR(scorer.Score(std::span(histories_).subspan(begin, count), scores));
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t c = begin + i;
      if (filtered_) {
        Block(histories_[c], blocked, 1);
      }
      const std::vector<std::uint32_t> ranks =
          RanksOf(std::span<const double>(scores).subspan(i * scorer.width(), scorer.width()),
                  blocked, targets_[c]);
      if (filtered_) {
        Block(histories_[c], blocked, 0);
      }
      const evaluate::RankMetricValues metrics =
          evaluate::RankMetricsAt(ranks, targets_[c].size(), options_.k);
      values.push_back(metrics[static_cast<std::size_t>(evaluate::RankMetric::kNdcg)]);
    }
  }
  return values;
}

Result<double> Validation::Ndcg(const Scorer& scorer, const Progress& progress) const {
  ASSIGN_OR_RETURN(const std::vector<double> values, PerCase(scorer, progress));
  return values.empty() ? 0
                        : std::accumulate(values.begin(), values.end(), 0.0) /
                              static_cast<double>(values.size());
}

Result<MetricValue> Validation::NdcgInterval(const Scorer& scorer, const Progress& progress) const {
  ASSIGN_OR_RETURN(const std::vector<double> values, PerCase(scorer, progress));
  if (values.empty()) {
    return MetricValue{};
  }
  return evaluate::BootstrapMeans(values, 1, {.seed = options_.seed}).front();
}

}  // namespace vitrine::train
