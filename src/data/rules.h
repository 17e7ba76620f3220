/// Cleaning rules: what a mapping says of bad rows. Rules stand in order; a row is removed by the
/// first dropping rule that matches it, and counted as matched by each rule that does.
/// Threads: values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "data/predicate.h"

namespace vitrine::data {

enum class RuleKind : std::uint8_t {
  kWhere,            ///< `test` holds
  kMissing,          ///< the field is empty; may be filled instead of dropped
  kUnknownEvent,     ///< the event's name is neither ours nor in the mapping
  kMissingUser,      ///< neither user_id nor anonymous_id
  kMissingItem,      ///< an event that names items, without one
  kImpossibleTime,   ///< no time, before 1990 or after 2200
  kFutureTime,       ///< later than the run's as_of by more than `window_seconds`
  kRepeatedEventId,  ///< an event_id of the source a second time; always dropped
  kExactDuplicate,   ///< a row without event_id that equals an earlier one in every column
  kNearDuplicate,    ///< same user, item and event again within `window_seconds`
  kOutlier,          ///< robust z above `threshold`, or outside the quantiles
  kOrphanItem,       ///< an item id that the catalogue does not have
  kOrphanUser,       ///< a user id that the table of users does not have
  kBot,              ///< a user with more events in an hour or a day than a person makes
};
std::string_view RuleKindName(RuleKind kind);
std::optional<RuleKind> ParseRuleKind(std::string_view name);

enum class RuleAction : std::uint8_t {
  kOff,
  kDrop,     ///< to quarantine
  kFlag,     ///< kept, counted, marked in the row's `flags`
  kDefault,  ///< kMissing: set to `value`
  kFill,     ///< kMissing: median (numbers) or most frequent value (text) of the item, else of all
};
std::string_view RuleActionName(RuleAction action);
std::optional<RuleAction> ParseRuleAction(std::string_view name);

struct Rule {
  std::string name;  ///< what the report calls it; unique in a mapping
  RuleKind kind = RuleKind::kWhere;
  RuleAction action = RuleAction::kDrop;
  FieldTest test;             ///< kWhere
  std::string field;          ///< kMissing, kOutlier
  std::string value;          ///< kDefault
  double window_seconds = 0;  ///< kNearDuplicate, kFutureTime
  double threshold = 0;       ///< kOutlier: robust z = |x - median| / (1.4826 MAD); 0: not used
  double low = 0, high = 1;   ///< kOutlier: quantiles; 0 and 1: not used
  std::string by;             ///< kOutlier: "item_id" compares within each item
  std::int64_t per_hour = 0;  ///< kBot: 0 no limit
  std::int64_t per_day = 0;
  friend bool operator==(const Rule&, const Rule&) = default;
};

/// At most this many rules in one mapping: their matches are bits of one number.
inline constexpr std::size_t kMaxRules = 60;

/// The rules of a mapping that says nothing: every kind but kWhere once, with careful actions.
const std::vector<Rule>& DefaultRules();

/// True where the rule needs real time.
bool NeedsTime(const Rule& rule);

/// The mapping's own rules in their order, then the default ones whose names they do not have;
/// kRepeatedEventId is always among them. `time_is_ordinal` leaves the default rules by time out.
/// Errors: kInvalidArgument: two rules of one name, too many, an own rule by time on ordinal time,
///         or a rule that lacks what its kind needs.
Result<std::vector<Rule>> CompleteRules(std::vector<Rule> own, bool with_defaults,
                                        bool time_is_ordinal);

/// Fields of an event row that rules may test, and which of them are numbers.
bool IsEventField(std::string_view name);
bool IsNumericEventField(std::string_view name);
const std::vector<std::string>& EventFieldNames();

/// "drop rows where quantity at_most 0", for reports.
std::string Describe(const Rule& rule);

}  // namespace vitrine::data
