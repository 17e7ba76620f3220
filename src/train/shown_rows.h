/// What a ranker learns from beside events: the items that were shown, taken or not, each weighed by the place
/// it stood at.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/progress.h"
#include "core/status.h"
#include "data/shown_reader.h"
#include "data/snapshot_reader.h"
#include "evaluate/protocol.h"
#include "feedback/position_bias.h"
#include "train/ranker_set.h"

namespace vitrine::train {

/// Reads a snapshot under a labelled protocol whose rows are "shown". A row is an item of an answer whose label
/// windows are closed; its history is what its shopper did strictly before the answer. Rows stand by the
/// answer's time, request, place; the place is never a feature. Under a position_bias the training part's
/// clicks say how often each place is looked at, and a positive weighs 1 / that.
/// Memory: while it runs, every answer with the events that may have followed, then an Example a row; what is
///         left is a row of the set, and its weight.
/// Errors: those of the readers, MakeShownSet and EstimatePositionBias (with what to change in the protocol);
///         kFailedPrecondition (no answer of the scene: names those there are; none whose windows are closed);
///         kCancelled.
Result<RankerMaterial> ReadShownMaterial(const std::string& snapshot_dir,
                                         const evaluate::Protocol& protocol,
                                         data::SnapshotReader& reader,
                                         data::ShownReader& shown_reader, const Progress& progress);

/// One JSON object, part of a training's result.
std::string ShownSummaryToJson(const ShownSummary& summary);

}  // namespace vitrine::train
