#include "train/models/torch_headers.h"

#include "train/models/din.h"

#include <fmt/format.h>

#include <cstddef>
#include <utility>

#include "train/models/dense_layers.h"
#include "train/models/row_model.h"
#include "train/models/row_network.h"
#include "train/models/sequence_network.h"

namespace vitrine::train {
namespace {

namespace nn = torch::nn;
using graph::Value;

/// Weighs the places of one history.
struct Unit {
  DenseLayers layers{nullptr};
  nn::Linear out{nullptr};
};

class DinNetwork final : public RowNetwork {
 public:
  /// Precondition: the layout has an item and a history.
  DinNetwork(const DinOptions& options, RowLayout layout)
      : RowNetwork(std::move(layout), options.train.width, options.train.spread),
        item_(this->layout().item.value_or(0)),
        softmax_(options.weights == "softmax") {
    const std::int64_t w = options.train.width;
    for (std::size_t i = 0; i < this->layout().histories.size(); ++i) {
      Unit unit;
      unit.layers = register_module(fmt::format("unit{}", i),
                                    DenseLayers(4 * w, options.attention, 0, /*prelu=*/true));
      unit.out = register_module(fmt::format("weight{}", i), nn::Linear(unit.layers->out(), 1));
      units_.push_back(std::move(unit));
    }
    hidden_ = register_module("hidden", DenseLayers(FlatWidth(this->layout(), w), options.hidden,
                                                    options.train.dropout, /*prelu=*/true));
    out_ = register_module("out", nn::Linear(nn::LinearOptions(hidden_->out(), 1).bias(false)));
  }

  torch::Tensor forward(const RowVectors& rows) override {
    const torch::Tensor candidate = rows.levels.select(1, static_cast<std::int64_t>(item_));
    std::vector<torch::Tensor> pooled;
    for (std::size_t i = 0; i < units_.size(); ++i) {
      pooled.push_back(Pooled(units_[i], rows.places[i], rows.known[i], candidate));
    }
    return out_->forward(hidden_->forward(Flat(rows, pooled))).squeeze(1);
  }

  Value Write(NetworkGraph& graph, const RowValues& rows) override {
    std::vector<Value> pooled;
    for (std::size_t i = 0; i < units_.size(); ++i) {
      pooled.push_back(WritePooled(graph, i, rows.places[i], rows.known[i], rows.levels[item_]));
    }
    const Value x = Flat(graph.builder(), rows, pooled);
    return graph.Linear("network.out", hidden_->Write(graph, "network.hidden", x), out_);
  }

 private:
  /// places [B, T, w], known [B, T], candidate [B, w] -> [B, w]
  torch::Tensor Pooled(Unit& unit, const torch::Tensor& places, const torch::Tensor& known,
                       const torch::Tensor& candidate) const {
    const torch::Tensor c = candidate.unsqueeze(1).expand_as(places);
    const torch::Tensor read = torch::cat({places, places * c, places - c, c}, 2);
    torch::Tensor weights = unit.out->forward(unit.layers->forward(read));  // [B, T, 1]
    if (softmax_) {
      weights = torch::softmax(weights + (1 - known).unsqueeze(-1) * kUnseen, 1);
    }
    return (weights * places).sum(1);  // places are zero where unknown
  }

  Value WritePooled(NetworkGraph& graph, std::size_t i, const Value& places, const Value& known,
                    const Value& candidate) {
    graph::Builder& b = graph.builder();
    const Value c = b.Expand(b.Unsqueeze(candidate, {1}), b.ShapeOf(places));
    const Value read = b.Concat({places, b.Mul(places, c), b.Sub(places, c), c}, 2);
    const Value inner = units_[i].layers->Write(graph, fmt::format("network.unit{}", i), read);
    Value weights = graph.Linear(fmt::format("network.weight{}", i), inner, units_[i].out);
    if (softmax_) {
      const Value unseen = b.Mul(b.Sub(b.Scalar(1.0F), b.Unsqueeze(known, {2})), b.Scalar(kUnseen));
      weights = b.Softmax(b.Add(weights, unseen), 1);
    }
    return b.ReduceSum(b.Mul(weights, places), {1}, /*keep=*/false);
  }

  std::size_t item_;  // among the levels
  bool softmax_;
  std::vector<Unit> units_;  // one a history
  DenseLayers hidden_{nullptr};
  nn::Linear out_{nullptr};
};

}  // namespace

std::unique_ptr<TrainableRanker> MakeDin(const DinOptions& options) {
  return MakeRowModel("din", "Deep interest network; Zhou et al., KDD 2018.", options.train,
                      [options](RowLayout layout) -> Result<std::shared_ptr<RowNetwork>> {
                        if (!layout.item.has_value() || layout.histories.empty()) {
                          return InvalidArgument(fmt::format(
                              "din compares the candidate with histories: the rows have {}; add "
                              "a feature of op {}, "
                              "or use mlp, deepfm or dcn_v2",
                              layout.item.has_value() ? "no history" : "no item column",
                              layout.item.has_value() ? "history_items" : "candidate"));
                        }
                        return std::shared_ptr<RowNetwork>(
                            std::make_shared<DinNetwork>(options, std::move(layout)));
                      });
}

RankerFactory DinFactory() {
  const DinOptions d;
  std::vector<ParameterDef> parameters = RowParameters(d.train);
  parameters.push_back(
      {.name = "hidden", .standard = std::string("64, 32"), .help = "widths of the hidden layers"});
  parameters.push_back({.name = "attention",
                        .standard = std::string("36"),
                        .help = "widths of the unit that weighs a place"});
  parameters.push_back({.name = "weights",
                        .standard = d.weights,
                        .help = "of places: free, as published, or softmax: they sum to 1",
                        .choices = {"free", "softmax"}});
  return {
      .algorithm = "din",
      .summary = "Weighs the places of histories by the candidate.",
      .parameters = std::move(parameters),
      .create = [](const Parameters& p) -> Result<std::unique_ptr<TrainableRanker>> {
        DinOptions options{
            .train = RowOptionsOf(p), .hidden = {}, .attention = {}, .weights = p.Word("weights")};
        ASSIGN_OR_RETURN(options.hidden, WidthsOf("din", "hidden", p.Word("hidden")));
        ASSIGN_OR_RETURN(options.attention, WidthsOf("din", "attention", p.Word("attention")));
        return MakeDin(options);
      }};
}

}  // namespace vitrine::train
