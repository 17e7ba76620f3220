#include "train/models/torch_headers.h"

#include "train/models/deepfm.h"

#include <limits>
#include <string>
#include <utility>

#include "train/models/dense_layers.h"
#include "train/models/factor_pairs.h"
#include "train/models/row_model.h"
#include "train/models/row_network.h"

namespace vitrine::train {
namespace {

namespace nn = torch::nn;
using graph::Value;

class DeepFmNetwork final : public RowNetwork {
 public:
  DeepFmNetwork(const DeepFmOptions& options, RowLayout layout)
      : RowNetwork(std::move(layout), 1 + options.train.width, options.train.spread),
        flat_(static_cast<std::int64_t>(this->layout().columns.size()) * options.train.width) {
    const auto numbers = static_cast<std::int64_t>(this->layout().numbers.size());
    torch::Tensor vectors = torch::empty({numbers, 1 + options.train.width});
    nn::init::normal_(vectors, 0, options.train.spread);
    numbers_ = register_parameter("numbers", vectors);
    hidden_ = register_module("hidden", DenseLayers(flat_, options.hidden, options.train.dropout));
    out_ = register_module("out", nn::Linear(nn::LinearOptions(hidden_->out(), 1).bias(false)));
  }

  torch::Tensor forward(const RowVectors& rows) override {
    const torch::Tensor columns = ColumnVectors(rows, numbers_);
    const torch::Tensor deep = out_->forward(hidden_->forward(columns.slice(2, 1).flatten(1)));
    return (FactorPairs(columns) + deep).squeeze(1);
  }

  Value Write(NetworkGraph& graph, const RowValues& rows) override {
    graph::Builder& b = graph.builder();
    const Value columns = ColumnVectors(graph, rows, numbers_);
    const Value factors = b.Slice(columns, 2, 1, std::numeric_limits<std::int64_t>::max());
    const Value deep = hidden_->Write(graph, "network.hidden", b.Reshape(factors, {0, flat_}));
    return b.Add(FactorPairs(b, columns), graph.Linear("network.out", deep, out_));
  }

 private:
  std::int64_t flat_;      // M * k
  torch::Tensor numbers_;  // [N, 1 + k]
  DenseLayers hidden_{nullptr};
  nn::Linear out_{nullptr};
};

}  // namespace

std::unique_ptr<TrainableRanker> MakeDeepFm(const DeepFmOptions& options) {
  return MakeRowModel("deepfm", "DeepFM; Guo et al., IJCAI 2017.", options.train,
                      [options](RowLayout layout) -> Result<std::shared_ptr<RowNetwork>> {
                        return std::shared_ptr<RowNetwork>(
                            std::make_shared<DeepFmNetwork>(options, std::move(layout)));
                      });
}

RankerFactory DeepFmFactory() {
  std::vector<ParameterDef> parameters = RowParameters({});
  parameters.push_back(
      {.name = "hidden", .standard = std::string("64, 32"), .help = "widths of the hidden layers"});
  return {.algorithm = "deepfm",
          .summary = "A factorisation machine and hidden layers over the same vectors.",
          .parameters = std::move(parameters),
          .create = [](const Parameters& p) -> Result<std::unique_ptr<TrainableRanker>> {
            DeepFmOptions options{.train = RowOptionsOf(p), .hidden = {}};
            ASSIGN_OR_RETURN(options.hidden, WidthsOf("deepfm", "hidden", p.Word("hidden")));
            return MakeDeepFm(options);
          }};
}

}  // namespace vitrine::train
