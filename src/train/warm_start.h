/// What a fit takes over from an earlier version of the same model: its weights, and its item vectors by id.
/// Threads: values.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "core/history.h"
#include "core/status.h"
#include "core/time.h"
#include "data/feature_spec.h"
#include "graph/item_vectors.h"
#include "train/network_weights.h"
#include "train/training_set.h"

namespace vitrine::train {

/// An earlier version, read from its artifact.
struct Predecessor {
  std::string dir;
  std::string hash;
  std::vector<NetworkWeight> weights;
  graph::ItemVectors items;
  data::Vocabulary vocabulary;
  std::string snapshot;  ///< that it was fitted on
  Micros fitted_to;      ///< its newest row; a place in an order where ordinal_time
  bool ordinal_time = false;
};

/// Errors: those of OpenArtifact; kInvalidArgument (made by another algorithm; it keeps no weights: made by an earlier
///         program; put together from two).
Result<Predecessor> ReadPredecessor(const std::string& dir, const std::string& algorithm);

/// A predecessor seen from the vocabulary of a fit.
struct WarmStart {
  const Predecessor& from;
  /// By ItemIndex of the fit: the item's row in from.items; kPaddingItem where it is new.
  std::vector<ItemIndex> row;
  std::size_t kept = 0;     ///< items that both have
  std::size_t fresh = 0;    ///< only the fit has
  std::size_t dropped = 0;  ///< only the predecessor had
};

/// A predecessor that has learnt from what is held out now would make every figure one of what it has seen.
/// Errors: kInvalidArgument: a row of the validation or test part is not newer than its newest one; without times, it
///         is of this very snapshot (whether another snapshot's rows were the same cannot be known).
Status CheckUnseen(const Predecessor& from, const Material& material);

WarmStart MapItems(const Predecessor& from, const data::Vocabulary& vocabulary);

}  // namespace vitrine::train
