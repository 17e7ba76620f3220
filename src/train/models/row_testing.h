/// For tests of networks over labelled rows: rows whose truth is known.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/history.h"
#include "train/models/row_options.h"
#include "train/ranker.h"

namespace vitrine::train {

/// Rows, and the probability with which each label was drawn.
struct SimulatedRows {
  LabelledRows rows;
  std::vector<float> truth;
};

inline RowOptions SmallRowTraining(std::int64_t epochs) {
  return {.width = 8,
          .spread = 0.1,
          .learning_rate = 0.01,
          .batch = 64,
          .epochs = epochs,
          .threads = 1};
}

/// The share of pairs of a 1 and a 0 that stand in the right order, pair by pair.
inline double SlowAuc(std::span<const std::uint8_t> labels, std::span<const float> scores) {
  double right = 0;
  double pairs = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    for (std::size_t j = 0; j < labels.size(); ++j) {
      if (labels[i] == 1 && labels[j] == 0) {
        ++pairs;
        right += scores[i] > scores[j] ? 1 : (scores[i] == scores[j] ? 0.5 : 0);
      }
    }
  }
  return right / pairs;
}

inline std::vector<float> ProbabilitiesOf(const TrainableRanker& ranker,
                                          std::span<const Tensor> features) {
  std::vector<float> probabilities;
  const Status scored = ranker.Score(features, probabilities);
  EXPECT_EQ(scored, Status());
  return probabilities;
}

inline double AucOf(const TrainableRanker& ranker, const LabelledRows& rows) {
  return SlowAuc(rows.labels, ProbabilitiesOf(ranker, rows.features));
}

/// Draws the label of the next row.
inline void Draw(SimulatedRows& made, float probability, std::mt19937_64& random) {
  const double drawn = std::generate_canonical<double, 53>(random);
  made.truth.push_back(probability);
  made.rows.labels.push_back(drawn < probability ? 1 : 0);
  made.rows.group.push_back(static_cast<std::uint32_t>(made.rows.group.size() / 4));
}

inline Tensor LevelsOf(std::string name, const std::vector<std::int64_t>& values) {
  return Tensor::Of<std::int64_t>(std::move(name), {static_cast<std::int64_t>(values.size())},
                                  values);
}
inline Tensor NumbersOf(std::string name, const std::vector<float>& values) {
  return Tensor::Of<float>(std::move(name), {static_cast<std::int64_t>(values.size())}, values);
}

/// Two levels, neither of which says anything alone: 0.9 where their numbers add up to an even one.
inline SimulatedRows EvenPairs(std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  SimulatedRows made;
  std::vector<std::int64_t> a;
  std::vector<std::int64_t> b;
  for (std::size_t i = 0; i < count; ++i) {
    a.push_back(1 + static_cast<std::int64_t>(random() % 8));
    b.push_back(1 + static_cast<std::int64_t>(random() % 8));
    Draw(made, (a.back() + b.back()) % 2 == 0 ? 0.9F : 0.1F, random);
  }
  made.rows.columns = {{"a", RankerColumnKind::kLevel, 9}, {"b", RankerColumnKind::kLevel, 9}};
  made.rows.features = {LevelsOf("a", a), LevelsOf("b", b)};
  return made;
}

/// Three numbers: 0.95 where the first two have one sign, 0.05 where not; the third says nothing.
inline SimulatedRows LikeSigns(std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal;
  SimulatedRows made;
  std::vector<std::vector<float>> x(3);
  for (std::size_t i = 0; i < count; ++i) {
    for (auto& column : x) {
      column.push_back(normal(random));
    }
    Draw(made, x[0].back() * x[1].back() > 0 ? 0.95F : 0.05F, random);
  }
  for (const char* name : {"x", "y", "z"}) {
    made.rows.columns.push_back({name, RankerColumnKind::kNumber, 0});
    made.rows.features.push_back(NumbersOf(name, x[made.rows.features.size()]));
  }
  return made;
}

inline constexpr std::int64_t kPlaces = 6;
inline constexpr std::size_t kItemWidth = 42;
/// Items are of four kinds.
inline std::int64_t KindOf(std::int64_t item) { return item % 4; }

/// A candidate and a history, of which one place at most is of the candidate's kind: 0.95 where there
/// is one, 0.05 where not. Every third history is padded.
inline SimulatedRows OnePlaceMatters(std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto item = [&random] {
    return static_cast<std::int64_t>(kFirstItem + random() % (kItemWidth - kFirstItem));
  };
  SimulatedRows made;
  std::vector<std::int64_t> candidates;
  std::vector<std::int64_t> places;
  for (std::size_t i = 0; i < count; ++i) {
    const std::int64_t candidate = item();
    const std::int64_t padding = i % 3 == 0 ? 2 : 0;
    const bool matches = random() % 2 == 0;
    const std::int64_t match =
        padding +
        static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(kPlaces - padding));
    for (std::int64_t p = 0; p < kPlaces; ++p) {
      std::int64_t drawn = p < padding ? kPaddingItem : item();
      const bool wanted = matches && p == match;
      while (p >= padding && (KindOf(drawn) == KindOf(candidate)) != wanted) {
        drawn = item();
      }
      places.push_back(drawn);
    }
    candidates.push_back(candidate);
    Draw(made, matches ? 0.95F : 0.05F, random);
  }
  const auto n = static_cast<std::int64_t>(count);
  made.rows.columns = {{"candidate", RankerColumnKind::kItem, kItemWidth},
                       {"history", RankerColumnKind::kHistory, kItemWidth}};
  made.rows.features = {LevelsOf("candidate", candidates),
                        Tensor::Of<std::int64_t>("history", {n, kPlaces}, places)};
  return made;
}

}  // namespace vitrine::train
