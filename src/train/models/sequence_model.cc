#include "train/models/sequence_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "train/models/fit_state.h"
#include "train/models/sequence_batches.h"
#include "train/models/sequence_start.h"
#include "train/models/sequence_trainer.h"
#include "train/sequences.h"

namespace vitrine::train {
namespace {

Status CheckItems(const TrainingSequences& sequences) {
  for (const History& history : sequences.users) {
    for (const HistoryEvent& event : history) {
      if (event.item >= sequences.width) {
        return InvalidArgument(fmt::format("a history holds item {}, the vocabulary ends at {}",
                                           event.item, sequences.width - 1));
      }
    }
  }
  return Status::Ok();
}

/// LibTorch's messages go on with a stack trace.
std::string_view FirstLine(std::string_view text) { return text.substr(0, text.find('\n')); }

class SequenceModel final : public TrainableModel {
 public:
  SequenceModel(std::string algorithm, const SequenceOptions& options, MakeNetworkOf make)
      : algorithm_(std::move(algorithm)), options_(options), make_(std::move(make)) {}

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
      return Internal(fmt::format("{}: {}", algorithm_, FirstLine(e.what())));
    }
  }

  Status Score(std::span<const Tensor> inputs, Tensor& scores) const override {
    if (inputs.size() != 1 || inputs[0].dtype() != DType::kInt64 || inputs[0].shape().size() != 2 ||
        inputs[0].shape()[1] < 1 || inputs[0].shape()[1] > options_.length) {
      return InvalidArgument(fmt::format("{} reads one tensor: history [batch, 1 to {}] int64",
                                         algorithm_, options_.length));
    }
    const auto items = inputs[0].values<std::int64_t>();
    const std::int64_t width = network_->item.size(0);
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
      return Internal(fmt::format("{}: {}", algorithm_, FirstLine(e.what())));
    }
  }

  [[nodiscard]] bool StartsWarm() const override { return true; }
  [[nodiscard]] std::vector<NetworkWeight> Weights() const override { return WeightsOf(*network_); }

  Status ExportGraph(graph::Builder& builder) const override { return network_->Export(builder); }

  [[nodiscard]] std::optional<graph::ItemVectors> ItemVectors() const override {
    const torch::Tensor table = network_->vectors().detach().to(torch::kFloat).contiguous();
    const auto* values = table.data_ptr<float>();
    return graph::ItemVectors{.rows = static_cast<std::size_t>(table.size(0)),
                              .width = static_cast<std::size_t>(table.size(1)),
                              .bias = false,
                              .values = {values, values + table.numel()}};
  }

 private:
  Result<FitOutcome> FitNetwork(const TrainingSequences& sequences, const FitContext& context) {
    RETURN_IF_ERROR(CheckItems(sequences));
    SequenceBatches batches(sequences.users, options_.length, options_.batch, options_.learn,
                            sequences.weights);
    if (batches.windows() == 0 && !sequences.weights.empty()) {
      return InvalidArgument(
          fmt::format("{} has nothing to learn from: no event that weighs anything follows another",
                      algorithm_));
    }
    if (batches.windows() == 0) {
      return InvalidArgument(fmt::format(
          "{} has nothing to learn from: no user has two known items; use popularity, or "
          "collect more events",
          algorithm_));
    }
    SetThreads(options_.threads);
    torch::manual_seed(context.seed);
    ASSIGN_OR_RETURN(network_, make_(sequences));
    if (context.warm != nullptr) {
      RETURN_IF_ERROR(StartFrom(*context.warm, sequences, *network_));
    }
    SequenceTrainer trainer(algorithm_, options_, network_, std::move(batches), context);
    const auto validate = [this, &context] { return context.validate(*this); };
    return trainer.Run(context.validate ? std::function<Result<double>()>(validate) : nullptr);
  }

  std::string algorithm_;
  SequenceOptions options_;
  MakeNetworkOf make_;
  std::shared_ptr<SequenceNetwork> network_;
};

}  // namespace

std::unique_ptr<TrainableModel> MakeSequenceModel(std::string algorithm,
                                                  const SequenceOptions& options,
                                                  MakeNetwork make) {
  return MakeSequenceModelOf(std::move(algorithm), options,
                             [make = std::move(make)](const TrainingSequences& sequences)
                                 -> Result<std::shared_ptr<SequenceNetwork>> {
                               return make(static_cast<std::int64_t>(sequences.width));
                             });
}

std::unique_ptr<TrainableModel> MakeSequenceModelOf(std::string algorithm,
                                                    const SequenceOptions& options,
                                                    MakeNetworkOf make) {
  return std::make_unique<SequenceModel>(std::move(algorithm), options, std::move(make));
}

}  // namespace vitrine::train
