/// The statistics of a rollout in simulation: how often they raise a false alarm where somebody
/// looks after every request, and how soon they find what is there, beside the usual tests.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "bench/report.h"

namespace vitrine::bench {

constexpr int kRolloutRuns = 1000;
constexpr double kRolloutAlpha = 0.05;

/// Means by shopper (click rate with CUPED), shares (errors, slow answers) and the split of
/// shoppers.
void MeasureGuardrails(std::vector<Bar>& bars);

/// Team draft on simulated shoppers, and the same two rankers in two arms.
void MeasureInterleaving(std::vector<Bar>& bars);

/// 100 candidate policies, each on logs of its own, against the value that the simulation knows.
void MeasureOffPolicy(std::vector<Bar>& bars);

/// Thirty days of a simulated shop, five seeds, with real servers: half an hour. What is kept in build/bench/month is not run again.
void MeasureMonths(std::vector<Bar>& bars);

/// Versions that must not reach users, on a real server under load: minutes.
void MeasureBadVersions(std::vector<Bar>& bars);

/// A share of runs in %; where it is promised, `bound` in %. The noise of a share of 5 % over 1,000
/// runs is 0.7 points.
inline void AddShare(std::vector<Bar>& bars, const std::string& name, int count, int runs,
                     double bound = 0, bool higher_is_better = false) {
  bars.push_back({name, 100.0 * count / runs, "%", higher_is_better, bound, runs, 0});
}

/// The median over all runs of when they were decided, and the spread between their quartiles;
/// undecided ones count with `horizon`, where they ended.
inline void AddWhen(std::vector<Bar>& bars, const std::string& name, const std::string& unit,
                    std::vector<double> when, double horizon) {
  when.resize(kRolloutRuns, horizon);
  bars.push_back({name, Median(when), unit, false, 0, kRolloutRuns, Spread(when)});
}

}  // namespace vitrine::bench
