/// Cuts histories into training batches of like length.
/// Threads: values; one thread.
#pragma once

#include <cstdint>
#include <random>
#include <span>
#include <vector>

#include "core/history.h"

namespace vitrine::train {

/// Inputs and the item that follows each place; left-padded with 0.
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
  /// `newest_only`: a window for every place but a user's first, of at most `length` inputs, whose
  /// last place alone has a target.
  /// `weights`: of each event as an example (see TrainingSequences); empty: all 1. They are divided by their mean over the
  /// targets, so that a step is as large as without; what weighs 0 is read and is no target, and a window without
  /// any target is left out.
  SequenceBatches(std::span<const History> users, std::int64_t length, std::int64_t rows,
                  bool newest_only = false, std::span<const std::vector<float>> weights = {});

  /// The batches of one epoch: windows in random order within each length, batches in random order.
  [[nodiscard]] std::vector<std::vector<std::uint32_t>> Shuffle(std::mt19937_64& random) const;
  [[nodiscard]] SequenceBatch Make(std::span<const std::uint32_t> windows) const;

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
  /// Keeps the window, where it has a target.
  void Add(const Window& window);
  void ScaleWeights();

  std::vector<ItemIndex> items_;
  std::vector<float> weights_;  // along items_
  std::vector<Window> windows_;
  std::size_t targets_ = 0;
  std::int64_t rows_;
  bool newest_only_;
};

}  // namespace vitrine::train
