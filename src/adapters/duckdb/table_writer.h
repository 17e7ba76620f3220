/// Appends rows of the program's own values to a table of a Database.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/duckdb/database.h"
#include "core/status.h"

namespace vitrine::duckdb {

/// Values in the order of the table's columns, then EndRow. A failure is kept and told by Close.
/// Threads: the Database's.
class TableWriter {
 public:
  /// Precondition: the table exists.
  TableWriter(Database& database, const std::string& table);
  ~TableWriter();
  TableWriter(const TableWriter&) = delete;
  TableWriter& operator=(const TableWriter&) = delete;

  void Null();
  /// Empty is NULL.
  void Text(std::string_view value);
  void Integer(std::int64_t value);
  void Number(double value);
  void Flag(bool value);
  void Texts(const std::vector<std::string>& values);
  void EndRow();
  /// Errors: kInternal (a value does not fit its column), kResourceExhausted.
  Status Close();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace vitrine::duckdb
