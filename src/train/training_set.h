/// From cleaned rows to what a model is fitted on: vocabulary, FeatureSpec and sequences of one cut
/// of the data.
#pragma once

#include <cstddef>
#include <vector>

#include "core/status.h"
#include "data/feature_spec.h"
#include "data/interactions.h"
#include "evaluate/protocol.h"
#include "evaluate/split.h"
#include "train/sequences.h"
#include "train/train_spec.h"

namespace vitrine::train {

/// A snapshot in memory, cut by a protocol.
struct Material {
  data::Interactions interactions;
  data::ItemTable items;
  evaluate::Protocol protocol;
  evaluate::Split split;
};

struct TrainingSet {
  data::Vocabulary vocabulary;
  std::vector<ItemIndex> index;  ///< ItemIndex by item number of the interactions
  data::FeatureSpec features;
  TrainingSequences sequences;
  std::size_t rows = 0;  ///< fitted on
  Micros from;           ///< of the fitted rows
  Micros to;
};

/// The features a model is fitted with: its own with the spec's over them, and on every history
/// feature what the data were cut by: events, and one place per (item, basket) where the protocol
/// drops repeats.
std::vector<data::FeatureDef> FeaturesOf(const TrainSpec& spec, const evaluate::Protocol& protocol,
                                         std::vector<data::FeatureDef> model_features);

/// The event types to read for a spec under a protocol; empty: every type that names items.
/// Errors: kInvalidArgument: the spec learns from a type that the protocol does not read, or weighs one that it does
///         not learn from.
Result<std::set<EventType>> EventsOf(const TrainSpec& spec, const evaluate::Protocol& protocol);

/// Fits vocabulary and features on the rows that `purpose` names and no other.
/// Errors: those of FeatureSpec::Fit; kInvalidArgument (no row left, or none that weighs anything);
///         kFailedPrecondition (a half-life without times).
Result<TrainingSet> MakeTrainingSet(const Material& material, const TrainSpec& spec,
                                    std::vector<data::FeatureDef> features,
                                    evaluate::FitFor purpose);

/// The rows that are kept, with all users and items: what counts over rows may see the fitted ones only.
data::Interactions KeepRows(const data::Interactions& all, const std::vector<bool>& keep);

/// Items by their popularity over the fitted rows, as the protocol says.
data::Vocabulary VocabularyOf(const data::Interactions& rows, const evaluate::Protocol& protocol,
                              const std::vector<bool>& fitted);

/// A case's history in a vocabulary.
History HistoryOf(const Material& material, const evaluate::Case& c,
                  const std::vector<ItemIndex>& index);

}  // namespace vitrine::train
