#include "train/models/torch_headers.h"

#include "train/models/fm.h"

#include <cstdint>
#include <utility>
#include <vector>

#include "train/models/factor_pairs.h"
#include "train/models/row_model.h"
#include "train/models/row_network.h"

namespace vitrine::train {
namespace {

using graph::Value;

class FmNetwork final : public RowNetwork {
 public:
  FmNetwork(const FmOptions& options, RowLayout layout)
      : RowNetwork(std::move(layout), 1 + options.train.width, options.train.spread) {
    const auto numbers = static_cast<std::int64_t>(this->layout().numbers.size());
    torch::Tensor vectors = torch::empty({numbers, 1 + options.train.width});
    torch::nn::init::normal_(vectors, 0, options.train.spread);
    numbers_ = register_parameter("numbers", vectors);
  }

  torch::Tensor forward(const RowVectors& rows) override {
    return FactorPairs(ColumnVectors(rows, numbers_)).squeeze(1);
  }

  Value Write(NetworkGraph& graph, const RowValues& rows) override {
    return FactorPairs(graph.builder(), ColumnVectors(graph, rows, numbers_));
  }

 private:
  torch::Tensor numbers_;  // [N, 1 + k]
};

}  // namespace

std::unique_ptr<TrainableRanker> MakeFm(const FmOptions& options) {
  return MakeRowModel(
      "fm", "Factorisation machine; Rendle, ICDM 2010.", options.train,
      [options](RowLayout layout) -> Result<std::shared_ptr<RowNetwork>> {
        return std::shared_ptr<RowNetwork>(std::make_shared<FmNetwork>(options, std::move(layout)));
      });
}

RankerFactory FmFactory() {
  return {.algorithm = "fm",
          .summary = "All pairs of a row's columns, by inner products of vectors.",
          .parameters = RowParameters({}),
          .create = [](const Parameters& p) -> Result<std::unique_ptr<TrainableRanker>> {
            return MakeFm({.train = RowOptionsOf(p)});
          }};
}

}  // namespace vitrine::train
