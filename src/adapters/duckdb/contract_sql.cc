#include "adapters/duckdb/contract_sql.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "adapters/duckdb/clean_sql.h"
#include "adapters/duckdb/database.h"
#include "core/event.h"
#include "monitor/contract/event_fields.h"

namespace vitrine::duckdb {
namespace {

using monitor::ContractKind;
using monitor::ContractRule;
using monitor::RuleCounts;

constexpr std::string_view kDigits = "'[0-9]+'";

std::string Parquet(const std::vector<std::string>& paths) {
  return fmt::format("read_parquet({}, union_by_name = true)", QuotedList(paths));
}

/// A newest row of each id at each moment; none where there is no catalogue.
std::string CatalogueSql(const std::vector<std::string>& items) {
  return fmt::format(
      "SELECT id, valid_from, price AS listed_price, currency AS listed_currency FROM {} WHERE "
      "reject IS NULL AND id IS NOT NULL QUALIFY row_number() OVER (PARTITION BY id, valid_from "
      "ORDER BY part DESC, row DESC) = 1",
      Parquet(items));
}

}  // namespace

std::string ContractRowsSql(const ContractInput& input) {
  std::string where =
      fmt::format("reject IS NULL AND ignored IS NOT TRUE AND type IS NOT NULL AND type <> {}",
                  static_cast<int>(EventType::kImpression));
  if (input.from.value != 0) {
    where += fmt::format(" AND ts >= {}", input.from.value);
  }
  if (input.until.value != 0) {
    where += fmt::format(" AND ts < {}", input.until.value);
  }
  std::string rows = fmt::format(
      "SELECT ts // 3600000000 AS hour, ts, part, {} AS event, event_id, user_id, anonymous_id, "
      "item_id, nullif(price, 0) AS price, nullif(quantity, 0) AS quantity, currency, order_id, "
      "scene, request_id, query, experiment, nullif(seconds, 0) AS seconds, nullif(rating, 0) AS "
      "rating, position, row_number() OVER (PARTITION BY type, coalesce(user_id, anonymous_id), "
      "item_id, ts, order_id, price, quantity, query ORDER BY part, row, line) > 1 AS dup, (ts - "
      "lag(ts) OVER (ORDER BY ts)) / 1e6 AS gap FROM {} WHERE {}",
      EventNameSql(), Parquet(input.events), where);
  if (input.items.empty()) {
    rows = fmt::format(
        "SELECT *, NULL::BOOLEAN AS item_known, NULL::DOUBLE AS listed_price, NULL::VARCHAR AS "
        "listed_currency FROM ({})",
        rows);
  } else {
    // What was listed then; of an item that came into the catalogue later, nothing but that it is known.
    rows = fmt::format(
        "SELECT r.*, k.id IS NOT NULL AS item_known, c.listed_price, c.listed_currency FROM ({0}) "
        "r "
        "LEFT JOIN (SELECT DISTINCT id FROM ({1})) k ON r.item_id = k.id ASOF LEFT JOIN ({1}) c ON "
        "r.item_id = c.id AND r.ts >= c.valid_from",
        rows, CatalogueSql(input.items));
  }
  const std::string users =
      input.users.empty()
          ? "NULL::BOOLEAN"
          : fmt::format("user_id IN (SELECT id FROM {} WHERE reject IS NULL AND id IS NOT NULL)",
                        Parquet(input.users));
  return fmt::format(
      "CREATE OR REPLACE TEMP TABLE contract_rows AS SELECT *, {} AS user_known FROM ({})", users,
      rows);
}

RuleSql SqlOf(const ContractRule& rule) {
  RuleSql out;
  const std::string event =
      rule.event.empty() ? "true" : fmt::format("event = {}", Quoted(rule.event));
  const std::string field = rule.field.empty() ? "" : Named(rule.field);
  const auto about = [&](const std::string& more) { out.about = event + " AND " + more; };
  out.about = event;
  switch (rule.kind) {
    case ContractKind::kMissing:
      out.hit = field + " IS NULL";
      break;
    case ContractKind::kRange:
      about(field + " IS NOT NULL");
      out.hit = fmt::format("({} OR {})",
                            rule.at_least ? fmt::format("{} < {}", field, *rule.at_least) : "false",
                            rule.at_most ? fmt::format("{} > {}", field, *rule.at_most) : "false");
      break;
    case ContractKind::kMean:
      about(field + " > 0");
      break;
    case ContractKind::kDigits:
      about(field + " IS NOT NULL");
      out.hit = fmt::format("NOT regexp_full_match({}, {})", field, kDigits);
      break;
    case ContractKind::kValues:
    case ContractKind::kValueShare:
      about(field + " IS NOT NULL");
      out.hit =
          fmt::format("{}list_contains({}, {})", rule.kind == ContractKind::kValues ? "NOT " : "",
                      QuotedList(rule.values), field);
      break;
    case ContractKind::kDuplicates:
      out.hit = "dup";
      break;
    case ContractKind::kKnownItems:
      about("item_id IS NOT NULL AND item_known IS NOT NULL");
      out.hit = "NOT item_known";
      break;
    case ContractKind::kKnownUsers:
      about("user_id IS NOT NULL AND user_known IS NOT NULL");
      out.hit = "NOT user_known";
      break;
    case ContractKind::kPriceAgrees:
      about("price > 0 AND listed_price > 0");
      out.hit = "(price > 2 * listed_price OR price * 2 < listed_price)";
      break;
    case ContractKind::kCurrencyAgrees:
      about("currency IS NOT NULL AND listed_currency IS NOT NULL");
      out.hit = "currency <> listed_currency";
      break;
    case ContractKind::kFuture:   // no arrival is known of rows in files
    case ContractKind::kRefused:  // counted where files are read
      out.about = "false";
      break;
    case ContractKind::kVolume:
    case ContractKind::kSilence:
      break;
  }
  return out;
}

std::string CountSql(const monitor::DataContract& contract, std::vector<CountColumn>& columns) {
  std::string select = "SELECT hour";
  columns.clear();
  const auto add = [&](std::size_t rule, double RuleCounts::* number, const std::string& sql) {
    select += fmt::format(", coalesce({}, 0)::DOUBLE", sql);
    columns.push_back({rule, number});
  };
  for (std::size_t r = 0; r < contract.rules.size(); ++r) {
    const ContractRule& rule = contract.rules[r];
    const RuleSql sql = SqlOf(rule);
    if (!rule.enabled || sql.about == "false") {
      continue;
    }
    const std::string only = fmt::format(" FILTER (WHERE {})", sql.about);
    add(r, &RuleCounts::rows, "count(*)" + only);
    if (rule.kind == ContractKind::kMean) {
      // DuckDB may take the logarithm before it looks at the filter.
      const std::string log =
          fmt::format("(CASE WHEN {0} > 0 THEN ln({0}) END)", Named(rule.field));
      add(r, &RuleCounts::sum, fmt::format("sum({})", log) + only);
      add(r, &RuleCounts::squares, fmt::format("sum({0} * {0})", log) + only);
    } else if (rule.kind == ContractKind::kSilence) {
      add(r, &RuleCounts::longest, "max(gap)");
    } else if (IsShare(rule.kind)) {
      add(r, &RuleCounts::hits,
          fmt::format("count(*) FILTER (WHERE {} AND {})", sql.about, sql.hit));
    }
  }
  return select + " FROM contract_rows GROUP BY hour ORDER BY hour";
}

const std::vector<std::string>& FactFields() {
  static const std::vector<std::string> fields = [] {
    std::vector<std::string> out;
    for (std::size_t f = 0; f < monitor::kEventFields; ++f) {
      out.emplace_back(monitor::EventFieldName(static_cast<monitor::EventField>(f)));
    }
    return out;
  }();
  return fields;
}

std::string FactsSql() {
  std::string select = "SELECT event, count(*)";
  for (const std::string& name : FactFields()) {
    const auto field = monitor::ParseEventField(name);
    if (field.has_value() && monitor::IsNumber(*field)) {
      select += fmt::format(
          ", count({0}), count(*) FILTER (WHERE {0} > 0), quantile_disc({0}, 0.001), "
          "quantile_disc({0}, 0.999), 0",
          Named(name));
    } else {
      select +=
          fmt::format(", count({0}), 0, 0, 0, count(*) FILTER (WHERE regexp_full_match({0}, {1}))",
                      Named(name), kDigits);
    }
  }
  return select +
         " FROM contract_rows GROUP BY GROUPING SETS ((event), ()) ORDER BY event NULLS FIRST";
}

std::string ExampleSql() {
  return "concat('event_id ', event_id, ', ', event, ' of item ''', item_id, ''', price ', price, "
         "', at ', strftime(make_timestamp(ts), '%Y-%m-%dT%H:%M:%SZ'))";
}

}  // namespace vitrine::duckdb
