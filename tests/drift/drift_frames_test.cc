// Twenty columns of two frames, four of which truly moved: every statistic must equal that of
// independent libraries, and the default verdict must find the four and nothing else.
#include <duckdb.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "data/reference_histograms.h"
#include "monitor/statistics/distances.h"
#include "monitor/statistics/drift_verdict.h"
#include "monitor/statistics/sample_tests.h"

namespace vitrine::monitor {
namespace {

using Values = std::vector<double>;

/// A Parquet file by columns.
struct Frame {
  std::map<std::string, Values> numbers;
  std::map<std::string, std::vector<std::string>> words;
};

void ReadColumns(duckdb_connection connection, const std::string& path, Frame& frame) {
  duckdb_result result;
  const std::string query = "SELECT * FROM '" + path + "'";
  ASSERT_EQ(duckdb_query(connection, query.c_str(), &result), DuckDBSuccess)
      << duckdb_result_error(&result);
  while (duckdb_data_chunk chunk = duckdb_fetch_chunk(result)) {
    const idx_t rows = duckdb_data_chunk_get_size(chunk);
    for (idx_t c = 0; c < duckdb_column_count(&result); ++c) {
      const std::string name = duckdb_column_name(&result, c);
      void* data = duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, c));
      if (name[0] == 'n') {
        const auto* values = static_cast<const double*>(data);
        frame.numbers[name].insert(frame.numbers[name].end(), values, values + rows);
        continue;
      }
      auto* words = static_cast<duckdb_string_t*>(data);
      for (idx_t r = 0; r < rows; ++r) {
        frame.words[name].emplace_back(duckdb_string_t_data(&words[r]),
                                       duckdb_string_t_length(words[r]));
      }
    }
    duckdb_destroy_data_chunk(&chunk);
  }
  duckdb_destroy_result(&result);
}

/// Linear interpolation between order statistics.
double Quantile(Values sorted, double q) {
  const double place = q * static_cast<double>(sorted.size() - 1);
  const auto low = static_cast<std::size_t>(place);
  return sorted[low] + (place - static_cast<double>(low)) * (sorted[low + 1] - sorted[low]);
}

/// Counts of both word columns over all their levels.
std::pair<Values, Values> LevelCounts(const std::vector<std::string>& reference,
                                      const std::vector<std::string>& current) {
  std::map<std::string, std::pair<double, double>> levels;
  for (const auto& word : reference) levels[word].first += 1;
  for (const auto& word : current) levels[word].second += 1;
  std::pair<Values, Values> counts;
  for (const auto& [word, pair] : levels) {
    counts.first.push_back(pair.first);
    counts.second.push_back(pair.second);
  }
  return counts;
}

class DriftFramesTest : public testing::Test {
 protected:
  void SetUp() override {
    const char* root = std::getenv("VITRINE_TEST_DATA");
    const std::filesystem::path folder =
        std::filesystem::path(root != nullptr ? root : "../shared") / "reference/drift";
    if (!std::filesystem::exists(folder / "reference.parquet")) {
      GTEST_SKIP() << "reference/drift is not there; set VITRINE_TEST_DATA";
    }
    expected_ = nlohmann::json::parse(std::ifstream(folder / "expected.json"));
    duckdb_database database;
    duckdb_connection connection;
    ASSERT_EQ(duckdb_open(nullptr, &database), DuckDBSuccess);
    ASSERT_EQ(duckdb_connect(database, &connection), DuckDBSuccess);
    ReadColumns(connection, folder / "reference.parquet", reference_);
    ReadColumns(connection, folder / "current.parquet", current_);
    duckdb_disconnect(&connection);
    duckdb_close(&database);
  }

  /// Names of the columns that the default verdict calls drifted, by the first `rows` of each frame.
  std::vector<std::string> Drifted(std::size_t rows) const {
    std::vector<DriftInput> inputs;
    const auto first = [rows](const auto& column) {
      auto head = column;
      head.resize(std::min(rows, head.size()));
      return head;
    };
    for (const auto& [name, column] : reference_.numbers) {
      const ReferenceHistogram grid = data::FreezeHistogram(name, first(column));
      DriftInput& input = inputs.emplace_back();
      input.feature = name;
      input.reference = grid.shares;
      input.reference_rows = static_cast<double>(grid.rows);
      input.current.resize(grid.shares.size());
      for (const double x : first(current_.numbers.at(name))) {
        input.current[data::BinOf(grid, x)] += 1;
      }
    }
    for (const auto& [name, column] : reference_.words) {
      DriftInput& input = inputs.emplace_back();
      input.feature = name;
      input.ordered = false;
      std::tie(input.reference, input.current) =
          LevelCounts(first(column), first(current_.words.at(name)));
    }
    std::vector<std::string> names;
    for (const DriftVerdict& verdict : JudgeDrift(inputs, {})) {
      if (verdict.drifted) names.push_back(verdict.feature);
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  Frame reference_;
  Frame current_;
  nlohmann::json expected_;
};

TEST_F(DriftFramesTest, NumbersEqualTheIndependentAnswers) {
  for (const auto& [name, expected] : expected_.at("numerical").items()) {
    const Values& a = reference_.numbers.at(name);
    const Values& b = current_.numbers.at(name);
    const TestResult ks = KolmogorovSmirnov(a, b);
    EXPECT_NEAR(ks.statistic, expected.at("ks").at(0), 1e-9) << name;
    EXPECT_NEAR(ks.p_value, expected.at("ks").at(1), 2e-4) << name << ": approximate";
    const TestResult u = MannWhitney(a, b);
    EXPECT_NEAR(u.statistic, expected.at("mann_whitney_u").at(0), 1e-6) << name;
    EXPECT_NEAR(u.p_value, expected.at("mann_whitney_u").at(1), 1e-4)
        << name << ": scipy corrects for continuity";
    const double distance = Wasserstein(a, b);
    EXPECT_NEAR(distance, expected.at("wasserstein"), 1e-9) << name;
    EXPECT_NEAR(distance / StandardDeviation(a), expected.at("wasserstein_over_std_ref_ddof0"),
                1e-9)
        << name;
    Values sorted = a;
    std::sort(sorted.begin(), sorted.end());
    Values edges;
    for (int i = 1; i < 10; ++i) edges.push_back(Quantile(sorted, i / 10.0));
    Values r(10, 0);
    Values c(10, 0);
    const auto bin = [&edges](double x) {
      return static_cast<std::size_t>(std::upper_bound(edges.begin(), edges.end(), x) -
                                      edges.begin());
    };
    for (const double x : a) r[bin(x)] += 1;
    for (const double x : b) c[bin(x)] += 1;
    const auto& deciles = expected.at("deciles_of_reference");
    EXPECT_NEAR(Psi(r, c), deciles.at("psi"), 1e-9) << name;
    EXPECT_NEAR(std::sqrt(JensenShannon(r, c) / std::log(2.0)), deciles.at("js_distance_base2"),
                1e-9);
    EXPECT_NEAR(Hellinger(r, c), deciles.at("hellinger"), 1e-9) << name;
    EXPECT_NEAR(KullbackLeibler(r, c), deciles.at("kl_ref_cur_nat"), 1e-9) << name;
    EXPECT_NEAR(LInfinity(r, c), deciles.at("l_infinity"), 1e-9) << name;
  }
}

TEST_F(DriftFramesTest, WordsEqualTheIndependentAnswers) {
  for (const auto& [name, expected] : expected_.at("categorical").items()) {
    const auto [r, c] = LevelCounts(reference_.words.at(name), current_.words.at(name));
    EXPECT_EQ(r.size(), expected.at("levels")) << name;
    const TestResult chi = ChiSquareTwoSamples(r, c);
    const auto& contingency = expected.at("chi2_contingency");
    EXPECT_NEAR(chi.statistic, contingency.at(0), 1e-7) << name;
    EXPECT_NEAR(chi.p_value, contingency.at(1), 1e-9) << name;
    EXPECT_EQ(chi.degrees, contingency.at(2)) << name;
    EXPECT_NEAR(std::sqrt(JensenShannon(r, c) / std::log(2.0)), expected.at("js_distance_base2"),
                1e-9);
    EXPECT_NEAR(std::sqrt(JensenShannon(r, c)), expected.at("js_distance_nat"), 1e-9) << name;
    EXPECT_NEAR(Hellinger(r, c), expected.at("hellinger"), 1e-9) << name;
    EXPECT_NEAR(TotalVariation(r, c), expected.at("total_variation"), 1e-9) << name;
    EXPECT_NEAR(LInfinity(r, c), expected.at("l_infinity"), 1e-9) << name;
    EXPECT_NEAR(Psi(r, c), expected.at("psi_floor1e-4"), 1e-9) << name;
    EXPECT_NEAR(KullbackLeibler(r, c), expected.at("kl_ref_cur_floor1e-4"), 1e-9) << name;
  }
}

TEST_F(DriftFramesTest, TheVerdictFindsWhatTrulyMovedAndNothingElse) {
  auto moved = expected_.at("truly_drifted").get<std::vector<std::string>>();
  std::sort(moved.begin(), moved.end());
  EXPECT_EQ(Drifted(1000), moved);
  EXPECT_EQ(Drifted(10'000), moved);
}

}  // namespace
}  // namespace vitrine::monitor
