#include "train/models/sasrec_network.h"

#include <cmath>
#include <string>

#include "core/history.h"

namespace vitrine::train {
namespace {

namespace nn = torch::nn;

nn::LayerNorm Norm(std::int64_t width) {
  return nn::LayerNorm(nn::LayerNormOptions({width}).eps(kNormEpsilon));
}

}  // namespace

SasrecBlockImpl::SasrecBlockImpl(const SasrecOptions& options) : heads_(options.heads) {
  const std::int64_t d = options.width;
  attention_norm = register_module("attention_norm", Norm(d));
  query_key_value = register_module("query_key_value", nn::Linear(d, 3 * d));
  attention_out = register_module("attention_out", nn::Linear(d, d));
  feed_norm = register_module("feed_norm", Norm(d));
  feed_in = register_module("feed_in", nn::Linear(d, 4 * d));
  feed_out = register_module("feed_out", nn::Linear(4 * d, d));
  dropout_ = register_module("dropout", nn::Dropout(options.dropout));
}

torch::Tensor SasrecBlockImpl::forward(const torch::Tensor& x, const torch::Tensor& mask) {
  const std::int64_t batch = x.size(0);
  const std::int64_t length = x.size(1);
  const std::int64_t width = x.size(2);
  const std::int64_t head = width / heads_;
  // [B, T, 3, heads, head] -> [3, B, heads, T, head]
  const torch::Tensor parts = query_key_value->forward(attention_norm->forward(x))
                                  .view({batch, length, 3, heads_, head})
                                  .permute({2, 0, 3, 1, 4});
  const torch::Tensor logits =
      parts[0].matmul(parts[1].transpose(-2, -1)) / std::sqrt(static_cast<double>(head)) + mask;
  const torch::Tensor attention = dropout_->forward(torch::softmax(logits, -1));
  const torch::Tensor mixed =
      attention.matmul(parts[2]).transpose(1, 2).reshape({batch, length, width});
  const torch::Tensor y = x + dropout_->forward(attention_out->forward(mixed));
  const torch::Tensor fed =
      feed_out->forward(dropout_->forward(torch::relu(feed_in->forward(feed_norm->forward(y)))));
  return y + dropout_->forward(fed);
}

SasrecNetworkImpl::SasrecNetworkImpl(const SasrecOptions& options, std::int64_t items)
    : length_(options.length) {
  const std::int64_t d = options.width;
  item = register_module("item", nn::Embedding(items, d));
  position = register_module("position", nn::Embedding(options.length, d));
  for (std::int64_t b = 0; b < options.blocks; ++b) {
    blocks.push_back(register_module("block" + std::to_string(b), SasrecBlock(options)));
  }
  final_norm = register_module("final_norm", Norm(d));
  dropout_ = register_module("dropout", nn::Dropout(options.dropout));
  const torch::NoGradGuard no_grad;
  nn::init::normal_(item->weight, 0, 1 / std::sqrt(static_cast<double>(d)));
  nn::init::normal_(position->weight, 0, 0.02);
  item->weight.slice(0, 0, kFirstItem).zero_();
}

torch::Tensor SasrecNetworkImpl::forward(const torch::Tensor& history) {
  const std::int64_t length = history.size(1);
  const torch::Tensor known = history.ge(std::int64_t{kFirstItem});  // [B, T]
  const torch::Tensor places =
      torch::arange(length_ - length, length_, torch::TensorOptions().dtype(torch::kLong));
  const torch::Tensor visible = known.unsqueeze(1).unsqueeze(1).logical_and(
      torch::ones({length, length}, torch::kBool).tril());  // [B, 1, T, T]
  const torch::Tensor mask =
      torch::zeros_like(visible, torch::kFloat).masked_fill(visible.logical_not(), kUnseen);
  const torch::Tensor embedded =
      item->forward(history) * known.unsqueeze(-1).to(torch::kFloat) + position->forward(places);
  torch::Tensor x = dropout_->forward(embedded);
  for (SasrecBlock& block : blocks) {
    x = block->forward(x, mask);
  }
  return final_norm->forward(x);
}

torch::Tensor SasrecNetworkImpl::Newest(const torch::Tensor& history) {
  const std::int64_t length = history.size(1);
  // Place of the newest known item; equal zeros (nothing known) must give the last place.
  const torch::Tensor counted =
      history.ge(std::int64_t{kFirstItem}).to(torch::kLong) * torch::arange(1, length + 1);
  const torch::Tensor newest = std::get<0>(counted.max(1));  // 0: none known
  const torch::Tensor place =
      torch::where(newest.gt(0), newest - 1, torch::full_like(newest, length - 1));
  const torch::Tensor states = forward(history);
  return states.gather(1, place.view({-1, 1, 1}).expand({-1, 1, states.size(2)})).squeeze(1);
}

torch::Tensor SasrecNetworkImpl::Scores(const torch::Tensor& history) {
  return Newest(history).matmul(item->weight.t());
}

}  // namespace vitrine::train
