#include "adapters/duckdb/clean_sql.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "adapters/duckdb/database.h"
#include "adapters/duckdb/field_sql.h"
#include "core/event.h"
#include "data/timestamp.h"

namespace vitrine::duckdb {
namespace {

using data::Rule;
using data::RuleAction;
using data::RuleKind;

constexpr std::int64_t kHour = 3600 * kMicrosPerSecond;

int Number(EventType type) { return static_cast<int>(type); }

std::string Parquet(const std::vector<std::string>& paths) {
  return fmt::format("read_parquet({}, union_by_name = true)", QuotedList(paths));
}

bool Repairs(const Rule& rule) {
  return rule.action == RuleAction::kDefault || rule.action == RuleAction::kFill;
}

bool Uses(const CleanInput& input, RuleKind kind) {
  return std::any_of(input.rules.begin(), input.rules.end(), [&](const Rule& rule) {
    return rule.kind == kind && NotApplied(rule, input).empty();
  });
}

/// A field of a raw row as a text expression, and as it is.
std::string FieldText(const std::string& field) {
  return field == "event"                   ? EventNameSql()
         : data::IsNumericEventField(field) ? field + "::VARCHAR"
                                            : field;
}
std::string FieldValue(const std::string& field) {
  return field == "event" ? EventNameSql() : field;
}

/// Raw rows with `k` and `subject`; the first view of all.
std::string RawView(const CleanInput& input) {
  return fmt::format(
      "CREATE OR REPLACE TEMP VIEW raw AS SELECT *, (part::BIGINT << 44) + (row << 12) + line AS "
      "k, "
      "coalesce(user_id, anonymous_id) AS subject FROM {} WHERE {}",
      Parquet(input.raw),
      input.where.empty() ? "reject IS NULL AND ignored IS NOT TRUE" : input.where);
}

/// The value that a repairing rule sets: a constant, or what is usual for the item and for all.
Statement FillTable(std::size_t i, const Rule& rule) {
  const std::string usual = data::IsNumericEventField(rule.field) ? "median" : "mode";
  return {
      rule.name,
      fmt::format("CREATE OR REPLACE TEMP TABLE fill_{0} AS SELECT item_id, {1}({2}) AS value FROM "
                  "raw WHERE {2} IS NOT NULL AND item_id IS NOT NULL GROUP BY GROUPING SETS "
                  "((item_id), ())",
                  i, usual, rule.field)};
}

/// `repaired`: raw rows with filled values; missing_<i> says where rule i filled.
std::string RepairedView(const CleanInput& input) {
  std::string replace, missing, joins;
  for (std::size_t i = 0; i < input.rules.size(); ++i) {
    const Rule& rule = input.rules[i];
    if (rule.kind != RuleKind::kMissing || !Repairs(rule)) {
      continue;
    }
    const std::string cast = data::IsNumericEventField(rule.field)
                                 ? fmt::format("TRY_CAST({} AS DOUBLE)", Quoted(rule.value))
                                 : Quoted(rule.value);
    const std::string value =
        rule.action == RuleAction::kDefault
            ? cast
            : fmt::format("fill_{0}.value, (SELECT value FROM fill_{0} WHERE item_id IS NULL)", i);
    if (rule.action == RuleAction::kFill) {
      joins += fmt::format(" LEFT JOIN fill_{0} ON fill_{0}.item_id = raw.item_id", i);
    }
    const std::string type = rule.field == "position" ? "::INTEGER"
                             : rule.field == "ts"     ? "::BIGINT"
                                                      : "";
    replace += fmt::format("{}coalesce(raw.{}, {}){} AS {}", replace.empty() ? "" : ", ",
                           rule.field, value, type, rule.field);
    missing += fmt::format(", raw.{} IS NULL AS missing_{}", rule.field, i);
  }
  return fmt::format("CREATE OR REPLACE TEMP VIEW repaired AS SELECT raw.*{}{} FROM raw{}",
                     replace.empty() ? "" : " REPLACE (" + replace + ")", missing, joins);
}

/// Rows whose content was seen before: `first` is where, -1 in an earlier snapshot.
std::string DuplicatesTable(const CleanInput& input) {
  std::string earlier;
  if (!input.earlier.empty()) {
    earlier = fmt::format(
        " UNION ALL SELECT DISTINCT content, -1 AS first FROM {} SEMI JOIN raw USING "
        "(content)",
        Parquet(input.earlier));
  }
  return fmt::format(
      "CREATE OR REPLACE TEMP TABLE duplicates AS SELECT content, min(first) AS first FROM (SELECT "
      "content, min(k) AS first FROM raw GROUP BY content HAVING count(*) > 1{}) GROUP BY content",
      earlier);
}

std::string BotsTable(std::size_t i, const Rule& rule) {
  std::string parts;
  for (const auto& [limit, width] :
       {std::pair(rule.per_hour, kHour), std::pair(rule.per_day, kMicrosPerDay)}) {
    if (limit > 0) {
      parts += fmt::format(
          "{}SELECT subject FROM raw WHERE subject IS NOT NULL AND ts IS NOT NULL AND "
          "NOT ordinal AND line = 0 AND type <> {} GROUP BY subject, ts // {} HAVING "
          "count(*) > {}",
          parts.empty() ? "" : " UNION ", Number(EventType::kImpression), width, limit);
    }
  }
  return fmt::format(
      "CREATE OR REPLACE TEMP TABLE bots_{} AS SELECT DISTINCT subject AS bot FROM ({})", i, parts);
}

/// Middle and spread (or low and high) of a field, of all rows or by item.
std::vector<Statement> BoundsTables(std::size_t i, const Rule& rule) {
  const std::string group = rule.by.empty() ? "" : " GROUP BY item_id";
  const std::string key = rule.by.empty() ? "" : "item_id AS of_item, ";
  const std::string from = fmt::format("FROM raw WHERE {} IS NOT NULL", rule.field);
  if (rule.threshold <= 0) {
    return {
        {rule.name,
         fmt::format("CREATE OR REPLACE TEMP TABLE bounds_{0} AS SELECT {1}quantile_cont({2}, {3}) "
                     "AS low, quantile_cont({2}, {4}) AS high {5}{6}",
                     i, key, rule.field, rule.low, rule.high, from, group)}};
  }
  const std::string join = rule.by.empty() ? "CROSS JOIN" : "JOIN";
  const std::string on = rule.by.empty() ? "" : " ON of_item = item_id";
  return {
      {rule.name,
       fmt::format("CREATE OR REPLACE TEMP TABLE middle_{} AS SELECT {}median({}) AS m {}{}", i,
                   key, rule.field, from, group)},
      {rule.name,
       fmt::format(
           "CREATE OR REPLACE TEMP TABLE bounds_{0} AS SELECT {1}CASE WHEN s > 0 THEN m - {2} * "
           "s END AS low, CASE WHEN s > 0 THEN m + {2} * s END AS high FROM (SELECT {1}any_value("
           "m) AS m, 1.4826 * median(abs({3} - m)) AS s FROM raw {4} middle_{0}{5} WHERE {3} IS "
           "NOT NULL{6})",
           i, key, rule.threshold, rule.field, join, on, group)}};
}

std::string KnownIdsTable(const char* name, const std::vector<std::string>& paths) {
  return fmt::format(
      "CREATE OR REPLACE TEMP TABLE {} AS SELECT DISTINCT id FROM {} WHERE reject IS NULL", name,
      Parquet(paths));
}

/// Whether rule i matches the row; never NULL.
std::string MatchSql(const CleanInput& input, std::size_t i) {
  const Rule& rule = input.rules[i];
  if (!NotApplied(rule, input).empty()) {
    return "false";
  }
  switch (rule.kind) {
    case RuleKind::kWhere:
      return TestSql(rule.test, FieldText(rule.test.field));
    case RuleKind::kMissing:
      return Repairs(rule) ? fmt::format("missing_{}", i)
                           : fmt::format("{} IS NULL", FieldValue(rule.field));
    case RuleKind::kUnknownEvent:
      return "type IS NULL";
    case RuleKind::kMissingUser:
      return "subject IS NULL";
    case RuleKind::kMissingItem:
      return fmt::format("coalesce(item_id IS NULL AND type NOT IN ({}, {}), false)",
                         Number(EventType::kSearch), Number(EventType::kIdentify));
    case RuleKind::kImpossibleTime:
      return fmt::format("NOT ordinal AND (ts IS NULL OR ts < {} OR ts >= {})",
                         data::kEarliestTime.value, data::kLatestTime.value);
    case RuleKind::kFutureTime:
      return fmt::format(
          "NOT ordinal AND coalesce(ts > {}, false)",
          input.as_of.value + static_cast<std::int64_t>(rule.window_seconds * kMicrosPerSecond));
    case RuleKind::kRepeatedEventId:
      return "own_id AND coalesce(k > duplicates.first, false)";
    case RuleKind::kExactDuplicate:
      return "NOT own_id AND coalesce(k > duplicates.first, false)";
    case RuleKind::kNearDuplicate:
      return "false";  // a window over rows: NearSql
    case RuleKind::kOutlier:
      return fmt::format("coalesce({0} < bounds_{1}.low OR {0} > bounds_{1}.high, false)",
                         rule.field, i);
    case RuleKind::kOrphanItem:
      return "item_id IS NOT NULL AND known_items.id IS NULL";
    case RuleKind::kOrphanUser:
      return "user_id IS NOT NULL AND known_users.id IS NULL";
    case RuleKind::kBot:
      return fmt::format("bots_{}.bot IS NOT NULL", i);
  }
  return "false";
}

std::string Joins(const CleanInput& input) {
  std::string out;
  if (Uses(input, RuleKind::kExactDuplicate) || Uses(input, RuleKind::kRepeatedEventId)) {
    out += " LEFT JOIN duplicates USING (content)";
  }
  if (Uses(input, RuleKind::kOrphanItem)) {
    out += " LEFT JOIN known_items ON known_items.id = item_id";
  }
  if (Uses(input, RuleKind::kOrphanUser)) {
    out += " LEFT JOIN known_users ON known_users.id = user_id";
  }
  for (std::size_t i = 0; i < input.rules.size(); ++i) {
    const Rule& rule = input.rules[i];
    if (!NotApplied(rule, input).empty()) {
      continue;
    }
    if (rule.kind == RuleKind::kBot) {
      out += fmt::format(" LEFT JOIN bots_{0} ON bots_{0}.bot = subject", i);
    } else if (rule.kind == RuleKind::kOutlier) {
      out += rule.by.empty()
                 ? fmt::format(" CROSS JOIN bounds_{}", i)
                 : fmt::format(" LEFT JOIN bounds_{0} ON bounds_{0}.of_item = item_id", i);
    }
  }
  return out;
}

/// Near duplicates are looked for among all rows (matched) and among those that nothing else removes
/// (removed): a row must not fall for the likeness to one that is gone.
std::string NearSql(const CleanInput& input, const std::string& first) {
  std::string matched = "matched", removed = "removed_by";
  for (std::size_t i = 0; i < input.rules.size(); ++i) {
    const Rule& rule = input.rules[i];
    if (rule.kind != RuleKind::kNearDuplicate || !NotApplied(rule, input).empty()) {
      continue;
    }
    const auto near = [&](const char* among) {
      return fmt::format(
          "coalesce(NOT ordinal AND own_near AND ts - lag(ts) OVER (PARTITION BY subject, "
          "item_id, type, line{} ORDER BY ts, k) <= {}, false)",
          among, static_cast<std::int64_t>(rule.window_seconds * kMicrosPerSecond));
    };
    matched +=
        fmt::format(" | CASE WHEN {} THEN {} ELSE 0 END::UBIGINT", near(""), std::uint64_t{1} << i);
    if (rule.action == RuleAction::kDrop) {
      removed = fmt::format("coalesce({}, CASE WHEN {} THEN {} END)", removed,
                            near(", removed_by IS NULL"), i);
    }
  }
  return fmt::format(
      "SELECT * EXCLUDE (own_near) REPLACE ({} AS matched, {} AS removed_by) FROM (SELECT *, "
      "subject IS "
      "NOT NULL AND item_id IS NOT NULL AS own_near FROM ({}))",
      matched, removed, first);
}

std::string JudgedTable(const CleanInput& input) {
  std::string bits, first;
  for (std::size_t i = 0; i < input.rules.size(); ++i) {
    const std::string match = MatchSql(input, i);
    if (match == "false") {
      continue;
    }
    bits += fmt::format("{}CASE WHEN {} THEN {} ELSE 0 END::UBIGINT", bits.empty() ? "" : "\n  | ",
                        match, std::uint64_t{1} << i);
    if (input.rules[i].action == RuleAction::kDrop) {
      first += fmt::format(" WHEN matched & {} <> 0 THEN {}", std::uint64_t{1} << i, i);
    }
  }
  std::string missing;
  for (std::size_t i = 0; i < input.rules.size(); ++i) {
    if (input.rules[i].kind == RuleKind::kMissing && Repairs(input.rules[i])) {
      missing += fmt::format("{}missing_{}", missing.empty() ? "" : ", ", i);
    }
  }
  std::string rows = fmt::format(
      "SELECT *, {} AS removed_by FROM (SELECT repaired.*{}, {} AS matched FROM repaired{})",
      first.empty() ? "NULL::INTEGER" : "CASE" + first + " END",
      missing.empty() ? "" : " EXCLUDE (" + missing + ")", bits.empty() ? "0::UBIGINT" : bits,
      Joins(input));
  if (Uses(input, RuleKind::kNearDuplicate)) {
    rows = NearSql(input, rows);
  }
  return "CREATE OR REPLACE TEMP TABLE judged AS " + rows;
}

}  // namespace

std::string EventNameSql() {
  std::string names;
  for (int i = 0; i < kEventTypes; ++i) {
    names += fmt::format("{}'{}'", i == 0 ? "" : ", ", EventName(static_cast<EventType>(i)));
  }
  return fmt::format("coalesce([{}][type + 1], event_name)", names);
}

std::string NotApplied(const Rule& rule, const CleanInput& input) {
  if (rule.action == RuleAction::kOff) {
    return "off";
  }
  if (rule.kind == RuleKind::kOrphanItem && input.catalogue.empty()) {
    return "not applied: there is no catalogue";
  }
  if (rule.kind == RuleKind::kOrphanUser && input.users.empty()) {
    return "not applied: there is no table of users";
  }
  return "";
}

std::vector<Statement> JudgeSql(const CleanInput& input) {
  std::vector<Statement> out = {{"reading the raw parts", RawView(input)}};
  for (std::size_t i = 0; i < input.rules.size(); ++i) {
    const Rule& rule = input.rules[i];
    if (rule.kind == RuleKind::kMissing && rule.action == RuleAction::kFill) {
      out.push_back(FillTable(i, rule));
    }
  }
  out.push_back({"repairing", RepairedView(input)});
  if (Uses(input, RuleKind::kExactDuplicate) || Uses(input, RuleKind::kRepeatedEventId)) {
    out.push_back({"looking for duplicates", DuplicatesTable(input)});
  }
  if (Uses(input, RuleKind::kOrphanItem)) {
    out.push_back({"reading the catalogue's ids", KnownIdsTable("known_items", input.catalogue)});
  }
  if (Uses(input, RuleKind::kOrphanUser)) {
    out.push_back({"reading the users' ids", KnownIdsTable("known_users", input.users)});
  }
  for (std::size_t i = 0; i < input.rules.size(); ++i) {
    const Rule& rule = input.rules[i];
    if (!NotApplied(rule, input).empty()) {
      continue;
    }
    if (rule.kind == RuleKind::kBot) {
      out.push_back({rule.name, BotsTable(i, rule)});
    } else if (rule.kind == RuleKind::kOutlier) {
      for (Statement& statement : BoundsTables(i, rule)) {
        out.push_back(std::move(statement));
      }
    }
  }
  out.push_back({"judging the rows", JudgedTable(input)});
  return out;
}

const std::string& CleanColumns() {
  static const std::string columns =
      "part, row, line, event_id, own_id, type, event_name, user_id, anonymous_id, item_id, ts, "
      "quantity, price, position, currency, order_id, scene, request_id, query, experiment, "
      "seconds, "
      "rating, replaces, ordinal, content";
  return columns;
}

std::string CountSql(const std::vector<Rule>& rules) {
  std::string out = "SELECT count(*), count(*) FILTER (removed_by IS NOT NULL)";
  for (std::size_t i = 0; i < rules.size(); ++i) {
    out += fmt::format(", count(*) FILTER (matched & {} <> 0), count(*) FILTER (removed_by = {})",
                       std::uint64_t{1} << i, i);
  }
  return out + " FROM judged";
}

std::string SampleSql(std::size_t rule, std::size_t limit) {
  return fmt::format(
      "SELECT json_merge_patch('{{}}', json_object('part', part, 'row', row, 'event', {}, "
      "'user_id', "
      "user_id, 'anonymous_id', anonymous_id, 'item_id', item_id, 'ts', CASE WHEN NOT ordinal THEN "
      "strftime(make_timestamp(ts), '%Y-%m-%dT%H:%M:%SZ') END, 'quantity', quantity, 'price', "
      "price, "
      "'order_id', order_id))::VARCHAR FROM judged WHERE matched & {} <> 0 ORDER BY k LIMIT {}",
      EventNameSql(), std::uint64_t{1} << rule, limit);
}

}  // namespace vitrine::duckdb
