#include "train/calibration.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "train/ranker_rows.h"

namespace vitrine::train {
namespace {

struct Rows {
  std::vector<float> probabilities;
  std::vector<std::uint8_t> labels;
};

/// Labels are drawn from sigmoid(slope * logit + offset): that is what must be found.
Rows Drawn(double slope, double offset, std::size_t count) {
  std::mt19937_64 random(5);
  std::normal_distribution<double> normal(0, 1.5);
  Rows rows;
  for (std::size_t i = 0; i < count; ++i) {
    const double logit = normal(random);
    const double truth = Sigmoid(slope * logit + offset);
    rows.probabilities.push_back(static_cast<float>(Sigmoid(logit)));
    rows.labels.push_back(std::uniform_real_distribution<double>()(random) < truth ? 1 : 0);
  }
  return rows;
}

double LossOf(const Rows& rows, const Calibration& calibration) {
  double loss = 0;
  for (std::size_t i = 0; i < rows.labels.size(); ++i) {
    const double p = calibration.Of(double{rows.probabilities[i]});
    loss -= rows.labels[i] > 0 ? std::log(p) : std::log1p(-p);
  }
  return loss;
}

TEST(Calibration, FindsWhatTheLabelsWereDrawnFrom) {
  const Rows rows = Drawn(0.6, -1.2, 40'000);
  const Calibration found = FitCalibration(rows.probabilities, rows.labels);
  EXPECT_NEAR(found.slope, 0.6, 0.03);
  EXPECT_NEAR(found.offset, -1.2, 0.05);
}

TEST(Calibration, NoOtherPairIsLikelier) {
  const Rows rows = Drawn(1.7, 0.4, 500);
  const Calibration found = FitCalibration(rows.probabilities, rows.labels);
  const double least = LossOf(rows, found);
  for (const double d : {-0.01, 0.01}) {
    EXPECT_GT(LossOf(rows, {found.slope + d, found.offset}), least);
    EXPECT_GT(LossOf(rows, {found.slope, found.offset + d}), least);
  }
}

TEST(Calibration, LeavesAloneWhatItCannotLearnFrom) {
  const Calibration none = FitCalibration({}, {});
  EXPECT_EQ(none.slope, 1);
  EXPECT_EQ(none.offset, 0);
  const std::vector<float> p = {0.2F, 0.9F};
  EXPECT_EQ(FitCalibration(p, std::vector<std::uint8_t>{1, 1}).slope, 1);
  // The wrong way round: turning the order is not calibration's to do.
  Rows rows = Drawn(-1, 0, 1000);
  EXPECT_EQ(FitCalibration(rows.probabilities, rows.labels).slope, 1);
  // Told apart for certain: no pair is the likeliest, and what comes is still finite.
  const Calibration certain =
      FitCalibration(std::vector<float>{0.3F, 0.7F}, std::vector<std::uint8_t>{0, 1});
  EXPECT_TRUE(std::isfinite(certain.slope) && std::isfinite(certain.offset));
  EXPECT_GT(certain.Of(0.7), 0.99);
}

TEST(Calibration, IsRememberedByName) {
  Chosen chosen = {{"rounds", 12}};
  Remember({0.5, -2}, chosen);
  EXPECT_EQ(Remembered(chosen).slope, 0.5);
  EXPECT_EQ(Remembered(chosen).offset, -2);
  EXPECT_EQ(chosen.at("rounds"), 12);
  EXPECT_EQ(Remembered({}).slope, 1);
}

}  // namespace
}  // namespace vitrine::train
