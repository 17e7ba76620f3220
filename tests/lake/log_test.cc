// The server's log into the lake: what arrives, once, with its watermark; and what erasure removes.
#include <nlohmann/json.hpp>
#include <optional>

#include "lake_fixture.h"

namespace vitrine {
namespace {

Event Purchase(const std::string& user, const std::vector<std::string>& items,
               const std::string& id) {
  Event event;
  event.type = EventType::kPurchase;
  event.user_id = user;
  event.event_id = id;
  event.order_id = "o-" + id;
  event.ts = Micros{kTestNow.value - 3600 * kMicrosPerSecond};
  for (const std::string& item : items) {
    event.items.push_back({.item_id = item, .price = 2});
  }
  return event;
}

class LogTest : public LakeTest {
 protected:
  void Append(data::LogBody body) {
    log_.push_back({.sequence = log_.size() + 1, .received = kTestNow, .body = std::move(body)});
  }

  data::LogIngested Ingest() {
    const data::ReadLog read = [this](std::uint64_t after,
                                      std::size_t limit) -> Result<std::vector<data::LogRecord>> {
      if (failure_) {
        return *failure_;
      }
      std::vector<data::LogRecord> out;
      for (const data::LogRecord& record : log_) {
        if (record.sequence > after && out.size() < limit) {
          out.push_back(record);
        }
      }
      return out;
    };
    auto done = lake_->Ingest(read, {});
    status_ = done.status();
    return done.ok() ? *done : data::LogIngested{};
  }

  std::vector<data::LogRecord> log_;
  std::optional<Status> failure_;
  Status status_;
};

TEST_F(LogTest, RecordsBecomeRowsAndTheWatermarkMoves) {
  Append(Purchase("u1", {"a", "b", "a"}, "e1"));
  Event search;
  search.type = EventType::kSearch;
  search.anonymous_id = "x";
  search.query = "red \"shoes\"";
  search.event_id = "e2";
  search.ts = kTestNow;
  Append(search);
  Item item;
  item.id = "a";
  item.title = "Ä thing";
  item.categories = {"x > y", "z"};
  item.attributes["level"] = 3.0;
  item.attributes["colours"] = std::vector<std::string>{"red", "blue"};
  item.vectors["text"] = {1.5F, -2.0F};
  item.valid_from = kTestNow;
  Append(item);
  User user;
  user.id = "u1";
  user.attributes["city"] = std::string("Ulm");
  Append(user);
  const data::LogIngested done = Ingest();
  ASSERT_TRUE(status_.ok()) << status_.message();
  EXPECT_EQ(done.records, 4U);
  EXPECT_EQ(done.watermark, 4U);
  EXPECT_EQ(done.event_rows, 4U);
  const auto cleaned = MustClean();
  EXPECT_EQ(Read(), (std::map<std::string, std::string>{{"u1", "a b a"}}));
  duckdb::ParquetSnapshotReader reader({});
  auto data = reader.ReadInteractions(cleaned.folder, {}, {});
  ASSERT_TRUE(data.ok());
  EXPECT_EQ(data->basket, (std::vector<std::uint32_t>{0, 0, 0}));
  const auto items = reader.ReadItems(cleaned.folder, *data);
  ASSERT_TRUE(items.ok());
  EXPECT_EQ(items->rows.at(0), item);
  // Nothing new: nothing happens.
  EXPECT_EQ(Ingest().records, 0U);
  EXPECT_TRUE(MustClean().unchanged);
  EXPECT_EQ(lake_->Snapshot("")->log_watermark, 4U);
}

TEST_F(LogTest, WhatArrivesLaterIsAddedOnce) {
  Append(Purchase("u1", {"a"}, "e1"));
  Ingest();
  MustClean();
  Append(Purchase("u2", {"b"}, "e2"));
  Append(Purchase("u1", {"a"}, "e1"));  // a retry that the log did not know any more
  const data::LogIngested done = Ingest();
  EXPECT_EQ(done.event_rows, 2U);
  const auto second = MustClean();
  EXPECT_EQ(second.report.rows_read, 2U);
  EXPECT_EQ(Rule(second, "repeated_event_ids").removed, 1U);
  EXPECT_EQ(Read(), (std::map<std::string, std::string>{{"u1", "a"}, {"u2", "b"}}));
}

TEST_F(LogTest, AFailedReadLeavesTheWatermark) {
  Append(Purchase("u1", {"a"}, "e1"));
  failure_ = Unavailable("the log is gone");
  Ingest();
  EXPECT_EQ(status_.code(), Code::kUnavailable);
  failure_.reset();
  EXPECT_EQ(Ingest().records, 1U);
}

TEST_F(LogTest, ImpressionsHavePartsOfTheirOwn) {
  Impression shown;
  shown.request_id = "r1";
  shown.ts = kTestNow;
  shown.subject = "u1";
  shown.scene = "home";
  shown.model = "m:1";
  shown.items = {{"a", 0.5, "model:m"}, {"b", 0.25, "rule:boost"}};
  shown.history = {{"z", kTestNow, EventType::kView, 3}};
  Append(shown);
  Append(Purchase("u1", {"a"}, "e1"));
  const data::LogIngested done = Ingest();
  EXPECT_EQ(done.impression_rows, 2U);
  const auto cleaned = MustClean();
  EXPECT_EQ(cleaned.report.total_impressions, 2U);
  EXPECT_EQ(cleaned.report.total_rows, 1U);
}

TEST_F(LogTest, ADeletedItemIsHiddenAndAnOlderRowDoesNotBringItBack) {
  Append(Purchase("u1", {"a"}, "e1"));
  Item item;
  item.id = "a";
  item.title = "thing";
  item.valid_from = Micros{kTestNow.value - 10};
  Append(item);
  Append(data::ItemDeletion{.id = "a", .ts = kTestNow});
  Ingest();
  const auto cleaned = MustClean();
  duckdb::ParquetSnapshotReader reader({});
  auto data = reader.ReadInteractions(cleaned.folder, {}, {});
  ASSERT_TRUE(data.ok());
  const auto items = reader.ReadItems(cleaned.folder, *data);
  ASSERT_TRUE(items.ok());
  EXPECT_TRUE(items->rows.at(0).hidden);
}

TEST_F(LogTest, ErasureTakesTheSubjectOutOfEveryRawPart) {
  Append(Purchase("u1", {"a"}, "e1"));
  Append(Purchase("u2", {"b"}, "e2"));
  Ingest();
  MustClean();
  ASSERT_TRUE(Read().contains("u1"));
  Append(Purchase("u1", {"c"}, "e3"));
  Append(data::UserErasure{.subject = "u1", .ts = kTestNow});
  Append(Purchase("u1", {"d"}, "e4"));  // came back
  const data::LogIngested done = Ingest();
  EXPECT_EQ(done.erased_subjects, 1U);
  EXPECT_TRUE(MustClean().report.full);
  EXPECT_EQ(Read(), (std::map<std::string, std::string>{{"u1", "d"}, {"u2", "b"}}));
  // Nor in any earlier snapshot: there is none any more, and no file of one.
  EXPECT_EQ(lake_->Manifest()->snapshots.size(), 1U);
  for (const auto& part : std::filesystem::directory_iterator(folder_ + "/data/lake/parts")) {
    EXPECT_EQ(part.path().filename().string().find("clean-000001"), std::string::npos);
  }
}

TEST_F(LogTest, StatesAndCatalogueForTheServer) {
  for (int i = 0; i < 600; ++i) {
    Event view;
    view.type = EventType::kView;
    view.user_id = "u1";
    view.event_id = fmt::format("v{}", i);
    view.ts = Micros{kTestNow.value - (1000 - i) * kMicrosPerSecond * 60};
    view.items = {{.item_id = fmt::format("i{}", i)}};
    Append(view);
  }
  Append(Purchase("u1", {"z"}, "e1"));
  Event hide = Purchase("u1", {"h"}, "e2");
  hide.type = EventType::kHide;
  Append(hide);
  User user;
  user.id = "u1";
  user.attributes["level"] = std::string("gold");
  Append(user);
  Item item;
  item.id = "z";
  item.title = "Zed";
  item.price = 2.5;
  Append(item);
  Ingest();
  MustClean();
  const std::string path = folder_ + "/states.jsonl";
  const auto written = lake_->WriteStates("", path, {});
  ASSERT_TRUE(written.ok()) << written.status().message();
  EXPECT_EQ(*written, 1U);
  std::ifstream file(path);
  const auto state = nlohmann::json::parse(file);
  EXPECT_EQ(state["subject"], "u1");
  EXPECT_EQ(state["events"].size(), data::kMaxStateEvents);
  EXPECT_LT(state["events"].front()[1], state["events"].back()[1]);
  EXPECT_EQ(state["bought"], nlohmann::json::array({"z"}));
  EXPECT_EQ(state["hidden"], nlohmann::json::array({"h"}));
  EXPECT_EQ(state["attributes"]["level"], "gold");
  const std::string items = folder_ + "/items.jsonl";
  ASSERT_TRUE(lake_->WriteCatalogue("", items, {}).ok());
  std::ifstream catalogue(items);
  const auto line = nlohmann::json::parse(catalogue);
  EXPECT_EQ(line["id"], "z");
  EXPECT_EQ(line["title"], "Zed");
  EXPECT_EQ(line["price"], 2.5);
}

}  // namespace
}  // namespace vitrine
