#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "monitor/statistics/distances.h"
#include "monitor/statistics/drift_verdict.h"
#include "monitor/statistics/sample_tests.h"
#include "monitor/statistics/special_functions.h"

namespace vitrine::monitor {
namespace {

using Values = std::vector<double>;

TEST(SpecialFunctionsTest, ChiSquareTailAtTextbookValues) {
  EXPECT_NEAR(ChiSquareTail(3.841458820694124, 1), 0.05, 1e-12);
  EXPECT_NEAR(ChiSquareTail(18.307038053275146, 10), 0.05, 1e-12);
  EXPECT_NEAR(ChiSquareTail(124.34211340400407, 100), 0.05, 1e-12);
  EXPECT_NEAR(ChiSquareTail(2, 2), std::exp(-1.0), 1e-14);
  EXPECT_EQ(ChiSquareTail(0, 3), 1);
  EXPECT_EQ(ChiSquareTail(-1, 3), 1);
}

TEST(SpecialFunctionsTest, EvenDegreesEqualThePoissonSum) {
  for (const double degrees : {2.0, 40.0, 1000.0}) {
    for (const double x : {1.0, 30.0, 900.0, 1000.0, 1200.0}) {
      double sum = 0;
      for (double j = 0; j < degrees / 2; ++j) {
        sum += std::exp(-x / 2 + j * std::log(x / 2) - std::lgamma(j + 1));
      }
      EXPECT_NEAR(ChiSquareTail(x, degrees), sum, 1e-12) << x << " " << degrees;
    }
  }
}

TEST(SpecialFunctionsTest, KolmogorovTailAgreesWhereItsTwoRoadsMeet) {
  for (const double n : {50.0, 500.0, 5000.0}) {
    const double below = std::sqrt(2.1999 / n);
    const double above = std::sqrt(2.2001 / n);
    EXPECT_NEAR(KolmogorovTail(below, n) / KolmogorovTail(above, n), 1, 2e-2) << n;
  }
  EXPECT_NEAR(KolmogorovTail(1.3581 / std::sqrt(1e8), 1e8), 0.05, 1e-4);
  EXPECT_EQ(KolmogorovTail(0, 10), 1);
  EXPECT_EQ(KolmogorovTail(1, 10), 0);
}

class VectorsTest : public testing::Test {
 protected:
  void SetUp() override {
    const char* root = std::getenv("VITRINE_TEST_DATA");
    const std::filesystem::path folder =
        std::filesystem::path(root != nullptr ? root : "../shared") / "reference";
    if (!std::filesystem::exists(folder / "vectors/vectors.json")) {
      GTEST_SKIP() << "reference/vectors is not there; set VITRINE_TEST_DATA";
    }
    input_ = nlohmann::json::parse(std::ifstream(folder / "vectors/vectors.json"));
    expected_ = nlohmann::json::parse(std::ifstream(folder / "vectors/expected.json"));
    drift_ = nlohmann::json::parse(std::ifstream(folder / "drift/expected.json"));
  }
  nlohmann::json input_;
  nlohmann::json expected_;
  nlohmann::json drift_;
};

TEST_F(VectorsTest, RawSamples) {
  const auto a = input_.at("a").get<Values>();
  const auto b = input_.at("b").get<Values>();
  const auto& e = expected_.at("a_vs_b");
  const TestResult ks = KolmogorovSmirnov(a, b);
  EXPECT_NEAR(ks.statistic, e.at("ks_statistic"), 1e-9);
  EXPECT_NEAR(ks.p_value / e.at("ks_p_asymp").get<double>(), 1, 1e-6);
  EXPECT_NEAR(Wasserstein(a, b), e.at("wasserstein"), 1e-9);
  EXPECT_NEAR(Wasserstein(a, b) / StandardDeviation(a), e.at("wasserstein_over_std_ref"), 1e-9);
  const auto& psi = e.at("psi_10_quantile_bins_of_a");
  EXPECT_NEAR(Psi(psi.at("counts_a").get<Values>(), psi.at("counts_b").get<Values>()),
              psi.at("psi"), 1e-9);
}

TEST_F(VectorsTest, Histograms) {
  const auto r = input_.at("hist_ref").get<Values>();
  const auto c = input_.at("hist_cur").get<Values>();
  const auto& e = expected_.at("hist");
  EXPECT_NEAR(JensenShannon(r, c), e.at("js_divergence_nat"), 1e-9);
  EXPECT_NEAR(std::sqrt(JensenShannon(r, c)), e.at("js_distance_nat"), 1e-9);
  EXPECT_NEAR(std::sqrt(JensenShannon(r, c) / std::log(2.0)), e.at("js_distance_base2"), 1e-9);
  EXPECT_NEAR(KullbackLeibler(r, c), e.at("kl_ref_cur_nat_eps1e-4_unnormalised"), 1e-9);
  EXPECT_NEAR(Psi(r, c), e.at("psi_eps1e-4_unnormalised"), 1e-9);
  EXPECT_NEAR(TotalVariation(r, c), e.at("total_variation"), 1e-9);
  EXPECT_NEAR(LInfinity(r, c), e.at("l_infinity"), 1e-9);
  const TestResult chi = ChiSquareGoodness(r, c);
  EXPECT_NEAR(chi.statistic, e.at("chi2_current_vs_ref").at(0), 1e-9);
  EXPECT_NEAR(chi.p_value, e.at("chi2_current_vs_ref").at(1), 1e-9);
}

TEST_F(VectorsTest, TailsOfTheDriftColumns) {
  for (const auto& [name, column] : drift_.at("categorical").items()) {
    const auto& chi = column.at("chi2_contingency");
    EXPECT_NEAR(ChiSquareTail(chi.at(0), chi.at(2)), chi.at(1), 1e-9) << name;
  }
  for (const auto& [name, column] : drift_.at("numerical").items()) {
    EXPECT_NEAR(KolmogorovTail(column.at("ks").at(0), 5000), column.at("ks").at(1), 2e-4) << name;
  }
}

TEST(DistancesTest, SlowDefinitions) {
  const Values r = {4, 0, 6};
  const Values c = {1, 1, 2};
  EXPECT_NEAR(Psi(r, c),
              (0.25 - 0.4) * std::log(0.25 / 0.4) + (0.25 - 1e-4) * std::log(0.25 / 1e-4) +
                  (0.5 - 0.6) * std::log(0.5 / 0.6),
              1e-12);
  EXPECT_NEAR(Hellinger(r, c), std::sqrt(1 - (std::sqrt(0.1) + std::sqrt(0.3))), 1e-12);
  EXPECT_NEAR(BinnedKs(r, c), 0.15, 1e-12);
  EXPECT_NEAR(BinnedWasserstein(r, c, Values{0, 1, 3}), 0.15 * 1 + 0.1 * 2, 1e-12);
  EXPECT_NEAR(JensenShannon(Values{1, 0}, Values{0, 5}), std::log(2.0), 1e-12);
  EXPECT_EQ(Psi(r, Values{0, 0, 0}), 0);
  for (const auto distance : {JensenShannon, Hellinger, TotalVariation, LInfinity, BinnedKs}) {
    EXPECT_NEAR(distance(r, r), 0, 1e-7);
  }
}

TEST(SampleTestsTest, EqualTheSlowOracles) {
  std::mt19937 random(5);
  for (int round = 0; round < 200; ++round) {
    Values a(1 + random() % 20);
    Values b(1 + random() % 20);
    for (double& x : a) x = static_cast<double>(random() % 12);
    for (double& x : b) x = static_cast<double>(random() % 15);
    double ks = 0;
    double area = 0;
    for (int v = 0; v < 15; ++v) {  // distributions change at whole numbers only
      const auto share = [v](const Values& s) {
        return static_cast<double>(
                   std::count_if(s.begin(), s.end(), [v](double x) { return x <= v; })) /
               static_cast<double>(s.size());
      };
      ks = std::max(ks, std::abs(share(a) - share(b)));
      area += std::abs(share(a) - share(b));
    }
    EXPECT_NEAR(KolmogorovSmirnov(a, b).statistic, ks, 1e-12);
    EXPECT_NEAR(Wasserstein(a, b), area, 1e-12);
  }
  EXPECT_EQ(KolmogorovSmirnov(Values{}, Values{1}).p_value, 1);
}

TEST(SampleTestsTest, TwoSampleChiSquareByHand) {
  const TestResult chi = ChiSquareTwoSamples(Values{10, 20, 0}, Values{20, 10, 0});
  EXPECT_NEAR(chi.statistic, 4 * 25 / 15.0, 1e-12);
  EXPECT_EQ(chi.degrees, 1);
}

/// Twenty columns as a shop has them: ten numbers in bins, ten words with 10 to 1,000 levels.
struct Frames {
  std::mt19937_64 random;
  bool change = false;

  Values Number(int column, int rows) {
    std::normal_distribution<double> normal(change && column == 0 ? 0.3 : 0,
                                            change && column == 1 ? 1.3 : 1);
    Values counts(20, 0);
    for (int i = 0; i < rows; ++i) {
      const double u = 0.5 * std::erfc(-normal(random) / std::sqrt(2.0));
      counts[static_cast<std::size_t>(std::min(u, 0.999999) * 20)] += 1;
    }
    return counts;
  }

  Values Word(int column, int rows) {
    static constexpr int kLevels[] = {10, 20, 50, 100, 200, 300, 400, 500, 750, 1000};
    const int levels = kLevels[column];
    Values weights;
    for (int l = 0; l < levels; ++l) {
      const bool tilt = change && (column == 0 || column == 9);
      weights.push_back(std::pow(l + 1, -1.05) * (!tilt ? 1 : l % 2 == 1 ? 1.6 : 0.6));
    }
    std::discrete_distribution<std::size_t> draw(weights.begin(), weights.end());
    Values counts(static_cast<std::size_t>(levels), 0);
    for (int i = 0; i < rows; ++i) counts[draw(random)] += 1;
    return counts;
  }
};

std::vector<DriftInput> Columns(unsigned seed, int rows, bool change) {
  Frames reference{std::mt19937_64(seed), false};
  Frames current{std::mt19937_64(seed + 1000), change};
  std::vector<DriftInput> inputs;
  for (int i = 0; i < 10; ++i) {
    inputs.push_back({"n" + std::to_string(i), reference.Number(i, rows), current.Number(i, rows)});
  }
  for (int i = 0; i < 10; ++i) {
    DriftInput word{"c" + std::to_string(i), reference.Word(i, rows), current.Word(i, rows)};
    word.ordered = false;
    inputs.push_back(word);
  }
  return inputs;
}

std::vector<std::string> Drifted(const std::vector<DriftInput>& inputs) {
  std::vector<std::string> names;
  for (const DriftVerdict& v : JudgeDrift(inputs, {})) {
    if (v.drifted) names.push_back(v.feature);
  }
  return names;
}

TEST(DriftVerdictTest, FindsWhatMovedAndNothingElse) {
  const std::vector<std::string> moved = {"n0", "n1", "c0", "c9"};
  for (unsigned seed = 1; seed <= 10; ++seed) {
    EXPECT_EQ(Drifted(Columns(seed, 1000, true)), moved) << "1,000 rows, seed " << seed;
    EXPECT_EQ(Drifted(Columns(seed, 10'000, true)), moved) << "10,000 rows, seed " << seed;
  }
}

TEST(DriftVerdictTest, FalseAlarmsStayAtAlpha) {
  int alarms = 0;
  for (unsigned seed = 1; seed <= 200; ++seed) {
    alarms += Drifted(Columns(5000 + seed, 1000, false)).empty() ? 0 : 1;
  }
  EXPECT_LE(alarms, 7) << "200 reports at alpha 0.01: 2 expected, 8 or more have p < 0.002";
}

TEST(DriftVerdictTest, FewRowsAreNotJudged) {
  const std::vector<DriftInput> inputs = {{"x", {500, 500}, {0, 60}}};
  const auto v = JudgeDrift(inputs, {}).at(0);
  EXPECT_FALSE(v.judged);
  EXPECT_FALSE(v.drifted);
  EXPECT_GT(v.psi, 1);
}

TEST(DriftVerdictTest, ManyRowsMakeATinyChangeSureButNotADrift) {
  const std::vector<DriftInput> inputs = {{"x", {5e6, 5e6}, {5.02e6, 4.98e6}}};
  const auto v = JudgeDrift(inputs, {}).at(0);
  EXPECT_LT(v.p_value, 1e-9);
  EXPECT_FALSE(v.drifted);
}

TEST(DriftVerdictTest, ValuesOfOneHistoryAreNotIndependentRows) {
  DriftInput input{"history", {1000, 1000}, {1150, 850}};
  EXPECT_TRUE(JudgeDrift(std::span(&input, 1), {.minimum_effect = 0.01}).at(0).drifted);
  input.values_per_row = 10;
  const auto v = JudgeDrift(std::span(&input, 1), {.minimum_effect = 0.01}).at(0);
  EXPECT_EQ(v.current_rows, 200);
  EXPECT_FALSE(v.drifted);
}

TEST(DriftVerdictTest, SharesWithRowsEqualCounts) {
  DriftInput counts{"x", {300, 500, 200}, {400, 400, 200}};
  DriftInput shares{"x", {0.3, 0.5, 0.2}, {400, 400, 200}};
  shares.reference_rows = 1000;
  EXPECT_NEAR(Measure(counts, {}).p_value, Measure(shares, {}).p_value, 1e-12);
}

TEST(DriftVerdictTest, EmptyAndOneSidedInputsAreHarmless) {
  EXPECT_FALSE(Measure({"x", {}, {}}, {}).judged);
  EXPECT_FALSE(Measure({"x", {0, 0}, {0, 3}}, {.minimum_rows = 0}).judged);
  const auto one_bin = Measure({"x", {1000}, {1000}}, {});
  EXPECT_EQ(one_bin.p_value, 1);
  EXPECT_EQ(one_bin.corrected_psi, 0);
  DriftInput apart{"x", {1000, 0}, {0, 1000}};
  EXPECT_TRUE(JudgeDrift(std::span(&apart, 1), {}).at(0).strong);
}

TEST(SpentAlphaTest, AllLooksTogetherStayWithinAlpha) {
  double sum = 0;
  for (std::uint64_t look = 1; look < 100'000; ++look) {
    sum += SpentAlpha(0.05, look);
    ASSERT_NEAR(sum, 0.05 * (1 - 1 / (1 + std::log(static_cast<double>(look) + 1))), 1e-12);
  }
  EXPECT_LT(sum, 0.05);
  EXPECT_NEAR(SpentAlpha(1, 1), 0.409, 1e-3);
  EXPECT_NEAR(SpentAlpha(1, 1000), 1.6e-5, 1e-7);
}

}  // namespace
}  // namespace vitrine::monitor
