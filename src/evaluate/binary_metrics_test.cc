#include "evaluate/binary_metrics.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "evaluate/reference_data.h"

namespace vitrine::evaluate {
namespace {

using Labels = std::vector<std::uint8_t>;
using Scores = std::vector<double>;

TEST(AucTest, EqualsThePairCountOracleWithTies) {
  std::mt19937 random(5);
  for (int round = 0; round < 300; ++round) {
    Labels y;
    Scores s;
    for (int i = 0; i < 40; ++i) {
      y.push_back(random() % 3 == 0);
      s.push_back(static_cast<double>(random() % 8));
    }
    y[0] = 1;
    y[1] = 0;
    double wins = 0;
    double pairs = 0;
    for (std::size_t i = 0; i < y.size(); ++i) {
      for (std::size_t j = 0; j < y.size(); ++j) {
        if (y[i] == 0 || y[j] == 1) continue;
        pairs += 1;
        wins += s[i] > s[j] ? 1 : s[i] == s[j] ? 0.5 : 0;
      }
    }
    EXPECT_NEAR(*Auc(y, s), wins / pairs, 1e-12);
  }
}

TEST(BinaryMetricsTest, WrongInputNamesTheRow) {
  EXPECT_EQ(Auc(Labels{1}, Scores{}).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(Auc(Labels{}, Scores{}).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(Auc(Labels{1, 1}, Scores{1, 2}).status().code(), Code::kFailedPrecondition);
  EXPECT_EQ(AveragePrecision(Labels{0}, Scores{1}).status().code(), Code::kFailedPrecondition);
  const auto nan = Brier(Labels{0, 1}, Scores{0, std::numeric_limits<double>::quiet_NaN()});
  EXPECT_NE(nan.status().message().find("row 1"), std::string::npos);
  EXPECT_NE(LogLoss(Labels{0}, Scores{1.5}).status().message().find("1.5"), std::string::npos);
}

TEST(BinaryMetricsTest, CertainAndWrongIsFinite) {
  EXPECT_NEAR(*LogLoss(Labels{1}, Scores{0}), 52 * std::log(2.0), 1e-9);
  EXPECT_NEAR(*LogLoss(Labels{0}, Scores{1}), 52 * std::log(2.0), 1e-9);
  EXPECT_EQ(*F1(Labels{1, 0}, Scores{0.1, 0.2}), 0);
}

TEST(CalibrationTest, IsTheMeanMissOfTheParts) {
  std::mt19937 random(6);
  for (int round = 0; round < 100; ++round) {
    // 20 distinct probabilities, five rows each: ten parts of ten rows.
    Labels y;
    Scores s;
    for (int i = 0; i < 100; ++i) {
      y.push_back(random() % 2 == 0 ? 1 : 0);
      s.push_back(static_cast<double>(i % 20) / 20);
    }
    double expected = 0;
    for (int part = 0; part < 10; ++part) {
      double miss = 0;
      for (std::size_t i = 0; i < 100; ++i) {
        if (static_cast<int>(i % 20) / 2 == part) miss += s[i] - y[i];
      }
      expected += std::fabs(miss) / 100;
    }
    EXPECT_NEAR(*CalibrationError(y, s), expected, 1e-12);
    EXPECT_NEAR(*CalibrationRatio(y, s),
                47.5 / static_cast<double>(std::count(y.begin(), y.end(), 1)), 1e-12);
  }
  EXPECT_NEAR(*CalibrationError(Labels{1, 0, 1, 0}, Scores{0.5, 0.5, 0.5, 0.5}), 0, 1e-12);
  EXPECT_NEAR(*CalibrationError(Labels{1, 1}, Scores{0, 0.5}, 1), 0.75, 1e-12);
  EXPECT_EQ(CalibrationError(Labels{1}, Scores{0.5}, 0).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(CalibrationError(Labels{1}, Scores{1.5}).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(CalibrationRatio(Labels{0}, Scores{0.5}).status().code(), Code::kFailedPrecondition);
}

TEST(BinaryReferenceTest, EqualsTheIndependentAnswers) {
  const auto file = test::ReferenceFile("reference/vectors/vectors.json");
  const auto answers = test::ReferenceFile("reference/vectors/expected.json");
  if (!file || !answers) {
    GTEST_SKIP() << "reference/vectors is not there; set VITRINE_TEST_DATA";
  }
  const auto input = nlohmann::json::parse(std::ifstream(*file));
  const auto expected = nlohmann::json::parse(std::ifstream(*answers));
  const auto y = input.at("y").get<Labels>();
  for (const std::string name : {"p", "p_ties"}) {
    const auto s = input.at(name).get<Scores>();
    const auto& e = expected.at(name);
    EXPECT_NEAR(*Auc(y, s), e.at("roc_auc"), 1e-9) << name;
    EXPECT_NEAR(*LogLoss(y, s), e.at("log_loss"), 1e-9) << name;
    EXPECT_NEAR(*Brier(y, s), e.at("brier"), 1e-9) << name;
    EXPECT_NEAR(*AveragePrecision(y, s), e.at("average_precision"), 1e-9) << name;
    EXPECT_NEAR(*Accuracy(y, s), e.at("accuracy@0.5"), 1e-9) << name;
    EXPECT_NEAR(*F1(y, s), e.at("f1@0.5"), 1e-9) << name;
  }
}

}  // namespace
}  // namespace vitrine::evaluate
