#include "train/models/row_model.h"

#include <fmt/format.h>

#include <exception>
#include <string_view>
#include <utility>

#include "train/models/fit_state.h"
#include "train/models/row_trainer.h"
#include "train/ranker_rows.h"

namespace vitrine::train {
namespace {

/// LibTorch's messages go on with a stack trace.
std::string_view FirstLine(std::string_view text) { return text.substr(0, text.find('\n')); }

class RowModel final : public TrainableRanker {
 public:
  RowModel(std::string algorithm, std::string doc, const RowOptions& options, MakeRowNetwork make)
      : algorithm_(std::move(algorithm)),
        doc_(std::move(doc)),
        options_(options),
        make_(std::move(make)) {}

  Result<FitOutcome> Fit(const LabelledRows& rows, const LabelledRows* watched,
                         const RankerContext& context) override {
    RETURN_IF_ERROR(Named(CheckRows(rows)));
    if (watched != nullptr) {
      RETURN_IF_ERROR(Named(CheckColumns(rows.columns, watched->features, watched->rows())));
      watched = watched->rows() > 0 ? watched : nullptr;
    }
    try {
      SetThreads(options_.threads);
      torch::manual_seed(context.seed);
      ASSIGN_OR_RETURN(network_, make_(LayoutOf(rows.columns, options_.share_items)));
      network_->LearnScales(rows.features);
      return RowTrainer(algorithm_, options_, network_, rows, watched, context).Run();
    } catch (const std::exception& e) {
      return Internal(fmt::format("{}: {}", algorithm_, FirstLine(e.what())));
    }
  }

  Status Score(std::span<const Tensor> inputs, std::vector<float>& probabilities) const override {
    if (network_ == nullptr) {
      return FailedPrecondition(fmt::format("{}: it was not fitted", algorithm_));
    }
    const bool shaped = !inputs.empty() && !inputs[0].shape().empty();
    const std::int64_t rows = shaped ? inputs[0].shape()[0] : 0;
    RETURN_IF_ERROR(
        Named(CheckColumns(network_->layout().columns, inputs, static_cast<std::size_t>(rows))));
    try {
      const torch::NoGradGuard no_grad;
      const torch::Tensor made = torch::sigmoid(LogitsOf(*network_, inputs)).contiguous();
      probabilities.assign(made.data_ptr<float>(), made.data_ptr<float>() + rows);
      return Status::Ok();
    } catch (const std::exception& e) {
      return Internal(fmt::format("{}: {}", algorithm_, FirstLine(e.what())));
    }
  }

  Result<graph::Value> WriteLogit(graph::Builder& b) const override {
    if (network_ == nullptr) {
      return FailedPrecondition(fmt::format("{}: it was not fitted", algorithm_));
    }
    b.SetDoc(doc_);
    NetworkGraph graph(b);
    const auto bound = static_cast<float>(kLogitBound);
    const graph::Value logit = b.Squeeze(network_->WriteLogit(graph), {1});
    return b.Op("Clip", {logit, b.Scalar(-bound), b.Scalar(bound)});
  }

 private:
  [[nodiscard]] Status Named(const Status& status) const {
    return status.ok() ? status : status.WithContext(algorithm_);
  }

  std::string algorithm_;
  std::string doc_;
  RowOptions options_;
  MakeRowNetwork make_;
  std::shared_ptr<RowNetwork> network_;
};

}  // namespace

std::unique_ptr<TrainableRanker> MakeRowModel(std::string algorithm, std::string doc,
                                              const RowOptions& options, MakeRowNetwork make) {
  return std::make_unique<RowModel>(std::move(algorithm), std::move(doc), options, std::move(make));
}

}  // namespace vitrine::train
