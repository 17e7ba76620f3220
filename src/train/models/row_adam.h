/// Adam for the rows of a table, of which a step touches some: one pass over row, moments and gradient.
/// No LibTorch. Threads: one thread.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace vitrine::train {

struct RowAdamOptions {
  double learning_rate = 0.001;
  double beta1 = 0.9;
  double beta2 = 0.98;
  double epsilon = 1e-8;
  double weight_decay = 0;  ///< a step shrinks a touched row by learning_rate * weight_decay
};

/// Adam (Kingma & Ba, ICLR 2015) with decoupled decay (Loshchilov & Hutter, ICLR 2019), row by row.
/// Where a step touches every row it is dense AdamW. Where it does not, it differs from dense Adam in
/// three ways: an untouched row stands still (dense Adam would go on along its old mean gradient), its
/// moments and its weight do not decay, and the bias correction counts the steps in which that row was
/// touched, so that a rare item's first step is as long as a frequent item's first one was.
class RowAdam {
 public:
  RowAdam() = default;
  RowAdam(std::int64_t rows, std::int64_t width);

  /// `table` is [rows, width]. `touched` names different rows, `gradients` is [touched, width]; each
  /// gradient counts `scale` times (clipping).
  void Step(const RowAdamOptions& options, float scale, std::span<const std::int64_t> touched,
            std::span<const float> gradients, std::span<float> table);
  /// The same with a gradient for every row.
  void StepAll(const RowAdamOptions& options, float scale, std::span<const float> gradients,
               std::span<float> table);

  // What a checkpoint keeps.
  std::vector<float> mean;          ///< [rows, width]
  std::vector<float> square;        ///< [rows, width]
  std::vector<std::int64_t> steps;  ///< a row: how often it was touched

 private:
  void Row(const RowAdamOptions& options, float scale, std::int64_t row, const float* gradient,
           float* weights);
  std::int64_t width_ = 0;
};

}  // namespace vitrine::train
