/// What every counting model can do once it is fitted: score natively (the oracle that golden
/// outputs come from) and leave as an ONNX graph that computes the same numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "core/tensor.h"

namespace vitrine::train {

/// Names of the feature tensors (data/feature_spec.h) that models read.
inline constexpr std::string_view kHistoryInput = "history";  ///< [B, L] int64 ItemIndex
inline constexpr std::string_view kAgeInput = "age";          ///< [B, L] int64, 0 newest, -1 padding
inline constexpr std::string_view kScoresOutput = "scores";   ///< [B, width]

/// Threads: immutable; any.
class CountingModel {
 public:
  virtual ~CountingModel() = default;

  [[nodiscard]] virtual std::size_t width() const = 0;
  /// Which tensors Score and the graph read, in the graph's order.
  [[nodiscard]] virtual std::vector<std::string> Inputs() const = 0;

  /// Scores a batch of features, found by name; what the model does not read may stand among them.
  /// Shapes:  scores[b * width() + item], float64; 0 for what nothing speaks for
  /// Errors:  kInvalidArgument (a tensor missing, of another type or shape; an item outside the
  ///          vocabulary)
  virtual Status Score(std::span<const Tensor> features, std::vector<double>& scores) const = 0;

  /// The ONNX graph: Inputs() -> `scores` [batch, width] float64, bit for bit what Score computes.
  /// Errors: kResourceExhausted (tables beyond 2 GiB: says which option makes them smaller).
  [[nodiscard]] virtual Result<std::string> Graph() const = 0;
};

}  // namespace vitrine::train
