#include "rollout/off_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <sstream>
#include <vector>

#include "rollout/draws_testing.h"
#include "rollout/moments.h"
#include "rollout/off_policy_log.h"

namespace vitrine::rollout {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

TEST(EstimateValue, IsWhatTheFormulasSay) {
  const std::vector<LoggedChoice> choices = {
      {1, 0.5, 0.25, 1, 0.4, 0.6}, {1, 0.2, 0.6, 0, 0.1, 0.6}, {2, 0.5, 0.5, 1, 0.5, 0.2}};
  OffPolicyOptions options;
  const auto report = EstimateValue(choices, options);
  ASSERT_TRUE(report.ok());
  const double ips = (0.5 * 1 + 3 * 0 + 1 * 1) / 3;
  EXPECT_NEAR(report->ips.value, ips, 1e-12);
  EXPECT_NEAR(report->snips.value, 1.5 / 4.5, 1e-12);
  EXPECT_NEAR(report->doubly_robust.value, (0.6 + 0.5 * 0.6 + 0.6 + 3 * -0.1 + 0.2 + 1 * 0.5) / 3,
              1e-12);
  EXPECT_NEAR(report->logged.value, 2.0 / 3, 1e-12);
  EXPECT_NEAR(report->mean_weight, 1.5, 1e-12);
  EXPECT_DOUBLE_EQ(report->largest_weight, 3);
  EXPECT_NEAR(report->effective_rows, 4.5 * 4.5 / (0.25 + 9 + 1), 1e-12);
  EXPECT_EQ(report->users, 2U);
  options.clip = 2;
  const auto cut = EstimateValue(choices, options);
  ASSERT_TRUE(cut.ok());
  EXPECT_NEAR(cut->clipped, 1 / 4.5, 1e-12);
  EXPECT_NEAR(cut->snips.value, 1.5 / 3.5, 1e-12);
  EXPECT_NEAR(cut->mean_weight, 1.5, 1e-12);
}

/// A world with two kinds of shoppers and three actions.
constexpr double kReward[2][3] = {{0.1, 0.3, 0.5}, {0.6, 0.2, 0.1}};
constexpr double kLogged[2][3] = {{0.6, 0.3, 0.1}, {0.2, 0.3, 0.5}};
constexpr double kCandidate[2][3] = {{0.1, 0.3, 0.6}, {0.5, 0.3, 0.2}};

double Truth() {
  double value = 0;
  for (int kind = 0; kind < 2; ++kind) {
    for (int action = 0; action < 3; ++action) {
      value += 0.5 * kCandidate[kind][action] * kReward[kind][action];
    }
  }
  return value;
}

/// `model_error` is added to a reward model that is otherwise right; `lie` to what is written as
/// propensity.
std::vector<LoggedChoice> Log(std::uint64_t seed, int users, double model_error, double lie = 1) {
  TestDraws draws(seed);
  std::vector<LoggedChoice> choices;
  for (int user = 0; user < users; ++user) {
    const int kind = draws.Chance(0.5) ? 1 : 0;
    for (int visit = 0; visit < 5; ++visit) {
      const double u = draws.Uniform();
      const int action = u < kLogged[kind][0] ? 0 : u < kLogged[kind][0] + kLogged[kind][1] ? 1 : 2;
      LoggedChoice choice;
      choice.user = static_cast<std::uint64_t>(user);
      choice.propensity = lie * kLogged[kind][action];
      choice.candidate = kCandidate[kind][action];
      choice.reward = draws.Chance(kReward[kind][action]) ? 1 : 0;
      choice.shown_estimate = kReward[kind][action] + model_error;
      for (int a = 0; a < 3; ++a) {
        choice.candidate_estimate += kCandidate[kind][a] * (kReward[kind][a] + model_error);
      }
      choices.push_back(choice);
    }
  }
  return choices;
}

TEST(EstimateValue, IsUnbiasedAndItsIntervalsHoldTheTruth) {
  constexpr int kRuns = 400;
  Moments ips;
  Moments snips;
  Moments robust;
  int covered_ips = 0;
  int covered_snips = 0;
  int covered_robust = 0;
  for (std::uint64_t run = 0; run < kRuns; ++run) {
    const auto report = EstimateValue(Log(run + 1, 300, 0.2), {});
    ASSERT_TRUE(report.ok());
    EXPECT_THAT(report->problems, IsEmpty());
    const auto holds = [](const PolicyValue& value) {
      return value.low <= Truth() && Truth() <= value.high ? 1 : 0;
    };
    ips.Add(report->ips.value);
    snips.Add(report->snips.value);
    robust.Add(report->doubly_robust.value);
    covered_ips += holds(report->ips);
    covered_snips += holds(report->snips);
    covered_robust += holds(report->doubly_robust);
  }
  for (const Moments* moments : {&ips, &snips, &robust}) {
    EXPECT_NEAR(moments->mean, Truth(), 4 * std::sqrt(moments->Variance() / kRuns) + 1e-3);
  }
  // The log's own value is elsewhere: the estimates move.
  EXPECT_GT(Truth(), 1.4 * EstimateValue(Log(1, 2000, 0), {})->logged.value);
  EXPECT_LT(snips.Variance(), ips.Variance());
  for (const int covered : {covered_ips, covered_snips, covered_robust}) {
    EXPECT_GE(covered, 380 - 18);  // 95 %, less four standard deviations
    EXPECT_LE(covered, 398);
  }
}

TEST(EstimateValue, TheReportSaysWhatIsWrongWithTheLog) {
  const auto lied = EstimateValue(Log(5, 2000, 0, 0.8), {});
  ASSERT_TRUE(lied.ok());
  ASSERT_EQ(lied->problems.size(), 1U);
  EXPECT_THAT(lied->problems[0], HasSubstr("on average, not 1"));
  EXPECT_THAT(lied->problems[0], HasSubstr("too low"));
  // Doubly robust: propensities are wrong, the model is right, and so is the estimate.
  EXPECT_GT(std::abs(lied->ips.value - Truth()), 0.05);
  EXPECT_NEAR(lied->doubly_robust.value, Truth(), 0.02);
  const auto few = EstimateValue(Log(5, 10, 0), {});
  ASSERT_TRUE(few.ok());
  ASSERT_FALSE(few->problems.empty());
  EXPECT_THAT(few->problems.back(), HasSubstr("50 rows weigh as much as"));
  OffPolicyOptions options;
  options.clip = 1;
  const auto cut = EstimateValue(Log(5, 2000, 0), options);
  ASSERT_TRUE(cut.ok());
  ASSERT_EQ(cut->problems.size(), 1U);
  EXPECT_THAT(cut->problems[0], HasSubstr("were cut away"));
  // A candidate of which half of what it would show was never shown.
  std::vector<LoggedChoice> half = Log(6, 2000, 0);
  for (LoggedChoice& choice : half) {
    choice.candidate /= 2;
  }
  EXPECT_THAT(EstimateValue(half, {})->problems.at(0), HasSubstr("what the log never shows"));
}

TEST(EstimateValue, RefusesWhatCannotBe) {
  EXPECT_EQ(EstimateValue({}, {}).status().code(), Code::kInvalidArgument);
  std::vector<LoggedChoice> choices = Log(1, 5, 0);
  const auto with = [&choices](auto change) {
    auto changed = choices;
    change(changed[2]);
    return EstimateValue(changed, {}).status().ToString();
  };
  EXPECT_THAT(with([](LoggedChoice& c) { c.propensity = 0; }), HasSubstr("row 3: propensity is 0"));
  EXPECT_THAT(with([](LoggedChoice& c) { c.propensity = std::nan(""); }), HasSubstr("row 3"));
  EXPECT_THAT(with([](LoggedChoice& c) { c.candidate = 1.5; }), HasSubstr("probability is 1.5"));
  EXPECT_THAT(with([](LoggedChoice& c) { c.reward = std::numeric_limits<double>::infinity(); }),
              HasSubstr("reward"));
  EXPECT_THAT(with([](LoggedChoice& c) { c.shown_estimate = std::nan(""); }),
              HasSubstr("estimate of the reward"));
  for (LoggedChoice& choice : choices) {
    choice.candidate = 0;
  }
  const Status none = EstimateValue(choices, {}).status();
  EXPECT_EQ(none.code(), Code::kFailedPrecondition);
  EXPECT_THAT(none.message(), HasSubstr("would have shown nothing"));
}

constexpr const char* kLine =
    R"({"request_id":"r1","user_id":"u1","item_id":"i1","position":0,"propensity":0.2,"reward":1,"candidate_probability":0.5})";

TEST(ReadChoices, ReadsLinesAndTellsUsersApart) {
  std::istringstream in(std::string(kLine) + "\n\n" +
                        R"({"request_id":"r2","user_id":"u2","item_id":"i1","position":3,)"
                        R"("propensity":1,"reward":-2.5,"candidate_probability":0,)"
                        R"("shown_estimate":0.3,"candidate_estimate":0.4,"note":"kept out"})" +
                        "\n" +
                        R"({"request_id":"r1","user_id":"u1","item_id":"i2","position":1,)"
                        R"("propensity":0.1,"reward":0,"candidate_probability":0.1})");
  const auto choices = ReadChoices(in);
  ASSERT_TRUE(choices.ok()) << choices.status().ToString();
  ASSERT_EQ(choices->size(), 3U);
  EXPECT_EQ((*choices)[0].user, (*choices)[2].user);
  EXPECT_NE((*choices)[0].user, (*choices)[1].user);
  EXPECT_DOUBLE_EQ((*choices)[0].propensity, 0.2);
  EXPECT_DOUBLE_EQ((*choices)[0].candidate, 0.5);
  EXPECT_DOUBLE_EQ((*choices)[1].reward, -2.5);
  EXPECT_DOUBLE_EQ((*choices)[1].shown_estimate, 0.3);
  EXPECT_DOUBLE_EQ((*choices)[1].candidate_estimate, 0.4);
  EXPECT_TRUE(EstimateValue(*choices, {}).ok());
}

TEST(ParseChoice, NamesLineAndField) {
  ASSERT_TRUE(ParseChoice(kLine, 1).ok());
  const auto with = [](const std::string& from, const std::string& to) {
    std::string line = kLine;
    line.replace(line.find(from), from.size(), to);
    return ParseChoice(line, 7).status().ToString();
  };
  EXPECT_THAT(with("\"propensity\":0.2,", ""), HasSubstr("line 7: propensity: is missing"));
  EXPECT_THAT(with("0.2", "0"), HasSubstr("line 7: propensity: is 0"));
  EXPECT_THAT(with("0.2", "1.5"), HasSubstr("line 7: propensity: is 1.5"));
  EXPECT_THAT(with("0.2", "\"0.2\""), HasSubstr("line 7: propensity: must be a number"));
  EXPECT_THAT(with("0.2", "null"), HasSubstr("line 7: propensity: must be a number"));
  EXPECT_THAT(with("0.5", "-0.5"), HasSubstr("line 7: candidate_probability: is -0.5"));
  EXPECT_THAT(with("\"u1\"", "7"), HasSubstr("line 7: user_id: must be a text"));
  EXPECT_THAT(with("\"r1\"", "\"\""), HasSubstr("line 7: request_id"));
  EXPECT_THAT(with("\"position\":0", "\"position\":-1"), HasSubstr("line 7: position: is -1"));
  EXPECT_THAT(with("\"position\":0", "\"position\":0.5"), HasSubstr("position: is 0.5"));
  EXPECT_THAT(with("{", "[{"), HasSubstr("line 7: not a JSON object"));
  EXPECT_THAT(ParseChoice("[]", 2).status().ToString(), HasSubstr("line 2: not a JSON object"));
  std::istringstream twice(std::string(kLine) + "\n" + kLine);
  EXPECT_THAT(ReadChoices(twice).status().ToString(),
              HasSubstr("line 2: request_id: place 0 of 'r1' was on line 1 already"));
}

}  // namespace
}  // namespace vitrine::rollout
