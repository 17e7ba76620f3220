/// What the rules of a data contract count, as SQL over the table contract_rows.
/// Threads: pure functions.
#pragma once

#include <string>
#include <vector>

#include "monitor/contract/contract_rule.h"
#include "monitor/contract/window_counts.h"

namespace vitrine::duckdb {

/// Where the raw rows and the catalogue lie. Lists may be empty but `events`.
struct ContractInput {
  std::vector<std::string> events, items, users;  ///< paths of raw parts
  Micros from, until;                             ///< 0: open
};

/// Makes contract_rows: a row that was taken, with `hour`, `event`, `dup`, `gap` (seconds since the
/// row before), `item_known`, `listed_price`, `listed_currency`, `user_known`.
std::string ContractRowsSql(const ContractInput& input);

/// Conditions of the rows that a rule is about, and of those that it counts among them.
struct RuleSql {
  std::string about = "true";
  std::string hit = "false";
};
RuleSql SqlOf(const monitor::ContractRule& rule);

/// Which number of RuleCounts a column of CountSql is.
struct CountColumn {
  std::size_t rule = 0;
  double monitor::RuleCounts::* number = nullptr;
};
/// SELECT hour, numbers... by hour. `columns` says what they are.
std::string CountSql(const monitor::DataContract& contract, std::vector<CountColumn>& columns);

/// SELECT of facts, by event and (event NULL) of all: rows, then FieldNumbers() for each field.
std::string FactsSql();
/// Fields in the order of FactsSql; each has present, positive, low, high, digits.
const std::vector<std::string>& FactFields();

/// A row as a text for people.
std::string ExampleSql();

}  // namespace vitrine::duckdb
