/// A SQLite file under the one-writer rule: this connection writes and checkpoints, nobody else
/// does (Debian's 3.40 can corrupt the file when two connections reset the write-ahead log).
/// Threads: none; the owner locks.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/status.h"

struct sqlite3;
struct sqlite3_stmt;

namespace vitrine::sqlite {

/// A prepared statement; Bind counts parameters from 1, columns count from 0.
class Statement {
 public:
  Statement(sqlite3* db, sqlite3_stmt* statement) : db_(db), statement_(statement) {}
  Statement(Statement&& other) noexcept : db_(other.db_), statement_(other.statement_) {
    other.statement_ = nullptr;
  }
  Statement& operator=(Statement&&) = delete;
  ~Statement();

  Statement& Bind(int index, std::string_view text);
  Statement& Bind(int index, std::int64_t number);
  Statement& BindBytes(int index, std::string_view bytes);

  /// True where there is a row, false at the end.
  Result<bool> Step();
  /// Runs to the end.
  Status Run();

  [[nodiscard]] std::string Text(int column) const;
  [[nodiscard]] std::int64_t Integer(int column) const;
  [[nodiscard]] bool IsNull(int column) const;
  /// Whether it was bound as bytes; Text gives them. Precondition: Text was not asked before.
  [[nodiscard]] bool IsBytes(int column) const;

 private:
  sqlite3* db_;
  sqlite3_stmt* statement_;
};

class Database {
 public:
  /// Opens or makes the file for this connection alone (exclusive locking): WAL, FULL sync, foreign
  /// keys, busy timeout of 5 s.
  /// `vfs` names a registered VFS, null for the default (tests inject faults there).
  /// Errors: kDataLoss (not a database, or its check fails), kUnavailable, kResourceExhausted.
  static Result<Database> Open(const std::string& path, const char* vfs = nullptr);
  Database(Database&& other) noexcept;
  Database& operator=(Database&&) = delete;
  ~Database();

  Result<Statement> Prepare(std::string_view sql) const;
  /// Runs statements without parameters.
  Status Execute(const std::string& sql);
  /// "ok" or kDataLoss with what SQLite found.
  Status IntegrityCheck() const;
  /// Copies the whole file to `path` while others read.
  Status BackUp(const std::string& path) const;
  [[nodiscard]] int Changes() const;

 private:
  explicit Database(sqlite3* db, std::string path) : db_(db), path_(std::move(path)) {}
  sqlite3* db_ = nullptr;
  std::string path_;
};

/// BEGIN IMMEDIATE; rolls back unless committed.
class Transaction {
 public:
  static Result<Transaction> Begin(Database& db);
  Transaction(Transaction&& other) noexcept : db_(other.db_) { other.db_ = nullptr; }
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  Status Commit();

 private:
  explicit Transaction(Database* db) : db_(db) {}
  Database* db_;
};

}  // namespace vitrine::sqlite
