/// The validation value that early stopping and the result report look at: NDCG@k over the
/// protocol's validation cases, the whole vocabulary ranked.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/artifact.h"
#include "core/scorer.h"
#include "core/status.h"
#include "train/training_set.h"

namespace vitrine::train {

/// How many of `cases` are measured: at most `asked` or, where that is 0, as many as make 2^31 scores of `items`
/// items each, at least 10,000: each time a network is looked at, all of them are ranked.
std::size_t CasesMeasured(std::uint64_t asked, std::size_t cases, std::size_t items);

struct ValidationOptions {
  int k = 10;
  std::uint64_t cases = 0;  ///< at most, drawn by the seed; 0: all
  std::uint64_t seed = 1;
};

class Validation {
 public:
  /// Takes the validation cases of `material`, in the vocabulary of `set`.
  Validation(const Material& material, const TrainingSet& set, const ValidationOptions& options);

  [[nodiscard]] std::size_t cases() const { return histories_.size(); }
  /// Mean NDCG@k. Errors: the scorer's; kCancelled.
  Result<double> Ndcg(const Scorer& scorer, const Progress& progress) const;
  /// The same with its bootstrap interval.
  Result<MetricValue> NdcgInterval(const Scorer& scorer, const Progress& progress) const;

 private:
  Result<std::vector<double>> PerCase(const Scorer& scorer, const Progress& progress) const;

  std::vector<History> histories_;
  std::vector<std::vector<ItemIndex>> targets_;  // unknown items stay: they are misses
  bool filtered_ = true;
  ValidationOptions options_;
};

/// 0-based places of the targets among all items but padding, unknown and what `blocked` marks:
/// score descending, ties by lower index. Rising. Targets outside the vocabulary have none.
std::vector<std::uint32_t> RanksOf(std::span<const double> scores, std::span<const char> blocked,
                                   std::span<const ItemIndex> targets);

}  // namespace vitrine::train
