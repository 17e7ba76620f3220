/// The three roads to a History, all in one vocabulary: rows of the cleaned log (training,
/// evaluation), events with ids (a request that brings its own, a holdout file), and the stored
/// state of a user (serving).
/// Threads: pure functions.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "core/history.h"
#include "core/impression.h"
#include "data/event_log.h"
#include "data/feature_spec.h"
#include "data/interactions.h"

namespace vitrine::data {

/// ItemIndex of each id, in the order of `ids`; kUnknownItem where the vocabulary lacks it.
std::vector<ItemIndex> IndexItems(std::span<const std::string> ids, const Vocabulary& vocabulary);

/// The named rows in their order. `index` is by item number (IndexItems of interactions.items).
History HistoryOfRows(const Interactions& interactions, std::span<const std::size_t> rows,
                      std::span<const ItemIndex> index);

/// Events that carry ids.
History HistoryOfEvents(std::span<const SeenEvent> events, const Vocabulary& vocabulary);

/// Fills `history` (its capacity is kept) from state. `index` is by item number of the log; a number
/// beyond it was interned later and is unknown.
void HistoryOfState(std::span<const StateEvent> events, std::span<const ItemIndex> index,
                    History& history);

}  // namespace vitrine::data
