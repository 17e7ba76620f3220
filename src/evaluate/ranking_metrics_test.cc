#include "evaluate/ranking_metrics.h"

#include <cmath>
#include <fstream>
#include <map>
#include <random>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "evaluate/reference_data.h"

namespace vitrine::evaluate {
namespace {

double At(const RankMetricValues& values, RankMetric metric) {
  return values[static_cast<std::size_t>(metric)];
}

/// One user's list and grades.
struct UserCase {
  std::vector<std::string> list;
  std::map<std::string, double> grades;
};

/// Straight from the definitions, place by place.
RankMetricValues Oracle(const UserCase& user, int k) {
  double hits = 0;
  double gain = 0;
  double precisions = 0;
  double first = 0;
  for (int place = 1; place <= k && place <= static_cast<int>(user.list.size()); ++place) {
    if (!user.grades.contains(user.list[static_cast<std::size_t>(place - 1)])) continue;
    hits += 1;
    gain += std::log(2.0) / std::log(place + 1.0);
    precisions += hits / place;
    if (first == 0) first = 1.0 / place;
  }
  const auto relevant = static_cast<double>(user.grades.size());
  double ideal = 0;
  for (int place = 1; place <= k && place <= relevant; ++place) {
    ideal += std::log(2.0) / std::log(place + 1.0);
  }
  const double p = hits / k;
  const double r = hits / relevant;
  return {r,
          gain / ideal,
          hits > 0 ? 1.0 : 0.0,
          first,
          precisions / relevant,
          p,
          hits > 0 ? 2 * p * r / (p + r) : 0.0};
}

std::vector<std::uint32_t> RanksOf(const UserCase& user) {
  std::vector<std::uint32_t> ranks;
  for (std::uint32_t i = 0; i < user.list.size(); ++i) {
    if (user.grades.contains(user.list[i])) ranks.push_back(i);
  }
  return ranks;
}

TEST(RankMetricsTest, AgreeWithTheDefinitionsOnRandomLists) {
  std::mt19937 random(3);
  for (int round = 0; round < 2000; ++round) {
    UserCase user;
    const auto relevant = 1 + random() % 15;
    while (user.grades.size() < relevant) user.grades["i" + std::to_string(random() % 40)] = 1;
    std::vector<std::string> all;
    for (int i = 0; i < 40; ++i) all.push_back("i" + std::to_string(i));
    std::shuffle(all.begin(), all.end(), random);
    user.list.assign(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(random() % 25));
    const int k = 1 + static_cast<int>(random() % 20);
    const auto ours = RankMetricsAt(RanksOf(user), relevant, k);
    const auto expected = Oracle(user, k);
    for (std::size_t m = 0; m < kRankMetrics; ++m) {
      EXPECT_NEAR(ours[m], expected[m], 1e-12) << RankMetricName(static_cast<RankMetric>(m));
    }
  }
}

TEST(RankMetricsTest, NothingRelevantIsZeroAndBigKsWork) {
  EXPECT_EQ(RankMetricsAt({}, 0, 10), RankMetricValues{});
  const std::vector<std::uint32_t> ranks = {0, 2000};
  EXPECT_NEAR(At(RankMetricsAt(ranks, 2, 5000), RankMetric::kNdcg),
              (1 + 1 / std::log2(2002.0)) / (1 + 1 / std::log2(3.0)), 1e-12);
}

class RankingReferenceTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto file = test::ReferenceFile("reference/ranking/case.json");
    const auto answers = test::ReferenceFile("reference/ranking/expected.json");
    if (!file || !answers) {
      GTEST_SKIP() << "reference/ranking is not there; set VITRINE_TEST_DATA";
    }
    const auto input = nlohmann::json::parse(std::ifstream(*file));
    expected_ = nlohmann::json::parse(std::ifstream(*answers));
    for (const auto& [id, list] : input.at("run").items()) {
      for (const auto& place : list) users_[id].list.push_back(place.at(0));
    }
    for (const auto& [id, items] : input.at("relevant_graded").items()) {
      for (const auto& [item, grade] : items.items()) users_[id].grades[item] = grade;
    }
  }

  std::map<std::string, UserCase> users_;
  nlohmann::json expected_;
};

TEST_F(RankingReferenceTest, MeansEqualFiveIndependentAnswers) {
  RankMetricValues sum{};
  double linear = 0;
  double exponential = 0;
  double users = 0;
  for (const auto& [id, user] : users_) {
    if (user.grades.empty()) continue;
    users += 1;
    const auto values = RankMetricsAt(RanksOf(user), user.grades.size(), 10);
    for (std::size_t m = 0; m < kRankMetrics; ++m) sum[m] += values[m];
    std::vector<double> listed;
    std::vector<double> relevant;
    for (const auto& item : user.list) {
      const auto found = user.grades.find(item);
      listed.push_back(found == user.grades.end() ? 0 : found->second);
    }
    for (const auto& [item, grade] : user.grades) relevant.push_back(grade);
    linear += GradedNdcg(listed, relevant, 10, Gain::kLinear);
    exponential += GradedNdcg(listed, relevant, 10, Gain::kExponential);
  }
  const auto& mean = expected_.at("formulas").at("mean");
  EXPECT_EQ(users, 184);
  EXPECT_NEAR(At(sum, RankMetric::kRecall) / users, mean.at("recall"), 1e-9);
  EXPECT_NEAR(At(sum, RankMetric::kNdcg) / users, mean.at("ndcg"), 1e-9);
  EXPECT_NEAR(At(sum, RankMetric::kPrecision) / users, mean.at("precision"), 1e-9);
  EXPECT_NEAR(At(sum, RankMetric::kMap) / users, mean.at("map_over_R"), 1e-9);
  EXPECT_NEAR(At(sum, RankMetric::kMrr) / users, mean.at("mrr"), 1e-9);
  EXPECT_NEAR(At(sum, RankMetric::kHitRate) / users, mean.at("hit_rate"), 1e-9);
  EXPECT_NEAR(linear / users, mean.at("ndcg_graded_linear"), 1e-9);
  EXPECT_NEAR(exponential / users, mean.at("ndcg_graded_exp"), 1e-9);
  const auto& ranx = expected_.at("independent_answers").at("ranx").at("binary");
  EXPECT_NEAR(At(sum, RankMetric::kF1) / users, ranx.at("f1@10"), 1e-9);
  EXPECT_NEAR(At(sum, RankMetric::kNdcg) / users, ranx.at("ndcg@10"), 1e-9);
}

TEST_F(RankingReferenceTest, SingleUsersEqualTheExternalAnswers) {
  for (const auto& [id, expected] :
       expected_.at("independent_answers").at("trec").at("users").items()) {
    const UserCase& user = users_.at(id);
    const auto values = RankMetricsAt(RanksOf(user), user.grades.size(), 10);
    EXPECT_NEAR(At(values, RankMetric::kNdcg), expected.at("ndcg_cut_10"), 1e-9) << id;
    EXPECT_NEAR(At(values, RankMetric::kMap), expected.at("map_cut_10"), 1e-9) << id;
    EXPECT_NEAR(At(values, RankMetric::kPrecision), expected.at("P_10"), 1e-9) << id;
    EXPECT_NEAR(At(values, RankMetric::kRecall), expected.at("recall_10"), 1e-9) << id;
  }
}

}  // namespace
}  // namespace vitrine::evaluate
