/// Cuts histories into training batches of like length.
/// Threads: values; one thread.
#pragma once

#include <cstdint>
#include <random>
#include <span>
#include <vector>

#include "core/history.h"
#include "train/models/sequence_options.h"

namespace vitrine::train {

/// Stands in inputs where a place is hidden (Learn::kMasked).
inline constexpr std::int64_t kMaskedItem = -1;

/// Inputs and the item that each place should tell; left-padded with 0.
/// Shapes: inputs, targets, weights [rows, length]; a target of 0 is no place to learn from.
struct SequenceBatch {
  std::vector<std::int64_t> inputs;
  std::vector<std::int64_t> targets;
  std::vector<float> weights;  ///< of the targets as examples; empty: all 1
  std::int64_t rows = 0;
  std::int64_t length = 0;
};

class SequenceBatches {
 public:
  /// Known items of each history, in windows of at most `length` + 1 places that overlap by one,
  /// so that every place but a user's first is a target once. Windows of one item are left out.
  /// kNewest: a window for every place but a user's first, of at most `length` inputs, whose last place
  /// alone has a target. kMasked: every place can be a target, a user's first one too.
  /// `weights`: of each event as an example (see TrainingSequences); empty: all 1. They are divided by their mean over the
  /// targets, so that a step is as large as without; what weighs 0 is read and is no target, and a window without
  /// any target is left out.
  SequenceBatches(std::span<const History> users, std::int64_t length, std::int64_t rows,
                  Learn learn = Learn::kNext, std::span<const std::vector<float>> weights = {});

  /// The batches of one epoch: windows in random order within each length, batches in random order.
  [[nodiscard]] std::vector<std::vector<std::uint32_t>> Shuffle(std::mt19937_64& random) const;
  /// Not of kMasked.
  [[nodiscard]] SequenceBatch Make(std::span<const std::uint32_t> windows) const;
  /// Of kMasked: hides each place with probability `mask`, or the newest one alone with probability
  /// `newest` and where none was hidden. What weighs nothing as an example is not hidden.
  [[nodiscard]] SequenceBatch MakeMasked(std::span<const std::uint32_t> windows, double mask,
                                         double newest, std::mt19937_64& random) const;

  [[nodiscard]] std::size_t windows() const { return windows_.size(); }
  [[nodiscard]] std::size_t targets() const { return targets_; }
  /// Batches of an epoch.
  [[nodiscard]] std::int64_t steps() const {
    return (static_cast<std::int64_t>(windows_.size()) + rows_ - 1) / rows_;
  }

 private:
  struct Window {
    std::size_t begin;
    std::size_t size;
  };
  [[nodiscard]] bool IsTarget(std::size_t place) const {
    return weights_.empty() || weights_[place] > 0;
  }
  /// The first place of a window that can be a target.
  [[nodiscard]] std::size_t FirstTarget(const Window& window) const;
  /// An empty batch of these windows, `more` places longer than all but their newest ones.
  [[nodiscard]] SequenceBatch Blank(std::span<const std::uint32_t> windows, std::size_t more) const;
  void Hide(const Window& window, std::size_t place, std::size_t row, SequenceBatch& batch) const;
  /// Keeps the window, where it has a target.
  void Add(const Window& window);
  void ScaleWeights();

  std::vector<ItemIndex> items_;
  std::vector<float> weights_;  // along items_
  std::vector<Window> windows_;
  std::size_t targets_ = 0;
  std::int64_t rows_;
  Learn learn_;
};

}  // namespace vitrine::train
