#include "monitor/statistics/classifier_two_sample.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "monitor/statistics/special_functions.h"

namespace vitrine::monitor {
namespace {

std::vector<float> Vectors(unsigned seed, std::size_t rows, std::size_t width, double mean,
                           double spread) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  std::vector<float> out;
  for (std::size_t i = 0; i < rows * width; ++i) {
    const bool moves = i % width < width / 4;
    out.push_back(static_cast<float>(normal(random) * (moves ? spread : 1) + (moves ? mean : 0)));
  }
  return out;
}

DriftVerdict Compare(const std::vector<float>& a, const std::vector<float>& b, std::size_t width) {
  const std::vector<SparseRow> rows = WithSquares(a, b, width);
  const std::span<const SparseRow> all(rows);
  return MeasureVectors("v", all.first(a.size() / width), all.subspan(a.size() / width), 2 * width,
                        {});
}

/// A shop's text: words drawn from a list, the second half of the list only where `more` says so.
std::vector<SparseRow> Texts(unsigned seed, std::size_t rows, double more) {
  static const std::vector<std::string> kWords = {"red",    "shoe",  "for",  "running", "light",
                                                  "cotton", "shirt", "围巾", "保暖",    "冬季"};
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> uniform;
  std::vector<SparseRow> out;
  for (std::size_t i = 0; i < rows; ++i) {
    std::string text;
    for (int w = 0; w < 6; ++w) {
      const std::size_t half = uniform(random) < more ? 5 : 0;
      text += kWords[half + random() % 5] + " ";
    }
    out.push_back(TextVector(text));
  }
  return out;
}

TEST(ClassifierTwoSampleTest, FindsAMovedMeanAndAMovedSpread) {
  const auto before = Vectors(1, 1000, 16, 0, 1);
  EXPECT_LT(Compare(before, Vectors(2, 1000, 16, 0.3, 1), 16).p_value, 1e-4);
  EXPECT_LT(Compare(before, Vectors(3, 1000, 16, 0, 1.4), 16).p_value, 1e-4);
  const DriftVerdict same = Compare(before, Vectors(4, 1000, 16, 0, 1), 16);
  EXPECT_GT(same.p_value, 0.01);
  EXPECT_LT(same.corrected_psi, 0.02);
}

TEST(ClassifierTwoSampleTest, FindsOtherWords) {
  const auto before = Texts(1, 600, 0.3);
  const DriftVerdict moved = MeasureVectors("t", before, Texts(2, 600, 0.5), kTextWidth, {});
  EXPECT_LT(moved.p_value, 1e-6);
  EXPECT_GT(moved.corrected_psi, 0.1);
  EXPECT_GT(MeasureVectors("t", before, Texts(3, 600, 0.3), kTextWidth, {}).p_value, 0.001);
}

TEST(ClassifierTwoSampleTest, FalseAlarmsStayAtTheirShare) {
  constexpr int kRuns = 400;
  int alarms = 0;
  for (unsigned run = 0; run < kRuns; ++run) {
    alarms +=
        Compare(Vectors(100 + run, 120, 6, 0, 1), Vectors(9000 + run, 150, 6, 0, 1), 6).p_value <=
                0.05
            ? 1
            : 0;
  }
  EXPECT_LE(alarms, 36) << "20 expected of 400; more than 36 have probability 3e-4";
}

TEST(ClassifierTwoSampleTest, OddInputsAreHarmless) {
  EXPECT_EQ(ClassifierTwoSample({}, {}, 4).auc, 0.5);
  EXPECT_EQ(WithSquares({}, {}, 0).size(), 0U);
  EXPECT_TRUE(TextVector("").empty());
  EXPECT_EQ(TextVector("ab").size(), 1U);
  EXPECT_EQ(TextVector("RED shoe"), TextVector("red SHOE"));
  const std::vector<float> constant(64, 1.0F);
  EXPECT_EQ(Compare(constant, constant, 4).corrected_psi, 0);
  const std::vector<SparseRow> ones(50, SparseRow{{0, 1.0F}});
  const std::vector<SparseRow> twos(50, SparseRow{{0, 2.0F}});
  EXPECT_EQ(ClassifierTwoSample(ones, twos, 1).auc, 1) << "constants that differ";
}

TEST(ClassifierTwoSampleTest, AnAucIsThePsiOfShiftedNormals) {
  const double distance = 0.4;
  const double auc = NormalBelow(distance / std::sqrt(2.0));
  EXPECT_NEAR(PsiOfAuc(auc, 1e9, 1e9), distance * distance, 1e-6);
  EXPECT_EQ(PsiOfAuc(0.4, 100, 100), 0);
}

}  // namespace
}  // namespace vitrine::monitor
