#include "train/models/torch_headers.h"

#include "train/models/mlp.h"

#include <string>
#include <utility>

#include "train/models/dense_layers.h"
#include "train/models/row_model.h"
#include "train/models/row_network.h"

namespace vitrine::train {
namespace {

namespace nn = torch::nn;
using graph::Value;

class MlpNetwork final : public RowNetwork {
 public:
  MlpNetwork(const MlpOptions& options, RowLayout layout)
      : RowNetwork(std::move(layout), options.train.width, options.train.spread) {
    hidden_ = register_module("hidden", DenseLayers(FlatWidth(this->layout(), options.train.width),
                                                    options.hidden, options.train.dropout));
    out_ = register_module("out", nn::Linear(nn::LinearOptions(hidden_->out(), 1).bias(false)));
  }

  torch::Tensor forward(const RowVectors& rows) override {
    return out_->forward(hidden_->forward(FlatOfMeans(rows))).squeeze(1);
  }

  Value Write(NetworkGraph& graph, const RowValues& rows) override {
    const Value x = FlatOfMeans(graph.builder(), rows);
    return graph.Linear("network.out", hidden_->Write(graph, "network.hidden", x), out_);
  }

 private:
  DenseLayers hidden_{nullptr};
  nn::Linear out_{nullptr};
};

}  // namespace

std::unique_ptr<TrainableRanker> MakeMlp(const MlpOptions& options) {
  return MakeRowModel("mlp", "MLP: hidden layers over a row's columns.", options.train,
                      [options](RowLayout layout) -> Result<std::shared_ptr<RowNetwork>> {
                        return std::shared_ptr<RowNetwork>(
                            std::make_shared<MlpNetwork>(options, std::move(layout)));
                      });
}

RankerFactory MlpFactory() {
  std::vector<ParameterDef> parameters = RowParameters({});
  parameters.push_back({.name = "hidden",
                        .standard = std::string("64, 32"),
                        .help = "widths of the hidden layers; none: a linear model"});
  return {.algorithm = "mlp",
          .summary = "Hidden layers over all columns of a row.",
          .parameters = std::move(parameters),
          .create = [](const Parameters& p) -> Result<std::unique_ptr<TrainableRanker>> {
            MlpOptions options{.train = RowOptionsOf(p), .hidden = {}};
            ASSIGN_OR_RETURN(options.hidden, WidthsOf("mlp", "hidden", p.Word("hidden")));
            return MakeMlp(options);
          }};
}

}  // namespace vitrine::train
