#include "adapters/duckdb/duck_frame_pair.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "adapters/duckdb/database.h"
#include "adapters/duckdb/frame_source.h"
#include "adapters/duckdb/scratch_folder.h"
#include "adapters/duckdb/sorted_numbers.h"
#include "core/nearest_name.h"

namespace vitrine::duckdb {
namespace {

using monitor::ColumnKind;
using monitor::Cut;
using monitor::FrameColumn;
using monitor::FrameSide;
using monitor::Grouping;

constexpr int kTextCharacters = 2000;

/// What a type of DuckDB is to us, and how it becomes a number; none for what is not compared.
struct TypeUse {
  bool known = false;
  ColumnKind kind = ColumnKind::kWord;
  std::string number;  ///< of the column `{}`
  [[nodiscard]] bool time() const { return number.starts_with("epoch"); }
};

TypeUse UseOf(const std::string& type) {
  if (type.ends_with("]")) {
    const bool numbers = type.starts_with("FLOAT") || type.starts_with("DOUBLE");
    return {numbers && type.find('[') == type.rfind('['), ColumnKind::kVector, ""};
  }
  if (type == "DATE" || type.starts_with("TIMESTAMP")) {
    return {true, ColumnKind::kNumber, "epoch({})::DOUBLE"};
  }
  static constexpr std::array<std::string_view, 12> kNumbers = {
      "TINYINT",   "SMALLINT", "INTEGER", "BIGINT",   "HUGEINT", "UTINYINT",
      "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT", "FLOAT",   "DOUBLE"};
  if (std::find(kNumbers.begin(), kNumbers.end(), type) != kNumbers.end() ||
      type.starts_with("DECIMAL")) {
    return {true, ColumnKind::kNumber, "{}::DOUBLE"};
  }
  const bool word =
      type == "VARCHAR" || type == "BOOLEAN" || type == "UUID" || type.starts_with("ENUM");
  return {word, ColumnKind::kWord, ""};
}

bool Contains(const std::vector<std::string>& list, const std::string& name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

std::string Side(FrameSide side) {
  return side == FrameSide::kReference ? "reference_frame" : "current_frame";
}

class DuckFramePair final : public monitor::FramePair {
 public:
  DuckFramePair(std::unique_ptr<ScratchFolder> scratch, std::unique_ptr<Database> database,
                FramePairOptions options)
      : scratch_(std::move(scratch)),
        database_(std::move(database)),
        options_(std::move(options)) {}

  /// Makes the views and learns the columns.
  Status Open(const std::string& reference, const std::string& current) {
    std::array<std::map<std::string, std::string>, 2> types;
    std::vector<std::string> order;
    for (const FrameSide side : {FrameSide::kReference, FrameSide::kCurrent}) {
      const std::string& source = side == FrameSide::kReference ? reference : current;
      const auto place = static_cast<std::size_t>(side);
      ASSIGN_OR_RETURN(const std::string from,
                       FrameSql(*database_, source, options_.data_dir,
                                scratch_->File(fmt::format("frame{}.parquet", place))));
      const Status made = database_->Execute(
          fmt::format("CREATE TEMP VIEW {} AS SELECT * FROM {}", Side(side), from));
      if (!made.ok() && made.code() == Code::kInvalidArgument) {
        return InvalidArgument(fmt::format("{} is not a file that can be read: {}", source,
                                           made.message().substr(0, made.message().find('\n'))));
      }
      RETURN_IF_ERROR(made);
      ASSIGN_OR_RETURN(const auto described,
                       database_->QueryTexts(fmt::format(
                           "SELECT column_name, column_type FROM (DESCRIBE {})", Side(side))));
      for (const auto& row : described) {
        types[place][row[0]] = row[1];
        if (side == FrameSide::kReference) {
          order.push_back(row[0]);
        }
      }
      ASSIGN_OR_RETURN(const std::int64_t rows,
                       database_->QueryInteger(fmt::format("SELECT count(*) FROM {}", Side(side))));
      if (rows == 0) {
        return InvalidArgument(fmt::format("{} holds no rows", source));
      }
      rows_[place] = static_cast<double>(rows);
    }
    RETURN_IF_ERROR(CheckNames(order));
    return Choose(order, types[0], types[1]);
  }

  [[nodiscard]] const std::vector<FrameColumn>& columns() const override { return columns_; }
  [[nodiscard]] const std::vector<std::string>& left_out() const override { return left_out_; }
  [[nodiscard]] double rows(FrameSide side) const override {
    return rows_[static_cast<std::size_t>(side)];
  }

  Result<std::unique_ptr<monitor::SortedNumbers>> Numbers(const std::string& column) override {
    const auto most = static_cast<double>(options_.rows_in_memory);
    if (rows_[0] > most || rows_[1] > most) {
      return NumbersOnDisk(column);
    }
    ASSIGN_OR_RETURN(std::vector<double> reference, Sorted(column, FrameSide::kReference));
    ASSIGN_OR_RETURN(std::vector<double> current, Sorted(column, FrameSide::kCurrent));
    return NumbersInMemory(std::move(reference), std::move(current));
  }

  Status Levels(const std::string& column, const OnLevel& visit) override {
    const auto counted = [&](FrameSide side) {
      return fmt::format("(SELECT {}::VARCHAR AS v, count(*) AS n FROM {} GROUP BY 1)",
                         Named(column), Side(side));
    };
    ASSIGN_OR_RETURN(
        Rows rows,
        database_->Query(fmt::format(
            "SELECT coalesce(r.v, c.v) AS v, coalesce(r.n, 0)::DOUBLE AS a, coalesce(c.n, "
            "0)::DOUBLE AS b FROM {} r FULL OUTER JOIN {} c ON r.v IS NOT DISTINCT FROM c.v ORDER "
            "BY a + b DESC, v",
            counted(FrameSide::kReference), counted(FrameSide::kCurrent))));
    while (true) {
      ASSIGN_OR_RETURN(const bool more, rows.Next());
      if (!more) {
        return Status::Ok();
      }
      for (std::size_t row = 0; row < rows.size(); ++row) {
        visit(rows.IsNull(0, row) ? Group() : Group(rows.Text(0, row)), rows.Number(1, row),
              rows.Number(2, row));
      }
    }
  }

  Status Cross(const Grouping& a, const Grouping& b, const OnCross& visit) override {
    const auto part = [&](FrameSide side) {
      return fmt::format("SELECT {} AS a, {} AS b, {} AS r, {} AS c FROM {}", GroupSql(a, side),
                         GroupSql(b, side), side == FrameSide::kReference ? 1 : 0,
                         side == FrameSide::kReference ? 0 : 1, Side(side));
    };
    ASSIGN_OR_RETURN(Rows rows,
                     database_->Query(fmt::format(
                         "SELECT a, b, sum(r)::DOUBLE, sum(c)::DOUBLE FROM ({} UNION ALL {}) GROUP "
                         "BY a, b ORDER BY a, b",
                         part(FrameSide::kReference), part(FrameSide::kCurrent))));
    while (true) {
      ASSIGN_OR_RETURN(const bool more, rows.Next());
      if (!more) {
        return Status::Ok();
      }
      for (std::size_t row = 0; row < rows.size(); ++row) {
        visit(rows.IsNull(0, row) ? Group() : Group(rows.Text(0, row)),
              rows.IsNull(1, row) ? Group() : Group(rows.Text(1, row)), rows.Number(2, row),
              rows.Number(3, row));
      }
    }
  }

  Result<std::vector<std::string>> Texts(const std::string& column, FrameSide side,
                                         std::size_t most) override {
    std::vector<std::string> out;
    ASSIGN_OR_RETURN(
        Rows rows,
        database_->Query(SampleSql(
            fmt::format("left({}::VARCHAR, {})", Named(column), kTextCharacters), side, most)));
    while (true) {
      ASSIGN_OR_RETURN(const bool more, rows.Next());
      if (!more) {
        return out;
      }
      for (std::size_t row = 0; row < rows.size(); ++row) {
        out.emplace_back(rows.Text(0, row));
      }
    }
  }

  Result<std::vector<float>> Vectors(const std::string& column, FrameSide side, std::size_t most,
                                     std::size_t& width) override {
    // A row's values one under another: lists are not read by the chunk.
    ASSIGN_OR_RETURN(
        Rows rows,
        database_->Query(fmt::format(
            "SELECT unnest(v)::DOUBLE AS x, len(v)::DOUBLE AS width FROM (SELECT x::DOUBLE[] AS v "
            "FROM ({}))",
            SampleSql(Named(column), side, most))));
    std::vector<float> out;
    width = 0;
    while (true) {
      ASSIGN_OR_RETURN(const bool more, rows.Next());
      if (!more) {
        return out;
      }
      for (std::size_t row = 0; row < rows.size(); ++row) {
        const auto here = static_cast<std::size_t>(rows.Number(1, row));
        width = width == 0 ? here : width;
        if (here != width) {
          return InvalidArgument(fmt::format(
              "column '{}' holds vectors of {} and of {} values; leave it out by naming "
              "the others with --columns",
              column, width, here));
        }
        out.push_back(static_cast<float>(rows.Number(0, row)));
      }
    }
  }

 private:
  Status CheckNames(const std::vector<std::string>& known) const {
    for (const auto& [option, names] :
         {std::pair("--columns", &options_.columns), std::pair("--words", &options_.words),
          std::pair("--text", &options_.texts)}) {
      for (const std::string& name : *names) {
        if (!Contains(known, name)) {
          return InvalidArgument(fmt::format("{} names '{}', which is no column of the reference{}",
                                             option, name, DidYouMean(name, known)));
        }
      }
    }
    return Status::Ok();
  }

  Status Choose(const std::vector<std::string>& order,
                const std::map<std::string, std::string>& reference,
                const std::map<std::string, std::string>& current) {
    for (const std::string& name : order) {
      if (!options_.columns.empty() && !Contains(options_.columns, name)) {
        continue;
      }
      const auto other = current.find(name);
      if (other == current.end()) {
        left_out_.push_back(fmt::format("{}: only in the reference", name));
        continue;
      }
      const TypeUse before = UseOf(reference.at(name));
      const TypeUse after = UseOf(other->second);
      if (!before.known || !after.known) {
        left_out_.push_back(fmt::format("{}: {} is not compared", name, reference.at(name)));
        continue;
      }
      const bool as_word = Contains(options_.words, name);
      if ((before.kind != after.kind || before.time() != after.time()) && !as_word) {
        return InvalidArgument(fmt::format(
            "column '{0}' is {1} in the reference and {2} in current; compare it by levels with "
            "--words {0}, or name the other columns with --columns",
            name, reference.at(name), other->second));
      }
      ColumnKind kind = as_word ? ColumnKind::kWord : before.kind;
      kind = Contains(options_.texts, name) ? ColumnKind::kText : kind;
      columns_.push_back({name, kind});
      number_sql_[name] = {before.number, after.number};
    }
    for (const auto& [name, type] : current) {
      if (!reference.contains(name) && options_.columns.empty()) {
        left_out_.push_back(fmt::format("{}: only in current", name));
      }
    }
    if (columns_.empty()) {
      return InvalidArgument("the two frames have no column in common that can be compared");
    }
    return Status::Ok();
  }

  std::string NumberSql(const std::string& column, FrameSide side) const {
    const auto& sql = number_sql_.at(column)[static_cast<std::size_t>(side)];
    return fmt::format(fmt::runtime(sql), Named(column));
  }

  Result<std::vector<double>> Sorted(const std::string& column, FrameSide side) {
    ASSIGN_OR_RETURN(Rows rows, database_->Query(fmt::format("SELECT {} FROM {}",
                                                             NumberSql(column, side), Side(side))));
    while (true) {
      ASSIGN_OR_RETURN(const bool more, rows.Next());
      if (!more) {
        break;
      }
      const double* piece = rows.Values<double>(0);
      const bool some_null = rows.HasNulls(0);
      for (std::size_t row = 0; row < rows.size(); ++row) {
        if (std::isfinite(piece[row]) && !(some_null && rows.IsNull(0, row))) {
          sorter_.Add(piece[row]);
        }
      }
    }
    return sorter_.Take();
  }

  /// Sorted once by DuckDB, which spills, into a file that is read as often as needed.
  Result<std::unique_ptr<monitor::SortedNumbers>> NumbersOnDisk(const std::string& column) {
    const std::string file = scratch_->File("sorted.parquet");
    const auto part = [&](FrameSide side) {
      return fmt::format(
          "SELECT v + 0.0 AS v, {} AS r, {} AS c FROM (SELECT {} AS v FROM {}) WHERE "
          "isfinite(v)",
          side == FrameSide::kReference ? 1 : 0, side == FrameSide::kReference ? 0 : 1,
          NumberSql(column, side), Side(side));
    };
    RETURN_IF_ERROR(database_->Execute(
        fmt::format("COPY (SELECT v, sum(r)::DOUBLE AS r, sum(c)::DOUBLE AS c FROM ({} UNION ALL "
                    "{}) GROUP BY v "
                    "ORDER BY v) TO {} (FORMAT parquet)",
                    part(FrameSide::kReference), part(FrameSide::kCurrent), Quoted(file))));
    const std::string read = fmt::format("FROM read_parquet({})", Quoted(file));
    ASSIGN_OR_RETURN(const std::int64_t n, database_->QueryInteger("SELECT sum(r) " + read));
    ASSIGN_OR_RETURN(const std::int64_t m, database_->QueryInteger("SELECT sum(c) " + read));
    return NumbersOfQuery(*database_, "SELECT v, r, c " + read, static_cast<double>(n),
                          static_cast<double>(m));
  }

  /// The group of a row as text; null where it is missing.
  std::string GroupSql(const Grouping& by, FrameSide side) const {
    if (!by.number) {
      return Named(by.column) + "::VARCHAR";
    }
    const std::string value = NumberSql(by.column, side);
    std::string bin = "0";
    for (const Cut& cut : by.cuts) {
      bin += fmt::format(" + ({} {} {:.17g})::INT", value, cut.above ? ">" : ">=", cut.value);
    }
    return fmt::format("CASE WHEN isfinite({}) THEN ({})::VARCHAR END", value, bin);
  }

  std::string SampleSql(const std::string& value, FrameSide side, std::size_t most) const {
    // By a hash of the row's number: the same rows each time, in an order of their own.
    return fmt::format(
        "SELECT x FROM (SELECT {} AS x, row_number() OVER () AS n FROM {}) WHERE x IS NOT NULL "
        "ORDER "
        "BY hash(n), n LIMIT {}",
        value, Side(side), most);
  }

  // The scratch folder goes last: DuckDB's spill files lie in it.
  std::unique_ptr<ScratchFolder> scratch_;
  std::unique_ptr<Database> database_;
  FramePairOptions options_;
  std::vector<FrameColumn> columns_;
  std::vector<std::string> left_out_;
  std::map<std::string, std::array<std::string, 2>> number_sql_;
  std::array<double, 2> rows_{};
  FiniteSorter sorter_;
};

}  // namespace

Result<std::unique_ptr<monitor::FramePair>> OpenFramePair(const std::string& reference,
                                                          const std::string& current,
                                                          const FramePairOptions& options,
                                                          const Progress& progress) {
  auto scratch = std::make_unique<ScratchFolder>();
  RETURN_IF_ERROR(scratch->Make("drift"));
  ASSIGN_OR_RETURN(auto database, Database::Open({.memory_limit_mb = options.memory_limit_mb,
                                                  .threads = options.threads,
                                                  .temporary_directory = scratch->File("spill")}));
  database->CancelWith(progress.stop);
  auto pair = std::make_unique<DuckFramePair>(std::move(scratch), std::move(database), options);
  progress.report({"open", 0, 2, "frames", ""});
  RETURN_IF_ERROR(pair->Open(reference, current));
  return std::unique_ptr<monitor::FramePair>(std::move(pair));
}

}  // namespace vitrine::duckdb
