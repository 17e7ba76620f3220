/// Minimises a smooth convex function of many variables by limited-memory BFGS.
/// Threads: the caller's own.   Source: Nocedal & Wright, Numerical Optimization, 2nd ed., algorithms 7.4, 7.5
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "core/progress.h"
#include "core/status.h"

namespace vitrine::train {

struct LbfgsOptions {
  int steps = 300;
  std::size_t memory = 10;  ///< pairs of steps and slopes that are kept
  double tolerance = 1e-6;  ///< ends where the largest slope is below this times max(1, |value|)
};

struct LbfgsOutcome {
  int steps = 0;
  double value = 0;
  bool settled = false;  ///< the tolerance was reached
};

/// Value at `x`; `slope` (of x's size) is filled.
using SmoothFunction = std::function<double(std::span<const double> x, std::span<double> slope)>;

/// Goes from `x` to where the function is least.
/// Errors: kCancelled; kInternal (the value or a slope is no number).
Result<LbfgsOutcome> Minimise(const SmoothFunction& function, const LbfgsOptions& options,
                              const Progress& progress, std::vector<double>& x);

}  // namespace vitrine::train
