/// How many calls may be made again: a share of those that are made, so that retries cannot multiply the load
/// on a server that is in trouble. A bucket of tokens: a call puts a share of one in, a retry takes one.
/// Source: the retry budget of Finagle; gRPC's proposal A6, "Throttling Retry Attempts".
/// Threads: any.
#pragma once

#include <algorithm>

#include "core/guarded.h"

namespace vitrine::adapters {

struct RetryBudgetOptions {
  double share = 0.1;  ///< retries a call, in the long run
  double saved = 10;   ///< most that are saved up, and what there is at first
};

class RetryBudget {
 public:
  explicit RetryBudget(RetryBudgetOptions options = {})
      : options_(options), tokens_(options.saved) {}

  /// A call is made, the first time.
  void OnCall() {
    tokens_.With([this](double& t) { t = std::min(t + options_.share, options_.saved); });
  }
  /// True where it may be made again.
  bool TakeRetry() {
    return tokens_.With([](double& t) {
      const bool enough = t >= 1 - kRounding;
      t -= enough ? 1 : 0;
      return enough;
    });
  }

 private:
  static constexpr double kRounding = 1e-9;  // ten tenths are one
  const RetryBudgetOptions options_;
  Guarded<double> tokens_;
};

}  // namespace vitrine::adapters
