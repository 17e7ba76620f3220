#include "apps/vitrine/rollout_counts.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace vitrine::apps {
namespace {

constexpr Micros kSince{1'000 * kMicrosPerSecond};
constexpr std::int64_t kClickSeconds = 60;
constexpr std::int64_t kPurchaseSeconds = 600;

RolloutCountsOptions Options() {
  return {.rollout = "r",
          .share = 0.5,
          .since = kSince,
          .click_window = {kClickSeconds * kMicrosPerSecond},
          .purchase_window = {kPurchaseSeconds * kMicrosPerSecond}};
}

Impression Shown(const std::string& request, const std::string& user, bool treatment,
                 std::int64_t seconds) {
  Impression impression;
  impression.request_id = request;
  impression.subject = user;
  impression.rollout = "r";
  impression.arm = treatment ? "treatment" : "control";
  impression.ts = {kSince.value + seconds * kMicrosPerSecond};
  return impression;
}

Event Did(EventType type, const std::string& user, const std::string& request, std::int64_t seconds,
          double price = 0) {
  Event event;
  event.type = type;
  event.user_id = user;
  event.request_id = request;
  event.ts = {kSince.value + seconds * kMicrosPerSecond};
  event.items = {{.item_id = "i", .quantity = 2, .price = price}};
  return event;
}

void Tell(RolloutCounts& counts, data::LogBody body) {
  counts.OnRecord({.sequence = 1, .received = {}, .body = std::move(body)});
}

Impression Drafted(const std::string& request, const std::string& user, std::int64_t seconds) {
  Impression impression = Shown(request, user, false, seconds);
  impression.arm = "interleaved";
  impression.candidate = "new:2";
  impression.items = {{.item_id = "a", .team = Team::kControl},
                      {.item_id = "b", .team = Team::kCandidate},
                      {.item_id = "pinned", .team = Team::kNone}};
  return impression;
}

Event Clicked(const std::string& user, const std::string& request, const std::string& item) {
  Event event = Did(EventType::kClick, user, request, 5);
  event.items[0].item_id = item;
  return event;
}

TEST(RolloutCounts, ClicksOnInterleavedAnswersGoToWhosePickItWas) {
  RolloutCountsOptions options = Options();
  options.share = 1;
  RolloutCounts counts(options);
  Tell(counts, Drafted("1", "ann", 0));
  Tell(counts, Drafted("2", "bob", 0));
  Tell(counts, Drafted("3", "cat", 0));
  Tell(counts, Clicked("ann", "1", "b"));
  Tell(counts, Clicked("ann", "1", "b"));  // once an answer
  Tell(counts, Clicked("ann", "1", "pinned"));
  Tell(counts, Clicked("bob", "2", "a"));
  Tell(counts, Clicked("bob", "2", "b"));
  Tell(counts, Clicked("bob", "", "b"));
  rollout::Stretch stretch;
  counts.FillIn(stretch);
  EXPECT_EQ(stretch.treatment_users, 3U);
  EXPECT_EQ(stretch.control_users, 0U);
  EXPECT_DOUBLE_EQ(stretch.preference.shoppers.n, 2) << "cat took nothing";
  // ann 1 : 0, bob 1 : 1, so (2 - 1) / 3.
  EXPECT_NEAR(stretch.preference.Current().value, 1.0 / 3, 1e-12);
  EXPECT_EQ(stretch.clicks.treatment.n, 0) << "they are no arm's";
  EXPECT_EQ(counts.SampleRatioP(), 1);
}

TEST(RolloutCounts, JoinsClicksByRequestWithinTheWindowOnce) {
  RolloutCounts counts(Options());
  Tell(counts, Shown("a", "ann", true, 0));
  Tell(counts, Shown("b", "ann", true, 10));
  Tell(counts, Shown("c", "bob", false, 10));
  Tell(counts, Did(EventType::kClick, "ann", "a", 5));
  Tell(counts, Did(EventType::kClick, "ann", "a", 6));
  Tell(counts, Did(EventType::kClick, "ann", "b", 10 + kClickSeconds + 1));
  Tell(counts, Did(EventType::kClick, "bob", "", 12));
  Tell(counts, Did(EventType::kView, "bob", "c", 12));
  rollout::Stretch stretch;
  counts.FillIn(stretch);
  EXPECT_EQ(stretch.treatment_users, 1U);
  EXPECT_EQ(stretch.control_users, 1U);
  EXPECT_DOUBLE_EQ(stretch.clicks.treatment.value, 1) << "of two answers one was clicked, in time";
  EXPECT_DOUBLE_EQ(stretch.clicks.treatment.weight, 2);
  EXPECT_DOUBLE_EQ(stretch.clicks.control.value, 0);
}

TEST(RolloutCounts, PurchasesAreTheUsers) {
  RolloutCounts counts(Options());
  Tell(counts, Shown("a", "ann", true, 0));
  Tell(counts, Shown("b", "bob", false, 0));
  Tell(counts, Did(EventType::kPurchase, "ann", "", 5, 10));
  Tell(counts, Did(EventType::kPurchase, "ann", "a", 6, 1));
  Tell(counts, Did(EventType::kPurchase, "bob", "", kPurchaseSeconds + 1, 7));
  Tell(counts, Did(EventType::kPurchase, "eve", "", 5, 7));
  rollout::Stretch stretch;
  counts.FillIn(stretch);
  EXPECT_EQ(stretch.buyers.treatment.hits, 1U);
  EXPECT_EQ(stretch.buyers.control.hits, 0U) << "too late";
  EXPECT_DOUBLE_EQ(stretch.revenue.treatment.value, 22);
}

TEST(RolloutCounts, OtherStretchesAndRolloutsAreNotCounted) {
  RolloutCounts counts(Options());
  Tell(counts, Shown("a", "ann", true, -1));
  Impression other = Shown("b", "bob", true, 1);
  other.rollout = "other";
  Tell(counts, other);
  Tell(counts, Shown("c", "eve", false, 1));
  Tell(counts, Shown("d", "eve", true, 2));  // of another stage, on its way
  rollout::Stretch stretch;
  counts.FillIn(stretch);
  EXPECT_EQ(stretch.treatment_users, 0U);
  EXPECT_EQ(stretch.control_users, 1U);
  EXPECT_EQ(counts.SampleRatioP(), 1);
}

TEST(RolloutCounts, MemoryIsBounded) {
  RolloutCountsOptions options = Options();
  options.most_users = 10;
  options.most_answers = 5;
  RolloutCounts counts(options);
  for (int i = 0; i < 100; ++i) {
    Tell(counts, Shown("r" + std::to_string(i), "u" + std::to_string(i), false, i));
  }
  Tell(counts, Did(EventType::kClick, "u0", "r0", 1));
  rollout::Stretch stretch;
  counts.FillIn(stretch);
  EXPECT_EQ(stretch.control_users, 10U);
  EXPECT_DOUBLE_EQ(stretch.clicks.control.value, 0) << "its answer has left";
}

/// Against sums made at the end from everything that happened.
TEST(RolloutCounts, RunningSumsAreThoseOfTheWhole) {
  std::mt19937 random(7);
  RolloutCounts counts(Options());
  std::map<std::string, std::pair<double, double>> users;  // clicks, answers
  std::vector<std::pair<std::string, std::string>> answers;
  std::set<std::string> clicked;
  for (int i = 0; i < 2000; ++i) {
    if (answers.empty() || random() % 3 != 0) {
      const std::string user = "u" + std::to_string(random() % 50);
      const std::string request = "r" + std::to_string(i);
      Tell(counts, Shown(request, user, true, 0));
      answers.emplace_back(request, user);
      users[user].second += 1;
    } else {
      const auto& [request, user] = answers[random() % answers.size()];
      Tell(counts, Did(EventType::kClick, user, request, 1));
      users[user].first += clicked.insert(request).second ? 1 : 0;
    }
  }
  rollout::JointMoments whole;
  for (const auto& [user, sums] : users) {
    whole.Add({.value = sums.first, .weight = sums.second});
  }
  rollout::Stretch stretch;
  counts.FillIn(stretch);
  const rollout::JointMoments& running = stretch.clicks.treatment;
  EXPECT_EQ(running.n, whole.n);
  EXPECT_NEAR(running.value, whole.value, 1e-9);
  EXPECT_NEAR(running.weight, whole.weight, 1e-9);
  EXPECT_NEAR(running.value_value, whole.value_value, 1e-6);
  EXPECT_NEAR(running.value_weight, whole.value_weight, 1e-6);
  EXPECT_NEAR(running.weight_weight, whole.weight_weight, 1e-6);
}

TEST(RolloutCounts, AnUnevenSplitIsFound) {
  RolloutCounts counts(Options());
  for (int i = 0; i < 1000; ++i) {
    Tell(counts, Shown("r" + std::to_string(i), "u" + std::to_string(i), i % 4 == 0, 1));
  }
  EXPECT_LT(counts.SampleRatioP(), 0.001);
}

}  // namespace
}  // namespace vitrine::apps
