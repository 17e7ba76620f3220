/// From a snapshot or a table to the rows that a ranker is fitted on: vocabulary, FeatureSpec and
/// columns of one cut of the data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/status.h"
#include "data/feature_spec.h"
#include "data/interactions.h"
#include "evaluate/labelled_set.h"
#include "evaluate/protocol.h"
#include "feedback/position_bias.h"
#include "train/ranker.h"
#include "train/train_spec.h"

namespace vitrine::train {

/// What became of a shop's answers as rows.
struct ShownSummary {
  std::uint64_t answers = 0;  ///< that gave rows
  std::uint64_t unripe = 0;   ///< of all scenes: a label may still come
  std::uint64_t scenes = 0;   ///< of the answers; where they are weighed, they share one curve
  std::uint64_t rows = 0;
  std::uint64_t positives = 0;
  std::uint64_t unjoined = 0;  ///< items of events that belong to no answer of any scene
  std::uint64_t left_out = 0;  ///< places beyond those that are read
  /// By place, estimated from the training part; empty where no bias is looked for.
  std::vector<feedback::PlaceExamination> places;
  std::uint64_t weighed = 0;  ///< positives of the training part
  double effective = 0;       ///< how many unweighted ones they are worth
  std::uint64_t clipped = 0;  ///< of them, at the largest weight
};

/// Labelled rows in memory. Of a table there are no interactions and no items.
struct RankerMaterial {
  data::Interactions interactions;
  data::ItemTable items;
  evaluate::Protocol protocol;
  evaluate::LabelledSet set;
  /// By row of the set, or empty: all 1. What is fitted is weighed, and what stops a fit early, since that is
  /// measured as the fit is; calibration and figures are not.
  std::vector<float> weights;
  std::optional<ShownSummary> shown;  ///< where the rows are what was shown

  [[nodiscard]] bool has_items() const { return !set.items.empty(); }
};

struct RankerSet {
  data::Vocabulary vocabulary;
  data::FeatureSpec features;
  LabelledRows rows;                ///< fitted on
  std::vector<std::size_t> places;  ///< of each fitted row in the material's set
  std::optional<LabelledRows>
      watched;            ///< the validation rows, of a fit on the training part alone
  std::size_t users = 0;  ///< with a fitted row
  Micros from;            ///< of the fitted rows
  Micros to;
};

/// The spec's features as they are fitted: words that mean the protocol's are replaced ("target_events"
/// and "events" in the options event, per and events), and what a snapshot's items do not say is learnt from
/// the fitted rows: levels, edges and moments of fields of users and context become options.
/// Errors: kInvalidArgument (no feature at all; a field that no fitted row has: names feature and field).
Result<std::vector<data::FeatureDef>> RankerFeatures(const RankerMaterial& material,
                                                     const TrainSpec& spec,
                                                     const std::vector<bool>& fitted);

/// Fits vocabulary and features on the rows that `purpose` names and no other.
/// Errors: those of RankerFeatures, FeatureSpec::Fit, ColumnsOf and CheckRows.
Result<RankerSet> MakeRankerSet(const RankerMaterial& material, const TrainSpec& spec,
                                evaluate::FitFor purpose);

}  // namespace vitrine::train
