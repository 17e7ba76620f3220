#include "train/models/gbdt.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "train/models/boosted_ranker.h"
#include "train/ranker_rows.h"

namespace vitrine::train {
namespace {

/// A share of so few features would leave a tree one of them, and no two could ever be crossed.
constexpr std::size_t kFewColumns = 3;

bool IsRead(const RankerColumn& column) {
  return column.kind == RankerColumnKind::kNumber || column.kind == RankerColumnKind::kLevel;
}

class Gbdt final : public TrainableRanker {
 public:
  explicit Gbdt(const Parameters& p)
      : options_{.objective = "logistic",
                 .rounds = p.Int("rounds"),
                 .depth = p.Int("depth"),
                 .patience = p.Int("patience"),
                 .learning_rate = p.Number("learning_rate"),
                 .min_child_weight = p.Number("min_child_weight"),
                 .lambda = p.Number("lambda"),
                 .rows = p.Number("rows"),
                 .columns = p.Number("columns")} {}

  Result<FitOutcome> Fit(const LabelledRows& rows, const LabelledRows* watched,
                         const RankerContext& context) override {
    RETURN_IF_ERROR(CheckRows(rows));
    columns_ = rows.columns;
    if (std::none_of(columns_.begin(), columns_.end(), IsRead)) {
      return InvalidArgument(
          "gbdt reads numbers and levels, and no feature of the train spec is one");
    }
    base_ = static_cast<float>(Logit(ShareOfPositives(rows)));
    BoostOptions options = options_;
    options.seed = context.seed;
    if (const auto known = context.chosen.find("rounds"); known != context.chosen.end()) {
      options.rounds = static_cast<std::int64_t>(known->second);
    }
    const RankExamples examples = ExamplesOf(rows);
    if (examples.columns <= kFewColumns) {
      options.columns = 1;
    }
    RankExamples later;
    if (watched != nullptr) {
      RETURN_IF_ERROR(CheckRows(*watched));
      later = ExamplesOf(*watched);
    }
    ASSIGN_OR_RETURN(Boosted boosted, Boost(examples, watched == nullptr ? nullptr : &later,
                                            options, context.progress));
    trees_ = std::move(boosted.trees);
    FitOutcome outcome{.chosen = context.chosen, .best = 0, .notes = {}};
    outcome.chosen["rounds"] = static_cast<double>(boosted.rounds);
    outcome.best = watched == nullptr ? 0 : -boosted.best;
    outcome.notes = {{"trees", static_cast<double>(trees_.trees())},
                     {"nodes", static_cast<double>(trees_.nodes())}};
    return outcome;
  }

  Status Score(std::span<const Tensor> inputs, std::vector<float>& probabilities) const override {
    const std::size_t n = inputs.empty() || inputs[0].shape().empty()
                              ? 0
                              : static_cast<std::size_t>(inputs[0].shape()[0]);
    RETURN_IF_ERROR(CheckColumns(columns_, inputs, n));
    std::size_t width = 0;
    const std::vector<float> matrix = MatrixOf(inputs, n, width);
    probabilities.resize(n);
    for (std::size_t r = 0; r < n; ++r) {
      const float sum = trees_.Score(std::span(matrix).subspan(r * width, width));
      probabilities[r] = static_cast<float>(Sigmoid(double{sum} + double{base_}));
    }
    return Status::Ok();
  }

  Result<graph::Value> WriteLogit(graph::Builder& b) const override {
    std::vector<RankerColumn> read;
    std::copy_if(columns_.begin(), columns_.end(), std::back_inserter(read), IsRead);
    std::vector<graph::Value> parts;
    for (const graph::Value& input : WriteInputs(b, read)) {
      parts.push_back(b.Unsqueeze(b.Cast(input, DType::kFloat32), {1}));
    }
    return b.Add(b.Squeeze(trees_.Write(b, b.Concat(parts, 1)), {1}), b.Scalar(base_));
  }

 private:
  /// [n, width] of what is read.
  std::vector<float> MatrixOf(std::span<const Tensor> tensors, std::size_t n,
                              std::size_t& width) const {
    width = static_cast<std::size_t>(std::count_if(columns_.begin(), columns_.end(), IsRead));
    std::vector<float> matrix(n * width);
    std::size_t at = 0;
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      if (!IsRead(columns_[c])) {
        continue;
      }
      for (std::size_t r = 0; r < n; ++r) {
        matrix[r * width + at] = columns_[c].kind == RankerColumnKind::kNumber
                                     ? tensors[c].values<float>()[r]
                                     : static_cast<float>(tensors[c].values<std::int64_t>()[r]);
      }
      ++at;
    }
    return matrix;
  }

  [[nodiscard]] RankExamples ExamplesOf(const LabelledRows& rows) const {
    RankExamples examples;
    examples.features = MatrixOf(rows.features, rows.rows(), examples.columns);
    examples.relevance.assign(rows.labels.begin(), rows.labels.end());
    examples.weights = rows.weights;
    examples.base = base_;
    return examples;
  }

  BoostOptions options_;
  std::vector<RankerColumn> columns_;
  TreeEnsemble trees_;
  float base_ = 0;  ///< log-odds of the share of positives: where the trees begin
};

ParameterDef Count(std::string name, std::int64_t standard, std::string help, double max) {
  return {.name = std::move(name),
          .standard = standard,
          .help = std::move(help),
          .min = 1,
          .max = max,
          .choices = {}};
}

ParameterDef Number(std::string name, double standard, std::string help, double min, double max) {
  return {.name = std::move(name),
          .standard = standard,
          .help = std::move(help),
          .min = min,
          .max = max,
          .choices = {}};
}

}  // namespace

RankerFactory GbdtFactory() {
  return {
      .algorithm = "gbdt",
      .summary = "Boosted trees over numbers and levels: bends and interactions, no embeddings.",
      .parameters = {Count("rounds", 2000, "Trees at most.", 100'000),
                     Count("depth", 5, "Levels of a tree.", 16),
                     Count("patience", 100, "Trees without a lower watched loss before it stops.",
                           100'000),
                     Number("learning_rate", 0.03, "How much of a tree is taken.", 1e-4, 1),
                     Number("min_child_weight", 20, "Least curvature of a leaf's rows.", 0, 1e6),
                     Number("lambda", 10, "L2 penalty of leaves.", 0, 1e6),
                     Number("rows", 0.7, "Share of rows that a tree sees.", 0.01, 1),
                     Number("columns", 0.7, "Share of features that a tree sees.", 0.01, 1)},
      .create = [](const Parameters& parameters) -> Result<std::unique_ptr<TrainableRanker>> {
        return std::unique_ptr<TrainableRanker>(std::make_unique<Gbdt>(parameters));
      }};
}

}  // namespace vitrine::train
