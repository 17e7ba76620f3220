#include "adapters/sqlite/database.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <utility>

namespace vitrine::sqlite {
namespace {

Status Failure(sqlite3* db, std::string_view doing) {
  const int code = db == nullptr ? SQLITE_NOMEM : sqlite3_errcode(db);
  const char* file = db == nullptr ? nullptr : sqlite3_db_filename(db, "main");
  std::string text = fmt::format("{}: {}: {}", file == nullptr ? "registry" : file, doing,
                                 db == nullptr ? "out of memory" : sqlite3_errmsg(db));
  switch (code & 0xff) {
    case SQLITE_FULL:
      return ResourceExhausted(text + "; free space on this disk, then try again");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return DataLoss(text + "; restore the file from a backup: vitrine restore");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Unavailable(text + "; another process holds the file");
    case SQLITE_CONSTRAINT:
      return AlreadyExists(text);
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return Unavailable(text + "; check that the directory exists and may be written");
    default:
      return Internal(text);
  }
}

}  // namespace

Statement::~Statement() { sqlite3_finalize(statement_); }

Statement& Statement::Bind(int index, std::string_view text) {
  CHECK(sqlite3_bind_text64(statement_, index, text.data() == nullptr ? "" : text.data(),
                            text.size(), SQLITE_TRANSIENT, SQLITE_UTF8) == SQLITE_OK);
  return *this;
}

Statement& Statement::Bind(int index, std::int64_t number) {
  CHECK(sqlite3_bind_int64(statement_, index, number) == SQLITE_OK);
  return *this;
}

Statement& Statement::BindBytes(int index, std::string_view bytes) {
  CHECK(sqlite3_bind_blob64(statement_, index, bytes.data() == nullptr ? "" : bytes.data(),
                            bytes.size(), SQLITE_TRANSIENT) == SQLITE_OK);
  return *this;
}

Result<bool> Statement::Step() {
  switch (sqlite3_step(statement_)) {
    case SQLITE_ROW:
      return true;
    case SQLITE_DONE:
      return false;
    default:
      return Failure(db_, "query failed");
  }
}

Status Statement::Run() {
  for (;;) {
    ASSIGN_OR_RETURN(const bool row, Step());
    if (!row) {
      return Status::Ok();
    }
  }
}

std::string Statement::Text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  return text == nullptr
             ? std::string()
             : std::string(text,
                           static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)));
}

std::int64_t Statement::Integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}

bool Statement::IsNull(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

bool Statement::IsBytes(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_BLOB;
}

Result<Database> Database::Open(const std::string& path, const char* vfs) {
  sqlite3* raw = nullptr;
  const int opened = sqlite3_open_v2(
      path.c_str(), &raw,
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
      vfs);
  Database db(raw, path);
  if (opened != SQLITE_OK) {
    return Failure(raw, fmt::format("cannot open {}", path));
  }
  sqlite3_busy_timeout(raw, 5000);
  RETURN_IF_ERROR(
      db.Execute("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = "
                 "FULL; PRAGMA foreign_keys = ON; "
                 "PRAGMA mmap_size = 0; PRAGMA cache_size = -2000"));
  return db;
}

Database::Database(Database&& other) noexcept
    : db_(std::exchange(other.db_, nullptr)), path_(std::move(other.path_)) {}

Database::~Database() { sqlite3_close_v2(db_); }

Result<Statement> Database::Prepare(std::string_view sql) const {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(db_, sql.data(), static_cast<int>(sql.size()), &statement, nullptr) !=
      SQLITE_OK) {
    return Failure(db_, "cannot prepare a statement");
  }
  return Statement(db_, statement);
}

Status Database::Execute(const std::string& sql) {
  return sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK
             ? Status::Ok()
             : Failure(db_, "statement failed");
}

Status Database::IntegrityCheck() const {
  ASSIGN_OR_RETURN(Statement check, Prepare("PRAGMA integrity_check"));
  ASSIGN_OR_RETURN(const bool row, check.Step());
  const std::string verdict = row ? check.Text(0) : "no answer";
  return verdict == "ok" ? Status::Ok()
                         : DataLoss(fmt::format("{}: {}; restore it from a backup: vitrine restore",
                                                path_, verdict));
}

Status Database::BackUp(const std::string& path) const {
  ASSIGN_OR_RETURN(Statement copy, Prepare("VACUUM INTO ?1"));
  return copy.Bind(1, path).Run();
}

int Database::Changes() const { return sqlite3_changes(db_); }

Result<Transaction> Transaction::Begin(Database& db) {
  RETURN_IF_ERROR(db.Execute("BEGIN IMMEDIATE"));
  return Transaction(&db);
}

Transaction::~Transaction() {
  if (db_ != nullptr) {
    // A failed ROLLBACK means that SQLite has already rolled back by itself (disk full, I/O error).
    static_cast<void>(db_->Execute("ROLLBACK"));
  }
}

Status Transaction::Commit() {
  RETURN_IF_ERROR(db_->Execute("COMMIT"));
  db_ = nullptr;
  return Status::Ok();
}

}  // namespace vitrine::sqlite
