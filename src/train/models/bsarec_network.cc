#include "train/models/bsarec_network.h"

#include <fmt/format.h>

#include <cmath>
#include <numbers>

namespace vitrine::train {
namespace {

namespace nn = torch::nn;
using graph::Value;

// As published: weights and embeddings are drawn with this standard deviation.
constexpr double kSpread = 0.02;
constexpr double kNormEpsilon = 1e-12;

nn::LayerNorm Norm(std::int64_t width) {
  return nn::LayerNorm(nn::LayerNormOptions({width}).eps(kNormEpsilon));
}

nn::Linear Linear(std::int64_t in, std::int64_t out) {
  nn::Linear linear(in, out);
  const torch::NoGradGuard no_grad;
  nn::init::normal_(linear->weight, 0, kSpread);
  linear->bias.zero_();
  return linear;
}

}  // namespace

torch::Tensor LowPass(std::int64_t length, std::int64_t cutoff, bool past) {
  // Frequencies 0 to passed - 1 of the real transform; each but 0 and length / 2 stands for two of the
  // full one. Their inverse transform is a sum of cosines of the distance.
  const std::int64_t passed = std::min(cutoff / 2 + 1, length / 2 + 1);
  const auto places = static_cast<double>(length);
  torch::Tensor low = torch::zeros({length, length});
  auto weights = low.accessor<float, 2>();
  for (std::int64_t t = 0; t < length; ++t) {
    for (std::int64_t s = 0; s < (past ? t + 1 : length); ++s) {
      double sum = 0;
      for (std::int64_t k = 0; k < passed; ++k) {
        const double twice = k == 0 || 2 * k == length ? 1 : 2;
        const auto turn = static_cast<double>(k * (t - s)) / places;
        sum += twice * std::cos(2 * std::numbers::pi * turn);
      }
      weights[t][s] = static_cast<float>(sum / places);
    }
  }
  return low;
}

BsarecBlockImpl::BsarecBlockImpl(const BsarecOptions& options)
    : share_(options.filter), heads_(options.heads) {
  const std::int64_t d = options.train.width;
  beta_ = register_parameter("beta", torch::randn({d}));
  filter_norm_ = register_module("filter_norm", Norm(d));
  query_key_value_ = register_module("query_key_value", Linear(d, 3 * d));
  attention_out_ = register_module("attention_out", Linear(d, d));
  attention_norm_ = register_module("attention_norm", Norm(d));
  feed_in_ = register_module("feed_in", Linear(d, 4 * d));
  feed_out_ = register_module("feed_out", Linear(4 * d, d));
  feed_norm_ = register_module("feed_norm", Norm(d));
  dropout_ = register_module("dropout", Dropout(options.train.dropout));
}

torch::Tensor BsarecBlockImpl::forward(const torch::Tensor& x, const torch::Tensor& low,
                                       const torch::Tensor& known, const torch::Tensor& mask) {
  const torch::Tensor slow = torch::matmul(low, x * known);
  const torch::Tensor passed = slow + beta_.square() * (x - slow);
  const torch::Tensor filtered = filter_norm_->forward(dropout_->forward(passed) + x);
  const torch::Tensor mixed =
      attention_out_->forward(Attend(query_key_value_->forward(x), mask, heads_, dropout_));
  const torch::Tensor attended = attention_norm_->forward(dropout_->forward(mixed) + x);
  const torch::Tensor y = filtered * share_ + attended * (1 - share_);
  const torch::Tensor fed = feed_out_->forward(torch::gelu(feed_in_->forward(y)));
  return feed_norm_->forward(dropout_->forward(fed) + y);
}

Value BsarecBlockImpl::Export(NetworkGraph& g, const std::string& name, const Value& x,
                              const Value& low, const Value& known, const Value& mask) {
  graph::Builder& b = g.builder();
  const Value slow = b.MatMul(low, b.Mul(x, known));
  const Value passed =
      b.Add(slow, b.Mul(g.Weight(name + ".beta_squared", beta_.square()), b.Sub(x, slow)));
  const Value filtered = g.Norm(name + ".filter_norm", b.Add(passed, x), filter_norm_);
  const Value joined = g.Linear(name + ".qkv", x, query_key_value_);
  const Value mixed = g.Linear(name + ".attention_out",
                               g.Attend(joined, mask, heads_, beta_.size(0)), attention_out_);
  const Value attended = g.Norm(name + ".attention_norm", b.Add(mixed, x), attention_norm_);
  const Value y = b.Add(b.Mul(filtered, b.Scalar(static_cast<float>(share_))),
                        b.Mul(attended, b.Scalar(static_cast<float>(1 - share_))));
  const Value fed =
      g.Linear(name + ".feed_out", g.Gelu(g.Linear(name + ".feed_in", y, feed_in_)), feed_out_);
  return g.Norm(name + ".feed_norm", b.Add(fed, y), feed_norm_);
}

BsarecNetwork::BsarecNetwork(const BsarecOptions& options, std::int64_t items)
    : SequenceNetwork(items, options.train.width, kSpread),
      length_(options.train.length),
      low_(LowPass(options.train.length, options.cutoff, options.sees == "past")) {
  const std::int64_t d = options.train.width;
  position_ = register_module("position", nn::Embedding(length_, d));
  embedding_norm_ = register_module("embedding_norm", Norm(d));
  for (std::int64_t b = 0; b < options.blocks; ++b) {
    blocks_.push_back(register_module(fmt::format("block{}", b), BsarecBlock(options)));
  }
  dropout_ = register_module("dropout", Dropout(options.train.dropout));
  const torch::NoGradGuard no_grad;
  nn::init::normal_(position_->weight, 0, kSpread);
}

torch::Tensor BsarecNetwork::forward(const torch::Tensor& history, const torch::Tensor& embedded) {
  const std::int64_t length = history.size(1);
  const torch::Tensor places = torch::arange(length_ - length, length_, torch::kLong);
  const torch::Tensor mask = CausalMask(history);
  const torch::Tensor known = Known(history).unsqueeze(-1).to(torch::kFloat);
  // Weights depend on the distance alone: any square on the diagonal is the filter of fewer places.
  const torch::Tensor low = low_.slice(0, 0, length).slice(1, 0, length);
  torch::Tensor x =
      dropout_->forward(embedding_norm_->forward(embedded + position_->forward(places)));
  for (BsarecBlock& block : blocks_) {
    x = block->forward(x, low, known, mask);
  }
  return x;
}

Status BsarecNetwork::Export(graph::Builder& b) {
  NetworkGraph graph(b);
  b.SetDoc(
      "BSARec: next item by self-attention and a low-pass filter; Shin et al., AAAI 2024, section "
      "4.");
  const Value history = graph.History();
  const Value items = b.Gather(graph.Weight("item", item), history);
  const Value positions = b.Gather(graph.Weight("position", position_->weight),
                                   graph.PlacesFromTheEnd(history, length_));
  const Value known = b.Cast(b.Unsqueeze(graph.Known(history), {2}), DType::kFloat32);
  const Value length = b.Unsqueeze(graph.Length(history), {0});
  const Value from = b.Constants({0, 0});
  const Value low = b.Op("Slice", {graph.Weight("low_pass", low_), from,
                                   b.Concat({length, length}, 0), b.Constants({0, 1})});
  const Value mask = graph.CausalMask(history);
  Value x = graph.Norm("embedding_norm", b.Add(items, positions), embedding_norm_);
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    x = blocks_[i]->Export(graph, fmt::format("block{}", i), x, low, known, mask);
  }
  b.Output("query", graph.Newest(x, history), DType::kFloat32, {"batch", item.size(1)});
  return Status::Ok();
}

}  // namespace vitrine::train
