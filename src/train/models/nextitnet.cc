#include "train/models/torch_headers.h"

#include "train/models/nextitnet.h"

#include <fmt/format.h>

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "train/models/network_graph.h"
#include "train/models/sequence_model.h"
#include "train/models/sequence_network.h"

namespace vitrine::train {
namespace {

namespace nn = torch::nn;
using graph::Value;

/// relu(norm(W [x[t - 2 dilation], x[t - dilation], x[t]])): a causal convolution of three places.
class ConvolutionImpl : public nn::Module {
 public:
  ConvolutionImpl(std::int64_t width, std::int64_t dilation) : dilation_(dilation) {
    weights_ = register_module("weights", nn::Linear(3 * width, width));
    norm_ = register_module("norm", nn::LayerNorm(nn::LayerNormOptions({width})));
  }

  /// Shapes: x [B, T, d], known [B, T, 1] (1 or 0) -> [B, T, d]
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& known) {
    const std::int64_t length = x.size(1);
    // Zeros before the history.
    const torch::Tensor padded = torch::constant_pad_nd(x * known, {0, 0, 2 * dilation_, 0});
    const torch::Tensor three =
        torch::cat({padded.narrow(1, 0, length), padded.narrow(1, dilation_, length),
                    padded.narrow(1, 2 * dilation_, length)},
                   2);
    return torch::relu(norm_->forward(weights_->forward(three)));
  }

  Value Export(NetworkGraph& g, const std::string& name, const Value& x, const Value& known) {
    graph::Builder& b = g.builder();
    const Value padded =
        b.Op("Pad", {b.Mul(x, known), b.Constants({0, 2 * dilation_, 0, 0, 0, 0})});
    // From the end: the number of places is free, the shift is not.
    const Value three =
        b.Concat({b.Slice(padded, 1, 0, -2 * dilation_), b.Slice(padded, 1, dilation_, -dilation_),
                  b.Slice(padded, 1, 2 * dilation_, kToTheEnd)},
                 2);
    return b.Relu(g.Norm(name + ".norm", g.Linear(name + ".weights", three, weights_), norm_));
  }

 private:
  static constexpr std::int64_t kToTheEnd = std::int64_t{1} << 40;
  std::int64_t dilation_;
  nn::Linear weights_{nullptr};
  nn::LayerNorm norm_{nullptr};
};
TORCH_MODULE(Convolution);

class NextitnetNetwork final : public SequenceNetwork {
 public:
  NextitnetNetwork(const NextitnetOptions& options, std::int64_t items)
      : SequenceNetwork(items, options.train.width,
                        1 / std::sqrt(static_cast<double>(options.train.width))) {
    const std::int64_t d = options.train.width;
    std::int64_t dilation = 1;
    for (std::int64_t b = 0; b < options.blocks; ++b) {
      for (const std::int64_t times : {1, 2}) {
        convolutions_.push_back(register_module(fmt::format("convolution{}_{}", b, times),
                                                Convolution(d, dilation * times)));
      }
      dilation *= 4;
    }
    out_ = register_module("out", nn::Linear(d, d));
    dropout_ = register_module("dropout", Dropout(options.train.dropout));
  }

  torch::Tensor forward(const torch::Tensor& history, const torch::Tensor& embedded) override {
    const torch::Tensor known = Known(history).unsqueeze(-1).to(torch::kFloat);
    torch::Tensor x = dropout_->forward(embedded);
    for (std::size_t i = 0; i < convolutions_.size(); i += 2) {
      const torch::Tensor inner = convolutions_[i]->forward(x, known);
      x = x + dropout_->forward(convolutions_[i + 1]->forward(inner, known));
    }
    return out_->forward(x);
  }

  Status Export(graph::Builder& b) override {
    NetworkGraph graph(b);
    b.SetDoc("NextItNet: next item by dilated causal convolutions; Yuan et al., WSDM 2019.");
    const Value history = graph.History();
    const Value known = b.Cast(b.Unsqueeze(graph.Known(history), {2}), DType::kFloat32);
    Value x = b.Gather(graph.Weight("item", item), history);
    for (std::size_t i = 0; i < convolutions_.size(); i += 2) {
      const Value inner =
          convolutions_[i]->Export(graph, fmt::format("convolution{}", i), x, known);
      x = b.Add(x, convolutions_[i + 1]->Export(graph, fmt::format("convolution{}", i + 1), inner,
                                                known));
    }
    b.Output("query", graph.Newest(graph.Linear("out", x, out_), history), DType::kFloat32,
             {"batch", item.size(1)});
    return Status::Ok();
  }

 private:
  std::vector<Convolution> convolutions_;  // two a block
  nn::Linear out_{nullptr};
  Dropout dropout_{nullptr};
};

}  // namespace

std::unique_ptr<TrainableModel> MakeNextitnet(const NextitnetOptions& options) {
  return MakeSequenceModel("nextitnet", options.train, [options](std::int64_t items) {
    return std::make_shared<NextitnetNetwork>(options, items);
  });
}

ModelFactory NextitnetFactory() {
  const NextitnetOptions d;
  std::vector<ParameterDef> parameters = SequenceParameters(d.train);
  parameters.push_back({"blocks", d.blocks, "blocks; each looks back four times as far", 1, 5});
  return {.algorithm = "nextitnet",
          .summary = "Dilated causal convolutions over the newest items of the history.",
          .parameters = std::move(parameters),
          .create = [](const Parameters& p) -> Result<std::unique_ptr<TrainableModel>> {
            NextitnetOptions options{.train = {}, .blocks = p.Int("blocks")};
            ASSIGN_OR_RETURN(options.train, SequenceOptionsOf("nextitnet", p));
            return MakeNextitnet(options);
          },
          .weighs_examples = true};
}

}  // namespace vitrine::train
