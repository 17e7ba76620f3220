/// What puts candidates in order by their features, in this process and as a part of a graph; and what
/// one is fitted on.
/// Threads: immutable once fitted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "graph/builder.h"

namespace vitrine::train {

/// Lists of candidates, one after another: list l has sizes[l] rows. Rows that stand for themselves (objective
/// "logistic") are in no list: no sizes, no users.
struct RankExamples {
  std::size_t columns = 0;
  std::vector<float> features;   ///< [rows, columns], all finite
  std::vector<float> relevance;  ///< [rows]; 0 or 1, each list has a 1
  std::vector<float> weights;    ///< [rows], or empty: all 1
  float base = 0;                ///< what every row is scored before the first tree
  std::vector<std::uint32_t> sizes;
  std::vector<std::uint32_t> user;  ///< of each list: who it is of

  [[nodiscard]] std::size_t rows() const { return relevance.size(); }
  [[nodiscard]] std::span<const float> Row(std::size_t row) const {
    return std::span(features).subspan(row * columns, columns);
  }
};

class CandidateRanker {
 public:
  virtual ~CandidateRanker() = default;

  /// Higher is better. Equal rows have equal scores, here and in the graph.
  [[nodiscard]] virtual float Score(std::span<const float> features) const = 0;
  /// No row scores lower.
  [[nodiscard]] virtual double Least() const = 0;
  /// Shapes: features [N, columns] float32, N >= 1; the answer is [N, 1] float32.
  virtual graph::Value Write(graph::Builder& b, const graph::Value& features) const = 0;
};

/// Mean over the lists of NDCG at `k`, the best first, equal scores in the order of their rows. `scores`
/// is [rows].
double MeanNdcg(const RankExamples& examples, std::span<const float> scores, int k);

}  // namespace vitrine::train
