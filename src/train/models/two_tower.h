/// Two towers: one makes a query of the history, the other a vector of an item, from numbers of its own
/// and from what the catalogue says of it. LibTorch stays behind this header (its files are compiled by
/// g++ only).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "train/model.h"
#include "train/models/item_features.h"
#include "train/models/sequence_options.h"

namespace vitrine::train {

struct TwoTowerOptions {
  SequenceOptions train;
  std::string pool = "attention";  ///< or "mean"
  std::int64_t hidden = 128;       ///< width of either tower's hidden layer
  double own_dropout = 0.2;        ///< share of items that a step knows by the catalogue alone
  FieldWeights fields;
  std::size_t widest = 5000;  ///< features of more items are left out
};

/// Item tower: content c = sum of the weighted vectors of its features (item_features.h: brand, category
///             levels, tags, title words and pairs of them); vector = own + c + W2 relu(W1 c). An item that
///             nobody had in training has no numbers of its own: its vector is what the catalogue says.
///             `own_dropout` teaches the catalogue's part to stand alone (Volkovs et al., DropoutNet,
///             NeurIPS 2017).
/// History tower: the mean of the known places' vectors, or their sum weighed by softmax(u tanh(W e) +
///             a weight for the age in places), p; query = p + W4 relu(W3 p).
/// Fitted as the networks that read histories are (sequence_trainer.h): what comes next at every place,
/// sampled softmax with logQ correction of the uniform draw by default (Yi et al., Sampling-bias-corrected
/// neural modeling, RecSys 2019, correct a draw by popularity).
/// Graph: as SASRec's (sasrec.h). Fit's errors: sequence_trainer.h; kFailedPrecondition (no catalogue).
std::unique_ptr<TrainableModel> MakeTwoTower(const TwoTowerOptions& options);

/// "two_tower" and its parameters.
ModelFactory TwoTowerFactory();

}  // namespace vitrine::train
