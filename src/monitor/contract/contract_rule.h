/// A data contract: what the rows that come in keep to, as rules with tolerances. It is learned from
/// the lake, edited by people, kept in numbered versions, and held against every hour and day that
/// comes in and against files. What a snapshot's own contract.json says is measured of one snapshot;
/// this one is what is promised.
/// Threads: values.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "core/time.h"
#include "data/lake_manifest.h"

namespace vitrine::monitor {

inline constexpr int kDataContractFormat = 1;
inline constexpr std::size_t kHoursOfWeek = 168;

/// What a rule counts. A row is one item line of an event, or an event without items.
enum class ContractKind : std::uint8_t {
  kMissing,         ///< share of rows without `field`
  kRange,           ///< share of rows whose `field` is below `at_least` or above `at_most`
  kMean,            ///< geometric mean of `field` where it is above 0
  kDigits,          ///< share of ids in `field` that are not all digits
  kValues,          ///< share of rows whose `field` is none of `values`
  kValueShare,      ///< share of rows whose `field` is the one of `values`
  kVolume,          ///< rows, against the hours of a week
  kSilence,         ///< longest time between two rows, seconds
  kDuplicates,      ///< share of rows that equal an earlier one, or whose event_id was there
  kKnownItems,      ///< share of rows whose item the catalogue lacks
  kKnownUsers,      ///< share of rows whose user the table of users lacks
  kPriceAgrees,     ///< share of rows whose price is not within half and twice the catalogue's
  kCurrencyAgrees,  ///< share of rows whose currency is not the catalogue's
  kFuture,          ///< share of rows dated more than `margin_seconds` after they came
  kRefused,         ///< share of rows that were refused: hard types, missing ids, broken rows
};
inline constexpr std::size_t kContractKinds = 15;
std::string_view ContractKindName(ContractKind kind);
/// Share kinds count hits among rows; the others are kMean, kVolume and kSilence.
bool IsShare(ContractKind kind);

struct ContractRule;
/// True where rows that break the rule cannot be right, so that nothing should be learnt from them; false where
/// shoppers, or who sends, may just do something else than before: how much comes, the mix of events, places, users.
bool SaysRowsAreWrong(const ContractRule& rule);

enum class Grain : std::uint8_t { kHour, kDay };
std::string_view GrainName(Grain grain);

/// Where the window's true value may lie. Of kVolume: the factor to what the pattern expects.
struct Tolerance {
  double low = 0;
  double high = 0;
  /// Rows of a usual window; in a smaller one the way from `expected` to a bound that is not pinned
  /// is longer by sqrt(rows / its rows), since rows come in visits. 0: no such allowance.
  double rows = 0;
  friend bool operator==(const Tolerance&, const Tolerance&) = default;
};

struct ContractRule {
  std::string id;  ///< "purchase.price.missing"; made of kind, event and field
  ContractKind kind = ContractKind::kMissing;
  std::string event;                ///< canonical name; empty: rows of every event
  std::string field;                ///< of EventFieldOf
  std::vector<std::string> values;  ///< sorted
  std::optional<double> at_least;   ///< kRange
  std::optional<double> at_most;    ///< kRange
  double margin_seconds = 0;        ///< kFuture
  double deviation = 0;             ///< kMean: standard deviation of the logarithms in a window
  double expected = 0;              ///< share, mean, seconds, or rows a day
  std::vector<double> pattern;  ///< kVolume: rows expected in each hour of a week, UTC, from Monday
  double repeats = 0;           ///< kVolume: windows that each number of the pattern rests on
  std::optional<Tolerance> hour;  ///< none: hours are not judged by it
  std::optional<Tolerance> day;
  bool enabled = true;
  std::string origin = "learned";  ///< "learned", "standard" (not from data), "person"
  /// What a person has set and learning leaves alone: names of fields, "day.high", "values", ...
  std::vector<std::string> pinned;
  friend bool operator==(const ContractRule&, const ContractRule&) = default;

  [[nodiscard]] bool Pinned(std::string_view name) const;
  [[nodiscard]] const std::optional<Tolerance>& Of(Grain grain) const {
    return grain == Grain::kHour ? hour : day;
  }
};

struct LearnedFrom {
  std::string source;  ///< "lake:000003-...@2026-03-01..2026-04-01"
  Micros from, until;
  std::uint64_t days = 0, hours = 0, rows = 0;
  friend bool operator==(const LearnedFrom&, const LearnedFrom&) = default;
};

struct DataContract {
  /// The chance that a window (an hour, a day) in which nothing has changed breaks any rule.
  double alpha = 0.01;
  LearnedFrom learned;
  /// Columns of the sources, by mapping and table: "online-retail/events".
  std::map<std::string, std::vector<data::SourceColumn>, std::less<>> columns;
  std::vector<ContractRule> rules;  ///< sorted by id
  friend bool operator==(const DataContract&, const DataContract&) = default;

  [[nodiscard]] const ContractRule* Find(std::string_view id) const;
  /// The chance of one rule: alpha shared by those that are on at this grain.
  [[nodiscard]] double RuleAlpha(Grain grain) const;
};

/// Hour of the week, 0 to 167, UTC, Monday first.
std::size_t HourOfWeek(Micros time);
/// What a rule of kVolume expects in the window that begins at `from`.
double ExpectedRows(const ContractRule& rule, Grain grain, Micros from);

/// Names of the fields that a person may set and pin.
const std::vector<std::string>& PinnableFields();

}  // namespace vitrine::monitor
