/// Learns a contract: which rules, then how far a window may be from what is expected. A tolerance
/// has two parts. How far the true value of a window strays is learned from how windows differed
/// beyond what their rows explain (the method of moments, Student's t over the days), with the error
/// of the estimate itself; it is in the rule. What a window's own rows leave open is added when it is
/// judged (judge_contract.h).
/// Threads: pure functions.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/status.h"
#include "monitor/contract/contract_rule.h"
#include "monitor/contract/event_fields.h"
#include "monitor/contract/window_counts.h"

namespace vitrine::monitor {

/// A field over all rows that are learned from.
struct FieldFacts {
  EventField field = EventField::kUser;
  double present = 0;  ///< rows that have it
  double positive = 0;
  double low = 0, high = 0;  ///< numbers: quantiles 0.001 and 0.999
  double digits = 0;         ///< ids: those that are all digits
  /// Rows by value, where there are at most kMostLevels; else empty.
  std::map<std::string, double, std::less<>> levels;
};
inline constexpr std::size_t kMostLevels = 32;

struct EventFacts {
  std::string event;  ///< empty: all rows
  double rows = 0;
  std::vector<FieldFacts> fields;
};

struct FeedFacts {
  std::vector<EventFacts> events;
  bool catalogue = false, users = false;
  bool ordinal = false;  ///< times are orders: nothing by time is learned
  LearnedFrom from;
  std::map<std::string, std::vector<data::SourceColumn>, std::less<>> columns;
};

/// The rules worth having, without tolerances, in the order of their ids; what a person has pinned
/// of `current` (null: there is none) is in them, and so are a person's own rules.
DataContract ProposeContract(const FeedFacts& facts, const DataContract* current);

/// Fills in expectations and tolerances from the hours in which the proposed rules were counted:
/// every hour of the range, empty ones too. Pinned fields stay. A rule that fewer than
/// kLeastWindows windows say something about is not judged at that grain.
/// Errors: kFailedPrecondition (fewer than kLeastDays whole days).
Status FitContract(const std::vector<ContractWindow>& hours, DataContract& contract);
inline constexpr std::size_t kLeastDays = 5;
inline constexpr std::size_t kLeastWindows = 3;

/// `learned` with what a person has pinned in `current`: the same a second time.
void KeepPinned(const DataContract& current, DataContract& learned);

}  // namespace vitrine::monitor
