#include "train/models/bpr.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <utility>
#include <vector>

#include "train/models/factor_model.h"
#include "train/models/vector_math.h"
#include "train/sequences.h"

namespace vitrine::train {
namespace {

/// In a small shop the hardest of many draws is the best item there is, and pushing that down teaches nothing.
constexpr std::size_t kItemsPerDraw = 100;

struct KnownHistory {
  std::vector<ItemIndex> items;
  std::vector<float> weights;  ///< as examples, along items; empty: all 1
};

/// Rows of d float32 with AdaGrad's sum of squared gradients a row.
struct LearntRows {
  LearntRows(std::size_t rows, std::size_t d) : size(d), values(rows * d, 0), squares(rows, 0) {}
  [[nodiscard]] float* Row(std::size_t row) { return values.data() + row * size; }

  /// Step along `scale` * gradient, against the regularisation.
  void Step(std::size_t row, float scale, const float* gradient, const BprOptions& options) {
    const float slope = scale * scale * Dot(gradient, gradient, size) / static_cast<float>(size);
    squares[row] += slope;
    const float rate = static_cast<float>(options.learning_rate) / std::sqrt(squares[row] + 1e-8F);
    float* v = Row(row);
    Scale(v, 1 - rate * static_cast<float>(options.regularisation), size);
    AddScaled(v, rate * scale, gradient, size);
  }

  std::size_t size;
  std::vector<float> values;
  std::vector<float> squares;
};

/// One fit: vectors before (F) and after (V) and biases.
class BprFit {
 public:
  BprFit(const BprOptions& options, std::size_t width, std::uint64_t seed)
      : options_(options),
        width_(width),
        d_(static_cast<std::size_t>(options.factors)),
        draws_(std::clamp<std::size_t>((width - kFirstItem) / kItemsPerDraw, 1,
                                       static_cast<std::size_t>(options.negatives))),
        random_(seed),
        before_(width, d_),
        after_(width, d_),
        bias_(width, 0),
        bias_squares_(width, 0),
        query_(d_),
        mean_(d_),
        gradient_(d_) {
    for (LearntRows* rows : {&before_, &after_}) {
      for (std::size_t k = kFirstItem * d_; k < rows->values.size(); ++k) {
        const auto unit = static_cast<float>(random_() >> 40) / 16'777'216.0F;
        rows->values[k] = (unit - 0.5F) / static_cast<float>(d_);
      }
    }
  }

  /// One history of known items, oldest first: a step for every item but the first, as long as it weighs.
  void Learn(const KnownHistory& history) {
    const std::vector<ItemIndex>& items = history.items;
    const auto decay = static_cast<float>(options_.decay);
    std::fill(query_.begin(), query_.end(), 0.0F);
    slopes_.assign(items.size() * d_, 0);
    float weight = 0;
    for (std::size_t t = 1; t < items.size(); ++t) {
      Scale(query_.data(), decay, d_);
      AddScaled(query_.data(), 1, before_.Row(items[t - 1]), d_);
      weight = decay * weight + 1;
      mean_ = query_;
      Scale(mean_.data(), 1 / weight, d_);
      const float counts = history.weights.empty() ? 1 : history.weights[t];
      if (counts > 0) {
        Rank(items[t], slopes_.data() + t * d_, 1 / weight, counts);
      }
    }
    // An item's slope is that of every later query, by its weight there: summed from the right.
    std::fill(gradient_.begin(), gradient_.end(), 0.0F);
    bool taught = false;  // by a target that weighs anything
    for (std::size_t t = items.size(); t-- > 1;) {
      taught = taught || history.weights.empty() || history.weights[t] > 0;
      if (!taught) {
        continue;
      }
      Scale(gradient_.data(), decay, d_);
      AddScaled(gradient_.data(), 1, slopes_.data() + t * d_, d_);
      before_.Step(items[t - 1], 1, gradient_.data(), options_);
    }
  }

  [[nodiscard]] double loss() const { return loss_; }
  [[nodiscard]] const std::vector<float>& before() const { return before_.values; }

  /// Vectors after with their biases, [width, d + 1].
  [[nodiscard]] graph::ItemVectors Vectors() const {
    graph::ItemVectors vectors{.rows = width_, .width = d_ + 1, .bias = true, .values = {}};
    for (std::size_t i = 0; i < width_; ++i) {
      const float* row = after_.values.data() + i * d_;
      vectors.values.insert(vectors.values.end(), row, row + d_);
      vectors.values.push_back(bias_[i]);
    }
    return vectors;
  }

 private:
  [[nodiscard]] float ScoreOf(std::size_t item) {
    return Dot(mean_.data(), after_.Row(item), d_) + bias_[item];
  }

  /// Of the drawn items the one that scores highest.
  std::pair<std::size_t, float> DrawNegative() {
    std::pair<std::size_t, float> hardest{0, 0};
    for (std::size_t n = 0; n < draws_; ++n) {
      const std::size_t item = kFirstItem + random_() % (width_ - kFirstItem);
      const float score = ScoreOf(item);
      if (n == 0 || score > hardest.second) {
        hardest = {item, score};
      }
    }
    return hardest;
  }

  /// Steps of the two items; what the query should have been, times `share`, into `slope`. The loss counts
  /// `counts` times.
  void Rank(std::size_t next, float* slope, float share, float counts) {
    const auto [negative, negative_score] = DrawNegative();
    if (negative == next) {
      return;
    }
    const float apart = ScoreOf(next) - negative_score;
    const float push = counts / (1 + std::exp(apart));
    loss_ += double{counts} * std::log1p(std::exp(-double{apart}));
    AddScaled(slope, push * share, after_.Row(next), d_);
    AddScaled(slope, -push * share, after_.Row(negative), d_);
    after_.Step(next, push, mean_.data(), options_);
    after_.Step(negative, -push, mean_.data(), options_);
    StepBias(next, push);
    StepBias(negative, -push);
  }

  void StepBias(std::size_t item, float push) {
    bias_squares_[item] += push * push;
    const float rate =
        static_cast<float>(options_.learning_rate) / std::sqrt(bias_squares_[item] + 1e-8F);
    bias_[item] += rate * (push - static_cast<float>(options_.regularisation) * bias_[item]);
  }

  const BprOptions& options_;
  std::size_t width_;
  std::size_t d_;
  std::size_t draws_;
  std::mt19937_64 random_;
  LearntRows before_;
  LearntRows after_;
  std::vector<float> bias_;
  std::vector<float> bias_squares_;
  std::vector<float> query_;
  std::vector<float> mean_;
  std::vector<float> gradient_;
  std::vector<float> slopes_;
  double loss_ = 0;
};

class Bpr : public FactorModel {
 public:
  explicit Bpr(const BprOptions& options)
      : FactorModel(options.decay, options.length), options_(options) {}

  Result<FitOutcome> Fit(const TrainingSequences& sequences, const FitContext& context) override {
    RETURN_IF_ERROR(CheckShape(options_.factors));
    ASSIGN_OR_RETURN(const std::vector<KnownHistory> histories, KnownItems(sequences));
    BprFit fit(options_, sequences.width, context.seed);
    std::mt19937_64 random(context.seed + 1);
    std::vector<std::size_t> order(histories.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    double loss = 0;
    for (std::int64_t epoch = 0; epoch < options_.epochs; ++epoch) {
      for (std::size_t i = order.size(); i > 1; --i) {
        std::swap(order[i - 1], order[random() % i]);
      }
      for (std::size_t i = 0; i < order.size(); ++i) {
        if (i % 4096 == 0 && context.progress.cancelled()) {
          return Cancelled("fitting bpr was cancelled");
        }
        fit.Learn(histories[order[i]]);
      }
      if (!std::isfinite(fit.loss())) {
        return DataLoss("the loss of bpr is no longer finite; lower learning_rate");
      }
      context.progress.report({.stage = "epoch",
                               .done = static_cast<double>(epoch + 1),
                               .total = static_cast<double>(options_.epochs),
                               .unit = "epochs",
                               .detail = fmt::format("loss {:.4f}", fit.loss() - loss)});
      loss = fit.loss();
    }
    before_ = fit.before();
    items_ = fit.Vectors();
    FitOutcome outcome;
    outcome.notes["epochs"] = static_cast<double>(options_.epochs);
    return outcome;
  }

  Status ExportGraph(graph::Builder& b) const override {
    const auto d = static_cast<std::int64_t>(items_.query_width());
    const WeightedHistory history = ExportHistory(b);
    const graph::Value table =
        b.Initializer("before", {static_cast<std::int64_t>(items_.rows), d}, before_);
    const graph::Value vectors = b.Cast(b.Gather(table, history.items), DType::kFloat64);
    const graph::Value sum = b.MatMul(b.Unsqueeze(history.weights, {1}), vectors);  // [B, 1, d]
    const graph::Value weight = b.ReduceSum(b.Unsqueeze(history.weights, {1}), {2}, true);
    ExportQuery(b, b.Div(sum, b.Op("Max", {weight, b.Scalar(kLeast)})));
    return Status::Ok();
  }

 protected:
  void Query(std::span<const std::int64_t> items, std::span<const double> weights,
             std::span<double> query) const override {
    std::fill(query.begin(), query.end(), 0);
    double weight = 0;
    for (std::size_t p = 0; p < items.size(); ++p) {
      weight += weights[p];
      const float* row = before_.data() + static_cast<std::size_t>(items[p]) * query.size();
      for (std::size_t k = 0; k < query.size(); ++k) {
        query[k] += weights[p] * row[k];
      }
    }
    for (double& value : query) {
      value /= std::max(weight, kLeast);
    }
  }

 private:
  static constexpr double kLeast = 1e-200;  ///< keeps 0 / 0 of an empty history at 0

  template <typename T>
  static void KeepNewest(std::vector<T>& all, std::size_t most) {
    if (all.size() > most) {
      all.erase(all.begin(), all.end() - static_cast<std::ptrdiff_t>(most));
    }
  }

  /// The newest known items of every history of two or more. Errors: kInvalidArgument.
  [[nodiscard]] Result<std::vector<KnownHistory>> KnownItems(
      const TrainingSequences& sequences) const {
    std::vector<KnownHistory> histories;
    for (std::size_t u = 0; u < sequences.users.size(); ++u) {
      KnownHistory known;
      for (std::size_t e = 0; e < sequences.users[u].size(); ++e) {
        const ItemIndex item = sequences.users[u][e].item;
        if (item >= sequences.width) {
          return InvalidArgument(fmt::format("a history holds item {}, the vocabulary ends at {}",
                                             item, sequences.width - 1));
        }
        if (item < kFirstItem) {
          continue;
        }
        known.items.push_back(item);
        if (!sequences.weights.empty()) {
          known.weights.push_back(sequences.weights[u][e]);
        }
      }
      KeepNewest(known.items, options_.length + 1);
      KeepNewest(known.weights, options_.length + 1);
      const bool teaches =
          known.weights.empty() || std::any_of(known.weights.begin() + 1, known.weights.end(),
                                               [](float weight) { return weight > 0; });
      if (known.items.size() > 1 && teaches) {
        histories.push_back(std::move(known));
      }
    }
    if (histories.empty()) {
      return InvalidArgument(
          "bpr has nothing to learn from: no user has two known items; use popularity, or collect "
          "more events");
    }
    return histories;
  }

  BprOptions options_;
  std::vector<float> before_;  ///< F, [width, d]
};

}  // namespace

std::unique_ptr<TrainableModel> MakeBpr(const BprOptions& options) {
  return std::make_unique<Bpr>(options);
}

ModelFactory BprFactory() {
  const BprOptions standard;
  std::vector<ParameterDef> parameters = {
      {.name = "learning_rate",
       .standard = standard.learning_rate,
       .help = "Step size of AdaGrad.",
       .min = 1e-6,
       .max = 10},
      {.name = "regularisation",
       .standard = standard.regularisation,
       .help = "How much every step shrinks what it changes.",
       .min = 0,
       .max = 10},
      {.name = "epochs",
       .standard = standard.epochs,
       .help = "Times that every history is gone through.",
       .min = 1,
       .max = 10'000},
      {.name = "negatives",
       .standard = standard.negatives,
       .help =
           "Items drawn a step, of which the one that scores highest is learnt from; 1: plain BPR.",
       .min = 1,
       .max = 10'000}};
  const auto shared = FactorParameters(standard.decay, static_cast<std::int64_t>(standard.length),
                                       standard.factors);
  parameters.insert(parameters.end(), shared.begin(), shared.end());
  return {.algorithm = "bpr",
          .summary = "Item vectors that rank what is taken next above what was not (BPR).",
          .parameters = std::move(parameters),
          .create = [](const Parameters& p) -> Result<std::unique_ptr<TrainableModel>> {
            return MakeBpr({.factors = p.Int("factors"),
                            .learning_rate = p.Number("learning_rate"),
                            .regularisation = p.Number("regularisation"),
                            .epochs = p.Int("epochs"),
                            .negatives = p.Int("negatives"),
                            .decay = p.Number("decay"),
                            .length = static_cast<std::size_t>(p.Int("length"))});
          },
          .weighs_examples = true};
}

}  // namespace vitrine::train
