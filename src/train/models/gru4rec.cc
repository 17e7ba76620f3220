#include "train/models/torch_headers.h"

#include "train/models/gru4rec.h"

#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/history.h"
#include "train/models/network_graph.h"
#include "train/models/sequence_model.h"
#include "train/models/sequence_network.h"

namespace vitrine::train {
namespace {

namespace nn = torch::nn;
using graph::Value;

/// Where gates of a cell stand in LibTorch's weights, in the order in which ONNX wants them.
std::vector<std::int64_t> GateOrder(bool lstm) {
  return lstm ? std::vector<std::int64_t>{0, 3, 1, 2}  // i f g o -> i o f c
              : std::vector<std::int64_t>{1, 0, 2};    // r z n -> z r h
}

class Gru4recNetwork final : public SequenceNetwork {
 public:
  Gru4recNetwork(const Gru4recOptions& options, std::int64_t items)
      : SequenceNetwork(items, options.train.width,
                        1 / std::sqrt(static_cast<double>(options.train.width))),
        hidden_(options.hidden),
        lstm_(options.cell == "lstm") {
    const std::int64_t d = options.train.width;
    if (lstm_) {
      lstm_cell_ = register_module("lstm", nn::LSTM(nn::LSTMOptions(d, hidden_).batch_first(true)));
    } else {
      gru_cell_ = register_module("gru", nn::GRU(nn::GRUOptions(d, hidden_).batch_first(true)));
    }
    out_ = register_module("out", nn::Linear(hidden_, d));
    dropout_ = register_module("dropout", Dropout(options.train.dropout));
  }

  torch::Tensor forward(const torch::Tensor& history, const torch::Tensor& embedded) override {
    const torch::Tensor known = Known(history);
    // Known places first, in their order.
    const torch::Tensor order =
        std::get<1>(known.logical_not()
                        .to(torch::kLong)
                        .sort(/*stable=*/true, /*dim=*/1, /*descending=*/false));
    const torch::Tensor read = embedded.gather(1, order.unsqueeze(-1).expand_as(embedded));
    const torch::Tensor x = dropout_->forward(read);
    const torch::Tensor carried =
        lstm_ ? std::get<0>(lstm_cell_->forward(x)) : std::get<0>(gru_cell_->forward(x));
    const torch::Tensor states = out_->forward(dropout_->forward(carried));
    // A place has the state after the known places up to it.
    const torch::Tensor place = (known.to(torch::kLong).cumsum(1) - 1).clamp_min(0);
    return states.gather(1, place.unsqueeze(-1).expand_as(states));
  }

  Status Export(graph::Builder& b) override {
    NetworkGraph graph(b);
    b.SetDoc("GRU4Rec: next item by a recurrent cell; Hidasi et al., ICLR 2016.");
    const Value history = graph.History();
    const Value known = b.Cast(graph.Known(history), DType::kInt64);
    // Known places first, in their order: the largest of (T at known places, else 0) - place.
    const Value length = graph.Length(history);
    const Value one = b.Scalar<std::int64_t>(1);
    const Value places = b.Range(b.Scalar<std::int64_t>(0), length, one);
    const Value keys = b.Sub(b.Mul(known, length), places);
    const Value order = b.Node("TopK", {keys, b.Unsqueeze(length, {0})}, 2, {{"axis", 1}})[1];
    const Value read = b.Op("GatherElements", {history, order}, {{"axis", 1}});
    const Value embedded = b.Gather(graph.Weight("item", item), read);  // [B, T, d]
    const Value count =
        b.Cast(b.Op("Max", {b.ReduceSum(known, {1}, /*keep=*/false), one}), DType::kInt32);
    const Value last = Cell(graph, b.Transpose(embedded, {1, 0, 2}), count);
    b.Output("query", graph.Linear("out", b.Squeeze(last, {0}), out_), DType::kFloat32,
             {"batch", item.size(1)});
    return Status::Ok();
  }

 private:
  /// x [T, B, d], count [B] int32 -> the state after `count` places, [1, B, hidden].
  Value Cell(NetworkGraph& graph, const Value& x, const Value& count) {
    const auto weights = lstm_ ? lstm_cell_->named_parameters() : gru_cell_->named_parameters();
    const std::vector<std::int64_t> gates = GateOrder(lstm_);
    const auto ordered = [&](const char* name) {
      const torch::Tensor& weight = weights[name];
      std::vector<torch::Tensor> parts;
      for (const std::int64_t gate : gates) {
        parts.push_back(weight.detach().slice(0, gate * hidden_, (gate + 1) * hidden_));
      }
      return torch::cat(parts, 0);
    };
    const torch::Tensor bias = torch::cat({ordered("bias_ih_l0"), ordered("bias_hh_l0")}, 0);
    const std::vector<Value> inputs = {
        x, graph.Weight("cell.input", ordered("weight_ih_l0").unsqueeze(0)),
        graph.Weight("cell.carried", ordered("weight_hh_l0").unsqueeze(0)),
        graph.Weight("cell.bias", bias.unsqueeze(0)), count};
    if (lstm_) {
      return graph.builder().Node("LSTM", inputs, 3, {{"hidden_size", hidden_}})[1];
    }
    return graph.builder().Node("GRU", inputs, 2,
                                {{"hidden_size", hidden_}, {"linear_before_reset", 1}})[1];
  }

  std::int64_t hidden_;
  bool lstm_;
  nn::GRU gru_cell_{nullptr};
  nn::LSTM lstm_cell_{nullptr};
  nn::Linear out_{nullptr};
  Dropout dropout_{nullptr};
};

}  // namespace

std::unique_ptr<TrainableModel> MakeGru4rec(const Gru4recOptions& options) {
  return MakeSequenceModel("gru4rec", options.train, [options](std::int64_t items) {
    return std::make_shared<Gru4recNetwork>(options, items);
  });
}

ModelFactory Gru4recFactory() {
  const Gru4recOptions d;
  std::vector<ParameterDef> parameters = SequenceParameters(d.train);
  parameters.push_back({"hidden", d.hidden, "numbers that the cell carries on", 1, 4096});
  parameters.push_back(
      {.name = "cell", .standard = d.cell, .help = "recurrent cell", .choices = {"gru", "lstm"}});
  return {.algorithm = "gru4rec",
          .summary = "A recurrent cell reads the newest items of the history.",
          .parameters = std::move(parameters),
          .create = [](const Parameters& p) -> Result<std::unique_ptr<TrainableModel>> {
            Gru4recOptions options{.train = {}, .hidden = p.Int("hidden"), .cell = p.Word("cell")};
            ASSIGN_OR_RETURN(options.train, SequenceOptionsOf("gru4rec", p));
            return MakeGru4rec(options);
          },
          .weighs_examples = true};
}

}  // namespace vitrine::train
