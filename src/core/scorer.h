/// The port that evaluation, serving and explanation share: histories in, a score per item out.
#pragma once

#include <span>
#include <vector>

#include "core/history.h"
#include "core/status.h"

namespace vitrine {

/// Scores the whole vocabulary for a batch of histories.
class Scorer {
 public:
  virtual ~Scorer() = default;

  /// Items in the vocabulary, padding and unknown included: scores are [histories, width].
  [[nodiscard]] virtual std::size_t width() const = 0;

  /// Shapes:  scores[b * width() + item], higher is better; rows 0 and 1 (padding, unknown) are
  ///          meaningless and never ranked.
  /// Errors:  kInvalidArgument (an item outside the vocabulary), kUnavailable.
  /// Threads: any.
  virtual Status Score(std::span<const History> histories, std::vector<double>& scores) const = 0;
};

}  // namespace vitrine
