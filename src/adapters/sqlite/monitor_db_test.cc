#include "adapters/sqlite/monitor_db.h"

#include <gtest/gtest.h>

#include <filesystem>

namespace vitrine::sqlite {
namespace {

using monitor::WindowKind;
using monitor::WindowRange;
using monitor::WindowRow;

class MonitorDbTest : public testing::Test {
 protected:
  void SetUp() override { Reopen(); }
  void Reopen() {
    db_.reset();
    auto db = MonitorDb::Open(path_);
    ASSERT_TRUE(db.ok()) << db.status().ToString();
    db_ = *std::move(db);
  }
  std::vector<WindowRow> Read(const WindowRange& range, std::size_t limit = 100) {
    auto rows = db_->Read(range, limit);
    EXPECT_TRUE(rows.ok()) << rows.status().ToString();
    return rows.ok() ? *std::move(rows) : std::vector<WindowRow>();
  }

  std::string path_ = testing::TempDir() + "/" +
                      testing::UnitTest::GetInstance()->current_test_info()->name() + ".db";
  std::unique_ptr<MonitorDb> db_;
};

WindowRow Row(std::int64_t hour, std::string series, std::string counts, bool final = false,
              WindowKind kind = WindowKind::kQuality) {
  return {kind, hour, std::move(series), std::move(counts), final};
}

TEST_F(MonitorDbTest, ARowReplacesTheOneOfItsKeyAndSurvives) {
  ASSERT_TRUE(db_->Put(std::vector{Row(5, "m:1\nhome", "[1]"), Row(4, "m:1\nhome", "[2]")}).ok());
  ASSERT_TRUE(db_->Put(std::vector{Row(5, "m:1\nhome", "[3]", true)}).ok());
  Reopen();
  const auto rows = Read({.kind = WindowKind::kQuality, .from = 0, .until = 10});
  EXPECT_EQ(rows, (std::vector{Row(4, "m:1\nhome", "[2]"), Row(5, "m:1\nhome", "[3]", true)}));
}

TEST_F(MonitorDbTest, ARangeIsOfItsKindHoursModelAndScene) {
  const std::vector<WindowRow> all = {Row(1, "a:1\nhome", "1"),
                                      Row(1, "a:1\ncart", "2"),
                                      Row(1, "a:10\nhome", "3"),
                                      Row(2, "a:1\nhome", "4"),
                                      Row(3, "a:1\nhome", "5"),
                                      Row(1, "\nhome", "6"),
                                      Row(1, "a:1\nhome", "7", false, WindowKind::kService),
                                      Row(1, "猫:1\n家", "8")};
  ASSERT_TRUE(db_->Put(all).ok());
  const std::vector<WindowRange> ranges = {
      {.kind = WindowKind::kQuality, .from = 1, .until = 3},
      {.kind = WindowKind::kQuality, .from = 1, .until = 9, .model = "a:1"},
      {.kind = WindowKind::kQuality, .from = 1, .until = 9, .scene = "home"},
      {.kind = WindowKind::kQuality, .from = 1, .until = 9, .model = "", .scene = "home"},
      {.kind = WindowKind::kQuality, .from = 1, .until = 9, .model = "猫:1", .scene = "家"},
      {.kind = WindowKind::kService, .from = 1, .until = 9},
      {.kind = WindowKind::kDrift, .from = 1, .until = 9},
  };
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    std::size_t expected = 0;
    for (const WindowRow& row : all) {
      expected += monitor::InRange(row, ranges[i]) ? 1U : 0U;
    }
    const auto rows = Read(ranges[i]);
    EXPECT_EQ(rows.size(), expected) << i;
    for (const WindowRow& row : rows) {
      EXPECT_TRUE(monitor::InRange(row, ranges[i])) << i << ": " << row.series;
    }
  }
  EXPECT_EQ(Read(ranges[0], 2).size(), 2U);
}

TEST_F(MonitorDbTest, LongRowsArePackedAndComeBackAsTheyWere) {
  std::string counts = "[";
  for (int i = 0; i < 20'000; ++i) counts += std::to_string(i * 7919 % 1000) + ",";
  ASSERT_TRUE(db_->Put(std::vector{Row(1, "a", counts), Row(2, "a", "[1]")}).ok());
  Reopen();
  EXPECT_EQ(Read({.kind = WindowKind::kQuality, .from = 0, .until = 10}),
            (std::vector{Row(1, "a", counts), Row(2, "a", "[1]")}));
  {
    db_.reset();
    auto raw = Database::Open(path_);
    ASSERT_TRUE(raw.ok());
    ASSERT_TRUE(raw->Execute("UPDATE hour SET counts = x'0102' WHERE hour = 1").ok());
  }
  Reopen();
  const auto damaged =
      db_->Read({.kind = WindowKind::kQuality, .from = 0, .until = 10}, /*limit=*/10);
  EXPECT_EQ(damaged.status().code(), Code::kDataLoss);
}

TEST_F(MonitorDbTest, OldHoursAreForgotten) {
  ASSERT_TRUE(db_->Put(std::vector{Row(1, "a", "1"), Row(2, "a", "2"), Row(3, "a", "3"),
                                   Row(2, "b", "4"), Row(1, "", "5")})
                  .ok());
  ASSERT_TRUE(
      db_->Put(std::vector{Row(2, "c", "6", true, WindowKind::kDrift), Row(9, "", "7")}).ok());
  ASSERT_TRUE(db_->Trim(3).ok());
  EXPECT_TRUE(Read({.kind = WindowKind::kDrift, .from = 0, .until = 10}).empty());
  const auto rows = Read({.kind = WindowKind::kQuality, .from = 0, .until = 10});
  EXPECT_EQ(rows, (std::vector{Row(3, "a", "3"), Row(9, "", "7")}));
}

TEST_F(MonitorDbTest, AFileOfFormat1IsReadAndKept) {
  db_.reset();
  std::filesystem::remove(path_);
  {
    auto raw = Database::Open(path_);
    ASSERT_TRUE(raw.ok());
    ASSERT_TRUE(
        raw->Execute("CREATE TABLE hour (kind INTEGER NOT NULL, hour INTEGER NOT NULL, "
                     "series TEXT NOT NULL, final INTEGER NOT NULL, counts TEXT NOT NULL, "
                     "PRIMARY KEY (kind, hour, series)) WITHOUT ROWID;"
                     "INSERT INTO hour VALUES (1, 7, 'm:1', 1, '[7]'), (1, 6, 'm:2', 0, '[6]');"
                     "PRAGMA user_version = 1")
            .ok());
  }
  for (int time = 0; time < 2; ++time) {
    Reopen();
    EXPECT_EQ(Read({.kind = WindowKind::kQuality, .from = 0, .until = 10}),
              (std::vector{Row(6, "m:2", "[6]"), Row(7, "m:1", "[7]", true)}));
  }
}

TEST_F(MonitorDbTest, ANewersFileIsRefused) {
  db_.reset();
  {
    auto raw = Database::Open(path_);
    ASSERT_TRUE(raw.ok());
    ASSERT_TRUE(raw->Execute("PRAGMA user_version = 99").ok());
  }
  const auto opened = MonitorDb::Open(path_);
  EXPECT_EQ(opened.status().code(), Code::kFailedPrecondition);
  EXPECT_NE(opened.status().message().find("monitor.db has format 99"), std::string::npos);
}

}  // namespace
}  // namespace vitrine::sqlite
