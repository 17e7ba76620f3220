#include "adapters/duckdb/reconcile.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "adapters/duckdb/database.h"
#include "adapters/duckdb/duck_lake.h"
#include "adapters/duckdb/scratch_folder.h"
#include "core/event.h"

namespace vitrine::duckdb {
namespace {

using data::ReconcileKey;
using data::Reconciliation;

constexpr int kWorstItems = 10;
constexpr int kSamples = 5;

double NumberOf(const std::string& text) { return text.empty() ? 0 : std::stod(text); }
std::uint64_t CountOf(const std::string& text) { return text.empty() ? 0 : std::stoull(text); }

/// Paths of raw parts of events, and how many of their rows were refused.
struct Parts {
  std::vector<std::string> paths;
  std::uint64_t refused = 0;
};

Result<Parts> EventParts(const std::string& data_dir) {
  ASSIGN_OR_RETURN(const data::LakeManifest manifest, OpenDuckLake(data_dir, {})->Manifest());
  Parts out;
  for (const data::LakePart& part : manifest.parts) {
    if (part.kind == "events") {
      out.paths.push_back(fmt::format("{}/lake/{}", data_dir, part.path));
      out.refused += part.rejected + part.broken;
    }
  }
  if (out.paths.empty()) {
    return FailedPrecondition(fmt::format("{} holds no events", data_dir));
  }
  return out;
}

std::string KeySql(ReconcileKey key) {
  switch (key) {
    case ReconcileKey::kOrder:
      return "order_id";
    case ReconcileKey::kOrderItem:
      return "order_id || ' / ' || item_id";
    case ReconcileKey::kEvent:
      break;
  }
  return "event_id";
}

/// A line of each side: id, day, item, amount. `once`: an event_id that came again counts once.
std::string LinesSql(const Parts& parts, const data::ReconcileSource& source, bool once) {
  const EventType type = ParseEventType(source.event).value_or(EventType::kPurchase);
  return fmt::format(
      "SELECT {} AS id, ts, ts // {} AS day, item_id AS item, coalesce(price, 0) * "
      "coalesce(quantity, 1) AS amount FROM read_parquet({}, union_by_name = true) WHERE reject IS "
      "NULL AND ignored IS NOT TRUE AND type = {}{}",
      KeySql(source.key), kMicrosPerDay, QuotedList(parts.paths), static_cast<int>(type),
      once ? " QUALIFY row_number() OVER (PARTITION BY event_id, line ORDER BY part, row) = 1"
           : "");
}

Status MakeTables(Database& database, const data::ReconcileSource& source, const Parts& theirs,
                  const Parts& ours, const ReconcileOptions& options) {
  std::string where = "id IS NOT NULL AND ts IS NOT NULL";
  if (options.from.value != 0) {
    where += fmt::format(" AND ts >= {}", options.from.value);
  }
  if (options.until.value != 0) {
    where += fmt::format(" AND ts < {}", options.until.value);
  }
  RETURN_IF_ERROR(
      database.Execute(fmt::format("CREATE TEMP TABLE their_lines AS SELECT * FROM ({}) WHERE {}",
                                   LinesSql(theirs, source, false), where)));
  ASSIGN_OR_RETURN(const std::int64_t rows,
                   database.QueryInteger("SELECT count(*) FROM their_lines"));
  if (rows == 0) {
    return FailedPrecondition(fmt::format(
        "{} has no row with an id and a time in the range that was asked for", source.name));
  }
  // Ours of other days are not theirs to have, where nobody said which days.
  if (options.from.value == 0) {
    where += " AND day >= (SELECT min(day) FROM their_lines)";
  }
  if (options.until.value == 0) {
    where += " AND day <= (SELECT max(day) FROM their_lines)";
  }
  RETURN_IF_ERROR(
      database.Execute(fmt::format("CREATE TEMP TABLE our_lines AS SELECT * FROM ({}) WHERE {}",
                                   LinesSql(ours, source, true), where)));
  for (const char* side : {"their", "our"}) {
    RETURN_IF_ERROR(database.Execute(fmt::format(
        "CREATE TEMP TABLE {0}_ids AS SELECT id, min(day) AS day, sum(amount) AS amount FROM "
        "{0}_lines GROUP BY id",
        side)));
  }
  return database.Execute(fmt::format(
      "CREATE TEMP TABLE compared AS SELECT coalesce(t.id, o.id) AS id, coalesce(t.day, o.day) AS "
      "day, t.amount AS theirs, o.amount AS ours, CASE WHEN o.id IS NULL THEN 'missing' WHEN t.id "
      "IS NULL THEN 'extra' WHEN abs(t.amount - o.amount) > {} THEN 'amount' WHEN t.day <> o.day "
      "THEN 'day' ELSE 'same' END AS what FROM their_ids t FULL JOIN our_ids o ON t.id = o.id",
      source.difference));
}

Status ReadDays(Database& database, Reconciliation& out) {
  ASSIGN_OR_RETURN(
      const auto rows,
      database.QueryTexts(
          "SELECT day, count(theirs), count(ours), count(*) FILTER (what = 'missing'), count(*) "
          "FILTER (what = 'extra'), count(*) FILTER (what IN ('amount', 'day')), "
          "coalesce(sum(theirs), 0), coalesce(sum(ours), 0) FROM compared GROUP BY day ORDER BY "
          "day"));
  for (const auto& row : rows) {
    data::ReconciledDay day{.day = {std::stoll(row[0]) * kMicrosPerDay},
                            .theirs = CountOf(row[1]),
                            .ours = CountOf(row[2]),
                            .missing = CountOf(row[3]),
                            .extra = CountOf(row[4]),
                            .different = CountOf(row[5]),
                            .their_amount = NumberOf(row[6]),
                            .our_amount = NumberOf(row[7])};
    day.within = WithinTolerance(day, out);
    out.days.push_back(day);
  }
  return Status::Ok();
}

Status ReadItems(Database& database, Reconciliation& out) {
  ASSIGN_OR_RETURN(const std::int64_t named,
                   database.QueryInteger("SELECT count(item) FROM their_lines"));
  if (named == 0) {
    return Status::Ok();  // an export without items has no sums by item
  }
  ASSIGN_OR_RETURN(
      const auto rows,
      database.QueryTexts(fmt::format(
          "SELECT item, t, o FROM (SELECT coalesce(a.item, b.item) AS item, coalesce(a.s, 0) AS t, "
          "coalesce(b.s, 0) AS o FROM (SELECT item, sum(amount) AS s FROM their_lines WHERE item "
          "IS NOT NULL GROUP BY item) a FULL JOIN (SELECT item, sum(amount) AS s FROM our_lines "
          "WHERE item IS NOT NULL GROUP BY item) b ON a.item = b.item) WHERE abs(t - o) > {} ORDER "
          "BY abs(t - o) DESC, item LIMIT {}",
          out.difference, kWorstItems)));
  for (const auto& row : rows) {
    out.items.push_back({row[0], NumberOf(row[1]), NumberOf(row[2])});
  }
  return Status::Ok();
}

Status ReadIds(Database& database, Reconciliation& out) {
  ASSIGN_OR_RETURN(
      const auto rows,
      database.QueryTexts(fmt::format(
          "SELECT id, what, day, theirs, ours FROM compared WHERE what <> 'same' QUALIFY "
          "row_number() OVER (PARTITION BY what ORDER BY abs(coalesce(theirs, 0) - coalesce(ours, "
          "0)) DESC, id) <= {} ORDER BY what, abs(coalesce(theirs, 0) - coalesce(ours, 0)) DESC, "
          "id",
          kSamples)));
  for (const auto& row : rows) {
    out.ids.push_back(
        {row[0], row[1], {std::stoll(row[2]) * kMicrosPerDay}, NumberOf(row[3]), NumberOf(row[4])});
  }
  return Status::Ok();
}

}  // namespace

Result<Reconciliation> Reconcile(const data::ReconcileSource& source,
                                 const ReconcileOptions& options, const Progress& progress) {
  ASSIGN_OR_RETURN(const Parts ours, EventParts(options.data_dir));
  ScratchFolder scratch;
  RETURN_IF_ERROR(scratch.Make("reconcile"));
  data::ImportRequest request;
  request.paths = source.paths;
  request.mapping = source.mapping;
  request.now = Now();
  const LakeOptions lake{.memory_limit_mb = options.memory_limit_mb, .threads = options.threads};
  RETURN_IF_ERROR(OpenDuckLake(scratch.path(), lake)->Import(request, progress).status());
  ASSIGN_OR_RETURN(const Parts theirs, EventParts(scratch.path()));
  ASSIGN_OR_RETURN(const auto database,
                   Database::Open({.memory_limit_mb = options.memory_limit_mb,
                                   .threads = options.threads,
                                   .temporary_directory = scratch.path() + "/spill"}));
  database->CancelWith(progress.stop);
  RETURN_IF_ERROR(MakeTables(*database, source, theirs, ours, options));
  Reconciliation out;
  out.source = source.name;
  out.key = data::ReconcileKeyName(source.key);
  out.event = source.event;
  out.rows_tolerance = source.rows_tolerance;
  out.amount_tolerance = source.amount_tolerance;
  out.difference = source.difference;
  out.refused = theirs.refused;
  RETURN_IF_ERROR(ReadDays(*database, out));
  RETURN_IF_ERROR(ReadItems(*database, out));
  RETURN_IF_ERROR(ReadIds(*database, out));
  return out;
}

}  // namespace vitrine::duckdb
