/// Did the shoppers change, or what they do? A moved rate of a label (click, purchase) has two
/// causes: other rows come than before, P(x) (population drift: perhaps nothing is wrong), or the
/// same rows are answered otherwise, P(y | x) (concept drift: what was learned no longer holds).
/// Rows are put into strata of the model's score (its deciles in the reference; any column may stand
/// for it). Then:
///   population = sum over strata of (share moved) x (mean of the two rates)
///   concept    = sum over strata of (rate moved)  x (mean of the two shares)
/// and the two add up to the whole change, exactly.   Source: Kitagawa 1955
///   population p: two-sample chi-square of the strata's counts.
///   concept p:    chi-square of label x side within strata, summed over the strata that can be
///                 judged (5 expected in each cell), as many degrees; unlike Mantel-Haenszel's it
///                 also sees changes that cancel out (up here, down there).
///   calibration:  sum over strata of |rate moved| x current share, less what chance alone gives.
/// The strata are as coarse as the score allows: what moved within a stratum counts as concept.
/// Threads: pure functions.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace vitrine::monitor {

/// Rows of one stratum. Precondition: 0 <= positives <= rows.
struct LabelStratum {
  std::string name;
  double reference_rows = 0;
  double reference_positives = 0;
  double current_rows = 0;
  double current_positives = 0;
};

struct ConceptOptions {
  double alpha = 0.01;           ///< of each of the two tests
  double minimum_shift = 0.005;  ///< calibration shift below it is none, however sure
  double minimum_effect = 0.02;  ///< corrected PSI of the strata, as in DriftOptions
};

struct ConceptReport {
  double reference_rate = 0;
  double current_rate = 0;
  double population_part = 0;  ///< of current_rate - reference_rate
  double concept_part = 0;     ///< the rest of it
  double population_p = 1;
  double population_psi = 0;  ///< corrected
  double concept_p = 1;
  double calibration_shift = 0;  ///< see above, never below 0; in the unit of the rate
  double judged_strata = 0;
  bool judged = false;  ///< at least one stratum could be
  bool population_moved = false;
  bool concept_moved = false;
  std::vector<LabelStratum> strata;
};

/// Strata that one side lacks count wholly as population.
ConceptReport CompareLabels(std::vector<LabelStratum> strata, const ConceptOptions& options);

}  // namespace vitrine::monitor
