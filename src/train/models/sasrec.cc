#include "train/models/torch_headers.h"

#include "train/models/sasrec.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <utility>

#include "train/models/sasrec_graph.h"
#include "train/models/sasrec_network.h"
#include "train/models/sasrec_trainer.h"
#include "train/sequences.h"

namespace vitrine::train {
namespace {

class Sasrec final : public TrainableModel {
 public:
  explicit Sasrec(const SasrecOptions& options) : options_(options) {}

  [[nodiscard]] std::vector<data::FeatureDef> Features() const override {
    return {{.name = "history",
             .op = "history_items",
             .source = {},
             .options = {{"length", std::to_string(options_.length)}}}};
  }

  Result<FitOutcome> Fit(const TrainingSequences& sequences, const FitContext& context) override {
    try {
      return FitNetwork(sequences, context);
    } catch (const std::exception& e) {
      return Internal(fmt::format("sasrec: {}", FirstLine(e.what())));
    }
  }

  Status Score(std::span<const Tensor> inputs, Tensor& scores) const override {
    if (inputs.size() != 1 || inputs[0].dtype() != DType::kInt64 || inputs[0].shape().size() != 2 ||
        inputs[0].shape()[1] < 1 || inputs[0].shape()[1] > options_.length) {
      return InvalidArgument(
          fmt::format("sasrec reads one tensor: history [batch, 1 to {}] int64", options_.length));
    }
    const auto items = inputs[0].values<std::int64_t>();
    const std::int64_t width = network_->item->weight.size(0);
    if (std::any_of(items.begin(), items.end(),
                    [width](std::int64_t i) { return i < 0 || i >= width; })) {
      return InvalidArgument(fmt::format("history holds an item outside 0 to {}", width - 1));
    }
    try {
      const torch::NoGradGuard no_grad;
      const torch::Tensor history = torch::from_blob(const_cast<std::int64_t*>(items.data()),
                                                     inputs[0].shape(), torch::kLong);
      const torch::Tensor out = network_->Scores(history).contiguous();
      scores.Reset(DType::kFloat32, {inputs[0].shape()[0], width});
      std::memcpy(scores.bytes().data(), out.data_ptr<float>(), scores.bytes().size());
      return Status::Ok();
    } catch (const std::exception& e) {
      return Internal(fmt::format("sasrec: {}", FirstLine(e.what())));
    }
  }

  Status ExportGraph(graph::Builder& builder) const override {
    return ExportSasrec(options_, *network_, builder);
  }

  [[nodiscard]] std::optional<graph::ItemVectors> ItemVectors() const override {
    const torch::Tensor table = network_->item->weight.detach().to(torch::kFloat).contiguous();
    const auto* values = table.data_ptr<float>();
    return graph::ItemVectors{.rows = static_cast<std::size_t>(table.size(0)),
                              .width = static_cast<std::size_t>(table.size(1)),
                              .bias = false,
                              .values = {values, values + table.numel()}};
  }

 private:
  /// LibTorch's messages go on with a stack trace.
  static std::string_view FirstLine(std::string_view text) {
    return text.substr(0, text.find('\n'));
  }

  Result<FitOutcome> FitNetwork(const TrainingSequences& sequences, const FitContext& context) {
    SequenceBatches batches(sequences.users, options_.length, options_.batch);
    if (batches.windows() == 0) {
      return InvalidArgument(
          "sasrec has nothing to learn from: no user has two known items; use popularity, or "
          "collect more events");
    }
    SetThreads(options_.threads);
    torch::manual_seed(context.seed);
    network_ = SasrecNetwork(options_, static_cast<std::int64_t>(sequences.width));
    SasrecTrainer trainer(options_, network_, std::move(batches), context);
    const auto validate = [this, &context] { return context.validate(*this); };
    return trainer.Run(context.validate ? std::function<Result<double>()>(validate) : nullptr);
  }

  SasrecOptions options_;
  mutable SasrecNetwork network_{nullptr};  // LibTorch's forward is not const
};

}  // namespace

std::unique_ptr<TrainableModel> MakeSasrec(const SasrecOptions& options) {
  return std::make_unique<Sasrec>(options);
}

ModelFactory SasrecFactory() {
  const SasrecOptions d;
  return {
      .algorithm = "sasrec",
      .summary = "Self-attention over the newest items of the history, trained by sampled softmax.",
      .parameters =
          {{"length", d.length, "newest places of a history that are looked at", 2, 1000},
           {"width", d.width, "numbers an item's embedding has", 4, 2048},
           {"blocks", d.blocks, "attention blocks", 1, 16},
           {"heads", d.heads, "attention heads; divides width", 1, 64},
           {"dropout", d.dropout, "share of activations left out while training", 0, 0.9},
           {"learning_rate", d.learning_rate, "Adam's step size", 1e-6, 1},
           {"batch", d.batch, "histories a step", 1, 65536},
           {"negatives", d.negatives, "sampled items a step is compared with", 1, 1048576},
           {"epochs", d.epochs, "passes over the data at most", 1, 100000},
           {"patience", d.patience, "validations without a better one before it stops", 1, 1000},
           {"validate_every", d.validate_every, "epochs between validations", 1, 1000},
           {"threads", d.threads, "0: one per core; 1: the same bits every time", 0, 256}},
      .create = [](const Parameters& p) -> Result<std::unique_ptr<TrainableModel>> {
        const SasrecOptions options{.length = p.Int("length"),
                                    .width = p.Int("width"),
                                    .blocks = p.Int("blocks"),
                                    .heads = p.Int("heads"),
                                    .dropout = p.Number("dropout"),
                                    .learning_rate = p.Number("learning_rate"),
                                    .batch = p.Int("batch"),
                                    .negatives = p.Int("negatives"),
                                    .epochs = p.Int("epochs"),
                                    .patience = p.Int("patience"),
                                    .validate_every = p.Int("validate_every"),
                                    .threads = p.Int("threads")};
        if (options.width % options.heads != 0) {
          return InvalidArgument(fmt::format("sasrec: width ({}) must be a multiple of heads ({})",
                                             options.width, options.heads));
        }
        return MakeSasrec(options);
      }};
}

}  // namespace vitrine::train
