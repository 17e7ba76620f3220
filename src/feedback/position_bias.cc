#include "feedback/position_bias.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "feedback/place_clicks.h"

namespace vitrine::feedback {
namespace {

constexpr int kMostSteps = 100;
constexpr double kConverged = 1e-10;
/// Of a logarithm in one step, so that few clicks do not throw it far.
constexpr double kLongestStep = 1;
/// Beyond e^8 = 3,000 times as much or as little the clicks of a place have nothing to stand against.
constexpr double kFarthest = 8;

using Matrix = std::vector<std::vector<double>>;

/// Gauss-Jordan with pivots on the diagonal, which is positive definite. Of a few dozen places.
Matrix Inverse(Matrix a) {
  const std::size_t n = a.size();
  Matrix inverse(n, std::vector<double>(n, 0));
  for (std::size_t i = 0; i < n; ++i) {
    inverse[i][i] = 1;
  }
  for (std::size_t k = 0; k < n; ++k) {
    const double pivot = a[k][k];
    for (std::size_t j = 0; j < n; ++j) {
      a[k][j] /= pivot;
      inverse[k][j] /= pivot;
    }
    for (std::size_t i = 0; i < n; ++i) {
      const double factor = i == k ? 0 : a[i][k];
      for (std::size_t j = 0; j < n && factor != 0; ++j) {
        a[i][j] -= factor * a[k][j];
        inverse[i][j] -= factor * inverse[k][j];
      }
    }
  }
  return inverse;
}

/// Newton's method on the conditional likelihood, which is concave in the logarithms.
class Solution {
 public:
  Solution(const PlaceClicks& counts, const TellingContexts& problem)
      : counts_(counts), problem_(problem) {
    for (std::size_t p = 1; p < counts.places; ++p) {
      if (problem.Has(p)) {
        free_.push_back(p);
      }
    }
    logs_.assign(counts.places, 0);
    for (int step = 0; step < kMostSteps && !free_.empty(); ++step) {
      if (Improve() < kConverged) {
        break;
      }
    }
  }

  [[nodiscard]] double LogAt(std::size_t place) const { return logs_[place]; }
  [[nodiscard]] const std::vector<std::size_t>& free() const { return free_; }

  /// Of each free place's logarithm.
  [[nodiscard]] std::vector<double> Errors() const {
    const Matrix inverse = Inverse(Curvature());
    const std::vector<std::vector<double>> scores = ScoresOfShoppers();
    std::vector<double> errors(free_.size(), 0);
    for (const std::vector<double>& score : scores) {
      for (std::size_t i = 0; i < free_.size(); ++i) {
        double along = 0;
        for (std::size_t j = 0; j < free_.size(); ++j) {
          along += inverse[i][j] * score[j];
        }
        errors[i] += along * along;
      }
    }
    for (double& error : errors) {
      error = std::sqrt(error);
    }
    return errors;
  }

 private:
  /// How far the largest logarithm moved.
  double Improve() {
    std::vector<double> slope(free_.size(), 0);
    std::vector<double> shares(counts_.places);
    for (const std::size_t c : problem_.telling()) {
      problem_.SharesOf(c, logs_, shares);
      const double* clicks = counts_.clicks.data() + c * counts_.places;
      const double sum = problem_.ClicksOf(c);
      for (std::size_t i = 0; i < free_.size(); ++i) {
        slope[i] += clicks[free_[i]] - sum * shares[free_[i]];
      }
    }
    const Matrix inverse = Inverse(Curvature());
    double farthest = 0;
    for (std::size_t i = 0; i < free_.size(); ++i) {
      double step = 0;
      for (std::size_t j = 0; j < free_.size(); ++j) {
        step += inverse[i][j] * slope[j];
      }
      step = std::clamp(step, -kLongestStep, kLongestStep);
      double& log = logs_[free_[i]];
      const double before = log;
      log = std::clamp(log + step, -2 * kFarthest, 2 * kFarthest);
      farthest = std::max(farthest, std::fabs(log - before));
    }
    return farthest;
  }

  /// Minus the second derivative by the free logarithms: sum of clicks * (diag(share) - share share').
  [[nodiscard]] Matrix Curvature() const {
    constexpr double kRidge = 1e-9;
    Matrix curvature(free_.size(), std::vector<double>(free_.size(), 0));
    std::vector<double> shares(counts_.places);
    for (const std::size_t c : problem_.telling()) {
      problem_.SharesOf(c, logs_, shares);
      const double sum = problem_.ClicksOf(c);
      for (std::size_t i = 0; i < free_.size(); ++i) {
        const double share = shares[free_[i]];
        if (share == 0) {
          continue;
        }
        curvature[i][i] += sum * share;
        for (std::size_t j = 0; j < free_.size(); ++j) {
          curvature[i][j] -= sum * share * shares[free_[j]];
        }
      }
    }
    for (std::size_t i = 0; i < free_.size(); ++i) {
      curvature[i][i] += kRidge;
    }
    return curvature;
  }

  /// What each shopper's clicks add to the slope.
  [[nodiscard]] std::vector<std::vector<double>> ScoresOfShoppers() const {
    std::vector<std::vector<double>> scores(counts_.shoppers);
    std::vector<double> shares(counts_.places);
    for (const Click& click : counts_.each) {
      if (!problem_.Tells(click.context) || !problem_.Has(click.place)) {
        continue;
      }
      problem_.SharesOf(click.context, logs_, shares);
      std::vector<double>& score = scores[click.shopper];
      score.resize(free_.size(), 0);
      for (std::size_t i = 0; i < free_.size(); ++i) {
        score[i] += (click.place == free_[i] ? 1 : 0) - shares[free_[i]];
      }
    }
    std::erase_if(scores, [](const std::vector<double>& score) { return score.empty(); });
    return scores;
  }

  const PlaceClicks& counts_;
  const TellingContexts& problem_;
  std::vector<std::size_t> free_;  // places but the first
  std::vector<double> logs_;       // by place
};

Status CheckOptions(const BiasOptions& options) {
  if (options.places < 2 || options.places > 100) {
    return InvalidArgument("places must be 2 to 100, it is " + std::to_string(options.places));
  }
  if (options.least_clicks == 0 || !(options.z > 0)) {
    return InvalidArgument("least_clicks and z must be above 0");
  }
  return Status::Ok();
}

}  // namespace

double PositionBias::RelativeAt(std::int32_t position) const {
  double relative = 1;
  for (std::size_t p = 0; p < places.size() && static_cast<std::int32_t>(p) <= position; ++p) {
    relative = places[p].known ? places[p].relative : relative;
  }
  return relative;
}

Result<PositionBias> EstimatePositionBias(std::span<const Example> examples,
                                          const BiasOptions& options) {
  RETURN_IF_ERROR(CheckOptions(options));
  const PlaceClicks counts = CountClicks(examples, options);
  const TellingContexts problem(counts, options.least_clicks);
  const Solution solution(counts, problem);
  if (!problem.Has(0) || solution.free().empty()) {
    return FailedPrecondition(
        "these clicks do not tell places apart: the same items must be shown both at the first "
        "place and at others, with " +
        std::to_string(options.least_clicks) +
        " clicks a place or more; collect more answers, answers of several versions, or swap "
        "places at random");
  }
  PositionBias bias;
  bias.contexts = problem.telling().size();
  bias.places.resize(counts.places);
  for (std::size_t p = 0; p < counts.places; ++p) {
    bias.places[p].shown = static_cast<std::uint64_t>(problem.ShownAt(p));
    bias.places[p].clicks = static_cast<std::uint64_t>(problem.ClicksAt(p));
  }
  bias.places[0].known = true;
  const std::vector<double> errors = solution.Errors();
  for (std::size_t i = 0; i < solution.free().size(); ++i) {
    const double log = solution.LogAt(solution.free()[i]);
    PlaceExamination& place = bias.places[solution.free()[i]];
    place.known = std::fabs(log) < kFarthest && std::isfinite(errors[i]);
    if (place.known) {
      place.relative = std::exp(log);
      place.low = std::exp(log - options.z * errors[i]);
      place.high = std::exp(log + options.z * errors[i]);
    }
  }
  return bias;
}

PropensityWeights WeighByPropensity(std::span<const Example> examples, const PositionBias& bias,
                                    double clip) {
  PropensityWeights out;
  out.weights.reserve(examples.size());
  double sum = 0;
  double squares = 0;
  for (const Example& example : examples) {
    double weight = 1;
    if (example.clicked) {
      const double inverse = 1 / bias.RelativeAt(example.position);
      weight = std::min(inverse, clip);
      out.clipped += inverse > clip ? 1U : 0U;
      sum += weight;
      squares += weight * weight;
    }
    out.weights.push_back(static_cast<float>(weight));
  }
  out.effective = squares > 0 ? sum * sum / squares : 0;
  return out;
}

}  // namespace vitrine::feedback
