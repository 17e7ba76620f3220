#include "monitor/statistics/concept_drift.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace vitrine::monitor {
namespace {

/// Ten strata of a score; `tilt` moves rows to higher strata, `gain` multiplies the odds of a label.
std::vector<LabelStratum> Strata(unsigned seed, int rows, double tilt, double gain) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> uniform;
  std::vector<LabelStratum> strata(10);
  for (int side = 0; side < 2; ++side) {
    for (int i = 0; i < rows; ++i) {
      const double place = std::pow(uniform(random), side == 1 ? 1 / (1 + tilt) : 1);
      const auto s = static_cast<std::size_t>(place * 10);
      const double odds = 0.1 * std::exp(2 * place) * (side == 1 ? gain : 1);
      const double label = uniform(random) < odds / (1 + odds) ? 1 : 0;
      LabelStratum& stratum = strata[std::min<std::size_t>(s, 9)];
      (side == 0 ? stratum.reference_rows : stratum.current_rows) += 1;
      (side == 0 ? stratum.reference_positives : stratum.current_positives) += label;
    }
  }
  return strata;
}

TEST(ConceptDriftTest, TellsOtherShoppersFromOtherTastes) {
  const ConceptReport same = CompareLabels(Strata(1, 5000, 0, 1), {});
  EXPECT_TRUE(same.judged);
  EXPECT_FALSE(same.population_moved);
  EXPECT_FALSE(same.concept_moved);

  const ConceptReport others = CompareLabels(Strata(2, 5000, 0.6, 1), {});
  EXPECT_TRUE(others.population_moved);
  EXPECT_FALSE(others.concept_moved);
  EXPECT_GT(others.population_part, 4 * std::abs(others.concept_part));

  const ConceptReport tastes = CompareLabels(Strata(3, 5000, 0, 1.6), {});
  EXPECT_FALSE(tastes.population_moved);
  EXPECT_TRUE(tastes.concept_moved);
  EXPECT_GT(tastes.concept_part, 4 * std::abs(tastes.population_part));

  const ConceptReport both = CompareLabels(Strata(4, 5000, 0.6, 1.6), {});
  EXPECT_TRUE(both.population_moved);
  EXPECT_TRUE(both.concept_moved);
}

TEST(ConceptDriftTest, PartsAddUpToTheChange) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    const ConceptReport r = CompareLabels(Strata(seed, 300, 0.3, 1.2), {});
    EXPECT_NEAR(r.population_part + r.concept_part, r.current_rate - r.reference_rate, 1e-12);
  }
  const ConceptReport one_sided =
      CompareLabels({{"a", 100, 10, 100, 10}, {"b", 0, 0, 100, 50}}, {});
  EXPECT_NEAR(one_sided.concept_part, 0, 1e-12) << "a stratum that is new is population";
  EXPECT_NEAR(one_sided.population_part, 0.2, 1e-12);
}

TEST(ConceptDriftTest, ByHand) {
  // One stratum judged: rates 0.2 and 0.4 of 100 each; chi = 0.2^2 / (0.3 0.7 (1/100 + 1/100)).
  const ConceptReport r = CompareLabels({{"a", 100, 20, 100, 40}, {"b", 3, 1, 3, 1}}, {});
  const double chi = 0.04 / (0.21 * 0.02);
  EXPECT_EQ(r.judged_strata, 1);
  EXPECT_NEAR(r.concept_p, std::erfc(std::sqrt(chi / 2)), 1e-12);
}

TEST(ConceptDriftTest, ChangesThatCancelOutAreSeen) {
  const ConceptReport r =
      CompareLabels({{"a", 1000, 100, 1000, 200}, {"b", 1000, 200, 1000, 100}}, {});
  EXPECT_NEAR(r.concept_part, 0, 1e-12);
  EXPECT_TRUE(r.concept_moved);
  EXPECT_NEAR(r.calibration_shift, 0.1, 0.02);
}

TEST(ConceptDriftTest, FalseAlarmsStayAtTheirShare) {
  int alarms = 0;
  for (unsigned seed = 1; seed <= 400; ++seed) {
    alarms += CompareLabels(Strata(1000 + seed, 800, 0, 1), {}).concept_p <= 0.05 ? 1 : 0;
  }
  EXPECT_LE(alarms, 36) << "20 expected of 400; more than 36 have probability 3e-4";
}

TEST(ConceptDriftTest, NothingToCompareIsNotJudged) {
  EXPECT_FALSE(CompareLabels({}, {}).judged);
  EXPECT_FALSE(CompareLabels({{"a", 10, 1, 0, 0}}, {}).judged);
}

}  // namespace
}  // namespace vitrine::monitor
