// A file under a mapping against a contract: columns that came, went and changed what they look like.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <set>

#include <fmt/format.h>

#include "adapters/duckdb/contract_rows.h"
#include "adapters/duckdb/duck_lake.h"
#include "adapters/toml/mapping.h"
#include "monitor/contract/judge_contract.h"
#include "monitor/contract/learn_contract.h"

namespace vitrine {
namespace {

constexpr const char* kMapping = R"(
name = "till"
[[events]]
files = ["*.csv"]
default_event = "purchase"
[events.fields]
user_id = "customer"
item_id = "article"
ts = "at"
price = "price"
currency = { value = "EUR" }
)";

class FilesTest : public testing::Test {
 protected:
  FilesTest()
      : folder_(fmt::format("{}contract-files-{}-{}", testing::TempDir(),
                            testing::UnitTest::GetInstance()->current_test_info()->name(),
                            getpid())) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  ~FilesTest() override { std::filesystem::remove_all(folder_); }

  /// `days` days of sales from 2026-03-`first` on, a row by `row`.
  std::string Write(const std::string& name, const std::string& header, int first, int days,
                    const std::function<std::string(int, int, int)>& row) const {
    const std::string path = folder_ + "/" + name;
    std::ofstream out(path);
    out << header << "\n";
    for (int day = 0; day < days; ++day) {
      for (int i = 0; i < 120; ++i) out << row(first + day, i, day * 37 + i * 11) << "\n";
    }
    return path;
  }

  Result<std::unique_ptr<duckdb::ContractRows>> Open(const std::string& path) const {
    duckdb::ContractRowsOptions options{.memory_limit_mb = 256, .threads = 1};
    options.data_dir = folder_ + "/data";
    options.files = {path};
    ASSIGN_OR_RETURN(options.mapping, adapters::ParseMapping(kMapping, "till.toml"));
    return duckdb::ContractRows::Open(options, {});
  }

  static std::string Row(int day, int i, int draw, const std::string& more) {
    return fmt::format("c{},a{},2026-03-{:02} {:02}:{:02}:00,{}.50,{}", draw % 40, draw % 25, day,
                       8 + i / 12, i % 12 * 5, 5 + draw % 30, more);
  }

  std::string folder_;
};

TEST_F(FilesTest, ColumnsAndValuesThatChanged) {
  const std::string march = Write(
      "march.csv", "customer,article,at,price,discount,till", 1, 14, [](int day, int i, int draw) {
        return Row(day, i, draw, fmt::format("{},T{}", draw % 3, i % 2));
      });
  const auto learned = Open(march);
  ASSERT_TRUE(learned.ok()) << learned.status().message();
  const auto facts = (*learned)->Facts();
  ASSERT_TRUE(facts.ok()) << facts.status().message();
  monitor::DataContract contract = monitor::ProposeContract(*facts, nullptr);
  const auto hours = (*learned)->Count(contract);
  ASSERT_TRUE(hours.ok());
  ASSERT_TRUE(monitor::FitContract(*hours, contract).ok());
  EXPECT_EQ(contract.columns.at("till/events").size(), 6U);
  EXPECT_EQ(contract.learned.days, 12U) << "the first and the last day may be parts";

  // The discount is a text now, the till is gone, and a channel came; prices lost their comma.
  const std::string april = Write("april.csv", "customer,article,at,price,discount,channel", 17, 3,
                                  [](int day, int i, int draw) {
                                    std::string row =
                                        Row(day, i, draw, fmt::format("{} percent,web", draw % 3));
                                    return row.replace(row.find(".50"), 3, "50.00");
                                  });
  const auto now = Open(april);
  ASSERT_TRUE(now.ok()) << now.status().message();
  EXPECT_EQ(CompareColumns(contract, "till/events", (*now)->columns().at("till/events")),
            (std::vector<std::string>{"till/events: the column 'discount' was number and is text",
                                      "till/events: the column 'till' is gone",
                                      "till/events: the column 'channel' is new"}));
  const auto counted = (*now)->Count(contract);
  ASSERT_TRUE(counted.ok());
  std::set<std::string> broken;
  for (const monitor::ContractWindow& day : monitor::DaysOf(*counted)) {
    for (const auto& finding :
         JudgeWindow(contract, day, {.grain = monitor::Grain::kDay}).findings) {
      broken.insert(finding.rule);
      const monitor::ContractRule* rule = contract.Find(finding.rule);
      ASSERT_NE(rule, nullptr);
      const auto example = (*now)->ExampleOf(*rule, finding.grain, finding.window);
      ASSERT_TRUE(example.ok()) << example.status().message();
      if (rule->kind == monitor::ContractKind::kRange) {
        EXPECT_NE(example->find("50.0, at 2026-03-"), std::string::npos) << *example;
      }
    }
  }
  EXPECT_TRUE(broken.contains("purchase.price.range"));
  EXPECT_TRUE(broken.contains("purchase.price.mean"));
  EXPECT_FALSE(broken.contains("purchase.user_id.missing"));
}

TEST_F(FilesTest, RefusedRowsAreCounted) {
  const std::string path =
      Write("sales.csv", "customer,article,at,price", 1, 2, [](int day, int i, int draw) {
        std::string row = Row(day, i, draw, "");
        row.pop_back();
        return i % 10 == 0 ? row.replace(row.find(".50"), 3, " euro") : row;
      });
  const auto rows = Open(path);
  ASSERT_TRUE(rows.ok()) << rows.status().message();
  EXPECT_EQ((*rows)->refused().rows, 240);
  EXPECT_EQ((*rows)->refused().refused, 24);
  EXPECT_FALSE((*rows)->refused().example.empty());
}

}  // namespace
}  // namespace vitrine
