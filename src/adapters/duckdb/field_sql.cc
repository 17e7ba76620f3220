#include "adapters/duckdb/field_sql.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "adapters/duckdb/database.h"
#include "core/nearest_name.h"

namespace vitrine::duckdb {
namespace {

using data::FieldBinding;
using data::TestKind;
using data::TimeNotation;

struct JsonPath {
  std::string head = "$";  ///< up to the filter, or all of it
  std::string key, value;  ///< of the filter
  std::string tail = "$";  ///< after the filter
  bool filtered = false;
};

Status NotAPath(const std::string& path) {
  return InvalidArgument(
      fmt::format("'{}' is not a path; write a.b for nested keys, a[0] for an element, a[key=x] "
                  "for the element "
                  "whose key is x",
                  path));
}

Result<JsonPath> ParsePath(const std::string& path) {
  JsonPath out;
  std::string* part = &out.head;
  std::string name;
  const auto flush = [&] {
    if (!name.empty()) {
      *part += "." + Named(name);
      name.clear();
    }
  };
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] == '.') {
      flush();
    } else if (path[i] == '[') {
      flush();
      const std::size_t end = path.find(']', i);
      if (end == std::string::npos) {
        return NotAPath(path);
      }
      const std::string inside = path.substr(i + 1, end - i - 1);
      const std::size_t equals = inside.find('=');
      if (equals == std::string::npos) {
        if (inside.empty() || inside.find_first_not_of("0123456789") != std::string::npos) {
          return NotAPath(path);
        }
        *part += "[" + inside + "]";
      } else if (out.filtered) {
        return NotAPath(path);
      } else {
        out.filtered = true;
        out.key = inside.substr(0, equals);
        out.value = inside.substr(equals + 1);
        part = &out.tail;
      }
      i = end;
    } else {
      name += path[i];
    }
  }
  flush();
  return out;
}

/// Whether a name is a path into a nested value rather than a plain key.
bool IsNested(const std::string& name) { return name.find_first_of(".[") != std::string::npos; }

std::string RootOf(const std::string& name) { return name.substr(0, name.find_first_of(".[")); }

std::string Finish(const FieldBinding& binding, const std::vector<std::string>& texts) {
  std::vector<std::string> parts = texts;
  if (!binding.constant.empty()) {
    parts.push_back(Quoted(binding.constant));
  }
  std::string text = parts.empty()       ? "NULL::VARCHAR"
                     : parts.size() == 1 ? parts[0]
                                         : fmt::format("coalesce({})", fmt::join(parts, ", "));
  if (!binding.strip_suffix.empty()) {
    text = fmt::format("regexp_replace({}, {}, '')", text,
                       Quoted("\\Q" + binding.strip_suffix + "\\E$"));
  }
  return text;
}

std::string Trimmed(const std::string& text) { return fmt::format("nullif(trim({}), '')", text); }

}  // namespace

Result<std::string> JsonPathSql(const std::string& root, const std::string& path) {
  ASSIGN_OR_RETURN(const JsonPath parsed, ParsePath(path));
  if (!parsed.filtered) {
    return fmt::format("json_extract_string({}, {})", root, Quoted(parsed.head));
  }
  return fmt::format(
      "json_extract_string(list_filter(json_extract({}, {}), lambda e: json_extract_string(e, {}) "
      "= "
      "{})[1], {})",
      root, Quoted(parsed.head + "[*]"), Quoted("$." + Named(parsed.key)), Quoted(parsed.value),
      Quoted(parsed.tail));
}

Result<std::string> JsonListSql(const std::string& root, const std::string& path) {
  ASSIGN_OR_RETURN(const JsonPath parsed, ParsePath(path));
  if (parsed.filtered) {
    return InvalidArgument(fmt::format("list = '{}': a list is named by a plain path", path));
  }
  return fmt::format("json_extract({}, {})", root, Quoted(parsed.head + "[*]"));
}

Result<std::string> FieldSql::Find(const std::string& name) const {
  const auto& names = columns_.names;
  const auto found = std::find(names.begin(), names.end(), name);
  if (columns_.json) {
    // A key that the first rows do not have may come later: every path is asked for.
    return found == names.end() && IsNested(name)
               ? JsonPathSql("j", name)
               : fmt::format("json_extract_string(j, {})", Quoted("$." + Named(name)));
  }
  if (found != names.end()) {
    return fmt::format("{}::VARCHAR",
                       Named(columns_.columns[static_cast<std::size_t>(found - names.begin())]));
  }
  const auto root = std::find(names.begin(), names.end(), RootOf(name));
  if (IsNested(name) && root != names.end()) {
    const std::string json = fmt::format(
        "to_json({})", Named(columns_.columns[static_cast<std::size_t>(root - names.begin())]));
    return JsonPathSql(json, name.substr(name.find_first_of(".[")));
  }
  return std::string();
}

Status FieldSql::Missing(std::string_view field, const std::vector<std::string>& names) const {
  return InvalidArgument(fmt::format(
      "{} has no column '{}', which the mapping binds to {}{}; the file's columns are: {}", file_,
      fmt::join(names, "' or '"), field, DidYouMean(names.front(), columns_.names),
      fmt::join(columns_.names, ", ")));
}

Result<std::string> FieldSql::Column(std::string_view field, const std::string& name) const {
  ASSIGN_OR_RETURN(const std::string sql, Find(name));
  if (sql.empty()) {
    return Missing(field, {name});
  }
  return Trimmed(sql);
}

Result<std::string> FieldSql::Text(std::string_view field, const FieldBinding& binding) const {
  std::vector<std::string> texts;
  for (const std::string& name : binding.columns) {
    ASSIGN_OR_RETURN(const std::string sql, Find(name));
    if (!sql.empty()) {
      texts.push_back(Trimmed(sql));
    }
  }
  const auto seen = [this](const std::string& name) {
    const auto& names = columns_.names;
    return std::find(names.begin(), names.end(), name) != names.end() ||
           std::find(names.begin(), names.end(), RootOf(name)) != names.end();
  };
  const bool none = columns_.json
                        ? std::none_of(binding.columns.begin(), binding.columns.end(), seen)
                        : texts.empty();
  if (none && !binding.columns.empty() && !binding.optional) {
    return Missing(field, binding.columns);
  }
  return Finish(binding, texts);
}

Result<std::string> FieldSql::ElementText(const std::string& element, const FieldBinding& binding) {
  std::vector<std::string> texts;
  for (const std::string& name : binding.columns) {
    ASSIGN_OR_RETURN(const std::string sql, JsonPathSql(element, name));
    texts.push_back(Trimmed(sql));
  }
  return Finish(binding, texts);
}

std::string TestSql(const data::FieldTest& test, const std::string& text) {
  const auto number = [&](std::string_view compare) {
    return fmt::format("coalesce(TRY_CAST({} AS DOUBLE) {} {}, false)", text, compare, test.number);
  };
  std::string list;
  for (const std::string& value : test.texts) {
    list += (list.empty() ? "" : ", ") + Quoted(value);
  }
  switch (test.test) {
    case TestKind::kMissing:
      return fmt::format("({} IS NULL)", text);
    case TestKind::kPresent:
      return fmt::format("({} IS NOT NULL)", text);
    case TestKind::kIn:
      return fmt::format("coalesce({} IN ({}), false)", text, list);
    case TestKind::kNotIn:
      return fmt::format("coalesce({} NOT IN ({}), true)", text, list);
    case TestKind::kStartsWith:
      return fmt::format("coalesce(starts_with({}, {}), false)", text, list);
    case TestKind::kMatches:
      return fmt::format("coalesce(regexp_matches({}, {}), false)", text, list);
    case TestKind::kNotMatches:
      return fmt::format("NOT coalesce(regexp_matches({}, {}), false)", text, list);
    case TestKind::kAtMost:
      return number("<=");
    case TestKind::kBelow:
      return number("<");
    case TestKind::kAtLeast:
      return number(">=");
    case TestKind::kAbove:
      return number(">");
  }
  return "false";
}

std::string TimeSql(const data::TimeBinding& time, const std::string& text) {
  const auto scaled = [&](std::string_view factor) {
    // Whole numbers exactly; a fraction of a second by way of DOUBLE.
    return fmt::format(
        "coalesce(TRY_CAST(TRY_CAST({0} AS BIGINT)::HUGEINT * {1} AS BIGINT), "
        "TRY_CAST(round(TRY_CAST({0} AS DOUBLE) * {1}) AS "
        "BIGINT))",
        text, factor);
  };
  switch (time.notation) {
    case TimeNotation::kSeconds:
      return fmt::format(
          "CASE WHEN contains({0}, '.') THEN TRY_CAST(round(TRY_CAST({0} AS DOUBLE) * "
          "1000000) AS BIGINT) ELSE {1} END",
          text, scaled("1000000"));
    case TimeNotation::kMilliseconds:
      return scaled("1000");
    case TimeNotation::kMicroseconds:
      return scaled("1");
    case TimeNotation::kPattern:
      return fmt::format("epoch_us(timezone({}, try_strptime({}, {})))", Quoted(time.zone), text,
                         Quoted(time.pattern));
    default:
      break;
  }
  // ISO 8601. DuckDB's own cast of a text with an offset needs seconds and a colon; so the offset is
  // taken apart here and subtracted.
  static constexpr std::string_view kOffset =
      R"((:\d{2}(?:[.,]\d+)?)\s*(Z|[+-]\d{2}(?::?\d{2})?)$)";
  const std::string wall =
      fmt::format("TRY_CAST(regexp_replace({}, '{}', '\\1') AS TIMESTAMP)", text, kOffset);
  const std::string offset = fmt::format("regexp_extract({}, '{}', 2)", text, kOffset);
  const std::string minutes = fmt::format(
      "CASE WHEN {0} = 'Z' THEN 0 ELSE (CASE WHEN starts_with({0}, '-') THEN -1 ELSE 1 END) * "
      "(TRY_CAST(substr({0}, 2, 2) AS BIGINT) * 60 + coalesce(TRY_CAST(right(replace(substr({0}, "
      "4), "
      "':', ''), 2) AS BIGINT), 0)) END",
      offset);
  return fmt::format(
      "CASE WHEN regexp_matches({0}, '{1}') THEN epoch_us({2}) - ({3}) * 60000000 ELSE "
      "epoch_us(timezone({4}, TRY_CAST({0} AS TIMESTAMP))) END",
      text, kOffset, wall, minutes, Quoted(time.zone));
}

std::string NumberSql(const std::string& text, double scale) {
  const std::string number = fmt::format("TRY_CAST({} AS DOUBLE)", text);
  const std::string finite = fmt::format("CASE WHEN isfinite({0}) THEN {0} END", number);
  return scale == 1 ? finite : fmt::format("({}) * {}", finite, scale);
}

}  // namespace vitrine::duckdb
