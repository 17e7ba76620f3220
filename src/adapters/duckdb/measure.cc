#include "adapters/duckdb/measure.h"

#include <fmt/format.h>

#include "adapters/duckdb/clean_sql.h"
#include "adapters/duckdb/snapshot_view.h"
#include "core/event.h"

namespace vitrine::duckdb {
namespace {

std::vector<std::string> PathsOf(const std::string& root, const data::SnapshotManifest& manifest,
                                 std::string_view kind) {
  std::vector<std::string> out;
  for (const data::SnapshotPart& part : manifest.parts) {
    if (part.kind == kind) {
      out.push_back(root + "/" + part.path);
    }
  }
  return out;
}

std::uint64_t Count(const std::string& text) { return text.empty() ? 0 : std::stoull(text); }

Status MeasureEvents(Database& database, const std::vector<std::string>& files,
                     data::SnapshotManifest& manifest) {
  ASSIGN_OR_RETURN(
      const auto rows,
      database.QueryTexts(fmt::format(
          "SELECT count(*), count(DISTINCT coalesce(user_id, anonymous_id)), count(DISTINCT "
          "item_id), "
          "count(*) FILTER (type = {}), count(replaces), count(*) FILTER (type = {}), min(ts), "
          "max(ts), coalesce(bool_or(ordinal), false) FROM read_parquet({}, union_by_name = true)",
          static_cast<int>(EventType::kReturn), static_cast<int>(EventType::kIdentify),
          QuotedList(files))));
  const auto& row = rows.at(0);
  manifest.rows = Count(row[0]);
  manifest.users = Count(row[1]);
  manifest.items = Count(row[2]);
  manifest.returns = Count(row[3]);
  manifest.replacements = Count(row[4]);
  manifest.identities = Count(row[5]);
  manifest.window_from.value = row[6].empty() ? 0 : std::stoll(row[6]);
  manifest.window_to.value = row[7].empty() ? 0 : std::stoll(row[7]);
  manifest.ordinal_time = row[8] == "true";
  return Status::Ok();
}

}  // namespace

Status MeasureSnapshot(Database& database, const std::string& lake_root,
                       data::SnapshotManifest& manifest, std::uint64_t& net_rows) {
  const std::vector<std::string> events = PathsOf(lake_root, manifest, "events");
  const std::vector<std::string> impressions = PathsOf(lake_root, manifest, "impressions");
  const std::vector<std::string> items = PathsOf(lake_root, manifest, "items");
  net_rows = 0;
  if (!events.empty()) {
    RETURN_IF_ERROR(MeasureEvents(database, events, manifest));
    if (manifest.returns + manifest.replacements + manifest.identities > 0) {
      RETURN_IF_ERROR(MakeEventsView(database, lake_root, manifest, false));
      ASSIGN_OR_RETURN(const std::int64_t net, database.QueryInteger(fmt::format(
                                                   "SELECT count(*) FROM events WHERE type <> {}",
                                                   static_cast<int>(EventType::kReturn))));
      net_rows = static_cast<std::uint64_t>(net);
    } else {
      net_rows = manifest.rows;
    }
  }
  if (!impressions.empty()) {
    ASSIGN_OR_RETURN(const std::int64_t count,
                     database.QueryInteger(fmt::format("SELECT count(*) FROM read_parquet({})",
                                                       QuotedList(impressions))));
    manifest.impressions = static_cast<std::uint64_t>(count);
  }
  if (!items.empty()) {
    ASSIGN_OR_RETURN(const std::int64_t count,
                     database.QueryInteger(fmt::format(
                         "SELECT count(DISTINCT id) FROM read_parquet({}, union_by_name = "
                         "true) WHERE reject IS NULL",
                         QuotedList(items))));
    manifest.catalogue_items = static_cast<std::uint64_t>(count);
  }
  return Status::Ok();
}

Result<data::Contract> MeasureContract(Database& database, const std::vector<std::string>& files) {
  static const std::vector<std::string> kTexts = {"user_id",    "anonymous_id", "item_id",
                                                  "order_id",   "currency",     "scene",
                                                  "request_id", "query",        "experiment"};
  static const std::vector<std::string> kNumbers = {"ts", "quantity", "price", "seconds", "rating"};
  data::Contract out;
  if (files.empty()) {
    return out;
  }
  const std::string from = fmt::format("read_parquet({})", QuotedList(files));
  std::string select = "SELECT count(*)";
  for (const std::string& name : kTexts) {
    const bool id = name.ends_with("_id");
    select += fmt::format(
        ", count({0}), max(strlen({0})), {1}", name,
        id ? fmt::format("CASE WHEN count({0}) = 0 THEN '' WHEN count({0}) = "
                         "count(TRY_CAST({0} AS HUGEINT)) THEN 'digits' ELSE 'text' END",
                         name)
           : std::string("''"));
  }
  for (const std::string& name : kNumbers) {
    select += fmt::format(", count({0}), min({0}), max({0})", name);
  }
  ASSIGN_OR_RETURN(const auto rows, database.QueryTexts(select + " FROM " + from));
  const auto& row = rows.at(0);
  out.rows = Count(row[0]);
  std::size_t at = 1;
  const auto share = [&](const std::string& count) {
    return out.rows == 0 ? 0.0 : static_cast<double>(Count(count)) / static_cast<double>(out.rows);
  };
  for (const std::string& name : kTexts) {
    out.fields[name] = {.type = "text",
                        .present_share = share(row[at]),
                        .format = row[at + 2],
                        .longest = Count(row[at + 1])};
    at += 3;
  }
  for (const std::string& name : kNumbers) {
    const auto number = [](const std::string& text) { return text.empty() ? 0 : std::stod(text); };
    out.fields[name] = {.type = "number",
                        .present_share = share(row[at]),
                        .format = "",
                        .least = number(row[at + 1]),
                        .most = number(row[at + 2])};
    at += 3;
  }
  ASSIGN_OR_RETURN(const auto events,
                   database.QueryTexts(fmt::format("SELECT {}, count(*) FROM {} GROUP BY ALL",
                                                   EventNameSql(), from)));
  for (const auto& event : events) {
    out.events[event[0]] = Count(event[1]);
  }
  return out;
}

}  // namespace vitrine::duckdb
