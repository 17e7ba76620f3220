/// Protocol: how a snapshot is cut into what a model learns from and the cases it is judged on.
/// A value read from a TOML file (adapters/toml/protocol.h); protocols/*.toml are the ready ones.
/// Threads: a value.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/event.h"
#include "core/status.h"
#include "core/time.h"

namespace vitrine::evaluate {

enum class ProtocolKind : std::uint8_t {
  kLeaveOneOut,  ///< the user's last event is the test, the one before it the validation
  kLastBasket,   ///< the user's last basket is the test, the one before it the validation
  kTimeSplit,    ///< what happens from a moment on is the test, a window before it the validation
  kLabelled,     ///< each event, or each shown item, is a row with a label (labelled_set.h)
};
/// "leave_one_out", "last_basket", "time_split", "labelled".
std::string_view ProtocolKindName(ProtocolKind kind);

/// May an item of the history be recommended again?
enum class HistoryRule : std::uint8_t {
  kFiltered,  ///< no: history items are no candidates, and a target that stands there is dropped
  kKept,      ///< yes: repeats count
};
/// "filtered", "kept".
std::string_view HistoryRuleName(HistoryRule rule);

/// What one unit of an item's popularity is; the vocabulary is numbered by it, and ties follow it.
enum class PopularityUnit : std::uint8_t { kUsers, kBaskets, kEvents };
std::string_view PopularityUnitName(PopularityUnit unit);

/// What one step of a history place's age is.
enum class AgeUnit : std::uint8_t { kPosition, kBasket, kDay };
/// As FeatureSpec's option `unit` spells it: "position", "basket", "day".
std::string_view AgeUnitName(AgeUnit unit);

/// Rows whose 0-based place leaves `remainder` when divided by `modulus`; none where that is 0.
struct IndexRule {
  std::uint32_t modulus = 0;
  std::uint32_t remainder = 0;
  [[nodiscard]] bool given() const { return modulus > 0; }
  [[nodiscard]] bool Holds(std::size_t place) const {
    return given() && place % modulus == remainder;
  }
  friend bool operator==(const IndexRule&, const IndexRule&) = default;
};
/// "index mod 5 = 4". Errors: kInvalidArgument (says what was expected).
Result<IndexRule> ParseIndexRule(std::string_view text);

/// What the rows of a labelled protocol are.
enum class RowSource : std::uint8_t {
  kEvents,  ///< each event that is read
  kShown,   ///< each item of each answer, whatever followed (shown_set.h)
};

/// Which contexts tell how often a place is looked at (feedback/position_bias.h); kNone: no weights.
enum class PlaceBias : std::uint8_t { kNone, kShopperItem, kItem, kRandomised };
/// "none", "shopper_item", "item", "randomised".
std::string_view PlaceBiasName(PlaceBias bias);

/// labelled, rows = "shown".
struct ShownOptions {
  std::string scene;          ///< answers of this one only; empty: of all
  double click_minutes = 30;  ///< how long after it a click, view, like, dwell, hide is an answer's
  double purchase_hours = 24;  ///< a cart, favourite, purchase, share, rating
  PlaceBias position_bias = PlaceBias::kNone;
  double position_clip = 10;  ///< the largest weight; 1 or more
  friend bool operator==(const ShownOptions&, const ShownOptions&) = default;
};

/// A named subset of the cases. `where` is a predicate, see predicate.h.
struct SliceDef {
  std::string name;
  std::string where;
  friend bool operator==(const SliceDef&, const SliceDef&) = default;
};

/// The most slices of a protocol: a case holds them as bits.
inline constexpr std::size_t kMaxSlices = 63;

struct Protocol {
  std::string name;
  ProtocolKind kind = ProtocolKind::kLeaveOneOut;
  HistoryRule history = HistoryRule::kFiltered;
  std::vector<int> ks = {5, 10, 20};  ///< rising, distinct, 1 .. 1000
  /// Event types that are read at all; empty: every type that names items, impressions left out.
  std::set<EventType> events;
  /// Event types that can be a target; empty: all that are read.
  std::set<EventType> target_events;
  /// leave_one_out: a user with fewer target events is learnt from, never evaluated. At least 2.
  int minimum_length = 3;
  /// last_basket: the same for baskets. At least 2.
  int minimum_baskets = 3;
  /// A second row of an item within a basket counts as none, in training and in histories.
  bool distinct_in_basket = false;
  /// time_split: length of the test window at the log's end and of the validation window before it.
  double test_days = 7;
  double validation_days = 7;
  /// labelled: the share of the rows, oldest first, that ends in the test part, and the one before it.
  double test_share = 0.1;
  double validation_share = 0.1;
  /// labelled: which rows by their place, instead of the shares.
  IndexRule test_rows;
  IndexRule validation_rows;
  RowSource rows = RowSource::kEvents;
  ShownOptions shown;
  /// What the test figures are fitted on: training and validation parts, or training alone.
  bool fit_validation_for_test = true;
  /// Vocabulary: every item of the snapshot and its catalogue, or only items of the fitted rows.
  bool whole_catalogue = true;
  PopularityUnit popularity = PopularityUnit::kUsers;
  AgeUnit age = AgeUnit::kPosition;
  std::vector<SliceDef> slices;
  friend bool operator==(const Protocol&, const Protocol&) = default;
};

/// Ranges and names of every field, and that every slice predicate parses.
/// Errors: kInvalidArgument (names the field; for a predicate the column).
Status CheckProtocol(const Protocol& protocol);

}  // namespace vitrine::evaluate
