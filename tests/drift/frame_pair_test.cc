// Two frames compared through DuckDB: statistics equal those of independent libraries, the default
// verdict finds what truly moved, and odd columns do no harm.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "adapters/duckdb/database.h"
#include "adapters/duckdb/duck_frame_pair.h"
#include "adapters/duckdb/sorted_numbers.h"
#include "monitor/offline/frame_drift.h"
#include "monitor/statistics/sample_tests.h"

namespace vitrine::monitor {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

class FramePairTest : public testing::Test {
 protected:
  FramePairTest()
      : folder_(fmt::format("{}frames-{}-{}", testing::TempDir(),
                            testing::UnitTest::GetInstance()->current_test_info()->name(),
                            getpid())) {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  ~FramePairTest() override { fs::remove_all(folder_); }

  std::string Path(const std::string& name) const { return folder_ + "/" + name; }

  /// A Parquet file of a query's rows.
  std::string Write(const std::string& name, const std::string& query) const {
    auto database = duckdb::Database::Open({.memory_limit_mb = 256, .threads = 1});
    EXPECT_TRUE(database.ok());
    const Status status =
        (*database)->Execute(fmt::format("COPY ({}) TO '{}' (FORMAT parquet)", query, Path(name)));
    EXPECT_TRUE(status.ok()) << status.message();
    return Path(name);
  }

  static Result<FrameDriftReport> Compare(const std::string& reference, const std::string& current,
                                          const FrameDriftOptions& options = {},
                                          duckdb::FramePairOptions frames = {}) {
    frames.memory_limit_mb = 256;
    frames.threads = 1;
    ASSIGN_OR_RETURN(const auto pair, duckdb::OpenFramePair(reference, current, frames, {}));
    return CompareFrames(*pair, options, {});
  }

  /// Compare that must work.
  static FrameDriftReport Must(const Result<FrameDriftReport>& report) {
    EXPECT_TRUE(report.ok()) << report.status().message();
    return report.ok() ? *report : FrameDriftReport{};
  }

  static const ColumnDrift& Column(const FrameDriftReport& report, const std::string& name) {
    static const ColumnDrift kNone;
    for (const ColumnDrift& column : report.columns) {
      if (column.column == name) return column;
    }
    ADD_FAILURE() << "no column " << name;
    return kNone;
  }

  static std::vector<std::string> Drifted(const FrameDriftReport& report) {
    std::vector<std::string> names;
    for (const ColumnDrift& column : report.columns) {
      if (column.verdict.drifted) names.push_back(column.column);
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  std::string folder_;
};

class ReferenceFramesTest : public FramePairTest {
 protected:
  void SetUp() override {
    const char* root = std::getenv("VITRINE_TEST_DATA");
    frames_ = fs::path(root != nullptr ? root : "../shared") / "reference/drift";
    if (!fs::exists(frames_ / "reference.parquet")) {
      GTEST_SKIP() << "reference/drift is not there; set VITRINE_TEST_DATA";
    }
    expected_ = json::parse(std::ifstream(frames_ / "expected.json"));
    moved_ = expected_.at("truly_drifted").get<std::vector<std::string>>();
    std::sort(moved_.begin(), moved_.end());
  }

  std::string Head(const std::string& name, int rows) const {
    return Write(
        fmt::format("{}-{}.parquet", name, rows),
        fmt::format("SELECT * FROM '{}' LIMIT {}", (frames_ / (name + ".parquet")).string(), rows));
  }

  fs::path frames_;
  json expected_;
  std::vector<std::string> moved_;
};

TEST_F(ReferenceFramesTest, EveryStatisticEqualsTheIndependentAnswers) {
  // In memory and sorted on disk must be the same.
  for (const std::size_t in_memory : {std::size_t{1'000'000}, std::size_t{1000}}) {
    const FrameDriftReport report =
        Must(Compare(frames_ / "reference.parquet", frames_ / "current.parquet", {},
                     {.rows_in_memory = in_memory}));
    for (const auto& [name, expected] : expected_.at("numerical").items()) {
      const ColumnDrift& c = Column(report, name);
      EXPECT_NEAR(c.verdict.ks, expected.at("ks").at(0), 1e-9) << name;
      const double theirs = expected.at("ks").at(1);  // of the asymptotic method; ours is exact
      EXPECT_NEAR(KolmogorovTwoSampleTail(c.verdict.ks, 10'000, 10'000, KsMethod::kAsymptotic),
                  theirs, 2e-4)
          << name;
      EXPECT_NEAR(c.ks_p, theirs, 5e-3) << name;
      EXPECT_NEAR(c.wasserstein, expected.at("wasserstein"), 1e-9) << name;
      EXPECT_NEAR(c.wasserstein_over_spread, expected.at("wasserstein_over_std_ref_ddof0"), 1e-9);
      const json& deciles = expected.at("deciles_of_reference");
      const auto edges = deciles.at("inner_edges").get<std::vector<double>>();
      ASSERT_EQ(c.cuts.size(), edges.size());
      for (std::size_t i = 0; i < edges.size(); ++i) EXPECT_NEAR(c.cuts[i].value, edges[i], 1e-12);
      EXPECT_NEAR(c.verdict.psi, deciles.at("psi"), 1e-9) << name;
      EXPECT_NEAR(c.verdict.js_distance, deciles.at("js_distance_base2"), 1e-9) << name;
      EXPECT_NEAR(c.hellinger, deciles.at("hellinger"), 1e-9) << name;
      EXPECT_NEAR(c.kullback_leibler, deciles.at("kl_ref_cur_nat"), 1e-9) << name;
      EXPECT_NEAR(c.l_infinity, deciles.at("l_infinity"), 1e-9) << name;
    }
    for (const auto& [name, expected] : expected_.at("categorical").items()) {
      const ColumnDrift& c = Column(report, name);
      EXPECT_EQ(c.levels, expected.at("levels")) << name;
      EXPECT_NEAR(c.chi_square / expected.at("chi2_contingency").at(0).get<double>(), 1, 1e-9);
      EXPECT_NEAR(c.chi_square_p, expected.at("chi2_contingency").at(1), 1e-9) << name;
      EXPECT_EQ(c.chi_square_degrees, expected.at("chi2_contingency").at(2)) << name;
      EXPECT_NEAR(c.verdict.js_distance, expected.at("js_distance_base2"), 1e-9) << name;
      EXPECT_NEAR(c.hellinger, expected.at("hellinger"), 1e-9) << name;
      EXPECT_NEAR(c.verdict.psi, expected.at("psi_floor1e-4"), 1e-9) << name;
      EXPECT_NEAR(c.kullback_leibler, expected.at("kl_ref_cur_floor1e-4"), 1e-9) << name;
      EXPECT_NEAR(c.total_variation, expected.at("total_variation"), 1e-9) << name;
      EXPECT_NEAR(c.l_infinity, expected.at("l_infinity"), 1e-9) << name;
    }
    EXPECT_EQ(Drifted(report), moved_);
  }
}

TEST_F(ReferenceFramesTest, TheVerdictFindsWhatMovedInAThousandRowsToo) {
  const FrameDriftReport report = Must(Compare(Head("reference", 1000), Head("current", 1000)));
  EXPECT_EQ(Drifted(report), moved_);
  EXPECT_EQ(report.judged, 20U);
}

TEST_F(FramePairTest, OddColumnsAreMeasuredAndDoNoHarm) {
  const std::string rows =
      "SELECT 7 AS same, CASE WHEN i % 2 = 0 THEN 5 ELSE {0} END AS two, CASE WHEN i % 10 < {1} "
      "THEN NULL ELSE (i * 7919 % 1000)::DOUBLE END AS holes, 'id' || (i + {2}) AS id, "
      "NULL::DOUBLE "
      "AS nothing, CASE WHEN i % 5 = 0 THEN 'nan'::DOUBLE ELSE i END AS nan, (i % 3 = 0) AS flag, "
      "DATE '2026-01-01' + (i % 30)::INT AS day, CASE WHEN i % 3 = 0 THEN NULL ELSE 'a' END AS "
      "word, "
      "{{'x': i}} AS nested FROM range(2000) t(i)";
  const auto report =
      Must(Compare(Write("a.parquet", fmt::format(fmt::runtime(rows), 6, 1, 0)),
                   Write("b.parquet", fmt::format(fmt::runtime(rows), 6, 4, 1'000'000))));
  EXPECT_TRUE(Column(report, "same").constant);
  EXPECT_EQ(Column(report, "same").verdict.p_value, 1);
  EXPECT_EQ(Column(report, "two").levels, 2);
  EXPECT_NEAR(Column(report, "holes").reference_missing, 0.1, 1e-12);
  EXPECT_NEAR(Column(report, "holes").current_missing, 0.4, 1e-12);
  EXPECT_TRUE(Column(report, "holes").verdict.drifted) << "missing rows are a share of their own";
  EXPECT_EQ(Column(report, "id").levels, 4000);
  EXPECT_EQ(Column(report, "id").unseen_share, 1);
  EXPECT_FALSE(Column(report, "id").verdict.drifted) << "levels that stand once say nothing";
  EXPECT_EQ(Column(report, "nothing").reference_missing, 1);
  EXPECT_FALSE(Column(report, "nothing").verdict.drifted);
  EXPECT_NEAR(Column(report, "nan").reference_missing, 0.2, 1e-12);
  EXPECT_EQ(Column(report, "day").kind, ColumnKind::kNumber);
  EXPECT_EQ(Column(report, "day").levels, 30);
  EXPECT_EQ(Column(report, "word").levels, 1);
  ASSERT_EQ(report.left_out.size(), 1U);
  EXPECT_NE(report.left_out[0].find("nested"), std::string::npos);
  EXPECT_EQ(Drifted(report), std::vector<std::string>{"holes"});
  EXPECT_TRUE(json::accept(ToJson(report)));
  EXPECT_NE(ToText(report).find("1 of"), std::string::npos);
}

TEST_F(FramePairTest, AValueThatManyRowsShareHasABinOfItsOwn) {
  // All of the reference at 5; of the current, half above: no quantile border would tell them apart.
  const auto report = Must(Compare(
      Write("a.parquet", "SELECT 5::DOUBLE AS x FROM range(1000)"),
      Write("b.parquet",
            "SELECT CASE WHEN i % 2 = 0 THEN 5 ELSE 6 + i END AS x FROM range(1000) t(i)")));
  EXPECT_TRUE(Column(report, "x").verdict.drifted);
  EXPECT_EQ(Column(report, "x").cuts.size(), 2U);
}

TEST_F(FramePairTest, CsvEqualsParquet) {
  std::ofstream a(Path("a.csv"));
  std::ofstream b(Path("b.csv"));
  std::mt19937 random(4);
  a << "price,colour\n";
  b << "price,colour\n";
  for (int i = 0; i < 500; ++i) {
    a << static_cast<double>(random() % 1000) / 8 << ",c" << random() % 5 << "\n";
    b << static_cast<double>(random() % 1000) / 8 << ",c" << random() % 7 << "\n";
  }
  a.close();
  b.close();
  const auto csv = Must(Compare(Path("a.csv"), Path("b.csv")));
  const auto parquet =
      Must(Compare(Write("a.parquet", fmt::format("SELECT * FROM '{}'", Path("a.csv"))),
                   Write("b.parquet", fmt::format("SELECT * FROM '{}'", Path("b.csv")))));
  EXPECT_EQ(ToJson(csv), ToJson(parquet));
  EXPECT_EQ(Drifted(csv), std::vector<std::string>{"colour"});
}

TEST_F(FramePairTest, TheSegmentThatMovedMostStandsFirst) {
  const std::string rows =
      "SELECT CASE i % 3 WHEN 0 THEN 'cn' WHEN 1 THEN 'de' ELSE 'fr' END AS country, CASE WHEN i % "
      "3 "
      "= 1 THEN {} ELSE 0 END + (i * 7919 % 997)::DOUBLE / 997 AS price, 'w' || (i * 31 % 7) AS "
      "word "
      "FROM range(6000) t(i)";
  FrameDriftOptions options;
  options.slice = "country";
  const auto report =
      Must(Compare(Write("a.parquet", fmt::format(fmt::runtime(rows), 0)),
                   Write("b.parquet", fmt::format(fmt::runtime(rows), 0.4)), options));
  ASSERT_EQ(report.segments.size(), 3U);
  EXPECT_EQ(report.segments[0].segment, "de");
  EXPECT_EQ(report.segments[0].columns[0].feature, "price");
  EXPECT_TRUE(report.segments[0].columns[0].drifted);
  EXPECT_LT(report.segments[1].moved, 0.01);
  EXPECT_NE(ToText(report).find("Segments of 'country'"), std::string::npos);
}

TEST_F(FramePairTest, ImportanceOrdersWhatDrifted) {
  const auto a = Write("a.parquet",
                       "SELECT (i % 100) AS strong, (i % 100) AS weak, 1 AS still FROM range(3000) "
                       "t(i)");
  const auto b = Write("b.parquet",
                       "SELECT (i % 100) + 40 AS strong, (i % 100) + 15 AS weak, 1 AS still FROM "
                       "range(3000) t(i)");
  EXPECT_EQ(Must(Compare(a, b)).columns[0].column, "strong");
  FrameDriftOptions options;
  options.importance = {{"weak", 1}, {"strong", 0.001}};
  const auto report = Must(Compare(a, b, options));
  EXPECT_EQ(report.columns[0].column, "weak");
  EXPECT_EQ(report.columns[2].importance, 0) << "not named";
  options.importance = {{"weka", 1}};
  EXPECT_EQ(Compare(a, b, options).status().code(), Code::kInvalidArgument);
}

TEST_F(FramePairTest, ALabelTellsOtherRowsFromOtherAnswers) {
  // Score in [0, 1); the label's rate is a tenth of it, times `gain`; `bend` > 1 moves rows down.
  const std::string rows =
      "SELECT s AS score, (hash(i, 'y') % 1000) / 1000.0 < s * {1} * 0.3 AS clicked FROM (SELECT "
      "i, "
      "pow((hash(i, '{2}') % 10000) / 10000.0, {0}) AS s FROM range(20000) t(i))";
  const auto frame = [&](const char* name, double bend, double gain) {
    return Write(name, fmt::format(fmt::runtime(rows), bend, gain, name));
  };
  const auto a = frame("a.parquet", 1, 1);
  FrameDriftOptions options;
  options.label = "clicked";
  options.score = "score";
  const auto others = Must(Compare(a, frame("b.parquet", 2, 1), options)).concept_report;
  EXPECT_TRUE(others.population_moved);
  EXPECT_FALSE(others.concept_moved);
  const auto answers = Must(Compare(a, frame("c.parquet", 1, 1.6), options)).concept_report;
  EXPECT_FALSE(answers.population_moved);
  EXPECT_TRUE(answers.concept_moved);
  options.label = "score";
  options.score = "clicked";
  EXPECT_TRUE(Compare(a, a, options).ok()) << "any two columns";
  options.score = "";
  EXPECT_EQ(Compare(a, a, options).status().code(), Code::kInvalidArgument);
}

TEST_F(FramePairTest, TextsAndVectorsAreComparedByAClassifier) {
  const std::string rows =
      "SELECT ['red', 'warm', 'light', 'soft', 'new'][1 + (hash(i, {1}) % 5)::INT] || ' ' || "
      "['shoe', 'shirt', {0}, {0}][1 + (hash(i, 'b', {1}) % 4)::INT] || ' ' || i % 17 AS title, "
      "[(hash(i, 1, {1}) % 100) / 100.0 + {2}, (hash(i, 2, {1}) % 100) / 100.0]::FLOAT[] AS "
      "embedding FROM range(1000) t(i)";
  const auto a = Write("a.parquet", fmt::format(fmt::runtime(rows), "'coat'", 1, 0));
  const auto same = Write("s.parquet", fmt::format(fmt::runtime(rows), "'coat'", 2, 0));
  const auto moved = Write("m.parquet", fmt::format(fmt::runtime(rows), "'scarf'", 3, 0.2));
  const duckdb::FramePairOptions frames = {.texts = {"title"}};
  EXPECT_TRUE(Drifted(Must(Compare(a, same, {}, frames))).empty());
  const auto report = Must(Compare(a, moved, {}, frames));
  EXPECT_EQ(Drifted(report), (std::vector<std::string>{"embedding", "title"}));
  EXPECT_GT(Column(report, "title").verdict.auc, 0.6);
}

TEST_F(FramePairTest, ErrorsSayWhatAndWhatToDo) {
  const auto a = Write("a.parquet", "SELECT 1 AS x, 'a' AS y");
  const auto b = Write("b.parquet", "SELECT 'a' AS x, 'a' AS y");
  const auto c = Write("c.parquet", "SELECT 1 AS z");
  const auto empty = Write("e.parquet", "SELECT 1 AS x, 'a' AS y WHERE false");
  const auto says = [](const Result<FrameDriftReport>& result, Code code, const char* text) {
    EXPECT_EQ(result.status().code(), code);
    EXPECT_NE(result.status().message().find(text), std::string::npos) << result.status().message();
  };
  says(Compare(Path("no.parquet"), a), Code::kNotFound, "there is no file");
  says(Compare(a, b), Code::kInvalidArgument, "--words x");
  EXPECT_TRUE(Compare(a, b, {}, {.words = {"x"}}).ok());
  EXPECT_TRUE(Compare(a, b, {}, {.columns = {"y"}}).ok());
  const auto day = Write("d.parquet", "SELECT DATE '2026-01-01' AS x, 'a' AS y");
  says(Compare(a, day), Code::kInvalidArgument, "is INTEGER in the reference and DATE");
  says(Compare(a, c), Code::kInvalidArgument, "no column in common");
  says(Compare(a, empty), Code::kInvalidArgument, "holds no rows");
  says(Compare(a, a, {}, {.columns = {"yy"}}), Code::kInvalidArgument, "yy");
  says(Compare("lake:@2026", a), Code::kInvalidArgument, "FROM..TO");
  says(Compare("lake:", a), Code::kNotFound, "");
  std::ofstream(Path("text.parquet")) << "this is no Parquet file";
  says(Compare(Path("text.parquet"), a), Code::kInvalidArgument, "text.parquet");
  std::ofstream(Path("x.json")) << "{}";
  says(Compare(Path("x.json"), a), Code::kInvalidArgument, ".csv");
}

TEST_F(FramePairTest, AStopIsHeard) {
  const auto a = Write("a.parquet", "SELECT i AS x FROM range(1000) t(i)");
  std::stop_source stop;
  Progress progress;
  progress.stop = stop.get_token();
  const auto pair = duckdb::OpenFramePair(a, a, {.memory_limit_mb = 256, .threads = 1}, progress);
  ASSERT_TRUE(pair.ok());
  stop.request_stop();
  EXPECT_EQ(CompareFrames(**pair, {}, progress).status().code(), Code::kCancelled);
}

TEST(FiniteSorterTest, EqualsTheStandardSort) {
  std::mt19937_64 random(9);
  duckdb::FiniteSorter sorter;
  for (const std::size_t size : {0UL, 1UL, 100UL, 5000UL, 70'000UL, 300UL}) {
    for (const bool near : {false, true}) {  // near: alike but for the last bits of the fraction
      std::vector<double> values;
      for (std::size_t i = 0; i < size; ++i) {
        const double x = std::ldexp(static_cast<double>(random() % 2001) - 1000,
                                    static_cast<int>(random() % 60) - 30);
        values.push_back(near                 ? 1e9 + static_cast<double>(random() % 999) * 1e-4
                         : random() % 50 == 0 ? -0.0
                                              : x);
        sorter.Add(values.back());
      }
      std::sort(values.begin(), values.end());
      EXPECT_EQ(sorter.Take(), values) << size;
    }
  }
}

}  // namespace
}  // namespace vitrine::monitor
