/// Full ranking of a vocabulary for every case of a holdout.
#pragma once

#include <string>

#include "core/progress.h"
#include "core/scorer.h"
#include "core/status.h"
#include "data/feature_spec.h"
#include "evaluate/bootstrap.h"
#include "evaluate/holdout.h"
#include "evaluate/report.h"

namespace vitrine::evaluate {

struct EvaluateOptions {
  std::string model;  ///< name for the report
  Part part = Part::kTest;
  std::vector<int> ks;     ///< empty: the holdout's
  int threads = 0;         ///< 0: every core of the machine
  std::size_t batch = 64;  ///< histories scored at once, fewer where the vocabulary is wide
  BootstrapOptions bootstrap;
};

/// Ranks the whole vocabulary for each case: score descending, ties by lower ItemIndex; padding and
/// unknown are never ranked, a score of minus infinity says "no candidate", and under a filtered
/// protocol neither are the items of the history. Targets outside the vocabulary are misses. History
/// items outside it are handed to the scorer as kUnknownItem.
/// Errors:  kInvalidArgument (the scorer's width is not the vocabulary's; a k), kFailedPrecondition
///          (no case of this part), kInternal (a score is not a number: names the case), kCancelled,
///          and the scorer's.
/// Threads: blocks; scores on options.threads threads, the same result for any number of them.
///          progress.report is called by one thread at a time, in unit "users".
Result<EvalReport> Evaluate(const Scorer& scorer, const Holdout& holdout,
                            const data::Vocabulary& vocabulary, const EvaluateOptions& options,
                            const Progress& progress);

}  // namespace vitrine::evaluate
