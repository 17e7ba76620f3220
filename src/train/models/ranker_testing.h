/// For tests of rankers: rows drawn from a truth that is known.
#pragma once

#include <cstdint>
#include <functional>
#include <random>
#include <utility>
#include <vector>

#include "train/ranker.h"
#include "train/ranker_rows.h"

namespace vitrine::train::test {

/// A number in about [-2, 2], a level of five, an item of 2..11, and a history of up to `places` items.
struct DrawnRow {
  float number = 0;
  std::int64_t level = 0;
  std::int64_t item = 0;
  std::vector<std::int64_t> history;
};

inline constexpr std::size_t kDrawnPlaces = 4;

inline std::vector<DrawnRow> DrawRows(std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<DrawnRow> rows(count);
  for (DrawnRow& row : rows) {
    row.number = static_cast<float>(random() % 4001) / 1000 - 2;
    row.level = static_cast<std::int64_t>(random() % 5);
    row.item = static_cast<std::int64_t>(2 + random() % 10);
    for (std::size_t i = random() % (kDrawnPlaces + 1); i > 0; --i) {
      row.history.push_back(static_cast<std::int64_t>(2 + random() % 10));
    }
  }
  return rows;
}

/// Columns "number", "level", "item", "history"; labels drawn from sigmoid(logit(row)).
inline LabelledRows LabelRows(const std::vector<DrawnRow>& drawn,
                              const std::function<double(const DrawnRow&)>& logit,
                              std::uint64_t seed) {
  const auto n = static_cast<std::int64_t>(drawn.size());
  std::vector<float> numbers;
  std::vector<std::int64_t> levels;
  std::vector<std::int64_t> items;
  std::vector<std::int64_t> histories;
  LabelledRows rows;
  std::mt19937_64 random(seed);
  for (const DrawnRow& row : drawn) {
    numbers.push_back(row.number);
    levels.push_back(row.level);
    items.push_back(row.item);
    histories.insert(histories.end(), kDrawnPlaces - row.history.size(), 0);
    histories.insert(histories.end(), row.history.begin(), row.history.end());
    const double share = static_cast<double>(random() >> 11) * 0x1p-53;
    rows.labels.push_back(share < Sigmoid(logit(row)) ? 1 : 0);
    rows.group.push_back(static_cast<std::uint32_t>(rows.group.size() / 10));
  }
  rows.columns = {{"number", RankerColumnKind::kNumber, 0},
                  {"level", RankerColumnKind::kLevel, 5},
                  {"item", RankerColumnKind::kItem, 12},
                  {"history", RankerColumnKind::kHistory, 12}};
  rows.features.push_back(Tensor::Of<float>("number", {n}, numbers));
  rows.features.push_back(Tensor::Of<std::int64_t>("level", {n}, levels));
  rows.features.push_back(Tensor::Of<std::int64_t>("item", {n}, items));
  rows.features.push_back(
      Tensor::Of<std::int64_t>("history", {n, static_cast<std::int64_t>(kDrawnPlaces)}, histories));
  return rows;
}

/// Mean negative log likelihood of what a ranker says.
inline double LogLossOf(const TrainableRanker& ranker, const LabelledRows& rows) {
  std::vector<float> probabilities;
  const Status scored = ranker.Score(rows.features, probabilities);
  CHECK(scored.ok());
  double loss = 0;
  for (std::size_t i = 0; i < rows.rows(); ++i) {
    const double logit = Logit(double{probabilities[i]});
    loss += std::log1p(std::exp(rows.labels[i] > 0 ? -logit : logit));
  }
  return loss / static_cast<double>(rows.rows());
}

}  // namespace vitrine::train::test
