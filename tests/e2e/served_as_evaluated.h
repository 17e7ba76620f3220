/// For tests on the public data set amazon-beauty: one run from its files to models, and that what is
/// served over HTTP is what was evaluated.
#pragma once

#include <string>
#include <vector>

#include "loop/child_process.h"

namespace vitrine::e2e {

/// `vitrine run` with these specs over the files, into the data directory `data`.
loop::ChildOutcome RunBeauty(const std::string& data, const std::vector<std::string>& specs);

/// Serves `data` and makes each model of its first job champion in turn: asked with the evaluator's
/// history, it must give the evaluator's ten items for each of 1,000 random test users (all, where there are fewer).
void ExpectServedAsEvaluated(const std::string& data, const std::vector<std::string>& models);

}  // namespace vitrine::e2e
