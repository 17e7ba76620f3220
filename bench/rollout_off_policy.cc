// Off-policy estimates: 100 candidate policies, each on logs of its own, against the value that the
// simulation knows.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "bench/rollout.h"
#include "rollout/moments.h"
#include "rollout/off_policy.h"
#include "simulate/shop.h"
#include "simulate/shoppers.h"

namespace vitrine::bench {
namespace {

constexpr std::size_t kShoppers = 1000;
constexpr std::size_t kActions = 10;
constexpr int kCandidatePolicies = 100;
constexpr int kLogs = 100;         // of each candidate
constexpr int kLoggedUsers = 600;  // of each log
constexpr int kVisits = 5;         // of each of them
constexpr int kEstimates = kCandidatePolicies * kLogs;

constexpr double kModelError = 0.05;

using Row = std::array<double, kActions>;

/// Each shopper's shelf: what a click on each item is likely, and what a model thinks of it that is
/// right but for an error of its own.
struct World {
  std::vector<Row> chance;
  std::vector<Row> guess;
};

World MakeWorld() {
  const simulate::Shop shop({.seed = 8, .products = 1000, .shoppers = kShoppers}, Micros{});
  simulate::Shoppers shoppers(shop, 9);
  World world;
  for (std::size_t s = 0; s < kShoppers; ++s) {
    Row chance{};
    Row guess{};
    for (std::size_t a = 0; a < kActions; ++a) {
      chance[a] = shoppers.ClickProbability(s, shoppers.LookAtNext(s));
      guess[a] = std::clamp(
          chance[a] + kModelError * (2 * simulate::Uniform(shoppers.random()) - 1), 0.0, 1.0);
    }
    world.chance.push_back(chance);
    world.guess.push_back(guess);
  }
  return world;
}

/// Probabilities of a policy that likes an item by `sharpness` times its score; every item keeps 2
/// % / 10 or more.
Row Policy(const Row& score, double sharpness) {
  Row p{};
  double sum = 0;
  for (std::size_t a = 0; a < kActions; ++a) {
    sum += p[a] = std::exp(sharpness * score[a]);
  }
  for (double& value : p) {
    value = 0.98 * value / sum + 0.02 / kActions;
  }
  return p;
}

/// A candidate knows the chances with noise of its own, and believes in what it knows by its own
/// sharpness.
struct Candidate {
  std::vector<Row> probability;
  double truth = 0;
};

Candidate MakeCandidate(const World& world, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const double sharpness = 20 * simulate::Uniform(random);
  const double noise = simulate::Uniform(random);
  Candidate candidate;
  for (std::size_t s = 0; s < kShoppers; ++s) {
    Row score{};
    for (std::size_t a = 0; a < kActions; ++a) {
      score[a] = world.chance[s][a] + noise * (simulate::Uniform(random) - 0.5);
    }
    candidate.probability.push_back(Policy(score, sharpness));
    for (std::size_t a = 0; a < kActions; ++a) {
      candidate.truth += candidate.probability[s][a] * world.chance[s][a] / kShoppers;
    }
  }
  return candidate;
}

std::vector<rollout::LoggedChoice> DrawLog(const World& world, const std::vector<Row>& logging,
                                           const Candidate& candidate, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<rollout::LoggedChoice> log;
  for (int user = 0; user < kLoggedUsers; ++user) {
    const std::size_t s = simulate::Pick(random, kShoppers);
    double expected = 0;
    for (std::size_t a = 0; a < kActions; ++a) {
      expected += candidate.probability[s][a] * world.guess[s][a];
    }
    for (int visit = 0; visit < kVisits; ++visit) {
      double left = simulate::Uniform(random);
      std::size_t action = 0;
      while (action + 1 < kActions && (left -= logging[s][action]) >= 0) {
        ++action;
      }
      rollout::LoggedChoice choice;
      choice.user = static_cast<std::uint64_t>(user);
      choice.propensity = logging[s][action];
      choice.candidate = candidate.probability[s][action];
      choice.reward = simulate::Uniform(random) < world.chance[s][action] ? 1 : 0;
      choice.shown_estimate = world.guess[s][action];
      choice.candidate_estimate = expected;
      log.push_back(choice);
    }
  }
  return log;
}

struct Tally {
  const char* name;
  rollout::PolicyValue rollout::OffPolicyReport::* value;
  rollout::Moments error;
  double squares = 0;
  int covered = 0;
};

void AddTallies(std::span<const Tally> tallies, std::vector<Bar>& bars) {
  for (const Tally& tally : tallies) {
    const std::string name = std::string("off-policy, ") + tally.name;
    bars.push_back({name + ": bias", 1000 * tally.error.mean, "/1000", false, 0, kEstimates, 0});
    bars.push_back({name + ": bias over its standard error",
                    std::abs(tally.error.mean) / std::sqrt(tally.error.Variance() / kEstimates), "",
                    false, 4, kEstimates, 0});
    bars.push_back({name + ": root mean square error", 1000 * std::sqrt(tally.squares / kEstimates),
                    "/1000", false, 0, kEstimates, 0});
    AddShare(bars, name + ": 95 % intervals that hold the truth", tally.covered, kEstimates,
             100 * (1 - kRolloutAlpha), true);
  }
}

}  // namespace

void MeasureOffPolicy(std::vector<Bar>& bars) {
  const World world = MakeWorld();
  std::vector<Row> logging;
  for (const Row& guess : world.guess) {
    logging.push_back(Policy(guess, 3));
  }
  std::array<Tally, 3> tallies = {
      {{"IPS", &rollout::OffPolicyReport::ips, {}, 0, 0},
       {"SNIPS", &rollout::OffPolicyReport::snips, {}, 0, 0},
       {"doubly robust", &rollout::OffPolicyReport::doubly_robust, {}, 0, 0}}};
  std::vector<double> effective, truths;
  int accused = 0;
  int best_of_ten = 0;
  double best_estimate = 0, best_truth = 0, group_best = 0;
  for (int c = 0; c < kCandidatePolicies; ++c) {
    const Candidate candidate = MakeCandidate(world, static_cast<std::uint64_t>(c) + 1);
    truths.push_back(candidate.truth);
    for (int log = 0; log < kLogs; ++log) {
      const auto choices =
          DrawLog(world, logging, candidate, static_cast<std::uint64_t>(c * kLogs + log) + 100'000);
      const auto report = rollout::EstimateValue(choices, {});
      if (!report.ok()) {
        std::printf("a log was refused: %s\n", report.status().ToString().c_str());
        continue;
      }
      for (Tally& tally : tallies) {
        const rollout::PolicyValue& value = (*report).*tally.value;
        tally.error.Add(value.value - candidate.truth);
        tally.squares += (value.value - candidate.truth) * (value.value - candidate.truth);
        tally.covered += value.low <= candidate.truth && candidate.truth <= value.high ? 1 : 0;
      }
      effective.push_back(report->effective_rows);
      accused += report->problems.empty() ? 0 : 1;
      if (log == 0) {  // candidates in groups of ten: is the one with the best estimate the best?
        if (c % 10 == 0 || report->doubly_robust.value > best_estimate) {
          best_estimate = report->doubly_robust.value;
          best_truth = candidate.truth;
        }
        group_best = c % 10 == 0 ? candidate.truth : std::max(group_best, candidate.truth);
        best_of_ten += c % 10 == 9 && best_truth >= 0.97 * group_best ? 1 : 0;
      }
    }
  }
  bars.push_back({"off-policy: candidates' true value, median", 1000 * Median(truths), "/1000",
                  false, 0, kCandidatePolicies, Spread(truths)});
  bars.push_back({"off-policy: effective rows of 3,000, median", Median(effective), "rows", false,
                  0, kEstimates, Spread(effective)});
  AddTallies(tallies, bars);
  AddShare(bars, "off-policy: logs with a problem reported", accused, kEstimates);
  bars.push_back({"off-policy: best of 10 within 3 % of the best", 1.0 * best_of_ten, "of 10", true,
                  0, 10, 0});
}

}  // namespace vitrine::bench
