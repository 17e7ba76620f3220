#include "monitor/statistics/concept_drift.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "monitor/statistics/drift_verdict.h"
#include "monitor/statistics/special_functions.h"

namespace vitrine::monitor {
namespace {

constexpr double kLeastExpected = 5;

double Ratio(double part, double whole) { return whole == 0 ? 0 : part / whole; }

/// Chi-square of label x side with one degree, below 0 where a cell expects too few.
double LabelChiSquare(const LabelStratum& s) {
  const double n = s.reference_rows;
  const double m = s.current_rows;
  const double positives = s.reference_positives + s.current_positives;
  const double rarer = std::min(positives, n + m - positives);
  if (n + m == 0 || rarer * std::min(n, m) / (n + m) < kLeastExpected) {
    return -1;
  }
  const double rate = positives / (n + m);
  const double gap = s.reference_positives / n - s.current_positives / m;
  return gap * gap / (rate * (1 - rate) * (1 / n + 1 / m));
}

/// What |rate moved| is on average where nothing moved: sqrt(2 / pi) standard errors.
double ChanceGap(const LabelStratum& s) {
  const double rate =
      (s.reference_positives + s.current_positives) / (s.reference_rows + s.current_rows);
  return std::sqrt(2 / std::numbers::pi * rate * (1 - rate) *
                   (1 / s.reference_rows + 1 / s.current_rows));
}

void MeasureParts(ConceptReport& report, double n, double m) {
  double chi = 0;
  double shift = 0;
  for (const LabelStratum& s : report.strata) {
    const double share_r = s.reference_rows / n;
    const double share_c = s.current_rows / m;
    double rate_r = Ratio(s.reference_positives, s.reference_rows);
    double rate_c = Ratio(s.current_positives, s.current_rows);
    rate_r = s.reference_rows == 0 ? rate_c : rate_r;
    rate_c = s.current_rows == 0 ? rate_r : rate_c;
    report.population_part += (share_c - share_r) * (rate_r + rate_c) / 2;
    report.concept_part += (rate_c - rate_r) * (share_r + share_c) / 2;
    const double of_stratum = LabelChiSquare(s);
    if (of_stratum >= 0) {
      chi += of_stratum;
      report.judged_strata += 1;
      shift += share_c * (std::abs(rate_c - rate_r) - ChanceGap(s));
    }
  }
  report.calibration_shift = std::max(0.0, shift);
  report.concept_p = ChiSquareTail(chi, report.judged_strata);
}

}  // namespace

ConceptReport CompareLabels(std::vector<LabelStratum> strata, const ConceptOptions& options) {
  ConceptReport report;
  report.strata = std::move(strata);
  DriftInput shares;
  double n = 0;
  double m = 0;
  double n_positive = 0;
  double m_positive = 0;
  for (const LabelStratum& s : report.strata) {
    n += s.reference_rows;
    m += s.current_rows;
    n_positive += s.reference_positives;
    m_positive += s.current_positives;
    shares.reference.push_back(s.reference_rows);
    shares.current.push_back(s.current_rows);
  }
  report.reference_rate = Ratio(n_positive, n);
  report.current_rate = Ratio(m_positive, m);
  if (n == 0 || m == 0) {
    return report;
  }
  MeasureParts(report, n, m);
  report.judged = report.judged_strata > 0;
  shares.ordered = false;
  const DriftVerdict population =
      Measure(shares, {.minimum_effect = options.minimum_effect, .minimum_rows = 1});
  report.population_p = population.p_value;
  report.population_psi = population.corrected_psi;
  report.population_moved =
      population.p_value <= options.alpha && population.corrected_psi >= options.minimum_effect;
  report.concept_moved = report.judged && report.concept_p <= options.alpha &&
                         report.calibration_shift >= options.minimum_shift;
  return report;
}

}  // namespace vitrine::monitor
