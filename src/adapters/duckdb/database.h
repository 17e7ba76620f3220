/// One in-memory DuckDB: SQL in, columns out. Everything large lives in Parquet files; what does not
/// fit into the memory limit is spilled to the temporary directory.
/// Threads: a Database is one connection, used by one thread at a time; CancelWith may interrupt a
///          running query from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"

namespace vitrine::duckdb {

/// The rows of one query, a chunk (at most 2,048 rows) at a time.
/// Accessors: precondition: the column has the type asked for; views live until the next Next().
class Rows {
 public:
  Rows(Rows&&) noexcept;
  Rows& operator=(Rows&&) noexcept;
  ~Rows();

  /// Goes to the next chunk; false after the last one. Errors: those of Database::Query.
  Result<bool> Next();
  [[nodiscard]] std::size_t size() const;  ///< rows of this chunk
  [[nodiscard]] std::size_t columns() const;
  [[nodiscard]] std::string ColumnName(std::size_t column) const;

  /// The column's values of this chunk, in DuckDB's own width (BIGINT: std::int64_t, ...).
  template <typename T>
  [[nodiscard]] const T* Values(std::size_t column) const {
    return static_cast<const T*>(Data(column));
  }
  /// False: no row of this chunk is null in the column.
  [[nodiscard]] bool HasNulls(std::size_t column) const;
  [[nodiscard]] bool IsNull(std::size_t column, std::size_t row) const;
  /// VARCHAR; empty where null.
  [[nodiscard]] std::string_view Text(std::size_t column, std::size_t row) const;
  /// VARCHAR[]; empty where null.
  [[nodiscard]] std::vector<std::string> Texts(std::size_t column, std::size_t row) const;
  /// BIGINT; 0 where null.
  [[nodiscard]] std::int64_t Integer(std::size_t column, std::size_t row) const;
  /// DOUBLE; 0 where null.
  [[nodiscard]] double Number(std::size_t column, std::size_t row) const;

 private:
  friend class Database;
  struct State;
  explicit Rows(std::unique_ptr<State> state);
  [[nodiscard]] const void* Data(std::size_t column) const;
  std::unique_ptr<State> state_;
};

struct DatabaseOptions {
  std::size_t memory_limit_mb = 512;
  int threads = 0;                  ///< 0: as many as there are cores
  std::string temporary_directory;  ///< where to spill; empty: nowhere
};

class Database {
 public:
  static Result<std::unique_ptr<Database>> Open(const DatabaseOptions& options);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  /// Runs statements that give no rows. Errors: those of Query.
  Status Execute(const std::string& sql);
  /// Runs one statement.
  /// Errors: kResourceExhausted (memory limit, disk full), kCancelled, kUnavailable (a file cannot
  ///         be read or written), kInvalidArgument (DuckDB refuses the input or the statement).
  Result<Rows> Query(const std::string& sql);
  /// The first value of the first row, as a whole number; 0 where null or there is no row.
  Result<std::int64_t> QueryInteger(const std::string& sql);
  /// Every row of a small answer, as texts; null is empty.
  Result<std::vector<std::vector<std::string>>> QueryTexts(const std::string& sql);

  /// Queries from here on fail with kCancelled once a stop is requested.
  void CancelWith(const std::stop_token& stop);

  /// The duckdb_connection, for TableWriter.
  [[nodiscard]] void* connection() const;

 private:
  struct Impl;
  explicit Database(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// 'it''s': a text of SQL.
std::string Quoted(std::string_view text);
/// "a ""name""": an identifier of SQL.
std::string Named(std::string_view name);
/// ['a', 'b']: a list of texts.
std::string QuotedList(const std::vector<std::string>& texts);

}  // namespace vitrine::duckdb
