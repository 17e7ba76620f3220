#include "train/models/network_graph.h"

#include <cmath>
#include <cstddef>
#include <numbers>
#include <span>

#include "core/history.h"
#include "train/models/sequence_network.h"

namespace vitrine::train {

using graph::Value;

Value NetworkGraph::Weight(const std::string& name, const torch::Tensor& weight) {
  const torch::Tensor flat = weight.detach().to(torch::kFloat).contiguous();
  const auto* data = flat.data_ptr<float>();
  return b_.Initializer<float>(
      name, flat.sizes().vec(),
      std::span<const float>(data, static_cast<std::size_t>(flat.numel())));
}

Value NetworkGraph::Norm(const std::string& name, const Value& x, torch::nn::LayerNorm& norm) {
  return b_.LayerNorm(x, Weight(name + ".scale", norm->weight), Weight(name + ".bias", norm->bias),
                      static_cast<float>(norm->options.eps()));
}

Value NetworkGraph::Linear(const std::string& name, const Value& x, torch::nn::Linear& linear) {
  const Value product = b_.MatMul(x, Weight(name + ".weight", linear->weight.t()));
  return linear->bias.defined() ? b_.Add(product, Weight(name + ".bias", linear->bias)) : product;
}

Value NetworkGraph::Silu(const Value& x) { return b_.Mul(x, b_.Op("Sigmoid", {x})); }

Value NetworkGraph::Gelu(const Value& x) {
  const Value inner = b_.Erf(b_.Mul(x, b_.Scalar(1 / std::numbers::sqrt2_v<float>)));
  return b_.Mul(b_.Mul(x, b_.Add(inner, b_.Scalar(1.0F))), b_.Scalar(0.5F));
}

Value NetworkGraph::History() { return b_.Input("history", DType::kInt64, {"batch", "length"}); }

Value NetworkGraph::Length(const Value& history) {
  return b_.Gather(b_.ShapeOf(history), b_.Scalar<std::int64_t>(1));
}

Value NetworkGraph::Known(const Value& history) {
  return b_.GreaterOrEqual(history, b_.Scalar<std::int64_t>(std::int64_t{kFirstItem}));
}

Value NetworkGraph::PlacesFromTheEnd(const Value& history, std::int64_t length) {
  const Value end = b_.Scalar<std::int64_t>(length);
  return b_.Range(b_.Sub(end, Length(history)), end, b_.Scalar<std::int64_t>(1));
}

Value NetworkGraph::CausalMask(const Value& history) {
  const Value places =
      b_.Range(b_.Scalar<std::int64_t>(0), Length(history), b_.Scalar<std::int64_t>(1));
  const Value earlier = b_.GreaterOrEqual(b_.Unsqueeze(places, {1}), b_.Unsqueeze(places, {0}));
  const Value visible = b_.And(b_.Unsqueeze(Known(history), {1, 2}), b_.Unsqueeze(earlier, {0, 1}));
  return b_.Where(visible, b_.Scalar<float>(0), b_.Scalar<float>(kUnseen));
}

Value NetworkGraph::Attend(const Value& joined, const Value& mask, std::int64_t heads,
                           std::int64_t width) {
  const std::int64_t head = width / heads;
  const Value parts = b_.Transpose(b_.Reshape(joined, {0, 0, 3, heads, head}), {2, 0, 3, 1, 4});
  const auto part = [this, &parts](std::int64_t which) {
    return b_.Gather(parts, b_.Scalar<std::int64_t>(which), 0);
  };
  const Value scale = b_.Scalar<float>(1 / std::sqrt(static_cast<float>(head)));
  const Value logits =
      b_.Add(b_.Mul(b_.MatMul(part(0), b_.Transpose(part(1), {0, 1, 3, 2})), scale), mask);
  const Value mixed = b_.MatMul(b_.Softmax(logits), part(2));
  return b_.Reshape(b_.Transpose(mixed, {0, 2, 1, 3}), {0, 0, width});
}

Value NetworkGraph::Newest(const Value& states, const Value& history) {
  const Value one = b_.Scalar<std::int64_t>(1);
  const Value length = Length(history);
  const Value counted =
      b_.Mul(b_.Cast(Known(history), DType::kInt64), b_.Range(one, b_.Add(length, one), one));
  const Value newest = b_.Op("ReduceMax", {counted}, {{"axes", graph::Ints{1}}, {"keepdims", 1}});
  const Value place = b_.Where(b_.Greater(newest, b_.Scalar<std::int64_t>(0)), b_.Sub(newest, one),
                               b_.Sub(length, one));
  return b_.Op("GatherND", {states, place}, {{"batch_dims", 1}});
}

}  // namespace vitrine::train
