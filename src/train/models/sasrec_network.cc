#include "train/models/sasrec_network.h"

#include <fmt/format.h>

#include <cmath>

namespace vitrine::train {
namespace {

namespace nn = torch::nn;
using graph::Value;

constexpr double kNormEpsilon = 1e-8;

nn::LayerNorm Norm(std::int64_t width) {
  return nn::LayerNorm(nn::LayerNormOptions({width}).eps(kNormEpsilon));
}

}  // namespace

SasrecBlockImpl::SasrecBlockImpl(const SasrecOptions& options)
    : heads_(options.heads), gated_(options.block == "ligr") {
  const std::int64_t d = options.train.width;
  attention_norm_ = register_module("attention_norm", Norm(d));
  query_key_value_ = register_module("query_key_value", nn::Linear(d, 3 * d));
  attention_out_ = register_module("attention_out", nn::Linear(d, d));
  feed_norm_ = register_module("feed_norm", Norm(d));
  feed_in_ = register_module("feed_in", nn::Linear(d, 4 * d));
  feed_out_ = register_module("feed_out", nn::Linear(4 * d, d));
  dropout_ = register_module("dropout", Dropout(options.train.dropout));
  if (gated_) {
    attention_gate_ = register_module("attention_gate", nn::Linear(d, d));
    feed_gate_ = register_module("feed_gate", nn::Linear(d, d));
    feed_linear_ = register_module("feed_linear", nn::Linear(d, 4 * d));
  }
}

torch::Tensor SasrecBlockImpl::forward(const torch::Tensor& x, const torch::Tensor& mask) {
  const torch::Tensor mixed = attention_out_->forward(
      Attend(query_key_value_->forward(attention_norm_->forward(x)), mask, heads_, dropout_));
  if (!gated_) {
    const torch::Tensor y = x + dropout_->forward(mixed);
    const torch::Tensor inner = torch::relu(feed_in_->forward(feed_norm_->forward(y)));
    return y + dropout_->forward(feed_out_->forward(dropout_->forward(inner)));
  }
  const torch::Tensor y =
      x + dropout_->forward(torch::sigmoid(attention_gate_->forward(x)) * mixed);
  const torch::Tensor normed = feed_norm_->forward(y);
  const torch::Tensor inner =
      torch::silu(feed_in_->forward(normed)) * feed_linear_->forward(normed);
  const torch::Tensor fed = feed_out_->forward(dropout_->forward(inner));
  return y + dropout_->forward(torch::sigmoid(feed_gate_->forward(y)) * fed);
}

Value SasrecBlockImpl::Export(NetworkGraph& g, const std::string& name, const Value& x,
                              const Value& mask) {
  graph::Builder& b = g.builder();
  const std::int64_t width = attention_out_->options.out_features();
  const Value joined = g.Linear(name + ".qkv", g.Norm(name + ".attention_norm", x, attention_norm_),
                                query_key_value_);
  const Value mixed =
      g.Linear(name + ".attention_out", g.Attend(joined, mask, heads_, width), attention_out_);
  if (!gated_) {
    const Value y = b.Add(x, mixed);
    const Value inner =
        b.Relu(g.Linear(name + ".feed_in", g.Norm(name + ".feed_norm", y, feed_norm_), feed_in_));
    return b.Add(y, g.Linear(name + ".feed_out", inner, feed_out_));
  }
  const auto gate = [&](const char* part, const Value& at, nn::Linear& linear) {
    return b.Op("Sigmoid", {g.Linear(name + part, at, linear)});
  };
  const Value y = b.Add(x, b.Mul(gate(".attention_gate", x, attention_gate_), mixed));
  const Value normed = g.Norm(name + ".feed_norm", y, feed_norm_);
  const Value inner = b.Mul(g.Silu(g.Linear(name + ".feed_in", normed, feed_in_)),
                            g.Linear(name + ".feed_linear", normed, feed_linear_));
  const Value fed = g.Linear(name + ".feed_out", inner, feed_out_);
  return b.Add(y, b.Mul(gate(".feed_gate", y, feed_gate_), fed));
}

SasrecNetwork::SasrecNetwork(const SasrecOptions& options, std::int64_t items)
    : SequenceNetwork(items, options.train.width,
                      1 / std::sqrt(static_cast<double>(options.train.width))),
      length_(options.train.length) {
  const std::int64_t d = options.train.width;
  position_ = register_module("position", nn::Embedding(length_, d));
  for (std::int64_t b = 0; b < options.blocks; ++b) {
    blocks_.push_back(register_module(fmt::format("block{}", b), SasrecBlock(options)));
  }
  final_norm_ = register_module("final_norm", Norm(d));
  dropout_ = register_module("dropout", Dropout(options.train.dropout));
  const torch::NoGradGuard no_grad;
  nn::init::normal_(position_->weight, 0, 0.02);
}

torch::Tensor SasrecNetwork::forward(const torch::Tensor& history, const torch::Tensor& embedded) {
  const std::int64_t length = history.size(1);
  const torch::Tensor places = torch::arange(length_ - length, length_, torch::kLong);
  const torch::Tensor mask = CausalMask(history);
  torch::Tensor x = dropout_->forward(embedded + position_->forward(places));
  for (SasrecBlock& block : blocks_) {
    x = block->forward(x, mask);
  }
  return final_norm_->forward(x);
}

Status SasrecNetwork::Export(graph::Builder& b) {
  NetworkGraph graph(b);
  b.SetDoc("SASRec: next item by self-attention; Kang & McAuley, ICDM 2018, section III.");
  const Value history = graph.History();
  // Rows 0 and 1 of the item table are zero: padding and unknown items add nothing.
  const Value items = b.Gather(graph.Weight("item", item), history);
  const Value positions = b.Gather(graph.Weight("position", position_->weight),
                                   graph.PlacesFromTheEnd(history, length_));
  Value x = b.Add(items, positions);
  const Value mask = graph.CausalMask(history);
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    x = blocks_[i]->Export(graph, fmt::format("block{}", i), x, mask);
  }
  const Value states = graph.Norm("final_norm", x, final_norm_);
  b.Output("query", graph.Newest(states, history), DType::kFloat32, {"batch", item.size(1)});
  return Status::Ok();
}

}  // namespace vitrine::train
