#include "train/models/torch_headers.h"

#include "train/models/dcn_v2.h"

#include <fmt/format.h>

#include <cstddef>
#include <utility>

#include "train/models/dense_layers.h"
#include "train/models/row_model.h"
#include "train/models/row_network.h"

namespace vitrine::train {
namespace {

namespace nn = torch::nn;
using graph::Value;

/// W x + b, W = U V where it has a rank.
struct Cross {
  nn::Linear down{nullptr};  // V; none of a full matrix
  nn::Linear up{nullptr};
};

class DcnV2Network final : public RowNetwork {
 public:
  DcnV2Network(const DcnV2Options& options, RowLayout layout)
      : RowNetwork(std::move(layout), options.train.width, options.train.spread),
        stacked_(options.structure == "stacked") {
    const std::int64_t d = FlatWidth(this->layout(), options.train.width);
    const bool low = options.rank > 0 && options.rank < d;
    for (std::int64_t i = 0; i < options.crosses; ++i) {
      Cross cross;
      if (low) {
        cross.down = register_module(fmt::format("down{}", i),
                                     nn::Linear(nn::LinearOptions(d, options.rank).bias(false)));
      }
      cross.up = register_module(fmt::format("up{}", i), nn::Linear(low ? options.rank : d, d));
      crosses_.push_back(std::move(cross));
    }
    hidden_ = register_module("hidden", DenseLayers(d, options.hidden, options.train.dropout));
    const std::int64_t read = stacked_ ? hidden_->out() : d + hidden_->out();
    out_ = register_module("out", nn::Linear(nn::LinearOptions(read, 1).bias(false)));
  }

  torch::Tensor forward(const RowVectors& rows) override {
    const torch::Tensor x0 = FlatOfMeans(rows);
    torch::Tensor x = x0;
    for (Cross& cross : crosses_) {
      const torch::Tensor inner = cross.down.is_empty() ? x : cross.down->forward(x);
      x = x0 * cross.up->forward(inner) + x;
    }
    x = stacked_ ? hidden_->forward(x) : torch::cat({x, hidden_->forward(x0)}, 1);
    return out_->forward(x).squeeze(1);
  }

  Value Write(NetworkGraph& graph, const RowValues& rows) override {
    graph::Builder& b = graph.builder();
    const Value x0 = FlatOfMeans(b, rows);
    Value x = x0;
    for (std::size_t i = 0; i < crosses_.size(); ++i) {
      Cross& cross = crosses_[i];
      const Value inner =
          cross.down.is_empty() ? x : graph.Linear(fmt::format("network.down{}", i), x, cross.down);
      x = b.Add(b.Mul(x0, graph.Linear(fmt::format("network.up{}", i), inner, cross.up)), x);
    }
    const char* name = "network.hidden";
    x = stacked_ ? hidden_->Write(graph, name, x)
                 : b.Concat({x, hidden_->Write(graph, name, x0)}, 1);
    return graph.Linear("network.out", x, out_);
  }

 private:
  bool stacked_;
  std::vector<Cross> crosses_;
  DenseLayers hidden_{nullptr};
  nn::Linear out_{nullptr};
};

}  // namespace

std::unique_ptr<TrainableRanker> MakeDcnV2(const DcnV2Options& options) {
  return MakeRowModel("dcn_v2", "DCN-V2; Wang et al., WWW 2021.", options.train,
                      [options](RowLayout layout) -> Result<std::shared_ptr<RowNetwork>> {
                        return std::shared_ptr<RowNetwork>(
                            std::make_shared<DcnV2Network>(options, std::move(layout)));
                      });
}

RankerFactory DcnV2Factory() {
  const DcnV2Options d;
  std::vector<ParameterDef> parameters = RowParameters(d.train);
  parameters.push_back({"crosses", d.crosses, "cross layers", 1, 16});
  parameters.push_back({"rank", d.rank, "rank of a cross layer's matrix; 0: a full one", 0, 4096});
  parameters.push_back({.name = "structure",
                        .standard = d.structure,
                        .help = "hidden layers beside the crosses, or after them",
                        .choices = {"parallel", "stacked"}});
  parameters.push_back({.name = "hidden",
                        .standard = std::string("64, 32"),
                        .help = "widths of the hidden layers; may be none"});
  return {.algorithm = "dcn_v2",
          .summary = "Crosses of all columns, layer by layer, and hidden layers.",
          .parameters = std::move(parameters),
          .create = [](const Parameters& p) -> Result<std::unique_ptr<TrainableRanker>> {
            DcnV2Options options{.train = RowOptionsOf(p),
                                 .crosses = p.Int("crosses"),
                                 .rank = p.Int("rank"),
                                 .structure = p.Word("structure"),
                                 .hidden = {}};
            ASSIGN_OR_RETURN(options.hidden, WidthsOf("dcn_v2", "hidden", p.Word("hidden")));
            return MakeDcnV2(options);
          }};
}

}  // namespace vitrine::train
