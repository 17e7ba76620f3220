#include "train/models/lr.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "train/models/lbfgs.h"
#include "train/models/sparse_design.h"
#include "train/ranker_rows.h"

namespace vitrine::train {
namespace {

/// log(1 + exp(z)) without overflow.
double Softplus(double z) { return z > 0 ? z + std::log1p(std::exp(-z)) : std::log1p(std::exp(z)); }

class Lr final : public TrainableRanker {
 public:
  explicit Lr(const Parameters& parameters)
      : l2_(parameters.Number("l2")), steps_(static_cast<int>(parameters.Int("steps"))) {}

  Result<FitOutcome> Fit(const LabelledRows& rows, const LabelledRows*,
                         const RankerContext& context) override {
    RETURN_IF_ERROR(CheckRows(rows));
    columns_ = rows.columns;
    const SparseDesign design(rows);
    std::vector<double> x(design.width() + 1, 0.0);
    x.back() = Logit(ShareOfPositives(rows));
    const auto loss = [&](std::span<const double> at, std::span<double> slope) {
      return LossAt(rows, design, at, slope);
    };
    ASSIGN_OR_RETURN(const LbfgsOutcome outcome,
                     Minimise(loss, {.steps = steps_}, context.progress, x));
    TakeWeights(design, x);
    FitOutcome fitted{.chosen = context.chosen, .best = 0, .notes = {}};
    fitted.notes = {{"loss", outcome.value / static_cast<double>(rows.rows())},
                    {"steps", outcome.steps},
                    {"settled", outcome.settled ? 1 : 0},
                    {"weights", static_cast<double>(design.width())}};
    return fitted;
  }

  Status Score(std::span<const Tensor> inputs, std::vector<float>& probabilities) const override {
    const std::size_t n =
        inputs.empty()
            ? 0
            : static_cast<std::size_t>(inputs[0].shape().empty() ? 0 : inputs[0].shape()[0]);
    RETURN_IF_ERROR(CheckColumns(columns_, inputs, n));
    std::vector<double> logits(n, double{bias_});
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      AddColumn(c, inputs[c], logits);
    }
    probabilities.resize(n);
    std::transform(logits.begin(), logits.end(), probabilities.begin(),
                   [](double logit) { return static_cast<float>(Sigmoid(logit)); });
    return Status::Ok();
  }

  Result<graph::Value> WriteLogit(graph::Builder& b) const override {
    const std::vector<graph::Value> inputs = WriteInputs(b, columns_);
    graph::Value logit = b.Scalar(bias_);
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      logit = b.Add(logit, WriteColumn(b, c, inputs[c]));
    }
    return logit;
  }

 private:
  /// The penalised negative log likelihood; `x` holds the weights, the bias last.
  [[nodiscard]] double LossAt(const LabelledRows& rows, const SparseDesign& design,
                              std::span<const double> x, std::span<double> slope) const {
    const std::span<const double> weights = x.first(design.width());
    double loss = 0;
    for (std::size_t w = 0; w < weights.size(); ++w) {
      slope[w] = l2_ * weights[w];
      loss += l2_ / 2 * weights[w] * weights[w];
    }
    slope.back() = 0;
    for (std::size_t r = 0; r < rows.rows(); ++r) {
      const double logit = x.back() + design.Dot(r, weights);
      const double weight = rows.weights.empty() ? 1 : double{rows.weights[r]};
      const double label = rows.labels[r] > 0 ? 1 : 0;
      loss += weight * (Softplus(logit) - label * logit);
      const double miss = weight * (Sigmoid(logit) - label);
      design.Add(r, miss, slope.first(design.width()));
      slope.back() += miss;
    }
    return loss;
  }

  void TakeWeights(const SparseDesign& design, const std::vector<double>& x) {
    double bias = x.back();
    weights_.clear();
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      const SparseDesign::Column& column = design.column(c);
      std::vector<float>& weights = weights_.emplace_back();
      for (std::size_t w = 0; w < column.width; ++w) {
        const double weight = x[column.begin + w] / column.deviation;
        bias -= weight * column.mean;
        weights.push_back(static_cast<float>(weight));
      }
    }
    bias_ = static_cast<float>(bias);
  }

  void AddColumn(std::size_t c, const Tensor& tensor, std::vector<double>& logits) const {
    const std::vector<float>& weights = weights_[c];
    const std::size_t n = logits.size();
    if (columns_[c].kind == RankerColumnKind::kNumber) {
      const auto values = tensor.values<float>();
      for (std::size_t r = 0; r < n; ++r) {
        logits[r] += double{weights[0]} * double{values[r]};
      }
      return;
    }
    const auto values = tensor.values<std::int64_t>();
    const std::size_t places = n == 0 ? 0 : values.size() / n;
    const bool history = columns_[c].kind == RankerColumnKind::kHistory;
    for (std::size_t r = 0; r < n; ++r) {
      double sum = 0;
      double count = 0;
      for (const std::int64_t value : values.subspan(r * places, places)) {
        if (!history || value != 0) {
          sum += double{weights[static_cast<std::size_t>(value)]};
          ++count;
        }
      }
      logits[r] += count > 0 ? sum / count : 0;
    }
  }

  [[nodiscard]] graph::Value WriteColumn(graph::Builder& b, std::size_t c,
                                         const graph::Value& input) const {
    const RankerColumn& column = columns_[c];
    if (column.kind == RankerColumnKind::kNumber) {
      return b.Mul(input, b.Scalar(weights_[c][0]));
    }
    const graph::Value table = b.Initializer(
        column.name + ".weights", {static_cast<std::int64_t>(weights_[c].size())}, weights_[c]);
    if (column.kind != RankerColumnKind::kHistory) {
      return b.Gather(table, input);
    }
    // Weight 0 stands at padding; a history without a place divides 0 by 1.
    const graph::Value zero = b.Scalar(std::int64_t{0});
    const graph::Value places = b.Cast(b.Greater(input, zero), DType::kFloat32);
    const graph::Value count = b.Op("Max", {b.ReduceSum(places, {1}, false), b.Scalar(1.0F)});
    return b.Div(b.ReduceSum(b.Gather(table, input), {1}, false), count);
  }

  double l2_;
  int steps_;
  std::vector<RankerColumn> columns_;
  std::vector<std::vector<float>> weights_;  // by column: one of a number, else one a value
  float bias_ = 0;
};

}  // namespace

RankerFactory LrFactory() {
  return {.algorithm = "lr",
          .summary = "Logistic regression over numbers, levels, the candidate and the history.",
          .parameters = {{.name = "l2",
                          .standard = 3.0,
                          .help = "Penalty of squared weights, over the sum of the rows' losses.",
                          .min = 1e-6,
                          .max = 1e6},
                         {.name = "steps",
                          .standard = std::int64_t{500},
                          .help = "Steps of L-BFGS at most.",
                          .min = 1,
                          .max = 100'000}},
          .create = [](const Parameters& parameters) -> Result<std::unique_ptr<TrainableRanker>> {
            return std::unique_ptr<TrainableRanker>(std::make_unique<Lr>(parameters));
          }};
}

}  // namespace vitrine::train
