// Interleaving of two rankers on simulated shoppers, looked at after every answer; and the same two
// rankers in two arms.
#include <algorithm>
#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "bench/rollout.h"
#include "rollout/cuped.h"
#include "rollout/fixed_horizon.h"
#include "rollout/interleaving.h"
#include "simulate/shop.h"
#include "simulate/shoppers.h"

namespace vitrine::bench {
namespace {

using simulate::Uniform;

constexpr std::size_t kShoppers = 1000;
constexpr std::size_t kCandidates = 20;
constexpr std::size_t kPlaces = 8;
constexpr int kAnswers = 4000;

/// What each shopper could be shown, with the click model's chance of each.
struct Shelf {
  std::array<double, kCandidates> chance{};
};

std::vector<Shelf> Shelves() {
  const simulate::Shop shop({.seed = 5, .products = 1000, .shoppers = kShoppers}, Micros{});
  simulate::Shoppers shoppers(shop, 6);
  std::vector<Shelf> shelves(kShoppers);
  for (std::size_t s = 0; s < kShoppers; ++s) {
    for (double& chance : shelves[s].chance) {
      chance = shoppers.ClickProbability(s, shoppers.LookAtNext(s));
    }
  }
  return shelves;
}

/// A ranker of this quality: it knows a candidate's chance with an error, uniform in [0, error].
std::vector<std::uint64_t> Rank(const Shelf& shelf, double error, std::mt19937_64& random) {
  std::array<std::pair<double, std::uint64_t>, kCandidates> scored;
  for (std::size_t c = 0; c < kCandidates; ++c) {
    scored[c] = {-shelf.chance[c] - error * Uniform(random), c};
  }
  std::partial_sort(scored.begin(), scored.begin() + kPlaces, scored.end());
  std::vector<std::uint64_t> items;
  for (std::size_t place = 0; place < kPlaces; ++place) {
    items.push_back(scored[place].second);
  }
  return items;
}

struct Outcome {
  int when = 0;         ///< answers until ours is sure of either side; 0: never
  bool wrong = false;   ///< sure of the control, which is not the better one
  bool peeked = false;  ///< the z test was, at any look
  bool at_horizon = false;
};

/// Follows one estimate, looked at after every answer.
class Watcher {
 public:
  explicit Watcher(double expected_n) {
    options_.alpha = kRolloutAlpha;
    options_.expected_n = expected_n;
  }

  void Look(const rollout::Estimate& estimate, int answer) {
    if (estimate.smallest < options_.minimum_n) {
      return;
    }
    const rollout::Interval interval = AlwaysValid(estimate, options_);
    if (outcome_.when == 0 && !interval.Holds(0)) {
      outcome_.when = answer;
      outcome_.wrong = interval.high < 0;
    }
    const bool outside = estimate.value * estimate.value > 1.959964 * 1.959964 * estimate.variance;
    outcome_.peeked = outcome_.peeked || outside;
    outcome_.at_horizon = outside;
  }

  [[nodiscard]] const Outcome& outcome() const { return outcome_; }

 private:
  rollout::SequenceOptions options_;
  Outcome outcome_;
};

/// `error`s of the two rankers; every answer is a draft of both.
Outcome Interleave(const std::vector<Shelf>& shelves, double control, double treatment, int run) {
  std::mt19937_64 random(static_cast<std::uint64_t>(run) + 1);
  std::vector<rollout::Credit> credits(kShoppers);
  rollout::Preference preference;
  Watcher watcher(300);
  for (int answer = 1; answer <= kAnswers; ++answer) {
    const std::size_t s = simulate::Pick(random, kShoppers);
    const auto first = Rank(shelves[s], control, random);
    const auto second = Rank(shelves[s], treatment, random);
    const rollout::Credit before = credits[s];
    const auto draft = rollout::TeamDraft(first, second, kPlaces, random());
    for (std::size_t place = 0; place < draft.size(); ++place) {
      const double chance = simulate::Examination(place) * shelves[s].chance[draft[place].item];
      if (Uniform(random) < chance) {
        credits[s].Add(draft[place].team);
      }
    }
    preference.Update(before, credits[s]);
    watcher.Look(preference.Current(), answer);
  }
  return watcher.outcome();
}

/// The same rankers in two arms: clicks an answer.
Outcome TwoArms(const std::vector<Shelf>& shelves, double control, double treatment, int run) {
  std::mt19937_64 random(static_cast<std::uint64_t>(run) + 1);
  std::vector<rollout::Unit> units(kShoppers, {0, 0, 0});
  std::array<rollout::JointMoments, 2> arms;
  Watcher watcher(kShoppers / 2.0);
  for (int answer = 1; answer <= kAnswers; ++answer) {
    const std::size_t s = simulate::Pick(random, kShoppers);
    const std::size_t arm = s % 2;
    const auto list = Rank(shelves[s], arm == 0 ? control : treatment, random);
    const rollout::Unit old = units[s];
    for (std::size_t place = 0; place < list.size(); ++place) {
      const double chance = simulate::Examination(place) * shelves[s].chance[list[place]];
      units[s].value += Uniform(random) < chance ? 1 : 0;
    }
    units[s].weight += 1;
    if (old.weight > 0) {
      arms[arm].Replace(old, units[s]);
    } else {
      arms[arm].Add(units[s]);
    }
    watcher.Look(rollout::DifferenceOf(RatioMoments(arms[0]), RatioMoments(arms[1])), answer);
  }
  return watcher.outcome();
}

struct Counted {
  int ours = 0;
  int wrong = 0;
  int peeked = 0;
  int at_horizon = 0;
  std::vector<double> when;
};

template <typename RunOne>
Counted CountRuns(const RunOne& run_one) {
  Counted counted;
  for (int run = 0; run < kRolloutRuns; ++run) {
    const Outcome outcome = run_one(run);
    counted.ours += outcome.when > 0 ? 1 : 0;
    counted.wrong += outcome.wrong ? 1 : 0;
    counted.peeked += outcome.peeked ? 1 : 0;
    counted.at_horizon += outcome.at_horizon ? 1 : 0;
    if (outcome.when > 0) counted.when.push_back(outcome.when);
  }
  return counted;
}

}  // namespace

void MeasureInterleaving(std::vector<Bar>& bars) {
  const std::vector<Shelf> shelves = Shelves();
  constexpr double kGood = 0.2;
  constexpr double kBad = 0.5;
  const Counted equal = CountRuns([&](int run) { return Interleave(shelves, kGood, kGood, run); });
  const std::string name = "interleaving, equal rankers: ";
  AddShare(bars, name + "false alarms, ours", equal.ours, kRolloutRuns, 100 * kRolloutAlpha);
  AddShare(bars, name + "z test, looked at each time", equal.peeked, kRolloutRuns);
  AddShare(bars, name + "z test, once at the horizon", equal.at_horizon, kRolloutRuns);
  const Counted better = CountRuns([&](int run) { return Interleave(shelves, kBad, kGood, run); });
  AddShare(bars, "interleaving, a better ranker: found", better.ours - better.wrong, kRolloutRuns);
  AddShare(bars, "interleaving, a better ranker: the worse one wins", better.wrong, kRolloutRuns,
           100 * kRolloutAlpha);
  AddShare(bars, "interleaving, a better ranker: z test at the horizon", better.at_horizon,
           kRolloutRuns);
  AddWhen(bars, "interleaving, a better ranker: until found", "answers", better.when, kAnswers);
  const Counted arms = CountRuns([&](int run) { return TwoArms(shelves, kBad, kGood, run); });
  AddShare(bars, "two arms, the same rankers: found", arms.ours - arms.wrong, kRolloutRuns);
  AddShare(bars, "two arms, the same rankers: z test at the horizon", arms.at_horizon,
           kRolloutRuns);
  AddWhen(bars, "two arms, the same rankers: until found", "answers", arms.when, kAnswers);
}

}  // namespace vitrine::bench
