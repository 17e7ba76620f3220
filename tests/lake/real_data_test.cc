// The two public data sets through import, clean and reading, against what their SOURCE.md counts.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "adapters/duckdb/duck_lake.h"
#include "adapters/duckdb/snapshot_reader.h"
#include "adapters/toml/mapping.h"

namespace vitrine::duckdb {
namespace {

namespace fs = std::filesystem;

std::string DataFolder() {
  const char* folder = std::getenv("VITRINE_TEST_DATA");
  return std::string(folder == nullptr ? "../shared" : folder) + "/data";
}

struct Made {
  data::ImportReport imported;
  data::CleanOutcome cleaned;
  data::Interactions interactions;
  data::ItemTable items;
};

/// Import, clean and read into a folder of this process.
Made Make(const std::string& set, const std::string& mapping) {
  Made out;
  const std::string folder = fmt::format("{}lake-{}-{}", testing::TempDir(), set, getpid());
  fs::remove_all(folder);
  const auto lake = OpenDuckLake(folder, {});
  data::ImportRequest request;
  request.paths = {DataFolder() + "/" + set};
  request.now = Now();
  auto loaded = adapters::LoadMapping(mapping);
  EXPECT_TRUE(loaded.ok()) << loaded.status().message();
  request.mapping = std::move(loaded).value();
  auto imported = lake->Import(request, {});
  EXPECT_TRUE(imported.ok()) << imported.status().message();
  out.imported = std::move(imported).value();
  auto cleaned = lake->Clean({.as_of = Now()}, {});
  EXPECT_TRUE(cleaned.ok()) << cleaned.status().message();
  out.cleaned = std::move(cleaned).value();
  ParquetSnapshotReader reader({});
  auto read = reader.ReadInteractions(out.cleaned.folder, {}, {});
  EXPECT_TRUE(read.ok()) << read.status().message();
  out.interactions = std::move(read).value();
  auto items = reader.ReadItems(out.cleaned.folder, out.interactions);
  EXPECT_TRUE(items.ok()) << items.status().message();
  out.items = std::move(items).value();
  fs::remove_all(folder);
  return out;
}

void ExpectWellFormed(const data::Interactions& data) {
  ASSERT_EQ(data.user_begin.size(), data.users.size() + 1);
  EXPECT_TRUE(std::is_sorted(data.users.begin(), data.users.end()));
  EXPECT_TRUE(std::is_sorted(data.items.begin(), data.items.end()));
  for (std::size_t user = 0; user < data.users.size(); ++user) {
    for (std::size_t row = data.user_begin[user]; row < data.user_begin[user + 1]; ++row) {
      ASSERT_EQ(data.user[row], user);
      ASSERT_LT(data.item[row], data.items.size());
      if (row > data.user_begin[user]) {
        ASSERT_LE(data.ts[row - 1], data.ts[row]);
      }
    }
  }
}

TEST(OnlineRetail, CountsAndBasketsAreThoseOfItsSource) {
  if (!fs::exists(DataFolder() + "/online-retail")) {
    GTEST_SKIP() << "no " << DataFolder() << "/online-retail";
  }
  const Made made = Make("online-retail", "online-retail");
  EXPECT_EQ(made.imported.files.at(0).rows_read, 541'909U);
  EXPECT_EQ(made.imported.files.at(0).accepted, 541'909U);
  EXPECT_NE(made.imported.files.at(0).time_taken.find("iso8601"), std::string::npos);
  std::map<std::string, std::uint64_t> matched;
  for (const data::RuleCount& rule : made.cleaned.report.rules) {
    matched[rule.name] = rule.matched;
    EXPECT_EQ(rule.matched > 0, !rule.samples.empty()) << rule.name;
  }
  EXPECT_EQ(matched["no_customer"], 135'080U);
  EXPECT_EQ(matched["cancellation"], 9'288U);
  EXPECT_EQ(matched["quantity_not_positive"], 10'624U);
  EXPECT_EQ(matched["price_not_positive"], 2'517U);
  EXPECT_EQ(matched["code_not_five_digits"], 2'995U);
  EXPECT_EQ(matched["exact_duplicates"], 5'268U);
  EXPECT_EQ(made.cleaned.report.kept, 396'337U);
  EXPECT_EQ(made.cleaned.report.kept + made.cleaned.report.removed, 541'909U);
  // 383 cancellations have no customer: that rule stands first.
  EXPECT_EQ(made.cleaned.report.rules.at(1).removed, 9'288U - 383U);

  const data::Interactions& data = made.interactions;
  ExpectWellFormed(data);
  EXPECT_EQ(data.rows(), 396'337U);
  EXPECT_EQ(data.users.size(), 4'334U);
  EXPECT_FALSE(data.ordinal_time);
  EXPECT_EQ(FormatIso(data.window_from), "2010-12-01T08:26:00Z");
  std::size_t baskets = 0, evaluated = 0, heaviest = 0;
  for (std::size_t user = 0; user < data.users.size(); ++user) {
    std::uint32_t most = 0;
    for (std::size_t row = data.user_begin[user]; row < data.user_begin[user + 1]; ++row) {
      most = std::max(most, data.basket[row]);
    }
    baskets += most + 1;
    evaluated += most + 1 >= 3 ? 1 : 0;
    heaviest = std::max(heaviest, data.user_begin[user + 1] - data.user_begin[user]);
  }
  EXPECT_EQ(baskets, 18'402U);
  EXPECT_EQ(evaluated, 1'998U);
  EXPECT_EQ(heaviest, 7'838U);
  EXPECT_EQ(made.items.rows.size(), data.items.size());
  EXPECT_NE(std::find(data.users.begin(), data.users.end(), "17850"), data.users.end());
}

TEST(AmazonBeauty, SequencesKeepTheirOrder) {
  if (!fs::exists(DataFolder() + "/amazon-beauty")) {
    GTEST_SKIP() << "no " << DataFolder() << "/amazon-beauty";
  }
  const Made made = Make("amazon-beauty", "tests/data/mappings/amazon-beauty.toml");
  const data::Interactions& data = made.interactions;
  ExpectWellFormed(data);
  EXPECT_EQ(data.rows(), 198'502U);
  EXPECT_EQ(data.users.size(), 22'363U);
  EXPECT_EQ(data.items.size(), 12'101U);
  EXPECT_TRUE(data.ordinal_time);
  // The oracle: the file itself, line by line.
  std::ifstream file(DataFolder() + "/amazon-beauty/sequences.txt");
  std::map<std::string, std::vector<std::string>> lines;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string user, item;
    words >> user;
    while (words >> item) {
      lines[user].push_back(item);
    }
  }
  for (std::size_t user = 0; user < data.users.size(); ++user) {
    std::vector<std::string> items;
    for (std::size_t row = data.user_begin[user]; row < data.user_begin[user + 1]; ++row) {
      items.push_back(data.items[data.item[row]]);
      EXPECT_EQ(data.ts[row].value, static_cast<std::int64_t>(items.size()) - 1);
      EXPECT_EQ(data.basket[row], items.size() - 1);
    }
    ASSERT_EQ(items, lines[data.users[user]]) << data.users[user];
  }
  std::size_t titles = 0, brands = 0, asins = 0;
  for (const Item& item : made.items.rows) {
    titles += item.title.empty() ? 0 : 1;
    brands += item.brand.empty() ? 0 : 1;
    asins += item.attributes.contains("asin") ? 1 : 0;
    EXPECT_FALSE(item.categories.empty()) << item.id;
  }
  EXPECT_EQ(titles, 12'094U);
  EXPECT_EQ(brands, 7'476U);
  EXPECT_EQ(asins, 12'101U);
}

}  // namespace
}  // namespace vitrine::duckdb
