/// A lake in a folder of its own, fed from texts. For tests of this folder.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "adapters/duckdb/database.h"
#include "adapters/duckdb/duck_lake.h"
#include "adapters/duckdb/lake_folder.h"
#include "adapters/duckdb/snapshot_reader.h"
#include "adapters/duckdb/snapshot_view.h"
#include "adapters/toml/mapping.h"

namespace vitrine {

/// 2026-01-02 12:00 UTC: "now" of these tests.
inline constexpr Micros kTestNow{1'767'355'200 * kMicrosPerSecond};

class LakeTest : public testing::Test {
 protected:
  LakeTest()
      : folder_(fmt::format("{}lake-{}-{}", testing::TempDir(),
                            testing::UnitTest::GetInstance()->current_test_info()->name(),
                            getpid())) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_ + "/in");
    lake_ = duckdb::OpenDuckLake(folder_ + "/data", {.memory_limit_mb = 256, .threads = 2});
  }
  ~LakeTest() override { std::filesystem::remove_all(folder_); }

  std::string Write(const std::string& name, const std::string& text) const {
    const std::string path = folder_ + "/in/" + name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }

  Result<data::ImportReport> Import(const std::string& path, const std::string& mapping) const {
    data::ImportRequest request;
    request.paths = {path};
    request.now = kTestNow;
    ASSIGN_OR_RETURN(request.mapping, adapters::ParseMapping(mapping, "test.toml"));
    return lake_->Import(request, {});
  }

  /// Import that must work.
  data::ImportReport MustImport(const std::string& path, const std::string& mapping) const {
    auto report = Import(path, mapping);
    EXPECT_TRUE(report.ok()) << report.status().message();
    return report.ok() ? std::move(report).value() : data::ImportReport{};
  }

  data::CleanOutcome MustClean(data::CleanRequest request = {}) const {
    if (request.as_of.value == 0) {
      request.as_of = kTestNow;
    }
    auto outcome = lake_->Clean(request, {});
    EXPECT_TRUE(outcome.ok()) << outcome.status().message();
    return outcome.ok() ? std::move(outcome).value() : data::CleanOutcome{};
  }

  static data::RuleCount Rule(const data::CleanOutcome& outcome, const std::string& name) {
    for (const data::RuleCount& rule : outcome.report.rules) {
      if (rule.name == name) {
        return rule;
      }
    }
    ADD_FAILURE() << "no rule " << name;
    return {};
  }

  /// A column of a snapshot's events, where they have it, in the order of the rows.
  static std::vector<double> Numbers(const std::string& snapshot, const std::string& column) {
    const auto manifest = duckdb::ReadSnapshotManifest(snapshot);
    const auto database = duckdb::Database::Open({});
    EXPECT_TRUE(manifest.ok() && database.ok());
    const std::string lake = std::filesystem::path(snapshot).parent_path().parent_path().string();
    EXPECT_TRUE(duckdb::MakeEventsView(**database, lake, *manifest, false).ok());
    const auto rows =
        (*database)->QueryTexts("SELECT CAST(" + column + " AS VARCHAR) FROM events WHERE " +
                                column + " IS NOT NULL ORDER BY k");
    EXPECT_TRUE(rows.ok()) << rows.status().message();
    std::vector<double> numbers;
    for (const auto& row : *rows) {
      numbers.push_back(std::stod(row.at(0)));
    }
    return numbers;
  }

  /// "user: item item ..." of every user of the newest snapshot.
  std::map<std::string, std::string> Read(const std::set<EventType>& types = {}) const {
    std::map<std::string, std::string> out;
    const auto snapshot = lake_->Snapshot("");
    EXPECT_TRUE(snapshot.ok());
    duckdb::ParquetSnapshotReader reader({.memory_limit_mb = 256});
    const auto data = reader.ReadInteractions(lake_->SnapshotFolder(snapshot->id), types, {});
    EXPECT_TRUE(data.ok()) << data.status().message();
    for (std::size_t row = 0; data.ok() && row < data->rows(); ++row) {
      std::string& line = out[data->users[data->user[row]]];
      line += (line.empty() ? "" : " ") + data->items[data->item[row]];
    }
    return out;
  }

  std::string folder_;
  std::unique_ptr<data::Lake> lake_;
};

/// A mapping of a plain event log: event,user,anon,item,ts,quantity,price,order,id,replaces.
inline std::string LogMapping(const std::string& rules = "") {
  return R"(
name = "plain"
[[events]]
files = ["*.csv"]
[events.fields]
event = "event"
user_id = "user"
anonymous_id = "anon"
item_id = "item"
ts = "ts"
quantity = "quantity"
price = "price"
order_id = "order"
event_id = "id"
replaces = "replaces"
)" + rules;
}
inline constexpr const char* kLogHeader =
    "event,user,anon,item,ts,quantity,price,order,id,replaces\n";

}  // namespace vitrine
