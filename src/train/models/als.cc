#include "train/models/als.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <utility>
#include <vector>

#include "train/models/factor_model.h"
#include "train/models/incidence.h"
#include "train/models/vector_math.h"

namespace vitrine::train {
namespace {

/// Steps of conjugate gradients for a history's vector; each place adds one direction, few are long.
constexpr int kQuerySteps = 12;
/// Keeps 0 / 0 at 0 once a residual is gone.
constexpr double kTiny = 1e-200;

/// Rows of d float32.
struct Factors {
  Factors(std::size_t rows, std::size_t d) : size(d), values(rows * d, 0) {}
  [[nodiscard]] float* Row(std::size_t row) { return values.data() + row * size; }
  [[nodiscard]] const float* Row(std::size_t row) const { return values.data() + row * size; }
  std::size_t size;
  std::vector<float> values;
};

/// weight * F'F over all rows, [d, d].
std::vector<double> Gram(const Factors& f, double weight) {
  std::vector<double> gram(f.size * f.size, 0);
  std::vector<float> part(gram.size(), 0);
  const std::size_t rows = f.values.size() / f.size;
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t k = 0; k < f.size; ++k) {
      AddScaled(part.data() + k * f.size, f.Row(row)[k], f.Row(row), f.size);
    }
    if (row % 1024 == 1023 || row + 1 == rows) {  // float32 sums stay short
      for (std::size_t e = 0; e < gram.size(); ++e) {
        gram[e] += weight * double{std::exchange(part[e], 0.0F)};
      }
    }
  }
  return gram;
}

/// One side of the fit: every vector of `mine` from those of `other`.
class Side {
 public:
  Side(const AlsOptions& options, const Factors& other, std::size_t others)
      : options_(options), other_(other), others_(static_cast<double>(others)) {
    const std::vector<double> gram = Gram(other, options.unobserved);
    gram_.assign(gram.begin(), gram.end());
    residual_.resize(other.size);
    direction_.resize(other.size);
    product_.resize(other.size);
  }

  /// Improves `x` towards the solution for what goes with it, by these weights; none: all 1.
  void Improve(std::span<const std::uint32_t> with, std::span<const float> weights, float* x) {
    const std::size_t d = other_.size;
    weights_ = weights;
    double there = 0;
    for (std::size_t p = 0; p < with.size(); ++p) {
      there += double{WeightAt(p)};
    }
    ridge_ = static_cast<float>(options_.regularisation * (there + options_.unobserved * others_));
    Apply(with, x);
    for (std::size_t k = 0; k < d; ++k) {
      residual_[k] = -product_[k];
    }
    for (std::size_t p = 0; p < with.size(); ++p) {
      AddScaled(residual_.data(), WeightAt(p), other_.Row(with[p]), d);
    }
    direction_ = residual_;
    float left = Dot(residual_.data(), residual_.data(), d);
    for (std::int64_t step = 0; step < options_.steps && left > 1e-20F; ++step) {
      Apply(with, direction_.data());
      const float alpha = left / std::max(Dot(direction_.data(), product_.data(), d), 1e-30F);
      AddScaled(x, alpha, direction_.data(), d);
      AddScaled(residual_.data(), -alpha, product_.data(), d);
      const float now = Dot(residual_.data(), residual_.data(), d);
      Scale(direction_.data(), now / left, d);
      AddScaled(direction_.data(), 1, residual_.data(), d);
      left = now;
    }
  }

 private:
  [[nodiscard]] float WeightAt(std::size_t place) const {
    return weights_.empty() ? 1 : weights_[place];
  }

  /// product = (gram + sum w y y' + ridge I) v.
  void Apply(std::span<const std::uint32_t> with, const float* v) {
    const std::size_t d = other_.size;
    std::fill(product_.begin(), product_.end(), 0.0F);
    AddScaled(product_.data(), ridge_, v, d);
    AddCombined(product_.data(), v, gram_.data(), d, d);
    for (std::size_t p = 0; p < with.size(); ++p) {
      const float* y = other_.Row(with[p]);
      AddScaled(product_.data(), WeightAt(p) * Dot(y, v, d), y, d);
    }
  }

  const AlsOptions& options_;
  const Factors& other_;
  double others_;
  float ridge_ = 0;
  std::span<const float> weights_;
  std::vector<float> gram_;
  std::vector<float> residual_;
  std::vector<float> direction_;
  std::vector<float> product_;
};

class Als : public FactorModel {
 public:
  explicit Als(const AlsOptions& options)
      : FactorModel(options.decay, options.length), options_(options) {}

  Result<FitOutcome> Fit(const TrainingSequences& sequences, const FitContext& context) override {
    RETURN_IF_ERROR(Check());
    ASSIGN_OR_RETURN(const Incidence incidence, IncidenceOf(sequences));
    if (incidence.items.empty()) {
      return InvalidArgument("als has nothing to learn from: no user has a known item");
    }
    const auto d = static_cast<std::size_t>(options_.factors);
    Factors users(incidence.user_begin.size() - 1, d);
    Factors items(sequences.width, d);
    std::mt19937_64 random(context.seed);
    for (std::size_t k = kFirstItem * d; k < items.values.size(); ++k) {
      const auto unit = static_cast<float>(random() >> 40) / 16'777'216.0F;
      items.values[k] = (unit - 0.5F) / std::sqrt(static_cast<float>(d));
    }
    for (std::int64_t i = 0; i < options_.iterations; ++i) {
      RETURN_IF_ERROR(Iterate(incidence, users, items, i, context.progress));
    }
    gram_ = Gram(items, options_.unobserved);
    if (!std::all_of(gram_.begin(), gram_.end(), [](double g) { return std::isfinite(g); })) {
      return DataLoss(
          fmt::format("the vectors of als are no finite numbers any more; raise regularisation "
                      "({}) or lower unobserved ({})",
                      options_.regularisation, options_.unobserved));
    }
    items_ = {
        .rows = sequences.width, .width = d, .bias = false, .values = std::move(items.values)};
    FitOutcome outcome;
    outcome.notes["iterations"] = static_cast<double>(options_.iterations);
    return outcome;
  }

  Status ExportGraph(graph::Builder& b) const override {
    const auto d = static_cast<std::int64_t>(items_.width);
    const WeightedHistory history = ExportHistory(b);
    const graph::Value table =
        b.Initializer("factors", {static_cast<std::int64_t>(items_.rows), d}, items_.values);
    const graph::Value gram = b.Initializer("gram", {d, d}, gram_);
    const graph::Value y = b.Cast(b.Gather(table, history.items), DType::kFloat64);  // [B, L, d]
    const graph::Value turned = b.Transpose(y, {0, 2, 1});
    const graph::Value weights = b.Unsqueeze(history.weights, {1});  // [B, 1, L]
    const graph::Value others = b.Scalar(options_.unobserved * known_items());
    const graph::Value ridge =
        b.Mul(b.Scalar(options_.regularisation), b.Add(b.ReduceSum(weights, {2}, true), others));
    const auto apply = [&](const graph::Value& v) {
      const graph::Value along = b.Mul(weights, b.MatMul(v, turned));
      return b.Add(b.Add(b.MatMul(v, gram), b.Mul(ridge, v)), b.MatMul(along, y));
    };
    const auto squares = [&](const graph::Value& u, const graph::Value& v) {
      return b.ReduceSum(b.Mul(u, v), {2}, true);
    };
    const graph::Value tiny = b.Scalar(kTiny);
    graph::Value residual = b.MatMul(weights, y);  // [B, 1, d]
    graph::Value direction = residual;
    graph::Value left = squares(residual, residual);
    graph::Value x = b.Mul(residual, b.Scalar(0.0));
    for (int step = 0; step < kQuerySteps; ++step) {
      const graph::Value product = apply(direction);
      const graph::Value alpha = b.Div(left, b.Op("Max", {squares(direction, product), tiny}));
      x = b.Add(x, b.Mul(alpha, direction));
      residual = b.Sub(residual, b.Mul(alpha, product));
      const graph::Value now = squares(residual, residual);
      direction = b.Add(residual, b.Mul(b.Div(now, b.Op("Max", {left, tiny})), direction));
      left = now;
    }
    ExportQuery(b, x);
    return Status::Ok();
  }

 protected:
  void Query(std::span<const std::int64_t> items, std::span<const double> weights,
             std::span<double> query) const override {
    const std::size_t d = query.size();
    std::fill(query.begin(), query.end(), 0);
    std::vector<double> residual(d, 0);
    double places = 0;
    for (std::size_t p = 0; p < items.size(); ++p) {
      places += weights[p];
      for (std::size_t k = 0; k < d; ++k) {
        residual[k] += weights[p] * Vector(items[p])[k];
      }
    }
    const double ridge = options_.regularisation * (places + options_.unobserved * known_items());
    std::vector<double> direction = residual;
    std::vector<double> product(d);
    double left = Product(residual, residual);
    for (int step = 0; step < kQuerySteps; ++step) {
      Apply(items, weights, ridge, direction, product);
      const double alpha = left / std::max(Product(direction, product), kTiny);
      for (std::size_t k = 0; k < d; ++k) {
        query[k] += alpha * direction[k];
        residual[k] -= alpha * product[k];
      }
      const double now = Product(residual, residual);
      for (std::size_t k = 0; k < d; ++k) {
        direction[k] = residual[k] + now / std::max(left, kTiny) * direction[k];
      }
      left = now;
    }
  }

 private:
  [[nodiscard]] Status Check() const {
    RETURN_IF_ERROR(CheckShape(options_.factors));
    if (!(options_.regularisation > 0) || !(options_.unobserved > 0)) {
      return InvalidArgument(
          fmt::format("regularisation is {} and unobserved {}, both must be above 0",
                      options_.regularisation, options_.unobserved));
    }
    return Status::Ok();
  }

  Status Iterate(const Incidence& incidence, Factors& users, Factors& items, std::int64_t done,
                 const Progress& progress) const {
    progress.report({.stage = "alternate",
                     .done = static_cast<double>(done),
                     .total = static_cast<double>(options_.iterations),
                     .unit = "iterations",
                     .detail = ""});
    const std::size_t user_count = incidence.user_begin.size() - 1;
    const std::size_t width = incidence.item_begin.size() - 1;
    Side from_items(options_, items, width - kFirstItem);
    for (std::size_t u = 0; u < user_count; ++u) {
      if (u % 4096 == 0 && progress.cancelled()) {
        return Cancelled("fitting als was cancelled");
      }
      from_items.Improve(incidence.ItemsOf(u), incidence.ItemWeightsOf(u), users.Row(u));
    }
    Side from_users(options_, users, user_count);
    for (std::size_t i = kFirstItem; i < width; ++i) {
      if (i % 4096 == 0 && progress.cancelled()) {
        return Cancelled("fitting als was cancelled");
      }
      from_users.Improve(incidence.UsersOf(i), incidence.UserWeightsOf(i), items.Row(i));
    }
    return Status::Ok();
  }

  [[nodiscard]] double known_items() const { return static_cast<double>(items_.rows - kFirstItem); }
  [[nodiscard]] const float* Vector(std::int64_t item) const {
    return items_.values.data() + static_cast<std::size_t>(item) * items_.width;
  }
  static double Product(const std::vector<double>& a, const std::vector<double>& b) {
    double sum = 0;
    for (std::size_t k = 0; k < a.size(); ++k) {
      sum += a[k] * b[k];
    }
    return sum;
  }

  void Apply(std::span<const std::int64_t> items, std::span<const double> weights, double ridge,
             const std::vector<double>& v, std::vector<double>& product) const {
    const std::size_t d = v.size();
    for (std::size_t k = 0; k < d; ++k) {
      product[k] = ridge * v[k];
    }
    for (std::size_t k = 0; k < d; ++k) {
      for (std::size_t l = 0; l < d; ++l) {
        product[l] += v[k] * gram_[k * d + l];
      }
    }
    for (std::size_t p = 0; p < items.size(); ++p) {
      if (weights[p] == 0) {
        continue;
      }
      const float* y = Vector(items[p]);
      double along = 0;
      for (std::size_t k = 0; k < d; ++k) {
        along += v[k] * y[k];
      }
      for (std::size_t k = 0; k < d; ++k) {
        product[k] += weights[p] * along * y[k];
      }
    }
  }

  AlsOptions options_;
  std::vector<double> gram_;  ///< a Y'Y, [d, d]
};

}  // namespace

std::unique_ptr<TrainableModel> MakeAls(const AlsOptions& options) {
  return std::make_unique<Als>(options);
}

ModelFactory AlsFactory() {
  const AlsOptions standard;
  std::vector<ParameterDef> parameters = {
      {.name = "regularisation",
       .standard = standard.regularisation,
       .help = "Lambda, by how often a user or item is there.",
       .min = 1e-9,
       .max = 1e6},
      {.name = "unobserved",
       .standard = standard.unobserved,
       .help = "Weight of a pair that is not in the log; one that is there weighs 1.",
       .min = 1e-9,
       .max = 1e3},
      {.name = "iterations",
       .standard = standard.iterations,
       .help = "Times that users, then items are solved for.",
       .min = 1,
       .max = 1000},
      {.name = "steps",
       .standard = standard.steps,
       .help = "Steps of conjugate gradients a vector and iteration.",
       .min = 1,
       .max = 100}};
  const auto shared = FactorParameters(standard.decay, static_cast<std::int64_t>(standard.length),
                                       standard.factors);
  parameters.insert(parameters.end(), shared.begin(), shared.end());
  return {.algorithm = "als",
          .summary = "Vectors of users and items whose products say who has what (iALS).",
          .parameters = std::move(parameters),
          .create = [](const Parameters& p) -> Result<std::unique_ptr<TrainableModel>> {
            return MakeAls({.factors = p.Int("factors"),
                            .regularisation = p.Number("regularisation"),
                            .unobserved = p.Number("unobserved"),
                            .iterations = p.Int("iterations"),
                            .steps = p.Int("steps"),
                            .decay = p.Number("decay"),
                            .length = static_cast<std::size_t>(p.Int("length"))});
          },
          .weighs_examples = true};
}

}  // namespace vitrine::train
