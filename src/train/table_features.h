/// What a table's columns are to a ranker where its train spec does not say.
/// Threads: pure functions.
#pragma once

#include "core/status.h"
#include "evaluate/labelled_set.h"
#include "train/train_spec.h"

namespace vitrine::train {

/// A number with no more different values than this is a level: a code, a month, a yes or no.
inline constexpr std::size_t kMostCodes = 24;

/// Gives a spec without features one for each column that the training rows have: text, yes or no, and
/// whole numbers of few values become levels; numbers that are never negative log_standardise; others
/// standardise. A column of one value is left out. What each op needs is learnt later, from the rows fitted on.
/// Errors: kInvalidArgument (no column is left).
Status UseTableFeatures(const evaluate::LabelledSet& set, TrainSpec& spec);

}  // namespace vitrine::train
