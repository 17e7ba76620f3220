/// A rule that watches a signal, as a value.
/// Threads: values.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "monitor/alerts/signal.h"

namespace vitrine::monitor {

enum class Severity : std::uint8_t { kWarning, kCritical };
std::string_view SeverityName(Severity severity);

/// Which side of the bounds is bad.
enum class Side : std::uint8_t { kAbove, kBelow };
std::string_view SideName(Side side);

/// What a value is held against.
enum class Against : std::uint8_t {
  kBounds,    ///< "bounds": the value itself
  kLastDay,   ///< "last_day": value / value of the same time yesterday - 1
  kLastWeek,  ///< "last_week": the same, a week before
};
std::string_view AgainstName(Against against);

struct AlertRule {
  std::string name;    ///< distinct; letters, digits, - and _
  std::string signal;  ///< of SignalDefs()
  Labels where;        ///< only series with these labels; empty: all of the signal
  Side side = Side::kAbove;
  Against against = Against::kBounds;
  std::optional<double> warning;   ///< bad from it on; one of the two is given
  std::optional<double> critical;  ///< bad from it on, and worse
  /// Good again only from it on: between it and `warning` an alert stays as it is. Unset: the milder bound.
  std::optional<double> recovery;
  std::chrono::seconds bad_for{60};    ///< pending for that long before it fires
  std::chrono::seconds good_for{120};  ///< good for that long before it is resolved
  double least_rows = 0;               ///< values on fewer observations say nothing
  int priority = 3;                    ///< 1 first, 5 last
  bool rests_in_sales =
      false;  ///< a shift that a declared sale explains: noted, and nobody is called
  bool enabled = true;
  std::vector<std::string> channels;  ///< by name; empty: the default ones
  std::string runbook;                ///< what to do, for the reader of the message
  std::string runbook_zh;
  friend bool operator==(const AlertRule&, const AlertRule&) = default;
};

/// Errors: kInvalidArgument (names the rule, the field, and what would do).
Status Validate(const AlertRule& rule);

/// How bad a value is; none where it is good. `value` as AlertRule::against says.
std::optional<Severity> Judge(const AlertRule& rule, double value);
/// Whether an alert that is there may end at this value.
bool Recovered(const AlertRule& rule, double value);
/// True where the series has every label of `where`.
bool Matches(const Labels& where, const Labels& series);

/// What watches a shop before anybody has written a rule.
std::vector<AlertRule> DefaultAlertRules();

}  // namespace vitrine::monitor
