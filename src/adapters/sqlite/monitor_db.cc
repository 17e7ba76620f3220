#include "adapters/sqlite/monitor_db.h"

#include <fmt/format.h>

#include <utility>

#include "core/check.h"

namespace vitrine::sqlite {
namespace {

constexpr std::int64_t kFormat = 1;

// Without rowid: a row lies where its hour is read.
constexpr const char* kSchema = R"(
CREATE TABLE hour (
  kind INTEGER NOT NULL,
  hour INTEGER NOT NULL,
  series TEXT NOT NULL,
  final INTEGER NOT NULL,
  counts TEXT NOT NULL,
  PRIMARY KEY (kind, hour, series)
) WITHOUT ROWID;
)";

}  // namespace

Result<std::unique_ptr<MonitorDb>> MonitorDb::Open(const std::string& path, const char* vfs) {
  ASSIGN_OR_RETURN(Database db, Database::Open(path, vfs));
  std::unique_ptr<MonitorDb> opened(new MonitorDb(std::move(db)));
  RETURN_IF_ERROR(opened->Migrate());
  return opened;
}

Status MonitorDb::Migrate() {
  ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(db_));
  {
    ASSIGN_OR_RETURN(Statement version, db_.Prepare("PRAGMA user_version"));
    ASSIGN_OR_RETURN(const bool row, version.Step());
    CHECK(row);
    const std::int64_t format = version.Integer(0);
    if (format > kFormat) {
      return FailedPrecondition(fmt::format(
          "monitor.db has format {}, this program reads up to {}: it was written by a newer "
          "Vitrine; install that version, or move the file away and lose the monitors' history",
          format, kFormat));
    }
    if (format == kFormat) {
      return Status::Ok();
    }
  }
  RETURN_IF_ERROR(db_.Execute(kSchema));
  RETURN_IF_ERROR(db_.Execute(fmt::format("PRAGMA user_version = {}", kFormat)));
  return transaction.Commit();
}

Status MonitorDb::Put(std::span<const monitor::WindowRow> rows) {
  if (rows.empty()) {
    return Status::Ok();
  }
  const std::scoped_lock lock(mutex_);
  ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(db_));
  for (const monitor::WindowRow& row : rows) {
    ASSIGN_OR_RETURN(Statement put,
                     db_.Prepare("INSERT OR REPLACE INTO hour (kind, hour, series, final, counts) "
                                 "VALUES (?1, ?2, ?3, ?4, ?5)"));
    RETURN_IF_ERROR(put.Bind(1, static_cast<std::int64_t>(row.kind))
                        .Bind(2, row.hour)
                        .Bind(3, row.series)
                        .Bind(4, std::int64_t{row.final ? 1 : 0})
                        .Bind(5, row.counts)
                        .Run());
  }
  return transaction.Commit();
}

Result<std::vector<monitor::WindowRow>> MonitorDb::Read(const monitor::WindowRange& range,
                                                        std::size_t limit) const {
  const std::scoped_lock lock(mutex_);
  // Of a series "model\nscene" either part may be asked for alone.
  ASSIGN_OR_RETURN(
      Statement query,
      db_.Prepare(
          "SELECT hour, series, final, counts FROM hour "
          "WHERE kind = ?1 AND hour >= ?2 AND hour < ?3 "
          "AND (?4 = 0 OR series = ?5 OR substr(series, 1, length(?5) + 1) = ?5 || char(10)) "
          "AND (?6 = 0 OR substr(series, -length(?7) - 1) = char(10) || ?7) "
          "ORDER BY hour, series LIMIT ?8"));
  query.Bind(1, static_cast<std::int64_t>(range.kind))
      .Bind(2, range.from)
      .Bind(3, range.until)
      .Bind(4, std::int64_t{range.model ? 1 : 0})
      .Bind(5, range.model ? std::string_view(*range.model) : std::string_view())
      .Bind(6, std::int64_t{range.scene ? 1 : 0})
      .Bind(7, range.scene ? std::string_view(*range.scene) : std::string_view())
      .Bind(8, static_cast<std::int64_t>(limit));
  std::vector<monitor::WindowRow> rows;
  for (;;) {
    ASSIGN_OR_RETURN(const bool there, query.Step());
    if (!there) {
      return rows;
    }
    rows.push_back({.kind = range.kind,
                    .hour = query.Integer(0),
                    .series = query.Text(1),
                    .counts = query.Text(3),
                    .final = query.Integer(2) != 0});
  }
}

Status MonitorDb::Trim(std::int64_t hour) {
  const std::scoped_lock lock(mutex_);
  ASSIGN_OR_RETURN(Statement trim, db_.Prepare("DELETE FROM hour WHERE hour < ?1"));
  return trim.Bind(1, hour).Run();
}

Status MonitorDb::BackUp(const std::string& path) const {
  const std::scoped_lock lock(mutex_);
  return db_.BackUp(path);
}

}  // namespace vitrine::sqlite
