#include "train/models/sasrec_graph.h"

#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

namespace vitrine::train {
namespace {

using graph::Builder;
using graph::Value;

/// Writes the parts of the network; `b` and the sizes are the same for all of them.
class SasrecGraph {
 public:
  SasrecGraph(const SasrecOptions& options, Builder& builder) : options_(options), b_(builder) {}

  Value Weight(const std::string& name, const torch::Tensor& weight) {
    const torch::Tensor flat = weight.detach().to(torch::kFloat).contiguous();
    const auto* data = flat.data_ptr<float>();
    return b_.Initializer<float>(
        name, flat.sizes().vec(),
        std::span<const float>(data, static_cast<std::size_t>(flat.numel())));
  }

  Value Norm(const std::string& name, const Value& x, torch::nn::LayerNorm& norm) {
    return b_.LayerNorm(x, Weight(name + ".scale", norm->weight),
                        Weight(name + ".bias", norm->bias), static_cast<float>(kNormEpsilon));
  }

  Value Linear(const std::string& name, const Value& x, torch::nn::Linear& linear) {
    const Value product = b_.MatMul(x, Weight(name + ".weight", linear->weight.t()));
    return b_.Add(product, Weight(name + ".bias", linear->bias));
  }

  Value Block(const std::string& name, const Value& x, const Value& mask, SasrecBlockImpl& block) {
    const std::int64_t head = options_.width / options_.heads;
    const Value joined =
        Linear(name + ".qkv", Norm(name + ".attention_norm", x, block.attention_norm),
               block.query_key_value);
    const Value parts =
        b_.Transpose(b_.Reshape(joined, {0, 0, 3, options_.heads, head}), {2, 0, 3, 1, 4});
    const auto part = [this, &parts](std::int64_t which) {
      return b_.Gather(parts, b_.Scalar<std::int64_t>(which), 0);
    };
    const Value scale = b_.Scalar<float>(1 / std::sqrt(static_cast<float>(head)));
    const Value logits =
        b_.Add(b_.Mul(b_.MatMul(part(0), b_.Transpose(part(1), {0, 1, 3, 2})), scale), mask);
    const Value mixed = b_.MatMul(b_.Softmax(logits), part(2));
    const Value rows = b_.Reshape(b_.Transpose(mixed, {0, 2, 1, 3}), {0, 0, options_.width});
    const Value y = b_.Add(x, Linear(name + ".attention_out", rows, block.attention_out));
    const Value inner = b_.Relu(
        Linear(name + ".feed_in", Norm(name + ".feed_norm", y, block.feed_norm), block.feed_in));
    return b_.Add(y, Linear(name + ".feed_out", inner, block.feed_out));
  }

  /// 0 where a place may be seen from another, very negative where not: [B, 1, T, T].
  Value Mask(const Value& known, const Value& length) {
    const Value places = b_.Range(b_.Scalar<std::int64_t>(0), length, b_.Scalar<std::int64_t>(1));
    const Value earlier = b_.GreaterOrEqual(b_.Unsqueeze(places, {1}), b_.Unsqueeze(places, {0}));
    const Value visible = b_.And(b_.Unsqueeze(known, {1, 2}), b_.Unsqueeze(earlier, {0, 1}));
    return b_.Where(visible, b_.Scalar<float>(0), b_.Scalar<float>(kUnseen));
  }

  /// The state of the newest known place, or of the last place: [B, d].
  Value Newest(const Value& states, const Value& known, const Value& length) {
    const Value one = b_.Scalar<std::int64_t>(1);
    const Value counted =
        b_.Mul(b_.Cast(known, DType::kInt64), b_.Range(one, b_.Add(length, one), one));
    const Value newest = b_.Op("ReduceMax", {counted}, {{"axes", graph::Ints{1}}, {"keepdims", 1}});
    const Value place = b_.Where(b_.Greater(newest, b_.Scalar<std::int64_t>(0)),
                                 b_.Sub(newest, one), b_.Sub(length, one));
    return b_.Op("GatherND", {states, place}, {{"batch_dims", 1}});
  }

 private:
  const SasrecOptions& options_;
  Builder& b_;
};

}  // namespace

Status ExportSasrec(const SasrecOptions& options, SasrecNetworkImpl& network, Builder& b) {
  SasrecGraph graph(options, b);
  b.SetDoc("SASRec: next item by self-attention; Kang & McAuley, ICDM 2018, section III.");
  const Value history = b.Input("history", DType::kInt64, {"batch", "length"});
  const Value length = b.Gather(b.ShapeOf(history), b.Scalar<std::int64_t>(1));
  const Value known = b.GreaterOrEqual(history, b.Scalar<std::int64_t>(std::int64_t{kFirstItem}));
  const Value items = graph.Weight("item", network.item->weight);
  const Value positions = graph.Weight("position", network.position->weight);
  const Value end = b.Scalar<std::int64_t>(options.length);
  const Value places = b.Range(b.Sub(end, length), end, b.Scalar<std::int64_t>(1));
  // Rows 0 and 1 of the item table are zero: padding and unknown items add nothing.
  Value x = b.Add(b.Gather(items, history), b.Gather(positions, places));
  const Value mask = graph.Mask(known, length);
  for (std::size_t i = 0; i < network.blocks.size(); ++i) {
    x = graph.Block(fmt::format("block{}", i), x, mask, *network.blocks[i]);
  }
  const Value states = graph.Norm("final_norm", x, network.final_norm);
  b.Output("query", graph.Newest(states, known, length), DType::kFloat32, {"batch", options.width});
  return Status::Ok();
}

}  // namespace vitrine::train
