// POST /v1/events, /v1/items, /v1/users: rows in, a verdict per row out.
#include <array>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "data/validate.h"
#include "transport/http/handler_parts.h"
#include "transport/http/handlers.h"
#include "transport/http/json_fields.h"
#include "transport/http/row_fields.h"

namespace vitrine::http {
namespace {

constexpr std::size_t kMaxRows = 1'000;
constexpr std::size_t kTimeFormats = 4;

struct Verdict {
  enum class Kind : unsigned char { kAccepted, kDuplicate, kRejected };
  Kind kind = Kind::kAccepted;
  FieldError why;       // where rejected
  std::string made_id;  // of an event that came without one
};

// The field that a rejection is about; the validator knows rows, not JSON.
std::string_view FieldOf(std::string_view code) {
  static constexpr std::pair<std::string_view, std::string_view> kFields[] = {
      {"unknown_event", "event"},   {"missing_user", "user_id"},  {"missing_item", "item_id"},
      {"missing_time", "ts"},       {"impossible_time", "ts"},    {"future_time", "ts"},
      {"missing_query", "query"},   {"missing_rating", "rating"}, {"missing_currency", "currency"},
      {"bad_currency", "currency"}, {"too_many_items", "items"},  {"replaces_itself", "replaces"},
  };
  for (const auto& [name, field] : kFields) {
    if (name == code) {
      return field;
    }
  }
  return {};
}

// Verdicts of one call and what is said about it as a whole.
class Tally {
 public:
  void Take(const RowTime& time) {
    if (time) {
      ++formats_[static_cast<std::size_t>(time->format)];
      zones_assumed_ += time->zone_assumed ? 1 : 0;
    }
  }
  /// True where the row is accepted so far.
  bool Add(const FieldReader& reader, const std::optional<data::Rejection>& rejection) {
    Verdict& verdict = verdicts_.emplace_back();
    if (reader.error()) {
      verdict = {Verdict::Kind::kRejected, reader.error()};
    } else if (rejection) {
      verdict = {Verdict::Kind::kRejected,
                 {rejection->code, rejection->message, std::string(FieldOf(rejection->code))}};
    }
    return verdict.kind == Verdict::Kind::kAccepted;
  }
  Verdict& operator[](std::size_t row) { return verdicts_[row]; }
  [[nodiscard]] std::size_t size() const { return verdicts_.size(); }

  void Tell(const Services& services) const {
    std::map<std::string_view, std::uint64_t> rejected;
    std::uint64_t duplicates = 0;
    for (const Verdict& verdict : verdicts_) {
      if (verdict.kind == Verdict::Kind::kRejected) {
        ++rejected[verdict.why.code];
      }
      duplicates += verdict.kind == Verdict::Kind::kDuplicate ? 1 : 0;
    }
    for (const auto& [code, rows] : rejected) {
      if (services.on_rejected) {
        services.on_rejected(code, rows);
      }
    }
    if (duplicates > 0 && services.on_duplicates) {
      services.on_duplicates(duplicates);
    }
  }

  void Write(const FieldReader& reader, const Request& request, Response& response) const {
    std::array<std::uint64_t, 3> counts{};
    for (const Verdict& verdict : verdicts_) {
      ++counts[static_cast<std::size_t>(verdict.kind)];
    }
    const bool none = !verdicts_.empty() && counts[0] + counts[1] == 0;
    JsonWriter json(response.body);
    json.BeginObject();
    if (none) {
      // Nothing was taken: a caller that looks only at the status must not think otherwise.
      response.status = 422;
      response.content_type = "application/problem+json";
      json.Field("type", "about:blank")
          .Field("title", ReasonPhrase(422))
          .Field("status", 422)
          .Field("code", "no_row_accepted")
          .Field("detail", "No row of this call could be taken; 'rows' says why.")
          .Field("request_id", request.id());
    }
    json.Field("accepted", counts[0]).Field("duplicate", counts[1]).Field("rejected", counts[2]);
    WriteTimes(json);
    if (!reader.ignored().empty()) {
      json.Key("ignored_fields").BeginArray();
      for (const std::string& name : reader.ignored()) {
        json.String(name);
      }
      json.EndArray();
    }
    json.Key("rows").BeginArray();
    for (std::size_t i = 0; i < verdicts_.size(); ++i) {
      WriteRow(json, i, verdicts_[i]);
    }
    json.EndArray().EndObject();
  }

 private:
  void WriteTimes(JsonWriter& json) const {
    json.Key("time_formats").BeginObject();
    for (std::size_t f = 0; f < kTimeFormats; ++f) {
      if (formats_[f] > 0) {
        json.Field(data::TimeFormatName(static_cast<data::TimeFormat>(f)), formats_[f]);
      }
    }
    json.EndObject();
    if (zones_assumed_ > 0) {
      json.Field("zone_assumed_utc", zones_assumed_);
    }
  }

  static void WriteRow(JsonWriter& json, std::size_t index, const Verdict& verdict) {
    static constexpr std::string_view kNames[] = {"accepted", "duplicate", "rejected"};
    json.BeginObject()
        .Field("index", static_cast<std::uint64_t>(index))
        .Field("verdict", kNames[static_cast<std::size_t>(verdict.kind)]);
    if (verdict.kind == Verdict::Kind::kRejected) {
      json.Field("code", verdict.why.code)
          .Field("message", verdict.why.message)
          .FieldIfAny("field", verdict.why.field);
    }
    json.FieldIfAny("event_id", verdict.made_id).EndObject();
  }

  std::vector<Verdict> verdicts_;
  std::array<std::uint64_t, kTimeFormats> formats_{};
  std::uint64_t zones_assumed_ = 0;
};

void WriteBodyProblem(const Status& status, const Request& request, Response& response) {
  if (status.code() == Code::kOutOfRange) {
    WriteProblem(response, request.id(), 413, "too_many_rows", status.message());
  } else {
    WriteProblem(response, request.id(), 400, "bad_json", status.message());
  }
}

// Items and users: rows that replace what is known of an id, so that a retry changes nothing.
template <typename Row, typename ReadRow, typename Check, typename Append>
void PostRows(const Services& services, std::string_view list, Request& request, Response& response,
              ReadRow read, Check check, Append append) {
  if (!Need(services.log, "an event log", request, response)) {
    return;
  }
  const Micros now = TimeNow(services);
  std::vector<Row> rows;
  Tally tally;
  FieldReader reader;
  const Status status =
      ReadRows(request, list, kMaxRows, reader, [&](std::size_t, ondemand::object* object) {
        Row row;
        row.valid_from = now;
        RowTime time;
        if (object != nullptr) {
          read(reader, *object, row, time);
        }
        tally.Take(time);
        const auto rejection = reader.error() ? std::nullopt : check(row, now);
        if (tally.Add(reader, rejection)) {
          rows.push_back(std::move(row));
        }
      });
  if (!status.ok()) {
    WriteBodyProblem(status, request, response);
    return;
  }
  if (!rows.empty()) {
    const Status appended = append(std::span<const Row>(rows));
    if (!appended.ok()) {
      WriteAppendProblem(appended, request, response);
      return;
    }
  }
  tally.Write(reader, request, response);
}

}  // namespace

void PostEvents(const Services& services, Request& request, Response& response) {
  if (!Need(services.log, "an event log", request, response) ||
      !CheckIdempotencyKey(request, response)) {
    return;
  }
  const std::string_view key = request.header("Idempotency-Key");
  const Micros now = TimeNow(services);
  std::vector<Event> events;
  std::vector<std::size_t> row_of;  // of each event
  Tally tally;
  FieldReader reader;
  const Status status =
      ReadRows(request, "events", kMaxRows, reader, [&](std::size_t index, ondemand::object* row) {
        Event event;
        RowTime time;
        if (row != nullptr) {
          ReadEvent(reader, *row, event, time);
        }
        tally.Take(time);
        const auto rejection = reader.error() ? std::nullopt : data::CheckEvent(event, now);
        if (tally.Add(reader, rejection)) {
          const bool named = !event.event_id.empty();
          data::CompleteEventId(event, key, index);
          tally[index].made_id = named ? "" : event.event_id;
          events.push_back(std::move(event));
          row_of.push_back(index);
        }
      });
  if (!status.ok()) {
    WriteBodyProblem(status, request, response);
    return;
  }
  if (!events.empty()) {
    const auto verdicts = services.log->AppendEvents(events, After(kLogWait));
    if (!verdicts.ok()) {
      WriteAppendProblem(verdicts.status(), request, response);
      return;
    }
    std::uint64_t duplicates = 0;
    for (std::size_t i = 0; i < events.size(); ++i) {
      if ((*verdicts)[i] == data::AppendVerdict::kDuplicate) {
        tally[row_of[i]].kind = Verdict::Kind::kDuplicate;
        ++duplicates;
      }
    }
    if (services.on_feed) {
      services.on_feed(request.scope().principal, events, duplicates, now);
    }
  }
  tally.Tell(services);
  tally.Write(reader, request, response);
}

void PostItems(const Services& services, Request& request, Response& response) {
  PostRows<Item>(
      services, "items", request, response, ReadItem, data::CheckItem,
      [&](std::span<const Item> rows) { return services.log->AppendItems(rows, After(kLogWait)); });
}

void PostUsers(const Services& services, Request& request, Response& response) {
  PostRows<User>(
      services, "users", request, response, ReadUser, data::CheckUser,
      [&](std::span<const User> rows) { return services.log->AppendUsers(rows, After(kLogWait)); });
}

}  // namespace vitrine::http
