/// Judges what says how likely a candidate is taken: a probability for each labelled row.
#pragma once

#include <span>
#include <vector>

#include "core/progress.h"
#include "core/status.h"
#include "data/feature_spec.h"
#include "evaluate/evaluate.h"
#include "evaluate/labelled_set.h"
#include "evaluate/report.h"

namespace vitrine::evaluate {

/// Port: a fitted ranker in this process, or a graph in the serving runtime.
class RowScorer {
 public:
  virtual ~RowScorer() = default;
  /// One probability an input; each has one candidate or none. Threads: any.
  virtual Status Score(std::span<const data::FeatureInput> inputs,
                       std::vector<double>& probabilities) const = 0;
};

/// Scores every row of options.part. A candidate outside the vocabulary is handed on as kUnknownItem.
/// Intervals resample users; rows without a user stand for themselves.
/// Errors:  kFailedPrecondition (no row of this part), kInternal (a probability that is no number:
///          names the row), kCancelled, and the scorer's.
/// Threads: blocks; options.threads, options.ks are not looked at. progress in unit "rows".
Result<EvalReport> EvaluateRows(const RowScorer& scorer, const LabelledSet& set,
                                const data::Vocabulary& vocabulary, const EvaluateOptions& options,
                                const Progress& progress);

/// What the report of given probabilities, one for each row of `part`, is. EvaluateRows' second half.
EvalReport ReportOfRows(const LabelledSet& set, std::span<const double> probabilities,
                        const EvaluateOptions& options);

}  // namespace vitrine::evaluate
