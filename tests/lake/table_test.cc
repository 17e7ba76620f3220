// Labelled rows of a table, and what a snapshot knows of its users.
#include "adapters/duckdb/table_rows.h"

#include "lake_fixture.h"

namespace vitrine {
namespace {

using evaluate::Part;

class TableTest : public LakeTest {
 protected:
  TableTest() {
    protocol_.name = "rows";
    protocol_.kind = evaluate::ProtocolKind::kLabelled;
    protocol_.validation_share = 0.25;
    protocol_.test_share = 0.25;
  }
  Result<evaluate::LabelledSet> Rows(const std::string& path, const std::string& label,
                                     std::vector<std::string> leave_out = {}) const {
    return duckdb::ReadLabelledTable(
        {.path = path, .label = label, .leave_out = std::move(leave_out)}, protocol_,
        {.memory_limit_mb = 256, .threads = 2, .temporary_directory = ""}, {});
  }
  evaluate::Protocol protocol_;
};

constexpr const char* kSessions =
    "pages,month,returning,late,bought\n"
    "1,Feb,true,9,0\n"
    "2.5,\"May, \"\"early\"\"\",false,9,1\n"
    "3,,true,9,0\n"
    ",Feb,true,9,1\n"
    "5,Feb,,9,1\n"
    "6,Feb,true,9,0\n"
    "7,Feb,true,9,0\n"
    "8,Feb,true,9,1\n";

TEST_F(TableTest, ColumnsBecomeNumbersFlagsAndTexts) {
  const auto set = Rows(Write("sessions.csv", kSessions), "bought", {"late"});
  ASSERT_TRUE(set.ok()) << set.status().ToString();
  ASSERT_EQ(set->rows.size(), 8U);
  EXPECT_EQ(set->rows[0].context,
            (Attributes{{"pages", 1.0}, {"month", std::string("Feb")}, {"returning", true}}));
  EXPECT_EQ(
      set->rows[1].context,
      (Attributes{{"pages", 2.5}, {"month", std::string("May, \"early\"")}, {"returning", false}}));
  // An empty cell is absent.
  EXPECT_EQ(set->rows[2].context, (Attributes{{"pages", 3.0}, {"returning", true}}));
  EXPECT_FALSE(set->rows[3].context.contains("pages"));
  EXPECT_FALSE(set->rows[4].context.contains("returning"));
  const std::vector<int> labels = {0, 1, 0, 1, 1, 0, 0, 1};
  for (std::size_t i = 0; i < labels.size(); ++i) {
    EXPECT_EQ(set->rows[i].label, labels[i]) << i;
    EXPECT_EQ(set->rows[i].user, evaluate::kNobody);
    EXPECT_EQ(set->rows[i].part, i < 4   ? Part::kTraining
                                 : i < 6 ? Part::kValidation
                                         : Part::kTest)
        << i;
  }
  EXPECT_EQ(set->snapshot.size(), 64U);
}

TEST_F(TableTest, ParquetAndLargeFilesKeepTheirOrder) {
  std::string text = "n,bought\n";
  for (int i = 0; i < 30'000; ++i) {
    text += std::to_string(i) + (i % 3 == 0 ? ",true\n" : ",false\n");
  }
  const std::string csv = Write("many.csv", text);
  const std::string parquet = folder_ + "/many.parquet";
  auto database = *duckdb::Database::Open({});
  ASSERT_TRUE(database
                  ->Execute("COPY (SELECT * FROM read_csv_auto(" + duckdb::Quoted(csv) + ")) TO " +
                            duckdb::Quoted(parquet) + " (FORMAT parquet)")
                  .ok());
  for (const std::string& path : {csv, parquet}) {
    const auto set = Rows(path, "bought");
    ASSERT_TRUE(set.ok()) << set.status().ToString();
    ASSERT_EQ(set->rows.size(), 30'000U);
    for (std::size_t i = 0; i < set->rows.size(); ++i) {
      ASSERT_EQ(std::get<double>(set->rows[i].context.at("n")), static_cast<double>(i));
      ASSERT_EQ(set->rows[i].label, i % 3 == 0 ? 1 : 0);
    }
  }
}

TEST_F(TableTest, MistakesNameRowAndColumn) {
  const std::string path = Write("sessions.csv", kSessions);
  EXPECT_NE(Rows(path, "buoght").status().message().find("did you mean 'bought'"),
            std::string::npos);
  EXPECT_NE(Rows(path, "bought", {"mnth"}).status().message().find("did you mean 'month'"),
            std::string::npos);
  const std::string label(Rows(path, "month").status().message());
  EXPECT_NE(label.find("row 0 of column 'month' is 'Feb'"), std::string::npos) << label;
  EXPECT_EQ(Rows(path + ".none", "bought").status().code(), Code::kNotFound);
  const std::string alike = Write("alike.csv", "n,bought\n1,0\n2,0\n3,0\n4,0\n");
  EXPECT_EQ(Rows(alike, "bought").status().code(), Code::kFailedPrecondition);
}

TEST_F(TableTest, ASnapshotKnowsItsUsers) {
  Write("log.csv", std::string(kLogHeader) +
                       "purchase,u2,,a,2025-06-01,1,1,,1,\n"
                       "purchase,u1,,a,2025-06-02,1,1,,2,\n"
                       "purchase,stranger,,a,2025-06-03,1,1,,3,\n");
  Write("users.tsv", "id\tlevel\tage\nu1\tgold\t31\nu2\tsilver\t42\nu9\tgold\t1\n");
  const std::string mapping = LogMapping() + R"(
[[users]]
files = ["users.tsv"]
format = "tsv"
attributes = "*"
[users.fields]
id = "id"
)";
  MustImport(folder_ + "/in", mapping);
  const auto out = MustClean();
  duckdb::ParquetSnapshotReader reader({.memory_limit_mb = 256});
  const auto log = reader.ReadInteractions(out.folder, {}, {});
  ASSERT_TRUE(log.ok()) << log.status().ToString();
  const auto users = reader.ReadUsers(out.folder, *log);
  ASSERT_TRUE(users.ok()) << users.status().ToString();
  ASSERT_EQ(users->rows.size(), 3U);
  EXPECT_EQ(users->rows[0].id, "stranger");
  EXPECT_TRUE(users->rows[0].attributes.empty());
  EXPECT_EQ(users->rows[1].id, "u1");
  EXPECT_EQ(users->rows[1].attributes.at("level"), Attribute(std::string("gold")));
  EXPECT_EQ(users->rows[2].attributes.at("level"), Attribute(std::string("silver")));
}

}  // namespace
}  // namespace vitrine
