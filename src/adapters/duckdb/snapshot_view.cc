#include "adapters/duckdb/snapshot_view.h"

#include <fmt/format.h>

#include "adapters/duckdb/lake_folder.h"
#include "core/event.h"

namespace vitrine::duckdb {
namespace {

int Number(EventType type) { return static_cast<int>(type); }

std::string Parquet(const std::vector<std::string>& paths) {
  return fmt::format("read_parquet({}, union_by_name = true)", QuotedList(paths));
}

Status NoEvents(const data::SnapshotManifest& manifest) {
  return FailedPrecondition(
      fmt::format("snapshot {} holds no events: every row was removed, or only a catalogue was "
                  "imported; see its report.txt",
                  manifest.id));
}

/// Small tables of what takes rows back or gives them another owner.
Status MakeAdjustments(Database& database, const std::string& from) {
  RETURN_IF_ERROR(
      database.Execute(fmt::format("CREATE OR REPLACE TEMP TABLE returned AS SELECT DISTINCT "
                                   "order_id, item_id FROM {} WHERE type = "
                                   "{} AND order_id IS NOT NULL AND item_id IS NOT NULL",
                                   from, Number(EventType::kReturn))));
  RETURN_IF_ERROR(database.Execute(fmt::format(
      "CREATE OR REPLACE TEMP TABLE replaced AS SELECT DISTINCT replaces AS event_id FROM {} WHERE "
      "replaces IS NOT NULL",
      from)));
  return database.Execute(fmt::format(
      "CREATE OR REPLACE TEMP TABLE identities AS SELECT anonymous_id, user_id, max(ts) AS ts FROM "
      "{} "
      "WHERE type = {} AND anonymous_id IS NOT NULL AND user_id IS NOT NULL GROUP BY anonymous_id, "
      "user_id",
      from, Number(EventType::kIdentify)));
}

/// An anonymous row belongs to the user of the last identify before it; rows from before the first
/// one belong to that first user.
std::string IdentifiedSql(const std::string& from) {
  return fmt::format(
      "SELECT e.*, coalesce(e.user_id, i.user_id, f.user_id, e.anonymous_id) AS subject FROM {} e "
      "ASOF "
      "LEFT JOIN identities i ON e.anonymous_id = i.anonymous_id AND e.ts >= i.ts LEFT JOIN "
      "(SELECT "
      "anonymous_id, arg_min(user_id, ts) AS user_id FROM identities GROUP BY anonymous_id) f ON "
      "f.anonymous_id = e.anonymous_id",
      from);
}

constexpr std::string_view kOrderOfRows = "(part::BIGINT << 44) + (row << 12) + line AS k";

/// What the log says was shown: one record an answer, whose subject may be an anonymous id. Of two records of
/// one request the newer one stays, as in the log.
std::string ShownByLogSql(const std::vector<std::string>& paths) {
  return fmt::format(
      "SELECT part, row, line, {}, coalesce('log ' || request_id, part || ' ' || row) AS answer, "
      "request_id, NULL::VARCHAR AS user_id, user_id AS anonymous_id, ts, scene, model, item_id, "
      "position AS place, score, source FROM {} QUALIFY (part::BIGINT << 44) + (row << 12) = "
      "max((part::BIGINT << 44) + (row << 12)) OVER (PARTITION BY answer)",
      kOrderOfRows, Parquet(paths));
}

/// What imported files say was shown.
std::string ShownByFilesSql(const std::vector<std::string>& paths) {
  return fmt::format(
      "SELECT part, row, line, {}, CASE WHEN request_id IS NOT NULL THEN 'file ' || request_id "
      "WHEN coalesce(user_id, anonymous_id) IS NOT NULL THEN concat_ws(' ', 'moment', "
      "strlen(coalesce(user_id, anonymous_id)), coalesce(user_id, anonymous_id), ts, scene) ELSE "
      "part || ' ' || row END AS answer, request_id, user_id, anonymous_id, ts, scene, "
      "NULL::VARCHAR AS model, item_id, position AS place, NULL::DOUBLE AS score, NULL::VARCHAR AS "
      "source FROM {}",
      kOrderOfRows, Parquet(paths));
}

/// current_KIND: the newest row of each id.
Status MakeNewestView(Database& database, const std::string& lake_root,
                      const data::SnapshotManifest& manifest, const std::string& kind,
                      bool& found) {
  ASSIGN_OR_RETURN(const std::vector<std::string> paths, CheckedParts(lake_root, manifest, kind));
  found = !paths.empty();
  if (!found) {
    return Status::Ok();
  }
  return database.Execute(fmt::format(
      "CREATE OR REPLACE TEMP VIEW current_{} AS SELECT * FROM {} WHERE reject IS NULL QUALIFY "
      "row_number() OVER (PARTITION BY id ORDER BY valid_from DESC, part DESC, row DESC) = 1",
      kind, Parquet(paths)));
}

}  // namespace

Status MakeEventsView(Database& database, const std::string& lake_root,
                      const data::SnapshotManifest& manifest, bool check_hashes) {
  std::vector<std::string> paths;
  if (check_hashes) {
    ASSIGN_OR_RETURN(paths, CheckedParts(lake_root, manifest, "events"));
  } else {
    for (const data::SnapshotPart& part : manifest.parts) {
      if (part.kind == "events") {
        paths.push_back(lake_root + "/" + part.path);
      }
    }
  }
  if (paths.empty()) {
    return NoEvents(manifest);
  }
  std::string from = Parquet(paths);
  std::string where = "true";
  if (manifest.returns + manifest.replacements + manifest.identities > 0) {
    RETURN_IF_ERROR(MakeAdjustments(database, from));
    where = fmt::format(
        "NOT (type = {} AND order_id IS NOT NULL AND EXISTS (SELECT 1 FROM returned r WHERE "
        "r.order_id "
        "= n.order_id AND r.item_id = n.item_id)) AND NOT EXISTS (SELECT 1 FROM replaced p WHERE "
        "p.event_id = n.event_id)",
        Number(EventType::kPurchase));
    from = "(" + IdentifiedSql(from) + ")";
  } else {
    from = fmt::format("(SELECT *, coalesce(user_id, anonymous_id) AS subject FROM {})", from);
  }
  return database.Execute(
      fmt::format("CREATE OR REPLACE TEMP VIEW events AS SELECT *, (part::BIGINT << 44) + (row << "
                  "12) + line AS k "
                  "FROM {} n WHERE {}",
                  from, where));
}

Status MakeShownViews(Database& database, const std::string& lake_root,
                      const data::SnapshotManifest& manifest, bool& found) {
  ASSIGN_OR_RETURN(const std::vector<std::string> events,
                   CheckedParts(lake_root, manifest, "events"));
  ASSIGN_OR_RETURN(const std::vector<std::string> shown,
                   CheckedParts(lake_root, manifest, "impressions"));
  found = !shown.empty();
  if (!found) {
    return Status::Ok();
  }
  if (events.empty()) {
    return NoEvents(manifest);
  }
  RETURN_IF_ERROR(MakeAdjustments(database, Parquet(events)));
  RETURN_IF_ERROR(
      database.Execute(fmt::format("CREATE OR REPLACE TEMP VIEW facts AS SELECT *, {} FROM ({})",
                                   kOrderOfRows, IdentifiedSql(Parquet(events)))));
  std::vector<std::string> by_log, by_files;
  for (const std::string& path : shown) {
    const bool cleaned = path.substr(path.rfind('/') + 1).starts_with("clean-");
    (cleaned ? by_files : by_log).push_back(path);
  }
  std::string from = by_log.empty() ? "" : ShownByLogSql(by_log);
  if (!by_files.empty()) {
    from = (from.empty() ? "" : "(" + from + ") UNION ALL ") + ShownByFilesSql(by_files);
  }
  return database.Execute(
      fmt::format("CREATE OR REPLACE TEMP VIEW shown AS {}", IdentifiedSql("(" + from + ")")));
}

Status MakeItemsView(Database& database, const std::string& lake_root,
                     const data::SnapshotManifest& manifest, bool& found) {
  return MakeNewestView(database, lake_root, manifest, "items", found);
}

Status MakeUsersView(Database& database, const std::string& lake_root,
                     const data::SnapshotManifest& manifest, bool& found) {
  return MakeNewestView(database, lake_root, manifest, "users", found);
}

}  // namespace vitrine::duckdb
