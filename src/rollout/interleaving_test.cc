#include "rollout/interleaving.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <set>
#include <vector>

#include "rollout/draws_testing.h"

namespace vitrine::rollout {
namespace {

using Items = std::vector<std::uint64_t>;

/// A list of `n` of the items 1 .. 30 in a random order.
Items RandomList(TestDraws& draws, std::size_t n) {
  Items items;
  for (std::uint64_t item = 1; item <= 30; ++item) {
    items.push_back(item);
  }
  for (std::size_t i = 0; i < n; ++i) {
    std::swap(items[i],
              items[i + static_cast<std::size_t>(draws.Uniform() * static_cast<double>(30 - i))]);
  }
  items.resize(n);
  return items;
}

// What team draft promises, checked on the draft itself: no repeats, each pick the best its team
// had left, and after each round (two places) both teams have picked equally often.
TEST(TeamDraft, EveryPickIsTheBestLeftAndTeamsTakeTurns) {
  TestDraws draws(1);
  for (int run = 0; run < 2000; ++run) {
    const Items control = RandomList(draws, 12);
    const Items treatment = RandomList(draws, 12);
    const std::vector<DraftedPlace> draft = TeamDraft(control, treatment, 10, draws.Bits());
    ASSERT_EQ(draft.size(), 10U);
    std::set<std::uint64_t> taken;
    std::array<int, 2> picks{};
    for (std::size_t place = 0; place < draft.size(); ++place) {
      const Items& list = draft[place].team == Arm::kControl ? control : treatment;
      ASSERT_LT(draft[place].rank, list.size());
      EXPECT_EQ(list[draft[place].rank], draft[place].item);
      const auto best = std::find_if(
          list.begin(), list.end(), [&taken](std::uint64_t item) { return !taken.contains(item); });
      EXPECT_EQ(*best, draft[place].item);
      EXPECT_TRUE(taken.insert(draft[place].item).second);
      ++picks[static_cast<std::size_t>(draft[place].team)];
      if (place % 2 == 1) {
        EXPECT_EQ(picks[0], picks[1]);
      }
    }
  }
}

TEST(TeamDraft, EachTeamIsFirstHalfOfTheTimeInEachRound) {
  const Items control = {1, 2, 3, 4};
  const Items treatment = {11, 12, 13, 14};
  std::array<int, 3> control_first{};
  constexpr int kRuns = 4000;
  for (std::uint64_t seed = 0; seed < kRuns; ++seed) {
    const auto draft = TeamDraft(control, treatment, 6, seed);
    for (std::size_t round = 0; round < 3; ++round) {
      control_first[round] += draft[2 * round].team == Arm::kControl ? 1 : 0;
    }
  }
  for (const int count : control_first) {
    EXPECT_NEAR(count, kRuns / 2.0, 130);  // four standard deviations
  }
}

TEST(TeamDraft, EndsAndRepeats) {
  const Items list = {5, 5, 6, 7};
  const Items none;
  EXPECT_TRUE(TeamDraft(none, none, 5, 1).empty());
  EXPECT_TRUE(TeamDraft(list, list, 0, 1).empty());
  const auto alone = TeamDraft(list, none, 5, 1);
  ASSERT_EQ(alone.size(), 3U);
  EXPECT_EQ(alone[1].item, 6U);
  EXPECT_EQ(alone[1].rank, 2U);
  // The same list twice: itself, and every place belongs to one of the two.
  const auto same = TeamDraft(list, list, 5, 7);
  ASSERT_EQ(same.size(), 3U);
  EXPECT_EQ(same[0].item, 5U);
  EXPECT_EQ(same[2].item, 7U);
  const Items other = {1, 2, 3, 4, 5, 6, 7, 8};
  const auto once = TeamDraft(list, other, 9, 3);
  const auto again = TeamDraft(list, other, 9, 3);
  ASSERT_EQ(once.size(), again.size());
  EXPECT_EQ(once.size(), 8U);
  for (std::size_t i = 0; i < once.size(); ++i) {
    EXPECT_EQ(once[i].item, again[i].item);
    EXPECT_EQ(once[i].team, again[i].team);
  }
}

TEST(Preference, IsTheDifferenceOfCreditsOverAllCredits) {
  Preference preference;
  Credit first;
  preference.Update(first, first);
  EXPECT_EQ(preference.shoppers.n, 0);
  Credit now = first;
  now.Add(Arm::kTreatment);
  preference.Update(first, now);
  Credit later = now;
  later.Add(Arm::kTreatment);
  later.Add(Arm::kControl);
  preference.Update(now, later);
  Credit second;
  second.Add(Arm::kControl);
  preference.Update({}, second);
  EXPECT_EQ(preference.shoppers.n, 2);
  EXPECT_NEAR(preference.Current().value, 0, 1e-12);  // 2 of 4
  Credit third;
  third.Add(Arm::kTreatment, 4);
  preference.Update({}, third);
  EXPECT_NEAR(preference.Current().value, 0.5, 1e-12);  // 6 of 8
  preference.Update(third, {});                         // all of it was returned
  EXPECT_NEAR(preference.Current().value, 0, 1e-12);
}

/// Shoppers click each place with a chance of their own, times `lift` for the treatment's picks.
int Wins(double lift, int requests, int runs, std::uint64_t seed) {
  SequenceOptions options;
  options.expected_n = 300;
  int wins = 0;
  for (int run = 0; run < runs; ++run) {
    TestDraws draws(seed + static_cast<std::uint64_t>(run));
    std::vector<double> taste(500);
    std::vector<Credit> credits(500);
    for (double& chance : taste) {
      chance = 0.1 * draws.Uniform();
    }
    Preference preference;
    bool ever = false;
    for (int i = 0; i < requests && !ever; ++i) {
      const auto s = static_cast<std::size_t>(draws.Uniform() * 500);
      const Credit before = credits[s];
      for (const DraftedPlace& place :
           TeamDraft(RandomList(draws, 10), RandomList(draws, 10), 10, draws.Bits())) {
        const double chance = taste[s] * (place.team == Arm::kTreatment ? lift : 1);
        if (draws.Chance(chance)) {
          credits[s].Add(place.team);
        }
      }
      preference.Update(before, credits[s]);
      const PreferenceVerdict verdict = JudgePreference(preference, options);
      ever = verdict.treatment_wins || (lift == 1 && verdict.control_wins);
    }
    wins += ever ? 1 : 0;
  }
  return wins;
}

TEST(JudgePreference, EqualListsWinInAtMostAlphaOfRunsAndBetterOnesWin) {
  EXPECT_LE(Wins(1, 3000, 200, 1), 10 + 10);  // 5 %, and three standard deviations
  EXPECT_GT(Wins(1.3, 6000, 50, 2), 45);
}

TEST(JudgePreference, WhereAllAgreeTheyAreBelieved) {
  Preference preference;
  for (int shopper = 0; shopper < 300; ++shopper) {
    preference.Update({}, {.control = 1, .treatment = 0});
  }
  const PreferenceVerdict verdict = JudgePreference(preference, {.alpha = 0.01});
  EXPECT_EQ(verdict.preference, -1);
  EXPECT_EQ(verdict.shoppers, 300);
  EXPECT_TRUE(verdict.control_wins);
  EXPECT_LT(verdict.interval.high, -0.8);
}

}  // namespace
}  // namespace vitrine::rollout
