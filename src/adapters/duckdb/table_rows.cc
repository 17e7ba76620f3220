#include "adapters/duckdb/table_rows.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/nearest_name.h"
#include "core/sha256.h"

namespace vitrine::duckdb {
namespace {

using evaluate::LabelledRow;
using evaluate::LabelledSet;

enum class Kind : std::uint8_t { kNumber, kFlag, kText };

struct Column {
  std::string name;
  Kind kind = Kind::kText;
};

std::string Scan(const std::string& path) {
  return path.ends_with(".parquet")
             ? fmt::format("read_parquet({})", Quoted(path))
             : fmt::format("read_csv_auto({}, header = true, sample_size = -1)", Quoted(path));
}

Kind KindOf(std::string_view type) {
  constexpr std::array<std::string_view, 12> kNumbers = {
      "TINYINT",   "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT",
      "USMALLINT", "UINTEGER", "UBIGINT", "FLOAT",  "REAL",    "DOUBLE"};
  if (type == "BOOLEAN") {
    return Kind::kFlag;
  }
  const bool number = type.starts_with("DECIMAL") ||
                      std::find(kNumbers.begin(), kNumbers.end(), type) != kNumbers.end();
  return number ? Kind::kNumber : Kind::kText;
}

Result<std::vector<Column>> ColumnsOf(Database& database, const std::string& path) {
  ASSIGN_OR_RETURN(const auto described,
                   database.QueryTexts("DESCRIBE SELECT * FROM " + Scan(path)));
  std::vector<Column> columns;
  for (const std::vector<std::string>& line : described) {
    columns.push_back({line.at(0), KindOf(line.at(1))});
  }
  return columns;
}

/// Takes the label and what is left out from the columns.
Result<Column> TakeLabel(const TableSource& source, std::vector<Column>& columns) {
  std::vector<std::string> names;
  for (const Column& column : columns) {
    names.push_back(column.name);
  }
  Column label;
  std::vector<std::string> taken = source.leave_out;
  taken.push_back(source.label);
  for (const std::string& name : taken) {
    const auto at = std::find_if(columns.begin(), columns.end(),
                                 [&name](const Column& column) { return column.name == name; });
    if (at == columns.end()) {
      const std::string hint = DidYouMean(name, names);
      return InvalidArgument(
          fmt::format("{} has no column '{}' to take{}", source.path, name,
                      hint.empty() ? fmt::format("; it has {}", fmt::join(names, ", ")) : hint));
    }
    label = *at;
    columns.erase(at);
  }
  return label;
}

std::string SelectOf(const std::vector<Column>& columns, const Column& label,
                     const std::string& path) {
  std::string select = fmt::format("SELECT CAST({} AS VARCHAR)", Named(label.name));
  for (const Column& column : columns) {
    select += fmt::format(", CAST({} AS {})", Named(column.name),
                          column.kind == Kind::kNumber ? "DOUBLE" : "VARCHAR");
  }
  return fmt::format("{} FROM {}", select, Scan(path));
}

/// "1", "1.0", "true", "TRUE" and their opposites.
std::optional<std::uint8_t> LabelOf(std::string_view text) {
  for (const std::string_view yes : {"1", "1.0", "true", "TRUE", "True"}) {
    if (text == yes) return std::uint8_t{1};
  }
  for (const std::string_view no : {"0", "0.0", "false", "FALSE", "False"}) {
    if (text == no) return std::uint8_t{0};
  }
  return std::nullopt;
}

void FillContext(const Rows& rows, const std::vector<Column>& columns, std::size_t row,
                 Attributes& context) {
  for (std::size_t c = 0; c < columns.size(); ++c) {
    if (rows.IsNull(c + 1, row)) {
      continue;
    }
    Attribute& cell = context[columns[c].name];
    switch (columns[c].kind) {
      case Kind::kNumber:
        cell = rows.Number(c + 1, row);
        break;
      case Kind::kFlag:
        cell = rows.Text(c + 1, row) == "true";
        break;
      case Kind::kText:
        cell = std::string(rows.Text(c + 1, row));
        break;
    }
  }
}

Status ReadRows(Database& database, const TableSource& source, const std::vector<Column>& columns,
                const Column& label, std::vector<LabelledRow>& out) {
  ASSIGN_OR_RETURN(Rows rows, database.Query(SelectOf(columns, label, source.path)));
  while (true) {
    ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) {
      return Status::Ok();
    }
    for (std::size_t row = 0; row < rows.size(); ++row) {
      LabelledRow& made = out.emplace_back();
      const auto read = LabelOf(rows.Text(0, row));
      if (!read) {
        return InvalidArgument(fmt::format("{}: row {} of column '{}' is '{}'; a label is 0 or 1",
                                           source.path, out.size() - 1, label.name,
                                           rows.Text(0, row)));
      }
      made.label = *read;
      FillContext(rows, columns, row, made.context);
    }
  }
}

}  // namespace

Result<LabelledSet> ReadLabelledTable(const TableSource& source, const evaluate::Protocol& protocol,
                                      const DatabaseOptions& options, const Progress& progress) {
  RETURN_IF_ERROR(evaluate::CheckProtocol(protocol));
  if (!protocol.slices.empty()) {
    return InvalidArgument(fmt::format(
        "protocol '{}': a slice looks at items, users and histories, which a table has not",
        protocol.name));
  }
  LabelledSet set;
  set.protocol = protocol.name;
  ASSIGN_OR_RETURN(set.snapshot, Sha256OfFile(source.path));
  ASSIGN_OR_RETURN(const auto database, Database::Open(options));
  database->CancelWith(progress.stop);
  ASSIGN_OR_RETURN(std::vector<Column> columns, ColumnsOf(*database, source.path));
  ASSIGN_OR_RETURN(const Column label, TakeLabel(source, columns));
  RETURN_IF_ERROR(ReadRows(*database, source, columns, label, set.rows));
  evaluate::AssignParts(protocol, set.rows);
  RETURN_IF_ERROR(evaluate::CheckParts(set, protocol));
  progress.report({.stage = "read table",
                   .done = static_cast<double>(set.rows.size()),
                   .total = static_cast<double>(set.rows.size()),
                   .unit = "rows",
                   .detail = source.path});
  return set;
}

}  // namespace vitrine::duckdb
