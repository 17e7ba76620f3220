#include "adapters/sqlite/monitor_db.h"

#include <fmt/format.h>

#include <utility>

#include "adapters/sqlite/packed_text.h"
#include "core/check.h"

namespace vitrine::sqlite {
namespace {

constexpr std::int64_t kFormat = 2;

// Without rowid, hours of a series side by side: a page is of few series and many hours, or of all series and few hours.
constexpr const char* kSchema = R"(
CREATE TABLE hour (
  kind INTEGER NOT NULL,
  series TEXT NOT NULL,
  hour INTEGER NOT NULL,
  final INTEGER NOT NULL,
  counts NOT NULL,  -- text, or the bytes of packed_text.h
  PRIMARY KEY (kind, series, hour)
) WITHOUT ROWID;
)";

// Format 1 had hours of all series side by side, and read a month of all for a month of one.
constexpr const char* kFromFormat1 = R"(
ALTER TABLE hour RENAME TO hour_1;
{}
INSERT INTO hour (kind, series, hour, final, counts) SELECT kind, series, hour, final, counts FROM hour_1;
DROP TABLE hour_1;
)";

// The names of a kind's series: one look into the key for each, whatever the number of hours.
constexpr const char* kEverySeries =
    "WITH RECURSIVE every(name) AS ("
    "SELECT min(series) FROM hour WHERE kind = ?1 UNION ALL "
    "SELECT (SELECT min(series) FROM hour WHERE kind = ?1 AND series > every.name) "
    "FROM every WHERE every.name IS NOT NULL) ";

}  // namespace

Result<std::unique_ptr<MonitorDb>> MonitorDb::Open(const std::string& path, const char* vfs) {
  ASSIGN_OR_RETURN(Database db, Database::Open(path, vfs));
  std::unique_ptr<MonitorDb> opened(new MonitorDb(std::move(db)));
  RETURN_IF_ERROR(opened->Migrate());
  return opened;
}

Status MonitorDb::Migrate() {
  ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(db_));
  std::int64_t format = 0;
  {
    ASSIGN_OR_RETURN(Statement version, db_.Prepare("PRAGMA user_version"));
    ASSIGN_OR_RETURN(const bool row, version.Step());
    CHECK(row);
    format = version.Integer(0);
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
  RETURN_IF_ERROR(db_.Execute(format == 0 ? std::string(kSchema)
                                          : fmt::format(fmt::runtime(kFromFormat1), kSchema)));
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
    put.Bind(1, static_cast<std::int64_t>(row.kind))
        .Bind(2, row.hour)
        .Bind(3, row.series)
        .Bind(4, std::int64_t{row.final ? 1 : 0});
    if (row.counts.size() < kLeastPacked) {
      put.Bind(5, row.counts);
    } else {
      put.BindBytes(5, Pack(row.counts));
    }
    RETURN_IF_ERROR(put.Run());
  }
  return transaction.Commit();
}

Result<std::vector<monitor::WindowRow>> MonitorDb::Read(const monitor::WindowRange& range,
                                                        std::size_t limit) const {
  const std::scoped_lock lock(mutex_);
  // Of a series "model\nscene" either part may be asked for alone.
  ASSIGN_OR_RETURN(
      Statement query,
      db_.Prepare(std::string(kEverySeries) +
                  "SELECT hour.hour, series, final, counts FROM every CROSS JOIN hour "
                  "ON kind = ?1 AND series = every.name AND hour.hour >= ?2 AND hour.hour < ?3 "
                  "WHERE (?4 = 0 OR every.name = ?5 "
                  "OR substr(every.name, 1, length(?5) + 1) = ?5 || char(10)) "
                  "AND (?6 = 0 OR substr(every.name, -length(?7) - 1) = char(10) || ?7) "
                  "ORDER BY hour.hour, series LIMIT ?8"));
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
    const bool packed = query.IsBytes(3);
    std::string counts = query.Text(3);
    if (packed) {
      ASSIGN_OR_RETURN(counts, Unpack(counts));
    }
    rows.push_back({.kind = range.kind,
                    .hour = query.Integer(0),
                    .series = query.Text(1),
                    .counts = std::move(counts),
                    .final = query.Integer(2) != 0});
  }
}

Status MonitorDb::Trim(std::int64_t hour) {
  const std::scoped_lock lock(mutex_);
  ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(db_));
  for (const auto kind : {monitor::WindowKind::kService, monitor::WindowKind::kQuality,
                          monitor::WindowKind::kData, monitor::WindowKind::kDrift}) {
    ASSIGN_OR_RETURN(Statement trim,
                     db_.Prepare(std::string(kEverySeries) +
                                 "DELETE FROM hour WHERE kind = ?1 AND hour < ?2 AND series IN "
                                 "(SELECT name FROM every WHERE name IS NOT NULL)"));
    RETURN_IF_ERROR(trim.Bind(1, static_cast<std::int64_t>(kind)).Bind(2, hour).Run());
  }
  return transaction.Commit();
}

Status MonitorDb::BackUp(const std::string& path) const {
  const std::scoped_lock lock(mutex_);
  return db_.BackUp(path);
}

}  // namespace vitrine::sqlite
