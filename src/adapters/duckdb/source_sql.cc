#include "adapters/duckdb/source_sql.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "adapters/duckdb/database.h"
#include "core/event.h"

namespace vitrine::duckdb {
namespace {

constexpr std::string_view kControl = "[\\x00-\\x1f\\x7f]";

using data::FileFormat;
using data::Source;

std::string ColumnsArgument(const std::vector<std::string>& header) {
  std::string out;
  for (const std::string& name : header) {
    out += (out.empty() ? "" : ", ") + Quoted(name) + ": 'VARCHAR'";
  }
  return "{" + out + "}";
}

/// A reader whose only column is the whole line.
std::string LinesSql(const Source& source, const std::string& path) {
  return fmt::format(
      "read_csv({}, header = false, delim = chr(1), quote = '', escape = '', "
      "auto_detect = false, columns = {{'line': 'VARCHAR'}}, max_line_size = {}, "
      "compression = {})",
      Quoted(path), source.max_line_bytes, path.ends_with(".gz") ? "'gzip'" : "'none'");
}

/// CASE f_event WHEN name THEN number ...: NULL for a name that nobody knows, -1 to leave out.
std::string TypeOfName(const SourceInput& input) {
  std::map<std::string, int, std::less<>> numbers;
  for (int i = 0; i < kEventTypes; ++i) {
    numbers.emplace(std::string(EventName(static_cast<EventType>(i))), i);
  }
  for (const auto& [name, event] : *input.event_names) {
    const auto type = ParseEventType(event);
    numbers[name] = type ? static_cast<int>(*type) : -1;
  }
  std::string out = "CASE f_event";
  for (const auto& [name, number] : numbers) {
    out += fmt::format(" WHEN {} THEN {}", Quoted(name), number);
  }
  return out + " END";
}

/// Names of a mapping were checked when it was read.
int EventNumber(std::string_view name) {
  const std::optional<EventType> type = ParseEventType(name);
  CHECK(type.has_value());
  return static_cast<int>(*type);
}

std::string TypeSql(const Source& source, const SourceInput& input, bool has_event) {
  std::string out = "CASE";
  for (const data::EventWhen& when : source.event_when) {
    out += fmt::format(" WHEN {} THEN {}", TestSql(when.test, "f_" + when.test.field),
                       EventNumber(when.event));
  }
  const std::string by_default =
      source.default_event.empty() ? "NULL" : std::to_string(EventNumber(source.default_event));
  if (has_event) {
    out += fmt::format(" WHEN f_event IS NOT NULL THEN {}", TypeOfName(input));
  }
  return out + fmt::format(" WHEN true THEN {} END", by_default);
}

/// The columns whose values make two rows equal.
std::string RowText(const Source& source, const SourceInput& input) {
  if (source.format == FileFormat::kJsonl) {
    return "line";
  }
  std::string out;
  for (const std::string& column : input.columns.columns) {
    out += fmt::format("{}coalesce({}::VARCHAR, chr(30))", out.empty() ? "" : ", ", Named(column));
  }
  return fmt::format("concat_ws(chr(31), {})", out);
}

/// user, items of each line of a sequence file; rows are counted over the items.
std::string SequenceRowsSql(const Source& source, const SourceInput& input) {
  return fmt::format(
      "WITH lines AS (SELECT row_number() OVER () AS line_number, list_filter(string_split(trim("
      "line), {}), lambda w: w <> '') AS words FROM {}), places AS (SELECT line_number, words[1] "
      "AS "
      "f_user_id, CASE WHEN len(words) < 2 THEN [NULL] ELSE words[2:] END AS items FROM lines "
      "WHERE "
      "words IS NOT NULL AND len(words) > 0), flat AS (SELECT line_number, f_user_id, "
      "unnest(items) "
      "AS f_item_id FROM places)\nSELECT row_number() OVER () AS row, 0 AS line, line_number, "
      "f_user_id, f_item_id FROM flat",
      Quoted(source.delimiter), LinesSql(source, input.path));
}

/// The rows with their fields as texts: row, line, content, f_<field> ...
Result<std::string> TextRowsSql(const Source& source, const SourceInput& input) {
  const FieldSql fields(input.path, input.columns);
  const bool listed = !source.list.empty();
  std::string rows = NumberedRowsSql(source, input);
  std::string line = "0";
  if (listed) {
    std::string root = "j";
    std::string path = source.list;
    if (!input.columns.json) {
      root = fmt::format("to_json({})", Named(source.list));
      path.clear();
    }
    ASSIGN_OR_RETURN(const std::string list, JsonListSql(root, path));
    rows = fmt::format(
        "SELECT *, unnest(CASE WHEN len(l) > 0 THEN list_zip(l, range(len(l))) ELSE "
        "[NULL] END) AS e FROM (SELECT *, {} AS l FROM ({}))",
        list, rows);
    line = "coalesce(e[2], 0)";
  }
  ASSIGN_OR_RETURN(const std::string where, WhereSql(source, fields));
  // Two elements of one list are never equal rows.
  std::string content = RowText(source, input);
  if (listed) {
    content += fmt::format(" || chr(31) || {}", line);
  }
  std::string select =
      fmt::format("row, {} AS line, md5_number_lower({}) AS content", line, content);
  select += input.columns.json ? ", j IS NULL AS broken" : ", false AS broken";
  for (const std::string& field : data::EventFieldNames()) {
    std::vector<std::string> texts;
    const data::FieldBinding* binding = field == "ts" ? &input.time.field : nullptr;
    if (const auto found = source.fields.find(field); found != source.fields.end()) {
      binding = &found->second;
    }
    if (const auto found = source.list_fields.find(field);
        listed && found != source.list_fields.end()) {
      ASSIGN_OR_RETURN(const std::string text, FieldSql::ElementText("e[1]", found->second));
      texts.push_back(text);
    }
    if (binding != nullptr && !(binding->columns.empty() && binding->constant.empty())) {
      ASSIGN_OR_RETURN(const std::string text, fields.Text(field, *binding));
      texts.push_back(text);
    }
    if (texts.empty()) {
      texts.emplace_back("NULL::VARCHAR");
    }
    select += fmt::format(",\n  coalesce({}) AS f_{}", fmt::join(texts, ", "), field);
  }
  return fmt::format("SELECT {}\nFROM ({})\nWHERE {}", select, rows, where);
}

std::string RejectSql(const Source& source) {
  std::vector<Check> checks = {{"broken", "'the line is no JSON object'"}};
  std::vector<std::string> ids;
  for (const std::string_view field :
       {"user_id", "anonymous_id", "item_id", "event_id", "order_id", "request_id"}) {
    if (source.format == FileFormat::kSequences || source.fields.contains(field) ||
        source.list_fields.contains(field)) {
      ids.emplace_back(field);
    }
  }
  for (const std::string& field : data::EventFieldNames()) {
    if (field != "ts" && data::IsNumericEventField(field)) {
      checks.push_back(NumberCheck(field));
    }
  }
  if (source.time.notation != data::TimeNotation::kSequence) {
    checks.push_back({"f_ts IS NOT NULL AND v_ts IS NULL",
                      "'ts: \"' || left(f_ts, 60) || '\" is not a time of the format taken'"});
  }
  return FirstFailedCheck(checks, ids);
}

}  // namespace

Check NumberCheck(const std::string& field) {
  return {
      fmt::format("f_{0} IS NOT NULL AND v_{0} IS NULL", field),
      fmt::format("{} || left(f_{}, 60) || '\" is not a number'", Quoted(field + ": \""), field)};
}

std::string FirstFailedCheck(std::vector<Check> checks, const std::vector<std::string>& ids) {
  std::string all_ids;
  for (const std::string& field : ids) {
    const std::string text = field == "id" ? "f_id" : "f_" + field;
    all_ids += (all_ids.empty() ? "" : ", ") + text;
    checks.push_back({fmt::format("strlen({}) > {}", text, kMaxIdBytes),
                      fmt::format("'{}: longer than {} bytes'", field, kMaxIdBytes)});
    checks.push_back({fmt::format("regexp_matches({}, '{}')", text, kControl),
                      fmt::format("'{}: holds a control character'", field)});
  }
  // Almost every row passes: one cheap question first, the reasons only where it says yes.
  std::string any, which;
  for (const Check& check : checks) {
    if (!check.fails.starts_with("regexp_matches")) {
      any += fmt::format("({}) OR ", check.fails);
    }
    which += fmt::format("\n  WHEN {} THEN {}", check.fails, check.reason);
  }
  any += all_ids.empty() ? "false"
                         : fmt::format("regexp_matches(concat({}), '{}')", all_ids, kControl);
  return fmt::format("CASE WHEN {} THEN CASE{} END END", any, which);
}

std::string ReaderSql(const Source& source, const std::string& path,
                      const std::vector<std::string>& header, const std::string& rejects) {
  if (source.format == FileFormat::kParquet) {
    return fmt::format("read_parquet({})", Quoted(path));
  }
  if (source.format == FileFormat::kJsonl || source.format == FileFormat::kSequences) {
    return LinesSql(source, path);
  }
  std::string options = fmt::format(
      "header = true, all_varchar = true, delim = {}, quote = {}, escape = {}, max_line_size = {}, "
      "null_padding = false, compression = {}",
      Quoted(source.delimiter), Quoted(source.quote), Quoted(source.quote), source.max_line_bytes,
      path.ends_with(".gz") ? "'gzip'" : "'none'");
  if (!header.empty()) {
    options += fmt::format(", auto_detect = false, columns = {}", ColumnsArgument(header));
  }
  if (!rejects.empty()) {
    options += fmt::format(
        ", ignore_errors = true, store_rejects = true, rejects_table = {}, "
        "rejects_scan = {}, rejects_limit = 0",
        Quoted(rejects), Quoted(rejects + "_scan"));
  }
  return fmt::format("read_csv({}, {})", Quoted(path), options);
}

std::string NumberedRowsSql(const Source& source, const SourceInput& input) {
  const std::string reader = ReaderSql(source, input.path, input.columns.columns, input.rejects);
  if (source.format == FileFormat::kJsonl) {
    return fmt::format(
        "SELECT row_number() OVER () AS row, line, CASE WHEN json_valid(line) AND "
        "starts_with(line, '{{') THEN line::JSON END AS j FROM (SELECT trim(line) AS "
        "line FROM {}) WHERE line IS NOT NULL AND line <> ''",
        reader);
  }
  return fmt::format("SELECT row_number() OVER () AS row, * FROM {}", reader);
}

Result<std::string> WhereSql(const Source& source, const FieldSql& fields) {
  std::string out;
  for (const data::FieldTest& test : source.where) {
    ASSIGN_OR_RETURN(const std::string text, fields.Column("where", test.field));
    out += (out.empty() ? "" : " AND ") + TestSql(test, text);
  }
  return out.empty() ? "true" : out;
}

Result<std::string> EventsSql(const Source& source, const SourceInput& input) {
  const bool sequence = source.format == FileFormat::kSequences;
  std::string texts;
  if (sequence) {
    texts = "SELECT *, md5_number_lower(row::VARCHAR) AS content, false AS broken";
    for (const std::string& field : data::EventFieldNames()) {
      if (field != "user_id" && field != "item_id") {
        texts += fmt::format(", NULL::VARCHAR AS f_{}", field);
      }
    }
    texts += " FROM (" + SequenceRowsSql(source, input) + ")";
  } else {
    ASSIGN_OR_RETURN(texts, TextRowsSql(source, input));
  }
  const bool has_event = source.fields.contains("event");
  const bool ordinal = source.time.notation == data::TimeNotation::kSequence;
  std::string values =
      fmt::format("SELECT *, {} AS v_type, {} AS v_ts", TypeSql(source, input, has_event),
                  ordinal ? "row - 1" : TimeSql(input.time, "f_ts"));
  for (const std::string& field : data::EventFieldNames()) {
    if (field != "ts" && data::IsNumericEventField(field)) {
      const auto bound = source.fields.find(field);
      const double scale = bound == source.fields.end() ? 1 : bound->second.scale;
      values += fmt::format(", {} AS v_{}", NumberSql("f_" + field, scale), field);
    }
  }
  values += fmt::format("\nFROM ({})", texts);
  return fmt::format(
      "SELECT {part}::INTEGER AS part, row::BIGINT AS row, line::INTEGER AS line, {reject} AS "
      "reject,\n"
      "  v_type = -1 AS ignored, CASE WHEN v_type IS NULL THEN f_event END AS event_name,\n"
      "  CASE WHEN v_type >= 0 THEN v_type END::UTINYINT AS type,\n"
      "  coalesce(f_event_id, {prefix} || row) AS event_id, f_event_id IS NOT NULL AS own_id,\n"
      "  f_user_id AS user_id, f_anonymous_id AS anonymous_id, f_item_id AS item_id,\n"
      "  v_ts::BIGINT AS ts, v_quantity AS quantity, v_price AS price, v_position::INTEGER AS "
      "position,\n  f_currency AS currency, f_order_id AS order_id, f_scene AS scene, f_request_id "
      "AS "
      "request_id,\n  f_query AS query, f_experiment AS experiment, v_seconds AS seconds, v_rating "
      "AS "
      "rating,\n  f_replaces AS replaces, {ordinal} AS ordinal,\n"
      "  CASE WHEN f_event_id IS NULL THEN content ELSE md5_number_lower(f_event_id || ' ' || "
      "line) "
      "END AS content\nFROM ({values})",
      fmt::arg("part", input.part), fmt::arg("reject", RejectSql(source)),
      fmt::arg("prefix", Quoted(input.sha256.substr(0, 24) + "-")),
      fmt::arg("ordinal", ordinal ? "true" : "false"), fmt::arg("values", values));
}

}  // namespace vitrine::duckdb
