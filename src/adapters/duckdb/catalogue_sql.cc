// Items and users of a file as one SELECT.
#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "adapters/duckdb/database.h"
#include "adapters/duckdb/source_sql.h"

namespace vitrine::duckdb {
namespace {

using data::FieldBinding;
using data::Source;
using data::TableKind;

/// Every column that a field is bound to: not an attribute as well.
std::set<std::string> BoundColumns(const Source& source, const SourceInput& input) {
  std::set<std::string> out(input.time.field.columns.begin(), input.time.field.columns.end());
  for (const auto& [field, binding] : source.fields) {
    out.insert(binding.columns.begin(), binding.columns.end());
  }
  return out;
}

/// A value of a name:type column as JSON.
std::string TypedJson(const std::string& text, const std::string& type) {
  if (type == "float") {
    return fmt::format("to_json({})", NumberSql(text, 1));
  }
  if (type == "token_seq" || type == "float_seq") {
    return fmt::format("to_json(string_split({}, ' '))", text);
  }
  return fmt::format("to_json({})", text);
}

/// A JSON object without the keys that have no value.
Result<std::string> AttributesSql(const Source& source, const SourceInput& input,
                                  const FieldSql& fields) {
  const std::set<std::string> bound = BoundColumns(source, input);
  if (source.all_attributes && input.columns.json) {
    std::string gone;
    for (const std::string& name : bound) {
      gone += fmt::format("{}{}, NULL", gone.empty() ? "" : ", ", Quoted(name));
    }
    return fmt::format("json_merge_patch(j, json_object({}))::VARCHAR", gone);
  }
  std::string members;
  const auto add = [&](const std::string& name, const std::string& json) {
    members += fmt::format("{}{}, {}", members.empty() ? "" : ", ", Quoted(name), json);
  };
  for (std::size_t i = 0; source.all_attributes && i < input.columns.names.size(); ++i) {
    const std::string& name = input.columns.names[i];
    if (!bound.contains(name)) {
      ASSIGN_OR_RETURN(const std::string text, fields.Column("attributes", name));
      add(name, TypedJson(text, input.columns.types[i]));
    }
  }
  for (const auto& [name, binding] : source.attributes) {
    ASSIGN_OR_RETURN(const std::string text, fields.Text(name, binding));
    add(name, binding.split.empty()
                  ? "to_json(" + text + ")"
                  : fmt::format("to_json(string_split({}, {}))", text, Quoted(binding.split)));
  }
  return members.empty()
             ? "NULL::VARCHAR"
             : fmt::format("nullif(json_merge_patch('{{}}', json_object({}))::VARCHAR, '{{}}')",
                           members);
}

/// A field that holds a list of texts.
std::string ListSql(const std::string& text, const FieldBinding& binding) {
  if (binding.split.empty()) {
    // A JSON list where the source has one, else one element.
    return fmt::format(
        "CASE WHEN {0} IS NULL THEN NULL WHEN starts_with({0}, '[') AND json_valid({0}) "
        "THEN json_extract_string({0}, '$[*]') ELSE [{0}] END",
        text);
  }
  return fmt::format(
      "list_filter(list_transform(string_split({}, {}), lambda w: trim(w)), lambda w: w "
      "<> '')",
      text, Quoted(binding.split));
}

/// row, valid_from text and every field of the table as f_<field>, and attributes.
Result<std::string> TextRows(const Source& source, const SourceInput& input) {
  const FieldSql fields(input.path, input.columns);
  ASSIGN_OR_RETURN(const std::string where, WhereSql(source, fields));
  ASSIGN_OR_RETURN(const std::string attributes, AttributesSql(source, input, fields));
  std::string select = fmt::format("row, {} AS broken, {} AS attributes",
                                   input.columns.json ? "j IS NULL" : "false", attributes);
  for (const std::string& field : data::FieldNames(source.table)) {
    std::string text = "NULL::VARCHAR";
    const auto bound = source.fields.find(field);
    if (bound != source.fields.end()) {
      ASSIGN_OR_RETURN(text, fields.Text(field, bound->second));
      if (field == "categories" || field == "tags") {
        text = ListSql(text, bound->second);
      }
    } else if (field == "categories" || field == "tags") {
      text = "NULL::VARCHAR[]";
    }
    select += fmt::format(",\n  {} AS f_{}", text, field);
  }
  std::string time = "NULL::VARCHAR";
  if (!input.time.field.columns.empty()) {
    ASSIGN_OR_RETURN(time, fields.Text("valid_from", input.time.field));
  }
  return fmt::format("SELECT {},\n  {} AS f_time\nFROM ({})\nWHERE {}", select, time,
                     NumberedRowsSql(source, input), where);
}

std::string RejectSql(const Source& source, bool has_time) {
  std::vector<Check> checks = {{"broken", "'the line is no JSON object'"},
                               {"f_id IS NULL", "'id: missing'"}};
  for (const std::string& field : data::FieldNames(source.table)) {
    if (data::IsNumericField(source.table, field)) {
      checks.push_back(NumberCheck(field));
    }
  }
  if (has_time) {
    checks.push_back(
        {"f_time IS NOT NULL AND v_time IS NULL",
         "'valid_from: \"' || left(f_time, 60) || '\" is not a time of the format taken'"});
  }
  return FirstFailedCheck(std::move(checks), {"id"});
}

/// Which of `rows` stay, by the source's `versions`.
std::string VersionsSql(const Source& source, const std::string& rows) {
  if (source.versions != data::Versions::kChange) {
    return fmt::format(
        "SELECT * FROM ({}) QUALIFY reject IS NOT NULL OR row_number() OVER (PARTITION BY id{} "
        "ORDER BY "
        "valid_from DESC, row DESC) = 1",
        rows, source.versions == data::Versions::kAll ? ", valid_from" : "");
  }
  // Versions are compared by a hash within this one statement: cheaper to sort than their texts.
  const std::string value =
      source.table == TableKind::kItems
          ? "hash(title, description, brand, categories, price, currency, stock, "
            "tags, image_url, hidden, attributes)"
          : "hash(attributes)";
  return fmt::format(
      "SELECT * EXCLUDE (h) FROM (SELECT *, {} AS h FROM ({})) QUALIFY reject IS NOT NULL OR h IS "
      "DISTINCT FROM lag(h) OVER (PARTITION BY id ORDER BY valid_from, row)",
      value, rows);
}

}  // namespace

Result<std::string> CatalogueSql(const Source& source, const SourceInput& input) {
  ASSIGN_OR_RETURN(const std::string texts, TextRows(source, input));
  const bool has_time = !input.time.field.columns.empty();
  std::string values = fmt::format("SELECT *, {} AS v_time",
                                   has_time ? TimeSql(input.time, "f_time") : "NULL::BIGINT");
  for (const std::string& field : data::FieldNames(source.table)) {
    if (data::IsNumericField(source.table, field)) {
      const auto bound = source.fields.find(field);
      values += fmt::format(
          ", {} AS v_{}",
          NumberSql("f_" + field, bound == source.fields.end() ? 1 : bound->second.scale), field);
    }
  }
  values += fmt::format("\nFROM ({})", texts);
  std::string fields = "f_id AS id";
  if (source.table == TableKind::kItems) {
    fields +=
        ", f_title AS title, f_description AS description, f_brand AS brand, f_categories AS "
        "categories, v_price AS price, f_currency AS currency, v_stock AS stock, f_tags AS tags, "
        "f_image_url AS image_url, coalesce(lower(f_hidden) IN ('true', 't', '1', 'yes'), false) "
        "AS "
        "hidden, NULL::VARCHAR AS vectors, false AS deleted";
  }
  return VersionsSql(
      source,
      fmt::format("SELECT {}::INTEGER AS part, row::BIGINT AS row, {} AS reject, coalesce(v_time, "
                  "{})::BIGINT AS valid_from,\n  {}, attributes\nFROM ({})",
                  input.part, RejectSql(source, has_time), input.default_valid_from.value, fields,
                  values));
}

}  // namespace vitrine::duckdb
