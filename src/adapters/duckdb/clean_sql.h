/// Cleaning rules as SQL over raw event rows. Which rows a rule matches is decided for all rows at
/// once; tables of duplicates, bots, bounds and known ids are made first.
/// Threads: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/time.h"
#include "data/rules.h"

namespace vitrine::duckdb {

struct CleanInput {
  std::vector<std::string> raw;        ///< paths of the raw parts to judge
  std::vector<std::string> earlier;    ///< cleaned parts of the parent: their rows count as seen
  std::vector<std::string> catalogue;  ///< raw parts of items; empty: no orphan check
  std::vector<std::string> users;
  std::vector<data::Rule> rules;
  Micros as_of;
  /// "" for raw parts; for replays: a condition on quarantined rows.
  std::string where;
};

/// A statement to run, and what it prepares (for messages).
struct Statement {
  std::string what;
  std::string sql;
};

/// Makes the table `judged`: the rows with `k` (their order), `subject`, `matched` (bit i: rule i
/// matches), `removed_by` (number of the rule that removes the row, or NULL).
std::vector<Statement> JudgeSql(const CleanInput& input);

/// Columns of a cleaned row, in the order of its files.
const std::string& CleanColumns();

/// SELECT of one row: rows, then for each rule matched, removed.
std::string CountSql(const std::vector<data::Rule>& rules);

/// SELECT of a few rows that a rule matches, as JSON texts.
std::string SampleSql(std::size_t rule, std::size_t limit);

/// Why the rule is not applied to this input; empty where it is.
std::string NotApplied(const data::Rule& rule, const CleanInput& input);

/// The name of the event as text: a CASE over `type`, else `event_name`.
std::string EventNameSql();

}  // namespace vitrine::duckdb
