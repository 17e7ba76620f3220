#include "train/models/torch_headers.h"

#include "train/models/bert4rec.h"

#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

#include "train/models/network_graph.h"
#include "train/models/sequence_batches.h"
#include "train/models/sequence_model.h"
#include "train/models/sequence_network.h"

namespace vitrine::train {
namespace {

namespace nn = torch::nn;
using graph::Value;

// As published, of embeddings. Matrices are drawn as LibTorch does: with the published .02, which is for 256 wide
// layers, narrow ones attend evenly for long.
constexpr double kSpread = 0.02;
constexpr double kNormEpsilon = 1e-12;

nn::LayerNorm Norm(std::int64_t width) {
  return nn::LayerNorm(nn::LayerNormOptions({width}).eps(kNormEpsilon));
}

/// norm(x + attention(x)), then norm(y + feed-forward(y)).
class BlockImpl : public nn::Module {
 public:
  explicit BlockImpl(const Bert4recOptions& options) : heads_(options.heads) {
    const std::int64_t d = options.train.width;
    query_key_value_ = register_module("query_key_value", nn::Linear(d, 3 * d));
    attention_out_ = register_module("attention_out", nn::Linear(d, d));
    attention_norm_ = register_module("attention_norm", Norm(d));
    feed_in_ = register_module("feed_in", nn::Linear(d, 4 * d));
    feed_out_ = register_module("feed_out", nn::Linear(4 * d, d));
    feed_norm_ = register_module("feed_norm", Norm(d));
    dropout_ = register_module("dropout", Dropout(options.train.dropout));
  }

  /// Shapes: x [B, T, d], mask [B, 1, 1, T] (0 where seen, very negative where not) -> [B, T, d]
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& mask) {
    const torch::Tensor mixed =
        attention_out_->forward(Attend(query_key_value_->forward(x), mask, heads_, dropout_));
    const torch::Tensor y = attention_norm_->forward(x + dropout_->forward(mixed));
    const torch::Tensor fed = feed_out_->forward(torch::gelu(feed_in_->forward(y)));
    return feed_norm_->forward(y + dropout_->forward(fed));
  }

  Value Export(NetworkGraph& g, const std::string& name, const Value& x, const Value& mask) {
    graph::Builder& b = g.builder();
    const std::int64_t d = attention_out_->options.out_features();
    const Value joined = g.Linear(name + ".qkv", x, query_key_value_);
    const Value mixed =
        g.Linear(name + ".attention_out", g.Attend(joined, mask, heads_, d), attention_out_);
    const Value y = g.Norm(name + ".attention_norm", b.Add(x, mixed), attention_norm_);
    const Value inner = g.Gelu(g.Linear(name + ".feed_in", y, feed_in_));
    const Value fed = g.Linear(name + ".feed_out", inner, feed_out_);
    return g.Norm(name + ".feed_norm", b.Add(y, fed), feed_norm_);
  }

 private:
  std::int64_t heads_;
  nn::Linear query_key_value_{nullptr};  // d -> 3d
  nn::Linear attention_out_{nullptr};
  nn::LayerNorm attention_norm_{nullptr};
  nn::Linear feed_in_{nullptr};
  nn::Linear feed_out_{nullptr};
  nn::LayerNorm feed_norm_{nullptr};
  Dropout dropout_{nullptr};
};
TORCH_MODULE(Block);

class Bert4recNetwork final : public SequenceNetwork {
 public:
  Bert4recNetwork(const Bert4recOptions& options, std::int64_t items)
      : SequenceNetwork(items, options.train.width, kSpread), places_(options.train.length + 1) {
    const std::int64_t d = options.train.width;
    position_ = register_module("position", nn::Embedding(places_, d));
    hidden_ = register_parameter("hidden", torch::randn({d}) * kSpread);
    embedding_norm_ = register_module("embedding_norm", Norm(d));
    for (std::int64_t b = 0; b < options.blocks; ++b) {
      blocks_.push_back(register_module(fmt::format("block{}", b), Block(options)));
    }
    out_ = register_module("out", nn::Linear(d, d));
    out_norm_ = register_module("out_norm", Norm(d));
    dropout_ = register_module("dropout", Dropout(options.train.dropout));
    const torch::NoGradGuard no_grad;
    nn::init::normal_(position_->weight, 0, kSpread);
  }

  /// Hidden places are kMaskedItem in `history`.
  torch::Tensor forward(const torch::Tensor& history, const torch::Tensor& embedded) override {
    const torch::Tensor hidden = history.eq(kMaskedItem);
    const torch::Tensor items = embedded + hidden.unsqueeze(-1).to(torch::kFloat) * hidden_;
    const torch::Tensor positions = position_->weight.slice(0, places_ - history.size(1), places_);
    return States(items + positions, Known(history).logical_or(hidden));
  }

  torch::Tensor Newest(const torch::Tensor& history) override {
    // The hidden place stands right behind the newest known one, whatever was removed after that.
    const torch::Tensor known = Known(history);
    const std::int64_t length = history.size(1);
    const torch::Tensor newest = std::get<0>(
        (known.to(torch::kLong) * torch::arange(1, length + 1)).max(1, /*keepdim=*/true));
    const torch::Tensor places =
        (torch::arange(places_ - 1, places_ - 1 + length) - newest).clamp_max(places_ - 1);
    const std::int64_t batch = history.size(0);
    const torch::Tensor read =
        torch::embedding(vectors(), history) + torch::embedding(position_->weight, places);
    const torch::Tensor asking =
        (hidden_ + position_->weight[places_ - 1]).expand({batch, 1, item.size(1)});
    const torch::Tensor seen = torch::cat({known, torch::ones({batch, 1}, torch::kBool)}, 1);
    return States(torch::cat({read, asking}, 1), seen).select(1, length);
  }

  Status Export(graph::Builder& b) override {
    NetworkGraph graph(b);
    b.SetDoc("BERT4Rec: next item by self-attention in both directions; Sun et al., CIKM 2019.");
    const Value history = graph.History();
    const std::int64_t d = item.size(1);
    const Value known = graph.Known(history);
    const Value batch = b.Gather(b.ShapeOf(history), b.Constants({0}));
    const Value unseen = b.Where(known, b.Scalar<float>(0), b.Scalar<float>(kUnseen));
    const Value seen = b.Filled<float>(b.Concat({batch, b.Constants({1})}, 0), 0);
    const Value mask = b.Unsqueeze(b.Concat({unseen, seen}, 1), {1, 2});
    // Rows 0 and 1 of the item table are zero, and not seen anyway.
    const Value positions = graph.Weight("position", position_->weight);
    const Value read = b.Add(b.Gather(graph.Weight("item", item), history),
                             b.Gather(positions, Places(graph, history, known)));
    const torch::Tensor asks = (hidden_ + position_->weight[places_ - 1]).view({1, 1, -1});
    const Value asking =
        b.Expand(graph.Weight("asking", asks), b.Concat({batch, b.Constants({1, 1})}, 0));
    Value x = graph.Norm("embedding_norm", b.Concat({read, asking}, 1), embedding_norm_);
    for (std::size_t i = 0; i < blocks_.size(); ++i) {
      x = blocks_[i]->Export(graph, fmt::format("block{}", i), x, mask);
    }
    const Value newest = b.Gather(x, b.Scalar<std::int64_t>(-1), 1);
    const Value query =
        graph.Norm("out_norm", graph.Gelu(graph.Linear("out", newest, out_)), out_norm_);
    b.Output("query", query, DType::kFloat32, {"batch", d});
    return Status::Ok();
  }

 private:
  /// Shapes: x [B, T, d], seen [B, T] bool -> [B, T, d]
  torch::Tensor States(torch::Tensor x, const torch::Tensor& seen) {
    const torch::Tensor unseen = seen.logical_not().unsqueeze(1).unsqueeze(1);
    const torch::Tensor mask =
        torch::zeros_like(unseen, torch::kFloat).masked_fill(unseen, kUnseen);
    x = dropout_->forward(embedding_norm_->forward(x));
    for (Block& block : blocks_) {
      x = block->forward(x, mask);
    }
    return out_norm_->forward(torch::gelu(out_->forward(x)));
  }

  /// Rows of `position` for each place of a history, as Newest has them: [B, T].
  [[nodiscard]] Value Places(NetworkGraph& graph, const Value& history, const Value& known) const {
    graph::Builder& b = graph.builder();
    const Value one = b.Scalar<std::int64_t>(1);
    const Value length = graph.Length(history);
    const Value counted =
        b.Mul(b.Cast(known, DType::kInt64), b.Range(one, b.Add(length, one), one));
    const Value newest = b.Op("ReduceMax", {counted}, {{"axes", graph::Ints{1}}, {"keepdims", 1}});
    const Value last = b.Scalar<std::int64_t>(places_ - 1);
    return b.Op("Min", {b.Sub(b.Range(last, b.Add(last, length), one), newest), last});
  }

  std::int64_t places_;              // a history's and the hidden one behind it
  nn::Embedding position_{nullptr};  // [places, d]; the last row is the newest place
  torch::Tensor hidden_;             // [d], stands for the item of a hidden place
  nn::LayerNorm embedding_norm_{nullptr};
  std::vector<Block> blocks_;
  nn::Linear out_{nullptr};
  nn::LayerNorm out_norm_{nullptr};
  Dropout dropout_{nullptr};
};

}  // namespace

std::unique_ptr<TrainableModel> MakeBert4rec(const Bert4recOptions& options) {
  SequenceOptions train = options.train;
  train.learn = Learn::kMasked;
  return MakeSequenceModel("bert4rec", train, [options](std::int64_t items) {
    return std::make_shared<Bert4recNetwork>(options, items);
  });
}

ModelFactory Bert4recFactory() {
  const Bert4recOptions d;
  std::vector<ParameterDef> parameters = SequenceParameters(d.train);
  parameters.push_back({"blocks", d.blocks, "attention blocks", 1, 16});
  parameters.push_back({"heads", d.heads, "attention heads; divides width", 1, 64});
  parameters.push_back({"mask", d.train.mask, "share of places that are hidden", 0.01, 0.99});
  parameters.push_back({"mask_newest", d.train.mask_newest,
                        "share of windows whose newest place alone is hidden", 0, 1});
  return {.algorithm = "bert4rec",
          .summary = "Self-attention in both directions, trained by telling hidden places.",
          .parameters = std::move(parameters),
          .create = [](const Parameters& p) -> Result<std::unique_ptr<TrainableModel>> {
            Bert4recOptions options{
                .train = {}, .blocks = p.Int("blocks"), .heads = p.Int("heads")};
            ASSIGN_OR_RETURN(options.train, SequenceOptionsOf("bert4rec", p));
            options.train.mask = p.Number("mask");
            options.train.mask_newest = p.Number("mask_newest");
            if (options.train.width % options.heads != 0) {
              return InvalidArgument(
                  fmt::format("bert4rec: width ({}) must be a multiple of heads ({})",
                              options.train.width, options.heads));
            }
            return MakeBert4rec(options);
          },
          .weighs_examples = true};
}

}  // namespace vitrine::train
