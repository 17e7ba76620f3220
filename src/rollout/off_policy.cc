#include "rollout/off_policy.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include <fmt/format.h>

#include "rollout/cuped.h"
#include "rollout/fixed_horizon.h"
#include "rollout/moments.h"

namespace vitrine::rollout {
namespace {

/// One shopper's sums.
struct UserSums {
  double rows = 0;
  double reward = 0;
  double weight = 0;  ///< as they are
  double used = 0;    ///< after cutting
  double weighted_reward = 0;
  double doubly_robust = 0;
};

Status CheckChoice(const LoggedChoice& choice, std::size_t row) {
  const auto refuse = [row](const char* field, double value, const char* want) {
    return InvalidArgument(fmt::format("row {}: {} is {}; it must be {}", row, field, value, want));
  };
  if (!(choice.propensity > 0 && choice.propensity <= 1)) {
    return refuse("propensity", choice.propensity,
                  "above 0 and at most 1: what was shown had a chance to be");
  }
  if (!(choice.candidate >= 0 && choice.candidate <= 1)) {
    return refuse("the candidate's probability", choice.candidate, "from 0 to 1");
  }
  if (!std::isfinite(choice.reward)) {
    return refuse("reward", choice.reward, "a number");
  }
  if (!std::isfinite(choice.shown_estimate) || !std::isfinite(choice.candidate_estimate)) {
    return refuse(
        "an estimate of the reward",
        std::isfinite(choice.shown_estimate) ? choice.candidate_estimate : choice.shown_estimate,
        "a number");
  }
  return Status::Ok();
}

/// t with P(|T| > t) = alpha of Student's t; to 0.01 from 5 degrees on.
/// Source: Cornish-Fisher expansion, Abramowitz & Stegun 26.7.5
double StudentBeyond(double alpha, double degrees) {
  const double z = -NormalQuantile(alpha / 2);
  const double n = std::max(5.0, degrees);
  return z + (z * z * z + z) / (4 * n) +
         (5 * std::pow(z, 5) + 16 * z * z * z + 3 * z) / (96 * n * n);
}

/// The ratio sum(value) / sum(weight) over shoppers with its interval.
template <typename Part>
PolicyValue RatioOf(const std::unordered_map<std::uint64_t, UserSums>& users, double alpha,
                    const Part& part) {
  JointMoments sums;
  for (const auto& [user, of_user] : users) {
    sums.Add(part(of_user));
  }
  const Estimate estimate = MeanOf(RatioMoments(sums));
  // A few shoppers with large weights carry the spread itself: it is known as badly as from few.
  double squares = 0;
  double fourths = 0;
  for (const auto& [user, of_user] : users) {
    const Unit unit = part(of_user);
    const double off = unit.value - estimate.value * unit.weight;
    squares += off * off;
    fourths += off * off * off * off;
  }
  const double kurtosis_less_1 = squares > 0 ? sums.n * fourths / (squares * squares) - 1 : 2;
  const double degrees = kurtosis_less_1 > 0 ? 2 * sums.n / kurtosis_less_1 : sums.n;
  const double error = std::sqrt(estimate.variance);
  const double half = error * StudentBeyond(alpha, degrees);
  return {estimate.value, estimate.value - half, estimate.value + half, error};
}

void FindProblems(const OffPolicyOptions& options, OffPolicyReport& report) {
  constexpr double kSurely = 4;  // standard errors
  if (std::abs(report.mean_weight - 1) > kSurely * report.weight_error) {
    report.problems.push_back(
        fmt::format("Weights are {:.3f} on average, not 1 (standard error {:.3f}): {}.",
                    report.mean_weight, report.weight_error,
                    report.mean_weight < 1 ? "the candidate would show what the log never shows, "
                                             "of which nothing is known, or the "
                                             "propensities are too high"
                                           : "the propensities are too low"));
  }
  if (report.effective_rows < options.minimum_effective_rows) {
    report.problems.push_back(fmt::format(
        "{} rows weigh as much as {:.0f}; {:.0f} are needed. Log more, choose a candidate "
        "nearer to what was shown, or cut weights.",
        report.rows, report.effective_rows, options.minimum_effective_rows));
  }
  if (report.clipped > 0.05) {
    report.problems.push_back(fmt::format(
        "{:.0f} % of the weights were cut away: IPS may be too low by about that share.",
        report.clipped * 100));
  }
}

}  // namespace

Result<OffPolicyReport> EstimateValue(std::span<const LoggedChoice> choices,
                                      const OffPolicyOptions& options) {
  if (choices.empty()) {
    return InvalidArgument("there are no logged choices");
  }
  OffPolicyReport report;
  std::unordered_map<std::uint64_t, UserSums> users;
  double used = 0;
  double squares = 0;
  double all = 0;
  for (std::size_t row = 0; row < choices.size(); ++row) {
    const LoggedChoice& choice = choices[row];
    RETURN_IF_ERROR(CheckChoice(choice, row + 1));
    const double weight = choice.candidate / choice.propensity;
    const double cut = options.clip > 0 ? std::min(weight, options.clip) : weight;
    UserSums& sums = users[choice.user];
    sums.rows += 1;
    sums.reward += choice.reward;
    sums.weight += weight;
    sums.used += cut;
    sums.weighted_reward += cut * choice.reward;
    sums.doubly_robust += choice.candidate_estimate + cut * (choice.reward - choice.shown_estimate);
    report.largest_weight = std::max(report.largest_weight, weight);
    all += weight;
    used += cut;
    squares += cut * cut;
  }
  if (used <= 0) {
    return FailedPrecondition(
        fmt::format("the candidate would have shown nothing of what the {} rows show, so they say "
                    "nothing about it; log with some exploration, or check candidate_probability",
                    choices.size()));
  }
  report.rows = choices.size();
  report.users = users.size();
  using Sums = const UserSums&;
  const double alpha = options.alpha;
  report.logged = RatioOf(users, alpha, [](Sums u) { return Unit{u.reward, u.rows}; });
  report.ips = RatioOf(users, alpha, [](Sums u) { return Unit{u.weighted_reward, u.rows}; });
  report.snips = RatioOf(users, alpha, [](Sums u) { return Unit{u.weighted_reward, u.used}; });
  report.doubly_robust =
      RatioOf(users, alpha, [](Sums u) { return Unit{u.doubly_robust, u.rows}; });
  const PolicyValue weight = RatioOf(users, alpha, [](Sums u) { return Unit{u.weight, u.rows}; });
  report.mean_weight = weight.value;
  report.weight_error = weight.standard_error;
  report.effective_rows = used * used / squares;
  report.clipped = 1 - used / all;
  FindProblems(options, report);
  return report;
}

}  // namespace vitrine::rollout
