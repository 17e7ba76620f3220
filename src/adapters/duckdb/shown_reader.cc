#include "adapters/duckdb/shown_reader.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "adapters/duckdb/lake_folder.h"
#include "adapters/duckdb/snapshot_view.h"

namespace vitrine::duckdb {
namespace {

namespace fs = std::filesystem;
using data::ShownLog;

/// Puts rows together: those of one answer, or of one event, come one after the other.
class Records {
 public:
  explicit Records(ShownLog& out) : out_(out) {}

  Impression& NewAnswer() {
    ++out_.answers;
    return Add<Impression>();
  }
  Event& NewEvent() { return Add<Event>(); }

  /// The record's own time is when it came: that it came later is not kept in the lake.
  void SetTime(Micros ts) {
    out_.records.back().received = ts;
    out_.as_of = std::max(out_.as_of, ts);
  }

 private:
  template <typename Body>
  Body& Add() {
    data::LogRecord& record = out_.records.emplace_back();
    record.sequence = out_.records.size();
    return record.body.emplace<Body>();
  }
  ShownLog& out_;
};

/// `place` below 0: not said.
void Place(Impression& answer, std::int64_t place, ShownItem item, std::uint64_t& left_out) {
  auto at = place < 0 ? answer.items.size() : static_cast<std::size_t>(place);
  if (at < answer.items.size() && !answer.items[at].item_id.empty()) {
    at = answer.items.size();  // two rows of one place: the later one stands behind all
  }
  if (at >= static_cast<std::size_t>(data::kMostPlaces)) {
    ++left_out;
    return;
  }
  answer.items.resize(std::max(answer.items.size(), at + 1));
  answer.items[at] = std::move(item);
}

Status ReadAnswers(Database& database, ShownLog& out) {
  ASSIGN_OR_RETURN(
      Rows rows,
      database.Query(
          "SELECT answer, coalesce(request_id, answer), coalesce(subject, ''), "
          "coalesce(scene, ''), model, item_id, source, min(ts) OVER (PARTITION BY answer)::BIGINT "
          "AS shown_at, "
          "coalesce(place, -1)::BIGINT, coalesce(score, 0)::DOUBLE FROM shown WHERE item_id IS NOT "
          "NULL AND ts IS NOT NULL ORDER BY shown_at, answer, place NULLS LAST, k"));
  Records records(out);
  std::string key;
  Impression* answer = nullptr;
  while (true) {
    ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) {
      return Status::Ok();
    }
    for (std::size_t row = 0; row < rows.size(); ++row) {
      if (answer == nullptr || rows.Text(0, row) != key) {
        key = rows.Text(0, row);
        answer = &records.NewAnswer();
        answer->request_id = rows.Text(1, row);
        answer->subject = rows.Text(2, row);
        answer->scene = rows.Text(3, row);
        answer->model = rows.Text(4, row);
        answer->ts.value = rows.Integer(7, row);
        records.SetTime(answer->ts);
      }
      Place(*answer, rows.Integer(8, row),
            {std::string(rows.Text(5, row)), rows.Number(9, row), std::string(rows.Text(6, row))},
            out.left_out);
    }
  }
}

void FillEvent(const Rows& rows, std::size_t row, Event& event) {
  event.event_id = rows.Text(1, row);
  event.user_id = rows.Text(2, row);
  event.request_id = rows.Text(3, row);
  event.order_id = rows.Text(4, row);
  event.replaces = rows.Text(5, row);
  event.type = static_cast<EventType>(rows.Integer(7, row));
  event.ts.value = rows.Integer(8, row);
  event.seconds = rows.Number(9, row);
}

/// Events of the wanted types, and returns and replacements, from the first answer on.
Status ReadEvents(Database& database, const std::set<EventType>& wanted, Micros from,
                  ShownLog& out) {
  std::vector<int> types = {static_cast<int>(EventType::kReturn)};
  for (const EventType type : wanted) {
    types.push_back(static_cast<int>(type));
  }
  // Clocks of shop and server differ by seconds; a minute takes in what JoinLabels forgives.
  const std::int64_t first = from.value - 60 * kMicrosPerSecond;
  ASSIGN_OR_RETURN(
      Rows rows,
      database.Query(fmt::format(
          "SELECT (k >> 12)::BIGINT AS record, event_id, coalesce(subject, ''), request_id, "
          "order_id, replaces, item_id, type::BIGINT, ts::BIGINT, coalesce(seconds, 0)::DOUBLE, "
          "coalesce(quantity, 1)::DOUBLE, coalesce(price, 0)::DOUBLE FROM facts WHERE ts >= {} AND "
          "(type IN ({}) AND item_id IS NOT NULL OR replaces IS NOT NULL) ORDER BY k",
          first, fmt::join(types, ", "))));
  Records records(out);
  std::int64_t record = -1;
  Event* event = nullptr;
  while (true) {
    ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) {
      return Status::Ok();
    }
    for (std::size_t row = 0; row < rows.size(); ++row) {
      if (event == nullptr || rows.Integer(0, row) != record) {
        record = rows.Integer(0, row);
        event = &records.NewEvent();
        FillEvent(rows, row, *event);
        records.SetTime(event->ts);
      }
      if (rows.IsNull(6, row)) {
        continue;  // it only replaces
      }
      event->items.push_back({.item_id = std::string(rows.Text(6, row)),
                              .quantity = rows.Number(10, row),
                              .price = rows.Number(11, row)});
    }
  }
}

Status NoAnswer(const data::SnapshotManifest& manifest) {
  return FailedPrecondition(fmt::format(
      "no answer of this shop is in snapshot {}: what was shown comes from the server's log "
      "(`vitrine-lake log`, then `vitrine-lake clean`), or from a file whose rows are events of "
      "type impression. Until then learn from what happened: rows = \"events\"",
      manifest.id));
}

}  // namespace

Result<ShownLog> ParquetShownReader::ReadShown(const std::string& snapshot_dir,
                                               const std::set<EventType>& events,
                                               const Progress& progress) {
  ASSIGN_OR_RETURN(const data::SnapshotManifest manifest, ReadSnapshotManifest(snapshot_dir));
  if (manifest.ordinal_time) {
    return FailedPrecondition(fmt::format(
        "snapshot {} has no times, only an order: which answer an event followed cannot "
        "be told",
        manifest.id));
  }
  ASSIGN_OR_RETURN(const auto database, Database::Open(options_));
  database->CancelWith(progress.stop);
  progress.report({.stage = "read what was shown",
                   .done = 0,
                   .total = static_cast<double>(manifest.impressions),
                   .unit = "rows",
                   .detail = manifest.id});
  // snapshots/<id> -> the lake's folder.
  const std::string lake_root =
      fs::weakly_canonical(fs::path(snapshot_dir)).parent_path().parent_path().string();
  bool found = false;
  RETURN_IF_ERROR(MakeShownViews(*database, lake_root, manifest, found));
  if (!found) {
    return NoAnswer(manifest);
  }
  ShownLog out;
  RETURN_IF_ERROR(ReadAnswers(*database, out));
  if (out.answers == 0) {
    return NoAnswer(manifest);
  }
  RETURN_IF_ERROR(
      ReadEvents(*database, events, std::get<Impression>(out.records.front().body).ts, out));
  out.as_of = std::max(out.as_of, manifest.window_to);
  return out;
}

}  // namespace vitrine::duckdb
