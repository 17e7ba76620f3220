#include "train/models/sequence_network.h"

#include <algorithm>
#include <cmath>

#include "core/history.h"

namespace vitrine::train {
namespace {

/// Rows whose states are computed together.
constexpr std::int64_t kTogether = 64;

}  // namespace

SequenceNetwork::SequenceNetwork(std::int64_t items, std::int64_t width, double spread) {
  torch::Tensor table = torch::empty({items, width});
  torch::nn::init::normal_(table, 0, spread);
  table.slice(0, 0, kFirstItem).zero_();
  item = register_parameter("item", table, /*requires_grad=*/false);
}

torch::Tensor SequenceNetwork::Newest(const torch::Tensor& history) {
  const std::int64_t length = history.size(1);
  // Place of the newest known item; equal zeros (nothing known) must give the last place.
  const torch::Tensor counted = Known(history).to(torch::kLong) * torch::arange(1, length + 1);
  const torch::Tensor newest = std::get<0>(counted.max(1));  // 0: none known
  const torch::Tensor place =
      torch::where(newest.gt(0), newest - 1, torch::full_like(newest, length - 1));
  // Rows 0 and 1 are zero: padding and unknown items add nothing.
  const torch::Tensor states = forward(history, torch::embedding(vectors(), history));
  return states.gather(1, place.view({-1, 1, 1}).expand({-1, 1, states.size(2)})).squeeze(1);
}

torch::Tensor SequenceNetwork::Scores(const torch::Tensor& history) {
  const std::int64_t length = history.size(1);
  // Places from the oldest known one on; at least one.
  const torch::Tensor first =
      Known(history).to(torch::kLong) * torch::arange(length, 0, -1, torch::kLong);
  const torch::Tensor needed = std::get<0>(first.max(1)).clamp_min(1);
  const torch::Tensor order = needed.argsort();
  const torch::Tensor queries = torch::empty({history.size(0), item.size(1)});
  for (std::int64_t begin = 0; begin < history.size(0); begin += kTogether) {
    const torch::Tensor rows = order.slice(0, begin, begin + kTogether);
    const auto places = needed.index_select(0, rows).max().item<std::int64_t>();
    const torch::Tensor part = history.index_select(0, rows).slice(1, length - places, length);
    queries.index_copy_(0, rows, Newest(part));
  }
  return queries.matmul(vectors().t());
}

torch::Tensor Known(const torch::Tensor& history) { return history.ge(std::int64_t{kFirstItem}); }

torch::Tensor CausalMask(const torch::Tensor& history) {
  const std::int64_t length = history.size(1);
  const torch::Tensor visible = Known(history).unsqueeze(1).unsqueeze(1).logical_and(
      torch::ones({length, length}, torch::kBool).tril());  // [B, 1, T, T]
  return torch::zeros_like(visible, torch::kFloat).masked_fill(visible.logical_not(), kUnseen);
}

torch::Tensor Attend(const torch::Tensor& joined, const torch::Tensor& mask, std::int64_t heads,
                     Dropout& dropout) {
  const std::int64_t batch = joined.size(0);
  const std::int64_t length = joined.size(1);
  const std::int64_t width = joined.size(2) / 3;
  const std::int64_t head = width / heads;
  // [B, T, 3, heads, head] -> [3, B, heads, T, head]
  const torch::Tensor parts = joined.view({batch, length, 3, heads, head}).permute({2, 0, 3, 1, 4});
  const torch::Tensor logits =
      parts[0].matmul(parts[1].transpose(-2, -1)) / std::sqrt(static_cast<double>(head)) + mask;
  const torch::Tensor attention = dropout->forward(torch::softmax(logits, -1));
  return attention.matmul(parts[2]).transpose(1, 2).reshape({batch, length, width});
}

}  // namespace vitrine::train
