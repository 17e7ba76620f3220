// What each cleaning rule matches and removes, and how snapshots follow each other.
#include "lake_fixture.h"

namespace vitrine {
namespace {

std::string Rows(const std::vector<std::string>& rows) {
  std::string out = kLogHeader;
  for (const std::string& row : rows) {
    out += row + "\n";
  }
  return out;
}

class CleanTest : public LakeTest {
 protected:
  /// Imports the rows as one file under the default rules and these.
  data::CleanOutcome Clean(const std::vector<std::string>& rows, const std::string& rules = "") {
    MustImport(Write("log.csv", Rows(rows)), LogMapping(rules));
    return MustClean();
  }
};

TEST_F(CleanTest, MissingUnknownAndImpossible) {
  const auto out = Clean({
      "view,u1,,a,2026-01-01 10:00:00,,,,,",
      "view,,,a,2026-01-01 10:00:00,,,,,",     // nobody
      "view,u1,,,2026-01-01 10:00:00,,,,,",    // nothing
      "wiew,u1,,a,2026-01-01 10:00:00,,,,,",   // what?
      "view,u1,,a,1970-01-01 00:00:01,,,,,",   // a clock that was never set
      "view,u1,,a,,,,,,",                      // no time
      "view,u1,,a,2026-02-01 10:00:00,,,,,",   // tomorrow
      "view,u1,,a,2026-01-02 12:30:00,,,,,",   // a phone's clock, half an hour ahead
      "search,u1,,,2026-01-01 10:00:00,,,,,",  // a search names no item
  });
  EXPECT_EQ(out.report.rows_read, 9U);
  EXPECT_EQ(Rule(out, "missing_users").removed, 1U);
  EXPECT_EQ(Rule(out, "missing_items").removed, 1U);
  EXPECT_EQ(Rule(out, "unknown_events").removed, 1U);
  EXPECT_NE(Rule(out, "unknown_events").samples.at(0).find("wiew"), std::string::npos);
  EXPECT_EQ(Rule(out, "impossible_times").removed, 2U);
  EXPECT_EQ(Rule(out, "future_times").removed, 1U);
  EXPECT_EQ(out.report.kept, 3U);
  EXPECT_EQ(Read()["u1"], "a a");
}

TEST_F(CleanTest, EqualRowsAndRepeatedIds) {
  const auto out = Clean({
      "view,u1,,a,2026-01-01 10:00:00,,,,,",
      "view,u1,,a,2026-01-01 10:00:00,,,,,",   // equal in every column
      "view,u1,,a,2026-01-01 10:00:00,1,,,,",  // not quite
      "view,u1,,b,2026-01-01 10:00:00,,,,e1,",
      "view,u1,,b,2026-01-01 10:00:05,,,,e1,",  // the same event sent again
      "view,u1,,b,2026-01-01 10:00:00,,,,e2,",  // the same content, another event
  });
  EXPECT_EQ(Rule(out, "exact_duplicates").removed, 1U);
  EXPECT_EQ(Rule(out, "repeated_event_ids").removed, 1U);
  EXPECT_EQ(out.report.kept, 4U);
}

TEST_F(CleanTest, NearDuplicatesAreLookedForAmongRowsThatStay) {
  const std::string rules = R"(
[[rules]]
name = "free"
field = "price"
at_most = 0
[[rules]]
name = "near_duplicates"
action = "drop"
window_seconds = 10
)";
  const auto out = Clean(
      {
          "view,u1,,a,2026-01-01 10:00:00,,0,,,",  // free: removed
          "view,u1,,a,2026-01-01 10:00:05,,1,,,",  // near the removed one: stays
          "view,u1,,a,2026-01-01 10:00:09,,1,,,",  // near the one before
          "view,u1,,a,2026-01-01 10:00:30,,1,,,",  // far enough
          "cart,u1,,a,2026-01-01 10:00:30,,1,,,",  // another event
          "view,u2,,a,2026-01-01 10:00:30,,1,,,",  // another user
      },
      rules);
  EXPECT_EQ(Rule(out, "free").removed, 1U);
  EXPECT_EQ(Rule(out, "near_duplicates").matched, 2U);
  EXPECT_EQ(Rule(out, "near_duplicates").removed, 1U);
  EXPECT_EQ(out.report.kept, 4U);
}

TEST_F(CleanTest, DefaultAndFill) {
  const std::string rules = R"(
[[rules]]
name = "no_quantity"
kind = "missing"
field = "quantity"
action = "default"
value = "1"
[[rules]]
name = "no_price"
kind = "missing"
field = "price"
action = "fill"
)";
  const auto out = Clean(
      {
          "purchase,u1,,a,2026-01-01 10:00:00,,10,,,", "purchase,u2,,a,2026-01-01 10:00:00,2,20,,,",
          "purchase,u3,,a,2026-01-01 10:00:00,3,,,,",  // as a costs: 15
          "purchase,u4,,b,2026-01-01 10:00:00,4,,,,",  // as anything costs: 15
      },
      rules);
  EXPECT_EQ(Rule(out, "no_quantity").matched, 1U);
  EXPECT_EQ(Rule(out, "no_quantity").changed, 1U);
  EXPECT_EQ(Rule(out, "no_price").changed, 2U);
  EXPECT_EQ(out.report.kept, 4U);
  EXPECT_EQ(Numbers(out.folder, "quantity"), (std::vector<double>{1, 2, 3, 4}));
  EXPECT_EQ(Numbers(out.folder, "price"), (std::vector<double>{10, 20, 15, 15}));
}

TEST_F(CleanTest, OutliersByRobustZAndByQuantile) {
  std::vector<std::string> rows;
  for (int i = 0; i < 99; ++i) {
    rows.push_back(
        fmt::format("purchase,u{},,a,2026-01-01 10:00:00,{},{},,,", i, 1 + i % 3, 9 + i % 3));
  }
  rows.emplace_back("purchase,rich,,a,2026-01-01 10:00:00,1000,100000,,,");
  const auto out = Clean(rows, R"(
[[rules]]
name = "price_outliers"
action = "drop"
threshold = 10
[[rules]]
name = "bulk"
kind = "outlier"
field = "quantity"
high = 0.99
action = "flag"
)");
  EXPECT_EQ(Rule(out, "price_outliers").removed, 1U);
  EXPECT_NE(Rule(out, "price_outliers").samples.at(0).find("rich"), std::string::npos);
  EXPECT_EQ(Rule(out, "bulk").matched, 1U);
  EXPECT_EQ(out.report.kept, 99U);
}

TEST_F(CleanTest, BotsByTheHour) {
  std::vector<std::string> rows;
  for (int i = 0; i < 30; ++i) {
    rows.push_back(fmt::format("view,bot,,i{},2026-01-01 10:{:02}:00,,,,,", i, i));
    rows.push_back(fmt::format("view,human,,i{},2026-01-01 {:02}:00:00,,,,,", i, i % 24));
  }
  const auto out = Clean(rows, "[[rules]]\nname = \"bots\"\nper_hour = 20\nper_day = 0\n");
  EXPECT_EQ(Rule(out, "bots").removed, 30U);
  EXPECT_FALSE(Read().contains("bot"));
}

TEST_F(CleanTest, OrphansNeedACatalogue) {
  const auto before =
      Clean({"view,u1,,a,2026-01-01 10:00:00,,,,,", "view,u1,,zz,2026-01-01 10:00:00,,,,,"});
  EXPECT_NE(Rule(before, "orphan_items").note.find("no catalogue"), std::string::npos);
  MustImport(Write("items.tsv", "id\ttitle\na\tA \"fine\" thing\n"),
             "name = \"cat\"\n[[items]]\nfiles = [\"*.tsv\"]\nformat = \"tsv\"\nquote = \"\"\n"
             "[items.fields]\nid = \"id\"\ntitle = \"title\"\n");
  const auto after = MustClean({.full = true});
  EXPECT_EQ(Rule(after, "orphan_items").matched, 1U);
  duckdb::ParquetSnapshotReader reader({});
  auto data = reader.ReadInteractions(after.folder, {}, {});
  ASSERT_TRUE(data.ok());
  const auto items = reader.ReadItems(after.folder, *data);
  ASSERT_TRUE(items.ok()) << items.status().message();
  EXPECT_EQ(items->rows.at(0).title, "A \"fine\" thing");
  EXPECT_EQ(items->rows.at(1).id, "zz");
}

TEST_F(CleanTest, ReturnsReplacementsAndIdentities) {
  const auto out = Clean({
      "purchase,u1,,a,2026-01-01 10:00:00,1,5,o1,,",
      "purchase,u1,,b,2026-01-01 10:00:00,1,5,o1,,",
      "return,u1,,a,2026-01-01 12:00:00,1,5,o1,,",  // takes a back
      "view,u2,,a,2026-01-01 10:00:00,,,,first,",
      "view,u2,,b,2026-01-01 10:00:01,,,,second,first",  // instead of the first
      "view,,anon,c,2026-01-01 09:00:00,,,,,",           // before anybody signed in
      "identify,u3,anon,,2026-01-01 10:00:00,,,,,",
      "view,,anon,d,2026-01-01 11:00:00,,,,,",
      "identify,u4,anon,,2026-01-01 12:00:00,,,,,",  // a shared machine
      "view,,anon,e,2026-01-01 13:00:00,,,,,",
  });
  EXPECT_EQ(out.report.returns, 1U);
  const auto read = Read();
  EXPECT_EQ(read.at("u1"), "b");
  EXPECT_EQ(read.at("u2"), "b");
  EXPECT_EQ(read.at("u3"), "c d");
  EXPECT_EQ(read.at("u4"), "e");
  EXPECT_FALSE(read.contains("anon"));
}

TEST_F(CleanTest, ASecondSnapshotReadsOnlyWhatIsNew) {
  Clean({"purchase,u1,,a,2026-01-01 10:00:00,1,5,o1,,", "view,u1,,b,2026-01-01 11:00:00,,,,e1,"});
  MustImport(Write("log2.csv", Rows({"return,u1,,a,2026-01-01 12:00:00,1,5,o1,,",
                                     "view,u1,,b,2026-01-01 11:00:00,,,,e1,",  // known id
                                     "view,u2,,c,2026-01-01 11:00:00,,,,,"})),
             LogMapping());
  const auto second = MustClean();
  EXPECT_EQ(second.report.rows_read, 3U);
  EXPECT_EQ(second.report.parts_read, 1U);
  EXPECT_EQ(Rule(second, "repeated_event_ids").removed, 1U);
  EXPECT_EQ(second.report.total_rows, 4U);
  EXPECT_FALSE(second.report.parent.empty());
  const auto read = Read();
  EXPECT_EQ(read.at("u1"), "b");  // the return reached into the first snapshot's part
  EXPECT_EQ(read.at("u2"), "c");
  const auto third = MustClean();
  EXPECT_TRUE(third.unchanged);
  // Everything again from the raw parts says the same.
  MustClean({.full = true});
  EXPECT_EQ(Read(), read);
}

TEST_F(CleanTest, QuarantineIsReplayedAfterARuleChange) {
  const std::string strict = "[[rules]]\nname = \"cheap\"\nfield = \"price\"\nbelow = 5\n";
  const auto first = Clean(
      {"purchase,u1,,a,2026-01-01 10:00:00,1,3,o1,,", "purchase,u1,,b,2026-01-01 11:00:00,1,1,o2,,",
       "purchase,u1,,c,2026-01-01 12:00:00,1,9,o3,,"},
      strict);
  EXPECT_EQ(Rule(first, "cheap").removed, 2U);
  EXPECT_EQ(Read()["u1"], "c");
  auto loose = adapters::ParseMapping(
      LogMapping("[[rules]]\nname = \"cheap\"\nfield = \"price\"\nbelow = 2\n"), "loose");
  ASSERT_TRUE(loose.ok());
  const auto replayed = MustClean({.mapping = *loose, .replay = true});
  EXPECT_EQ(replayed.report.rows_read, 2U);
  EXPECT_EQ(replayed.report.kept, 1U);
  EXPECT_EQ(Read()["u1"], "a c");
  // Nobody wins anything by asking again.
  const auto again = MustClean({.mapping = *loose, .replay = true});
  EXPECT_EQ(again.report.rows_read, 1U);
  EXPECT_EQ(again.report.kept, 0U);
  EXPECT_EQ(Read()["u1"], "a c");
}

TEST_F(CleanTest, SchemaChangesAreTold) {
  Clean({"view,u1,,a,2026-01-01 10:00:00,,,,,", "view,17,,a,2026-01-01 10:00:01,,,,,"});
  MustImport(Write("log3.csv",
                   "event,user,anon,item,ts,quantity,price,order,id,replaces,colour\n"
                   "cart,u1,,a,2026-01-01 12:00:00,1,5,,,,red\n"),
             LogMapping());
  const auto second = MustClean();
  const auto& changes = second.report.schema_changes;
  const auto told = [&](const std::string& what) {
    return std::any_of(changes.begin(), changes.end(), [&](const std::string& change) {
      return change.find(what) != std::string::npos;
    });
  };
  EXPECT_TRUE(told("'colour' is new"));
  EXPECT_TRUE(told("price is present in 100 %"));
  EXPECT_TRUE(told("the event 'cart' is new"));
}

TEST_F(CleanTest, NothingLeftIsAnErrorThatNamesTheRules) {
  MustImport(Write("log.csv", Rows({"view,,,a,2026-01-01 10:00:00,,,,,"})), LogMapping());
  const auto out = lake_->Clean({.as_of = kTestNow}, {});
  ASSERT_FALSE(out.ok());
  EXPECT_EQ(out.status().code(), Code::kFailedPrecondition);
  EXPECT_NE(out.status().message().find("missing_users"), std::string::npos);
}

}  // namespace
}  // namespace vitrine
