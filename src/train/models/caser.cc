#include "train/models/torch_headers.h"

#include "train/models/caser.h"

#include <fmt/format.h>

#include <cmath>
#include <cstddef>
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

/// Steps `begin` to `size` - 1 - `left` of axis 1, where `size` is free.
Value Part(graph::Builder& b, const Value& x, std::int64_t begin, std::int64_t left) {
  constexpr std::int64_t kToTheEnd = std::int64_t{1} << 40;
  return b.Slice(x, 1, begin, left > 0 ? -left : kToTheEnd);
}

class CaserNetwork final : public SequenceNetwork {
 public:
  CaserNetwork(const CaserOptions& options, std::int64_t items)
      : SequenceNetwork(items, options.train.width,
                        1 / std::sqrt(static_cast<double>(options.train.width))),
        window_(options.window) {
    const std::int64_t d = options.train.width;
    for (std::int64_t height = 1; height <= window_; ++height) {
      heights_.push_back(register_module(fmt::format("height{}", height),
                                         nn::Linear(height * d, options.horizontal)));
    }
    vertical_ = register_module(
        "vertical", nn::Linear(nn::LinearOptions(window_, options.vertical).bias(false)));
    hidden_ = register_module(
        "hidden", nn::Linear(window_ * options.horizontal + options.vertical * d, 2 * d));
    out_ = register_module("out", nn::Linear(2 * d, d));
    dropout_ = register_module("dropout", Dropout(options.train.dropout));
  }

  torch::Tensor forward(const torch::Tensor& history, const torch::Tensor& embedded) override {
    const std::int64_t length = history.size(1);
    const torch::Tensor padded =
        torch::constant_pad_nd(dropout_->forward(embedded), {0, 0, window_ - 1, 0});
    std::vector<torch::Tensor> parts;
    for (std::int64_t h = 1; h <= window_; ++h) {
      const std::int64_t ends = length + window_ - h;
      std::vector<torch::Tensor> rows;
      for (std::int64_t j = 0; j < h; ++j) {
        rows.push_back(padded.narrow(1, j, ends));
      }
      const torch::Tensor made =
          torch::relu(heights_[static_cast<std::size_t>(h - 1)]->forward(torch::cat(rows, 2)));
      torch::Tensor most = made.narrow(1, 0, length);
      for (std::int64_t i = 1; i <= window_ - h; ++i) {
        most = torch::maximum(most, made.narrow(1, i, length));
      }
      parts.push_back(most);
    }
    std::vector<torch::Tensor> places;
    for (std::int64_t j = 0; j < window_; ++j) {
      places.push_back(padded.narrow(1, j, length));
    }
    // [B, T, d, L] -> [B, T, d, filters]
    parts.push_back(vertical_->forward(torch::stack(places, 3)).flatten(2));
    const torch::Tensor inner =
        torch::relu(hidden_->forward(dropout_->forward(torch::cat(parts, 2))));
    return out_->forward(inner);
  }

  Status Export(graph::Builder& b) override {
    NetworkGraph graph(b);
    b.SetDoc("Caser: next item by convolutions over the newest places; Tang & Wang, WSDM 2018.");
    const Value history = graph.History();
    // Rows 0 and 1 are zero: padding and unknown items are as what lies before the history.
    const Value embedded = b.Gather(graph.Weight("item", item), history);
    const Value padded = b.Op("Pad", {embedded, b.Constants({0, window_ - 1, 0, 0, 0, 0})});
    std::vector<Value> parts;
    for (std::int64_t h = 1; h <= window_; ++h) {
      parts.push_back(WriteHeight(graph, padded, h));
    }
    std::vector<Value> places;
    for (std::int64_t j = 0; j < window_; ++j) {
      places.push_back(b.Unsqueeze(Part(b, padded, j, window_ - 1 - j), {3}));
    }
    const Value sums = graph.Linear("vertical", b.Concat(places, 3), vertical_);
    parts.push_back(b.Reshape(sums, {0, 0, item.size(1) * vertical_->options.out_features()}));
    const Value inner = b.Relu(graph.Linear("hidden", b.Concat(parts, 2), hidden_));
    b.Output("query", graph.Newest(graph.Linear("out", inner, out_), history), DType::kFloat32,
             {"batch", item.size(1)});
    return Status::Ok();
  }

 private:
  /// The largest answer of the filters of one height in each place's window.
  Value WriteHeight(NetworkGraph& graph, const Value& padded, std::int64_t h) {
    graph::Builder& b = graph.builder();
    std::vector<Value> rows;
    for (std::int64_t j = 0; j < h; ++j) {
      rows.push_back(Part(b, padded, j, h - 1 - j));
    }
    const Value made = b.Relu(graph.Linear(fmt::format("height{}", h), b.Concat(rows, 2),
                                           heights_[static_cast<std::size_t>(h - 1)]));
    std::vector<Value> windows;
    for (std::int64_t i = 0; i <= window_ - h; ++i) {
      windows.push_back(Part(b, made, i, window_ - h - i));
    }
    return windows.size() == 1 ? windows[0] : b.Op("Max", windows);
  }

  std::int64_t window_;
  std::vector<nn::Linear> heights_;
  nn::Linear vertical_{nullptr};
  nn::Linear hidden_{nullptr};
  nn::Linear out_{nullptr};
  Dropout dropout_{nullptr};
};

}  // namespace

std::unique_ptr<TrainableModel> MakeCaser(const CaserOptions& options) {
  return MakeSequenceModel("caser", options.train, [options](std::int64_t items) {
    return std::make_shared<CaserNetwork>(options, items);
  });
}

ModelFactory CaserFactory() {
  const CaserOptions d;
  std::vector<ParameterDef> parameters = SequenceParameters(d.train);
  parameters.push_back({"window", d.window, "newest places that a place looks at", 2, 32});
  parameters.push_back({"horizontal", d.horizontal, "filters of each height", 1, 256});
  parameters.push_back({"vertical", d.vertical, "filters over the window's places", 1, 64});
  return {.algorithm = "caser",
          .summary = "Convolutions over the newest places of the history.",
          .parameters = std::move(parameters),
          .create = [](const Parameters& p) -> Result<std::unique_ptr<TrainableModel>> {
            CaserOptions options{.train = {},
                                 .window = p.Int("window"),
                                 .horizontal = p.Int("horizontal"),
                                 .vertical = p.Int("vertical")};
            ASSIGN_OR_RETURN(options.train, SequenceOptionsOf("caser", p));
            return MakeCaser(options);
          }};
}

}  // namespace vitrine::train
