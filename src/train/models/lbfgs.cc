#include "train/models/lbfgs.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <utility>

#include <fmt/format.h>

namespace vitrine::train {
namespace {

using Vector = std::vector<double>;

double Dot(const Vector& a, const Vector& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    sum += a[i] * b[i];
  }
  return sum;
}

double Largest(const Vector& a) {
  double most = 0;
  for (const double v : a) {
    most = std::max(most, std::fabs(v));
  }
  return most;
}

void AddScaled(double scale, const Vector& from, Vector& to) {
  for (std::size_t i = 0; i < to.size(); ++i) {
    to[i] += scale * from[i];
  }
}

/// What is known of the curvature: the newest pairs of step and change of slope.
class Curvature {
 public:
  explicit Curvature(std::size_t memory) : memory_(memory) {}

  void Learn(Vector step, Vector change) {
    const double product = Dot(step, change);
    if (!(product > 1e-12 * Dot(change, change))) {
      return;  // no curvature along this step that could be told from rounding
    }
    pairs_.push_back({std::move(step), std::move(change), 1 / product});
    if (pairs_.size() > memory_) {
      pairs_.pop_front();
    }
  }
  void Forget() { pairs_.clear(); }
  [[nodiscard]] bool empty() const { return pairs_.empty(); }

  /// Minus the inverse curvature times the slope.
  [[nodiscard]] Vector Direction(const Vector& slope) const {
    Vector d = slope;
    std::vector<double> alpha(pairs_.size());
    for (std::size_t i = pairs_.size(); i-- > 0;) {
      alpha[i] = pairs_[i].rho * Dot(pairs_[i].step, d);
      AddScaled(-alpha[i], pairs_[i].change, d);
    }
    if (!pairs_.empty()) {
      const Pair& newest = pairs_.back();
      const double scale = 1 / (newest.rho * Dot(newest.change, newest.change));
      for (double& v : d) {
        v *= scale;
      }
    }
    for (std::size_t i = 0; i < pairs_.size(); ++i) {
      const double beta = pairs_[i].rho * Dot(pairs_[i].change, d);
      AddScaled(alpha[i] - beta, pairs_[i].step, d);
    }
    for (double& v : d) {
      v = -v;
    }
    return d;
  }

 private:
  struct Pair {
    Vector step;
    Vector change;
    double rho = 0;
  };
  std::size_t memory_;
  std::deque<Pair> pairs_;
};

struct Point {
  Vector x;
  Vector slope;
  double value = 0;
};

/// Halves the step until the value has fallen enough (Armijo); false where none does.
bool Search(const SmoothFunction& function, const Vector& direction, double first,
            const Point& from, Point& to) {
  constexpr double kEnough = 1e-4;
  const double fall = Dot(direction, from.slope);
  for (double share = first; share > 1e-12; share /= 2) {
    to.x = from.x;
    AddScaled(share, direction, to.x);
    to.value = function(to.x, to.slope);
    if (std::isfinite(to.value) && to.value <= from.value + kEnough * share * fall) {
      return true;
    }
  }
  return false;
}

}  // namespace

Result<LbfgsOutcome> Minimise(const SmoothFunction& function, const LbfgsOptions& options,
                              const Progress& progress, std::vector<double>& x) {
  Point at{x, Vector(x.size()), 0};
  Point next{x, Vector(x.size()), 0};
  at.value = function(at.x, at.slope);
  Curvature curvature(options.memory);
  LbfgsOutcome outcome;
  for (; outcome.steps < options.steps; ++outcome.steps) {
    if (progress.cancelled()) {
      return Cancelled("the fit was cancelled");
    }
    const double steepest = Largest(at.slope);
    if (!std::isfinite(at.value) || !std::isfinite(steepest)) {
      return Internal(fmt::format("the loss is no number after {} steps", outcome.steps));
    }
    outcome.settled = steepest <= options.tolerance * std::max(1.0, std::fabs(at.value));
    if (outcome.settled) {
      break;
    }
    progress.report({.stage = "fit",
                     .done = static_cast<double>(outcome.steps),
                     .total = static_cast<double>(options.steps),
                     .unit = "steps",
                     .detail = fmt::format("loss {:.6g}", at.value)});
    const double first = curvature.empty() ? 1 / std::max(1.0, steepest) : 1;
    if (!Search(function, curvature.Direction(at.slope), first, at, next)) {
      if (curvature.empty()) {
        break;  // nothing is left to gain in double precision
      }
      curvature.Forget();
      continue;
    }
    Vector step = next.x;
    Vector change = next.slope;
    AddScaled(-1, at.x, step);
    AddScaled(-1, at.slope, change);
    curvature.Learn(std::move(step), std::move(change));
    std::swap(at, next);
  }
  outcome.value = at.value;
  x = at.x;
  return outcome;
}

}  // namespace vitrine::train
