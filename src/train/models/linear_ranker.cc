#include "train/models/linear_ranker.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace vitrine::train {
namespace {

constexpr int kMostSteps = 30;
constexpr double kSettled = 1e-8;  ///< mean gain of likelihood a list

/// Solves a * x = b for a symmetric positive a [n, n] (Cholesky); a is overwritten.
std::vector<double> Solve(std::vector<double>& a, std::vector<double> b) {
  const std::size_t n = b.size();
  for (std::size_t j = 0; j < n; ++j) {
    for (std::size_t k = 0; k < j; ++k) {
      const double factor = a[j * n + k];
      for (std::size_t i = j; i < n; ++i) {
        a[i * n + j] -= a[i * n + k] * factor;
      }
    }
    const double pivot = std::sqrt(std::max(a[j * n + j], 1e-12));
    for (std::size_t i = j; i < n; ++i) {
      a[i * n + j] /= pivot;
    }
    a[j * n + j] = pivot;
  }
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < i; ++k) {
      b[i] -= a[i * n + k] * b[k];
    }
    b[i] /= a[i * n + i];
  }
  for (std::size_t i = n; i-- > 0;) {
    for (std::size_t k = i + 1; k < n; ++k) {
      b[i] -= a[k * n + i] * b[k];
    }
    b[i] /= a[i * n + i];
  }
  return b;
}

/// Log-likelihood with its first and second derivatives by the weights of scaled features.
struct Likelihood {
  double value = 0;
  std::vector<double> slope;  ///< [n]
  std::vector<double> bend;   ///< [n, n], lower half, turned round: positive
};

Likelihood Measure(const RankExamples& examples, std::span<const double> scale,
                   std::span<const double> weights) {
  const std::size_t n = examples.columns;
  Likelihood likelihood{
      .value = 0, .slope = std::vector<double>(n, 0), .bend = std::vector<double>(n * n, 0)};
  std::vector<double> scores;
  std::vector<double> mean(n);
  std::vector<double> centred(n);
  std::size_t begin = 0;
  for (const std::uint32_t size : examples.sizes) {
    scores.assign(size, 0);
    double relevant = 0;
    for (std::size_t i = 0; i < size; ++i) {
      const std::span<const float> row = examples.Row(begin + i);
      for (std::size_t c = 0; c < n; ++c) {
        scores[i] += weights[c] * scale[c] * double{row[c]};
      }
      relevant += double{examples.relevance[begin + i]};
    }
    const double most = *std::max_element(scores.begin(), scores.end());
    double sum = 0;
    for (const double score : scores) {
      sum += std::exp(score - most);
    }
    std::fill(mean.begin(), mean.end(), 0);
    for (std::size_t i = 0; i < size; ++i) {
      const std::span<const float> row = examples.Row(begin + i);
      const double taken = double{examples.relevance[begin + i]} / relevant;
      likelihood.value += taken * (scores[i] - most - std::log(sum));
      scores[i] = std::exp(scores[i] - most) / sum;
      for (std::size_t c = 0; c < n; ++c) {
        mean[c] += scores[i] * scale[c] * double{row[c]};
        likelihood.slope[c] += taken * scale[c] * double{row[c]};
      }
    }
    for (std::size_t i = 0; i < size; ++i) {
      const std::span<const float> row = examples.Row(begin + i);
      for (std::size_t c = 0; c < n; ++c) {
        centred[c] = scale[c] * double{row[c]} - mean[c];
        for (std::size_t d = 0; d <= c; ++d) {
          likelihood.bend[c * n + d] += scores[i] * centred[c] * centred[d];
        }
      }
    }
    for (std::size_t c = 0; c < n; ++c) {
      likelihood.slope[c] -= mean[c];
    }
    begin += size;
  }
  return likelihood;
}

/// 1 / deviation of each column; 0 for a constant one.
std::vector<double> ScalesOf(const RankExamples& examples) {
  const std::size_t n = examples.columns;
  std::vector<double> mean(n, 0);
  std::vector<double> squares(n, 0);
  const auto rows = static_cast<double>(examples.rows());
  for (std::size_t r = 0; r < examples.rows(); ++r) {
    for (std::size_t c = 0; c < n; ++c) {
      mean[c] += double{examples.Row(r)[c]} / rows;
    }
  }
  for (std::size_t r = 0; r < examples.rows(); ++r) {
    for (std::size_t c = 0; c < n; ++c) {
      const double off = double{examples.Row(r)[c]} - mean[c];
      squares[c] += off * off / rows;
    }
  }
  std::vector<double> scale(n, 0);
  for (std::size_t c = 0; c < n; ++c) {
    const double deviation = std::sqrt(squares[c]);
    scale[c] = deviation > 1e-9 * std::max(1.0, std::abs(mean[c])) ? 1 / deviation : 0;
  }
  return scale;
}

}  // namespace

Result<LinearRanker> LinearRanker::Fit(const RankExamples& examples, double penalty,
                                       const Progress& progress) {
  if (examples.sizes.empty()) {
    return InvalidArgument("there is no list to learn weights from");
  }
  const std::size_t n = examples.columns;
  const std::vector<double> scale = ScalesOf(examples);
  std::vector<double> weights(n, 0);
  std::vector<double> step(n, 0);
  double best = -std::numeric_limits<double>::infinity();
  double length = 1;
  for (int s = 0; s < kMostSteps; ++s) {
    if (progress.cancelled()) {
      return Cancelled("fitting the blend was cancelled");
    }
    std::vector<double> tried = weights;
    for (std::size_t c = 0; c < n; ++c) {
      tried[c] += length * step[c];
    }
    Likelihood likelihood = Measure(examples, scale, tried);
    for (std::size_t c = 0; c < n; ++c) {
      likelihood.value -= penalty / 2 * tried[c] * tried[c];
      likelihood.slope[c] -= penalty * tried[c];
      likelihood.bend[c * n + c] += penalty;
    }
    progress.report({.stage = "rank",
                     .done = static_cast<double>(s + 1),
                     .total = kMostSteps,
                     .unit = "steps",
                     .detail = fmt::format("likelihood {:.5f}", likelihood.value)});
    if (!(likelihood.value > best)) {
      length /= 2;
      if (length < 1e-3) {
        break;
      }
      continue;
    }
    const double gain = likelihood.value - best;
    best = likelihood.value;
    weights = tried;
    length = 1;
    step = Solve(likelihood.bend, likelihood.slope);
    if (gain < kSettled * static_cast<double>(examples.sizes.size())) {
      break;
    }
  }
  LinearRanker ranker;
  ranker.low_.assign(n, std::numeric_limits<float>::max());
  ranker.high_.assign(n, std::numeric_limits<float>::lowest());
  for (std::size_t r = 0; r < examples.rows(); ++r) {
    for (std::size_t c = 0; c < n; ++c) {
      ranker.low_[c] = std::min(ranker.low_[c], examples.Row(r)[c]);
      ranker.high_[c] = std::max(ranker.high_[c], examples.Row(r)[c]);
    }
  }
  for (std::size_t c = 0; c < n; ++c) {
    ranker.weights_.push_back(weights[c] * scale[c]);
  }
  return ranker;
}

float LinearRanker::Score(std::span<const float> features) const {
  double sum = 0;
  for (std::size_t c = 0; c < weights_.size(); ++c) {
    sum += weights_[c] * double{std::max(std::min(features[c], high_[c]), low_[c])};
  }
  return static_cast<float>(sum);
}

double LinearRanker::Least() const {
  double sum = 0;
  for (std::size_t c = 0; c < weights_.size(); ++c) {
    sum += std::min(weights_[c] * double{low_[c]}, weights_[c] * double{high_[c]});
  }
  return sum;
}

graph::Value LinearRanker::Write(graph::Builder& b, const graph::Value& features) const {
  const auto columns = static_cast<std::int64_t>(weights_.size());
  const graph::Value low = b.Initializer("low", {1, columns}, low_);
  const graph::Value high = b.Initializer("high", {1, columns}, high_);
  const graph::Value cut = b.Op("Max", {b.Op("Min", {features, high}), low});
  // A sum over the row's products, not MatMul: kernels for blocks of rows add in other orders, and
  // equal rows must stay equal.
  const graph::Value weights = b.Initializer("weights", {1, columns}, weights_);
  const graph::Value products = b.Mul(b.Cast(cut, DType::kFloat64), weights);
  return b.Cast(b.ReduceSum(products, {1}, /*keep=*/true), DType::kFloat32);
}

}  // namespace vitrine::train
