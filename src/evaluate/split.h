/// Cuts interactions by a protocol into rows to learn from and cases to be judged on.
///   leave_one_out  of a user with minimum_length target rows or more: the last one is the test
///                  target, the one before it the validation target; histories are all rows before.
///   last_basket    the same with baskets; the target is the set of the basket's items.
///   time_split     rows of the last test_days are the test window, of the validation_days before
///                  it the validation window; a user's target is the set of its items in a window.
/// A user that is not evaluated gives all its rows to training (time_split: those before the
/// validation window; the windows' rows stay in their parts).
/// Source: the definitions of the counting floors that the tests hold.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "core/catalogue.h"
#include "core/status.h"
#include "data/interactions.h"
#include "evaluate/protocol.h"

namespace vitrine::evaluate {

enum class Part : std::uint8_t {
  kTraining = 0,
  kValidation = 1,
  kTest = 2,    ///< from the test target on
  kUnused = 3,  ///< a repeat within a basket that the protocol drops
};
/// "training", "validation", "test", "unused".
std::string_view PartName(Part part);

/// One case: what was known of a user, and what came next. Ranges are into Split's pools.
struct Case {
  std::uint32_t user = 0;
  Part part = Part::kTest;
  std::size_t history_begin = 0;  ///< rows of Interactions in Split::history, oldest first
  std::size_t history_end = 0;
  std::size_t target_begin = 0;  ///< item numbers in Split::targets, distinct, in order of time
  std::size_t target_end = 0;
  std::uint64_t slices = 0;  ///< bit s: slice s of the protocol holds
};

struct Split {
  std::vector<Part> part;   ///< of each row of the Interactions
  std::vector<Case> cases;  ///< validation cases by user, then test cases by user
  std::size_t validation_cases = 0;
  std::vector<std::size_t> history;  ///< each user's rows once; its cases are prefixes of them
  std::vector<std::uint32_t> targets;
  std::size_t dropped_cases =
      0;                   ///< every target stood in a filtered history, or no history was left
  Micros validation_from;  ///< time_split: the windows' first moments
  Micros test_from;

  [[nodiscard]] std::span<const std::size_t> HistoryRows(const Case& c) const {
    return {history.data() + c.history_begin, c.history_end - c.history_begin};
  }
  [[nodiscard]] std::span<const std::uint32_t> Targets(const Case& c) const {
    return {targets.data() + c.target_begin, c.target_end - c.target_begin};
  }
  [[nodiscard]] std::span<const Case> Cases(Part which) const {
    const std::span<const Case> all(cases);
    return which == Part::kValidation ? all.first(validation_cases) : all.subspan(validation_cases);
  }
};

/// `users` may be empty, or holds a row per Interactions::users in the same order; without it
/// user.F is missing in every predicate.
/// Errors: kInvalidArgument (a protocol field; a slice's predicate), kFailedPrecondition (time_split
///         on ordinal time; no case at all: says how many users there are and what they lack).
Result<Split> MakeSplit(const data::Interactions& interactions, const data::ItemTable& items,
                        const Protocol& protocol, std::span<const User> users = {});

/// Which rows a model is fitted on.
enum class FitFor : std::uint8_t {
  kValidation,  ///< the training part
  kTest,        ///< as the protocol says: training and validation parts, or training alone
  kRefit,       ///< everything but rows dropped as repeats
};

/// One flag per row: true where a model for `purpose` learns from it.
std::vector<bool> FittedRows(const data::Interactions& interactions, const Split& split,
                             const Protocol& protocol, FitFor purpose);

/// Popularity of every item (by item number) over the fitted rows, in the protocol's unit.
std::vector<std::uint64_t> Popularity(const data::Interactions& interactions,
                                      const std::vector<bool>& fitted, PopularityUnit unit);

/// Item numbers in vocabulary order: popularity descending, then id (as numbers where every id is a
/// number, else by bytes). Items of popularity 0 are left out unless `whole_catalogue`.
std::vector<std::uint32_t> VocabularyOrder(const std::vector<std::string>& ids,
                                           const std::vector<std::uint64_t>& popularity,
                                           bool whole_catalogue);

}  // namespace vitrine::evaluate
