#include "train/models/factor_pairs.h"

#include <cstdint>
#include <limits>

namespace vitrine::train {

using graph::Value;

torch::Tensor FactorPairs(const torch::Tensor& columns) {
  const torch::Tensor linear = columns.select(2, 0).sum(1, /*keepdim=*/true);
  const torch::Tensor factors = columns.slice(2, 1);
  const torch::Tensor all = factors.sum(1).square() - factors.square().sum(1);  // [B, k]
  return linear + all.sum(1, /*keepdim=*/true) * 0.5;
}

Value FactorPairs(graph::Builder& b, const Value& columns) {
  constexpr std::int64_t kEnd = std::numeric_limits<std::int64_t>::max();
  const Value linear = b.ReduceSum(b.Slice(columns, 2, 0, 1), {1}, /*keep=*/false);  // [B, 1]
  const Value factors = b.Slice(columns, 2, 1, kEnd);
  const Value sum = b.ReduceSum(factors, {1}, /*keep=*/false);
  const Value squares = b.ReduceSum(b.Mul(factors, factors), {1}, /*keep=*/false);
  const Value pairs = b.ReduceSum(b.Sub(b.Mul(sum, sum), squares), {1}, /*keep=*/true);
  return b.Add(linear, b.Mul(pairs, b.Scalar(0.5F)));
}

}  // namespace vitrine::train
