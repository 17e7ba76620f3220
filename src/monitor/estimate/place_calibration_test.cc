#include "monitor/estimate/place_calibration.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>

#include "monitor/estimate/score_bins.h"

namespace vitrine::monitor {
namespace {

TEST(ScoreBins, AreTheQuantilesOfTheFirstScores) {
  std::mt19937 random(1);
  ScoreBins bins;
  std::vector<double> scores;
  EXPECT_EQ(bins.BinOf(3), 0);
  while (!bins.ready()) {
    scores.push_back(static_cast<double>(random() % 1000) / 7);  // many are equal
    bins.Learn(scores.back());
    bins.Learn(std::numeric_limits<double>::quiet_NaN());
  }
  ASSERT_EQ(scores.size(), ScoreBins::kSample);
  std::sort(scores.begin(), scores.end());
  EXPECT_EQ(bins.lowest(), scores.front());
  EXPECT_EQ(bins.highest(), scores.back());
  std::vector<double> edges;
  for (std::size_t edge = 1; edge < ScoreBins::kBins; ++edge) {
    edges.push_back(scores[edge * ScoreBins::kSample / ScoreBins::kBins]);
  }
  const ScoreBins kept = ScoreBins::Load(nlohmann::json::parse(bins.Save().dump()));
  for (double score = -10; score < 160; score += 0.1) {
    const auto bin = std::upper_bound(edges.begin(), edges.end(), score) - edges.begin();
    EXPECT_EQ(bins.BinOf(score), bin) << score;
    EXPECT_EQ(kept.BinOf(score), bin) << score;
  }
  EXPECT_EQ(bins.BinOf(std::numeric_limits<double>::infinity()), ScoreBins::kBins - 1);
  EXPECT_EQ(bins.BinOf(std::numeric_limits<double>::quiet_NaN()), 0);
}

TEST(ScoreBins, ASampleOutlivesARestart) {
  ScoreBins bins;
  for (int i = 0; i < 100; ++i) bins.Learn(i);
  ScoreBins kept = ScoreBins::Load(nlohmann::json::parse(bins.Save().dump()));
  for (int i = 100; i < 2048; ++i) {
    bins.Learn(i);
    kept.Learn(i);
  }
  EXPECT_TRUE(kept.ready());
  EXPECT_EQ(kept.Save(), bins.Save());
}

TEST(PlaceCalibration, BandsCoverAllPlaces) {
  std::size_t before = 0;
  for (std::size_t place = 0; place < 64; ++place) {
    const std::size_t band = PlaceCalibration::BandOf(place);
    EXPECT_GE(band, before);
    EXPECT_LE(band, before + 1);
    before = band;
  }
  EXPECT_EQ(before, PlaceCalibration::kBands - 1);
}

double Truth(std::size_t bin, std::size_t band, double level = 1) {
  return level * 0.3 * (0.1 + static_cast<double>(bin) / 40) /
         (1 + 0.5 * static_cast<double>(band));
}

/// `n` places: the higher the place, the better the scores, as in lists that scores order.
void Show(PlaceCalibration& calibration, std::mt19937& random, int n, double level = 1) {
  std::uniform_real_distribution<double> uniform;
  for (int i = 0; i < n; ++i) {
    const std::size_t band = random() % 10;
    const std::size_t bin = std::min<std::size_t>(31, 31 - 2 * band + random() % (2 * band + 1));
    calibration.Add(PlaceCalibration::CellOf(bin, band), uniform(random) < Truth(bin, band, level));
  }
}

TEST(PlaceCalibration, TellsWhatScoresAndPositionsAreWorth) {
  std::mt19937 random(2);
  PlaceCalibration calibration;
  EXPECT_FALSE(calibration.ready());
  Show(calibration, random, 2'000'000);
  calibration.Close(1);
  ASSERT_TRUE(calibration.ready());
  for (std::size_t band = 0; band < 10; ++band) {
    for (std::size_t bin = 31 - 2 * band; bin < 32; ++bin) {
      const double rate = calibration.Rate(PlaceCalibration::CellOf(bin, band));
      EXPECT_NEAR(rate / Truth(bin, band), 1, 0.15) << bin << " at " << band;
    }
  }
}

// The likelihood's maximum is where what is expected of each bin and of each band is what came.
TEST(PlaceCalibration, ExpectsOfEachBinAndBandWhatCame) {
  std::mt19937 random(3);
  std::uniform_real_distribution<double> uniform;
  PlaceCalibration calibration;
  std::vector<double> shown(PlaceCalibration::kCells);
  std::vector<double> came(PlaceCalibration::kCells);
  for (int i = 0; i < 2'000'000; ++i) {
    const std::size_t bin = random() % 32;
    const std::size_t band = random() % 10;
    const std::size_t cell = PlaceCalibration::CellOf(bin, band);
    const bool hit =
        uniform(random) < (bin > 15 && band > 4 ? 0.3 : 0.1);  // not of the model's form
    calibration.Add(cell, hit);
    shown[cell] += 1;
    came[cell] += hit ? 1 : 0;
  }
  calibration.Close(1);
  for (std::size_t bin = 0; bin < 32; ++bin) {
    double labels = 0;
    double expected = 0;
    for (std::size_t band = 0; band < 10; ++band) {
      const std::size_t cell = PlaceCalibration::CellOf(bin, band);
      labels += came[cell];
      expected += shown[cell] * calibration.Rate(cell);
    }
    EXPECT_NEAR(expected / labels, 1, 0.005) << bin;
  }
}

TEST(PlaceCalibration, TheLevelFollowsWithinAnHour) {
  std::mt19937 random(4);
  PlaceCalibration calibration;
  for (int hour = 0; hour < 30; ++hour) {
    Show(calibration, random, 10'000);
    calibration.Close(1);
  }
  const std::size_t cell = PlaceCalibration::CellOf(31, 0);
  const double before = calibration.Rate(cell);
  Show(calibration, random, 10'000, 2);
  calibration.Close(1);
  EXPECT_GT(calibration.Rate(cell), 1.3 * before);
  Show(calibration, random, 10'000, 2);
  calibration.Close(1);
  EXPECT_GT(calibration.Rate(cell), 1.6 * before);
}

TEST(PlaceCalibration, OutlivesARestart) {
  std::mt19937 random(5);
  PlaceCalibration calibration;
  Show(calibration, random, 5000);
  calibration.Close(2);
  Show(calibration, random, 500);
  const auto kept = PlaceCalibration::Load(nlohmann::json::parse(calibration.Save().dump()));
  EXPECT_EQ(kept.Save(), calibration.Save());
  for (std::size_t cell = 0; cell < PlaceCalibration::kCells; ++cell) {
    EXPECT_EQ(kept.Rate(cell), calibration.Rate(cell));
  }
  EXPECT_EQ(kept.level_variance(), calibration.level_variance());
  EXPECT_THROW(PlaceCalibration::Load(nlohmann::json::parse("[[99999,1],[],[],[],[],[]]")),
               nlohmann::json::exception);
}

TEST(PlaceCalibration, AnotherModelTakesWhatPositionsSay) {
  std::mt19937 random(6);
  PlaceCalibration calibration;
  Show(calibration, random, 100'000);
  calibration.Close(1);
  const PlaceCalibration positions = calibration.Inherited(0.25, false);
  const PlaceCalibration scores = calibration.Inherited(0.25, true);
  ASSERT_TRUE(positions.ready());
  EXPECT_EQ(positions.Rate(PlaceCalibration::CellOf(0, 3)),
            positions.Rate(PlaceCalibration::CellOf(31, 3)));
  EXPECT_GT(positions.Rate(PlaceCalibration::CellOf(0, 0)),
            2 * positions.Rate(PlaceCalibration::CellOf(0, 5)));
  EXPECT_GT(scores.Rate(PlaceCalibration::CellOf(31, 7)),
            1.3 * scores.Rate(PlaceCalibration::CellOf(18, 7)));
}

}  // namespace
}  // namespace vitrine::monitor
