#include "train/models/candidate_ranker.h"

#include <algorithm>

#include "evaluate/ranking_metrics.h"

namespace vitrine::train {

double MeanNdcg(const RankExamples& examples, std::span<const float> scores, int k) {
  double sum = 0;
  std::size_t begin = 0;
  std::vector<std::uint32_t> ranks;
  for (const std::uint32_t size : examples.sizes) {
    ranks.clear();
    for (std::size_t i = begin; i < begin + size; ++i) {
      if (examples.relevance[i] <= 0) {
        continue;
      }
      std::uint32_t before = 0;
      for (std::size_t j = begin; j < begin + size; ++j) {
        before += scores[j] > scores[i] || (scores[j] == scores[i] && j < i) ? 1 : 0;
      }
      ranks.push_back(before);
    }
    std::sort(ranks.begin(), ranks.end());
    sum += evaluate::RankMetricsAt(ranks, ranks.size(),
                                   k)[static_cast<std::size_t>(evaluate::RankMetric::kNdcg)];
    begin += size;
  }
  return examples.sizes.empty() ? 0 : sum / static_cast<double>(examples.sizes.size());
}

}  // namespace vitrine::train
