/// A snapshot whose answers are in memory too, for tests of what was shown.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "data/shown_reader.h"
#include "data/snapshot_reader.h"
#include "evaluate/test_log.h"

namespace vitrine::train::test {

/// Events are added by time; answers, and events that may follow them, stand among the records of the log.
class FakeShownShop final : public data::SnapshotReader, public data::ShownReader {
 public:
  Result<data::Interactions> ReadInteractions(const std::string&, const std::set<EventType>& types,
                                              const Progress&) override {
    std::vector<evaluate::test::Row> rows;
    for (const evaluate::test::Row& row : rows_) {
      if (types.empty() || types.contains(row.type)) {
        rows.push_back(row);
      }
    }
    return evaluate::test::MakeLog(std::move(rows));
  }
  Result<data::ItemTable> ReadItems(const std::string&, data::Interactions& log) override {
    data::ItemTable items = evaluate::test::MakeItems(log);
    for (Item& item : items.rows) {
      item.brand = "brand of " + item.id;  // trees read levels, not items
    }
    return items;
  }
  Result<data::UserTable> ReadUsers(const std::string&, const data::Interactions& log) override {
    data::UserTable users;
    for (const std::string& id : log.users) {
      User& user = users.rows.emplace_back();
      user.id = id;
      user.attributes["name"] = "the user " + id;
    }
    return users;
  }
  Result<data::ShownLog> ReadShown(const std::string&, const std::set<EventType>& events,
                                   const Progress&) override {
    asked = events;
    data::ShownLog log;
    for (const data::LogRecord& record : records_) {
      const auto* event = std::get_if<Event>(&record.body);
      if (event != nullptr && !events.contains(event->type) && event->type != EventType::kReturn) {
        continue;
      }
      log.records.push_back(record);
      log.records.back().sequence = log.records.size();
      log.answers += event == nullptr ? 1 : 0;
      log.as_of = std::max(log.as_of, record.received);
    }
    log.as_of = std::max(log.as_of, as_of);
    return log;
  }

  void Show(const std::string& request, const std::string& subject, Micros ts,
            const std::vector<std::string>& items, const std::string& scene = "home") {
    Impression shown;
    shown.request_id = request;
    shown.subject = subject;
    shown.ts = ts;
    shown.scene = scene;
    for (const std::string& item : items) {
      shown.items.push_back({item, 0, ""});
    }
    records_.push_back({0, ts, std::move(shown)});
  }
  Event& Do(EventType type, const std::string& user, Micros ts, const std::string& item,
            const std::string& request = "") {
    rows_.push_back({user, item, ts.value, type, 0});
    Event event;
    event.event_id = "e" + std::to_string(records_.size());
    event.type = type;
    event.user_id = user;
    event.ts = ts;
    event.request_id = request;
    event.items.push_back({.item_id = item, .price = 1});
    records_.push_back({0, ts, std::move(event)});
    return std::get<Event>(records_.back().body);
  }

  Micros as_of;               ///< the newest time of the snapshot, where no record is as new
  std::set<EventType> asked;  ///< by the last ReadShown

 private:
  std::vector<evaluate::test::Row> rows_;
  std::vector<data::LogRecord> records_;
};

}  // namespace vitrine::train::test
