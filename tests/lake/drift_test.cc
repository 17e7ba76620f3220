// Windows and snapshots of the lake compared.
#include "adapters/duckdb/duck_frame_pair.h"
#include "lake_fixture.h"
#include "monitor/offline/frame_drift.h"

namespace vitrine {
namespace {

class LakeDriftTest : public LakeTest {
 protected:
  /// 300 views a day for two days; on the second day they are of dearer items.
  void TwoDays() {
    std::string rows = kLogHeader;
    for (int day = 1; day <= 2; ++day) {
      for (int i = 0; i < 300; ++i) {
        rows += fmt::format("view,u{},,a{},2026-01-0{} {:02}:{:02}:00,1,{},,,\n", i % 40, i % 25,
                            day, i % 10, i % 60, 10 + (i * 7) % 50 + (day == 2 ? 30 : 0));
      }
    }
    MustImport(Write("log.csv", rows), LogMapping());
    MustClean();
  }

  Result<monitor::FrameDriftReport> Compare(const std::string& reference,
                                            const std::string& current) const {
    duckdb::FramePairOptions options{.memory_limit_mb = 256, .threads = 1};
    options.data_dir = folder_ + "/data";
    ASSIGN_OR_RETURN(const auto pair, duckdb::OpenFramePair(reference, current, options, {}));
    return monitor::CompareFrames(*pair, {}, {});
  }
};

TEST_F(LakeDriftTest, TwoWindowsOfTheNewestSnapshot) {
  TwoDays();
  const auto report = Compare("lake:@2026-01-01..2026-01-02", "lake:@2026-01-02..");
  ASSERT_TRUE(report.ok()) << report.status().message();
  EXPECT_EQ(report->reference_rows, 300);
  EXPECT_EQ(report->current_rows, 300);
  std::map<std::string, bool> drifted;
  for (const auto& column : report->columns) drifted[column.column] = column.verdict.drifted;
  EXPECT_TRUE(drifted.at("price"));
  EXPECT_TRUE(drifted.at("ts")) << "another day is another time";
  EXPECT_FALSE(drifted.at("item_id"));
  EXPECT_FALSE(drifted.contains("row")) << "the lake's own columns are not compared";
}

TEST_F(LakeDriftTest, SourcesThatAreNotThere) {
  TwoDays();
  EXPECT_EQ(Compare("lake:nobody", "lake:").status().code(), Code::kNotFound);
  EXPECT_EQ(Compare("lake:/users", "lake:").status().code(), Code::kInvalidArgument);
  EXPECT_EQ(Compare("lake:/items", "lake:").status().code(), Code::kNotFound) << "no catalogue";
  EXPECT_EQ(Compare("lake:@2027-01-01..", "lake:").status().code(), Code::kInvalidArgument)
      << "no rows";
  EXPECT_TRUE(Compare("lake:" + lake_->Snapshot("")->id, "lake:").ok());
}

}  // namespace
}  // namespace vitrine
