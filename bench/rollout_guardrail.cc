// Guardrails that are looked at after every request: false alarms where the arms are equal or the
// loss is just tolerated, and how soon a harm is found.
#include <array>
#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "bench/rollout.h"
#include "rollout/assignment.h"
#include "rollout/cuped.h"
#include "rollout/fixed_horizon.h"
#include "rollout/guardrail.h"
#include "rollout/sample_ratio.h"
#include "simulate/shop.h"
#include "simulate/shoppers.h"

namespace vitrine::bench {
namespace {

using rollout::Arm;
using simulate::Uniform;

constexpr std::size_t kShoppers = 2000;
constexpr int kRequests = 20'000;
constexpr int kRequestsBefore = 20;  // a shopper's, from which the covariate is made
constexpr double kTolerated = 0.05;
constexpr int kSplitShoppers = 50'000;

/// Chance that a shopper clicks anything in a list of five: the click model on what they would look
/// at.
std::vector<double> ClickChances() {
  const simulate::Shop shop({.seed = 3, .products = 1000, .shoppers = kShoppers}, Micros{});
  simulate::Shoppers shoppers(shop, 4);
  std::vector<double> chances;
  for (std::size_t s = 0; s < kShoppers; ++s) {
    double none = 1;
    for (std::size_t place = 0; place < 5; ++place) {
      const std::size_t product = shoppers.LookAtNext(s);
      none *= 1 - simulate::Examination(place) * shoppers.ClickProbability(s, product);
    }
    chances.push_back(1 - none);
  }
  return chances;
}

/// What one run of clicks came to; requests until a verdict, 0: none.
struct ClickRun {
  int harmful = 0;               ///< ours, with CUPED: surely beyond what is tolerated
  int harmful_plain = 0;         ///< ours, without CUPED
  bool unequal = false;          ///< ours: the arms surely differ, at any look
  bool unequal_answers = false;  ///< the same by answers instead of shoppers
  bool peeked = false;           ///< the z interval left out 0 at any look
  bool at_horizon = false;       ///< and at the last one
  bool harmful_at_horizon = false;
  double variance_left = 1;
};

class ClickWorld {
 public:
  explicit ClickWorld(std::vector<double> chances) : chances_(std::move(chances)) {
    options_.alpha = kRolloutAlpha;
    options_.expected_n = kShoppers / 2.0;
  }

  /// `lift`: times the treatment's click chance. `stop`: the run ends at both harmful verdicts.
  ClickRun Run(int number, double lift, bool stop) const {
    std::mt19937_64 random(static_cast<std::uint64_t>(number) + 1);
    const std::string salt = "run-" + std::to_string(number);
    std::vector<Shopper> shoppers(kShoppers);
    for (std::size_t s = 0; s < kShoppers; ++s) {
      shoppers[s].arm = rollout::AssignArm(salt, "sim-user-" + std::to_string(s), 0.5);
      shoppers[s].unit.weight = 0;
      for (int i = 0; i < kRequestsBefore; ++i) {
        shoppers[s].unit.before += Uniform(random) < chances_[s] ? 1 : 0;
      }
    }
    std::array<rollout::JointMoments, 2> arms;
    std::array<rollout::Moments, 2> answers;
    ClickRun run;
    for (int request = 1; request <= kRequests; ++request) {
      const std::size_t s = simulate::Pick(random, kShoppers);
      const auto arm = static_cast<std::size_t>(shoppers[s].arm);
      const double chance = chances_[s] * (shoppers[s].arm == Arm::kTreatment ? lift : 1);
      const double click = Uniform(random) < chance ? 1 : 0;
      Count(shoppers[s], click, arms[arm]);
      answers[arm].Add(click);
      Look(arms, answers, request, run);
      if (stop && run.harmful > 0 && run.harmful_plain > 0) break;
    }
    return run;
  }

 private:
  struct Shopper {
    Arm arm = Arm::kControl;
    rollout::Unit unit;
  };

  static void Count(Shopper& shopper, double click, rollout::JointMoments& arm) {
    const rollout::Unit old = shopper.unit;
    shopper.unit.value += click;
    shopper.unit.weight += 1;
    if (old.weight > 0) {
      arm.Replace(old, shopper.unit);
    } else {
      arm.Add(shopper.unit);
    }
  }

  void Look(const std::array<rollout::JointMoments, 2>& arms,
            const std::array<rollout::Moments, 2>& answers, int request, ClickRun& run) const {
    const rollout::AdjustedArms adjusted = rollout::Adjust(arms[0], arms[1]);
    const rollout::Estimate difference =
        rollout::DifferenceOf(adjusted.control, adjusted.treatment);
    if (difference.smallest < options_.minimum_n) {
      return;
    }
    const auto margin_below_0 = [this](const rollout::Moments& control,
                                       const rollout::Moments& treatment) {
      const auto margin = rollout::DifferenceOf(control, treatment, 1 - kTolerated);
      return AlwaysValid(margin, options_).high < 0;
    };
    run.unequal = run.unequal || !AlwaysValid(difference, options_).Holds(0);
    run.unequal_answers =
        run.unequal_answers ||
        !AlwaysValid(rollout::DifferenceOf(answers[0], answers[1]), options_).Holds(0);
    if (run.harmful == 0 && margin_below_0(adjusted.control, adjusted.treatment)) {
      run.harmful = request;
    }
    if (run.harmful_plain == 0 && margin_below_0(RatioMoments(arms[0]), RatioMoments(arms[1]))) {
      run.harmful_plain = request;
    }
    // The usual test, of the same estimate: |z| above 1.96.
    const bool outside =
        difference.value * difference.value > 1.959964 * 1.959964 * difference.variance;
    run.peeked = run.peeked || outside;
    if (request == kRequests) {
      run.at_horizon = outside;
      run.variance_left = adjusted.variance_left;
      const auto margin =
          rollout::DifferenceOf(adjusted.control, adjusted.treatment, 1 - kTolerated);
      run.harmful_at_horizon = FixedHorizonInterval(margin, kRolloutAlpha).high < 0;
    }
  }

  std::vector<double> chances_;
  rollout::SequenceOptions options_;
};

void MeasureClicks(std::vector<Bar>& bars) {
  const ClickWorld world(ClickChances());
  int unequal = 0, unequal_answers = 0, peeked = 0, at_horizon = 0;
  std::vector<double> left;
  for (int run = 0; run < kRolloutRuns; ++run) {
    const ClickRun equal = world.Run(run, 1, false);
    unequal += equal.unequal ? 1 : 0;
    unequal_answers += equal.unequal_answers ? 1 : 0;
    peeked += equal.peeked ? 1 : 0;
    at_horizon += equal.at_horizon ? 1 : 0;
    left.push_back(equal.variance_left);
  }
  const std::string equal = "clicks, equal arms: ";
  AddShare(bars, equal + "false alarms, ours", unequal, kRolloutRuns, 100 * kRolloutAlpha);
  AddShare(bars, equal + "z test, looked at each time", peeked, kRolloutRuns);
  AddShare(bars, equal + "z test, once at the horizon", at_horizon, kRolloutRuns);
  AddShare(bars, equal + "ours by answers, not shoppers", unequal_answers, kRolloutRuns);
  bars.push_back({equal + "variance left by CUPED", 100 * Median(left), "%", false, 0, kRolloutRuns,
                  Spread(left)});
  int tolerated = 0;
  for (int run = 0; run < kRolloutRuns; ++run) {
    tolerated += world.Run(run, 1 - kTolerated, false).harmful > 0 ? 1 : 0;
  }
  AddShare(bars, "clicks, loss just tolerated: called harmful", tolerated, kRolloutRuns,
           100 * kRolloutAlpha);
  for (const double loss : {0.15, 0.3}) {
    std::vector<double> when, when_plain;
    int horizon = 0;
    for (int run = 0; run < kRolloutRuns; ++run) {
      const ClickRun harm = world.Run(run, 1 - loss, false);
      if (harm.harmful > 0) when.push_back(harm.harmful);
      if (harm.harmful_plain > 0) when_plain.push_back(harm.harmful_plain);
      horizon += harm.harmful_at_horizon ? 1 : 0;
    }
    const std::string name =
        "clicks, " + std::to_string(static_cast<int>(100 * loss + 0.5)) + " % lost: ";
    AddShare(bars, name + "harmful, ours", static_cast<int>(when.size()), kRolloutRuns);
    AddShare(bars, name + "harmful, ours without CUPED", static_cast<int>(when_plain.size()),
             kRolloutRuns);
    AddShare(bars, name + "harmful, z test at the horizon", horizon, kRolloutRuns);
    AddWhen(bars, name + "until ours says so", "requests", when, kRequests);
    AddWhen(bars, name + "the same without CUPED", "requests", when_plain, kRequests);
  }
}

/// Runs of a canary of 5 %: answers of the treatment until a share is surely above control +
/// offset; 0: not.
std::vector<double> ShareRuns(double control, double treatment, double offset, int answers) {
  std::vector<double> when;
  const double limit = -std::log(kRolloutAlpha);
  for (int run = 0; run < kRolloutRuns; ++run) {
    std::mt19937_64 random(static_cast<std::uint64_t>(run) + 77);
    rollout::ArmCounts arms;
    for (int answer = 1; answer <= answers; ++answer) {
      for (int i = 0; i < 19; ++i) {
        arms.control.Add(Uniform(random) < control);
      }
      arms.treatment.Add(Uniform(random) < treatment);
      if (rollout::LogEvidenceAbove({&arms, 1}, {1, offset}) > limit) {
        when.push_back(answer);
        break;
      }
    }
  }
  return when;
}

struct ShareCase {
  std::string name;
  double control;
  double treatment;
  double offset;
  bool harm;
};

void MeasureShares(std::vector<Bar>& bars) {
  // 20 % slower, log-normal with spread 0.5: the share above the control's p95 and above its
  // median.
  const double slow_tail = 1 - rollout::NormalBelow(1.644854 - std::log(1.2) / 0.5);
  const double slow_half = 1 - rollout::NormalBelow(-std::log(1.2) / 0.5);
  constexpr int kAnswers = 1500;  // of the treatment: 30,000 requests
  for (const ShareCase& c : std::vector<ShareCase>{
           {"errors, 0.2 % in both arms", 0.002, 0.002, 0, false},
           {"errors, just as many more as tolerated (0.5 %)", 0.002, 0.007, 0.005, false},
           {"slow answers, 5 % in both arms", 0.05, 0.05, 0, false},
           {"errors, 3 % more", 0.002, 0.032, 0.005, true},
           {"every answer fails", 0.002, 1, 0.005, true},
           {"20 % slower, by control's p95, 1 % tolerated", 0.05, slow_tail, 0.01, true},
           {"20 % slower, by control's median, 3 % tolerated", 0.5, slow_half, 0.03, true}}) {
    const std::vector<double> when = ShareRuns(c.control, c.treatment, c.offset, kAnswers);
    AddShare(bars, c.name + (c.harm ? ": harmful" : ": false alarms"),
             static_cast<int>(when.size()), kRolloutRuns, c.harm ? 0 : 100 * kRolloutAlpha);
    if (c.harm) {
      AddWhen(bars, c.name + ": until then", "answers", when, kAnswers);
    }
  }
}

void MeasureSplits(std::vector<Bar>& bars) {
  for (const double lost : {0.0, 0.05}) {
    std::vector<double> when;
    for (int run = 0; run < kRolloutRuns; ++run) {
      std::mt19937_64 random(static_cast<std::uint64_t>(run) + 7);
      rollout::SampleRatioTest test{.share = 0.5};
      for (int shopper = 1; shopper <= kSplitShoppers; ++shopper) {
        const Arm arm = Uniform(random) < 0.5 ? Arm::kTreatment : Arm::kControl;
        if (arm == Arm::kTreatment && Uniform(random) < lost) continue;
        test.Add(arm);
        if (test.Mismatch(kRolloutAlpha)) {
          when.push_back(shopper);
          break;
        }
      }
    }
    AddShare(bars, lost == 0 ? "split 50:50: false alarms" : "split, treatment loses 5 %: seen",
             static_cast<int>(when.size()), kRolloutRuns, lost == 0 ? 100 * kRolloutAlpha : 0);
    if (lost > 0) {
      AddWhen(bars, "split, treatment loses 5 %: until seen", "shoppers", when, kSplitShoppers);
    }
  }
}

/// What a judgement costs: one guardrail of two arms.
void MeasureCost(std::vector<Bar>& bars) {
  const rollout::ArmCounts counts{{20'000, 1000}, {1000, 70}};
  double sum = 0;
  const double bound =
      SecondsPerCall(20'000, [&] { sum += rollout::LogEvidenceAbove({&counts, 1}, {1, 0.01}); });
  const double interval =
      SecondsPerCall(500, [&] { sum += rollout::ShareDifference({&counts, 1}, 0.05).low; });
  rollout::ArmMoments arms;
  for (int i = 0; i < 1000; ++i) {
    (i % 2 == 0 ? arms.control : arms.treatment).Add({static_cast<double>(i % 7), 1, i % 5 * 1.0});
  }
  const double mean = SecondsPerCall(20'000, [&] {
    sum += rollout::JudgeMean({"m", rollout::Better::kHigher, 0, true}, {&arms, 1}, {}).margin.low;
  });
  bars.push_back(
      {"cost: evidence against one bound on a share", 1e6 * bound, "us", false, 0, 1, 0});
  bars.push_back(
      {"cost: interval of a difference of shares", 1e6 * interval, "us", false, 0, 1, 0});
  bars.push_back({"cost: verdict on a mean", 1e6 * mean, "us", false, 0, sum == 0 ? 0 : 1, 0});
}

}  // namespace

void MeasureGuardrails(std::vector<Bar>& bars) {
  MeasureClicks(bars);
  MeasureShares(bars);
  MeasureSplits(bars);
  MeasureCost(bars);
}

}  // namespace vitrine::bench
