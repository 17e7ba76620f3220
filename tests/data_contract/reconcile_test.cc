// Orders of the lake against an export, with one fault of each kind.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <tuple>

#include <fmt/format.h>

#include "adapters/duckdb/duck_lake.h"
#include "adapters/duckdb/reconcile.h"
#include "adapters/toml/mapping.h"
#include "adapters/toml/reconcile_source.h"

namespace vitrine {
namespace {

constexpr const char* kMapping = R"(
name = "shop"
[[events]]
files = ["*.csv"]
default_event = "purchase"
[events.fields]
event_id = "line"
user_id = "user"
order_id = "order"
item_id = "item"
ts = "at"
price = "price"
quantity = "n"
)";

class ReconcileTest : public testing::Test {
 protected:
  ReconcileTest()
      : folder_(fmt::format("{}reconcile-{}-{}", testing::TempDir(),
                            testing::UnitTest::GetInstance()->current_test_info()->name(),
                            getpid())) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_ + "/in");
    // Three days of ten orders, each of two lines: 2 x 10.00 and 1 x 5.50.
    std::string rows = "line,user,order,item,at,price,n\n";
    for (int order = 0; order < 30; ++order) {
      rows +=
          fmt::format("l{0}a,u1,o{0},shoe,2026-03-0{1} 10:00:00,10.00,2\n", order, 1 + order / 10);
      rows +=
          fmt::format("l{0}b,u1,o{0},sock,2026-03-0{1} 10:00:00,5.50,1\n", order, 1 + order / 10);
    }
    rows += "l0a,u1,o0,shoe,2026-03-01 10:00:00,10.00,2\n";  // a line that came again counts once
    std::ofstream(folder_ + "/in/events.csv") << rows;
    data::ImportRequest request;
    request.paths = {folder_ + "/in/events.csv"};
    request.now = Now();
    const auto mapping = adapters::ParseMapping(kMapping, "shop.toml");
    EXPECT_TRUE(mapping.ok()) << mapping.status().message();
    request.mapping = *mapping;
    const auto lake =
        duckdb::OpenDuckLake(folder_ + "/data", {.memory_limit_mb = 256, .threads = 1});
    const auto imported = lake->Import(request, {});
    EXPECT_TRUE(imported.ok()) << imported.status().message();
  }
  ~ReconcileTest() override { std::filesystem::remove_all(folder_); }

  std::string Describe(const std::string& more) const {
    const std::string path = folder_ + "/till.toml";
    std::ofstream(path) << "name = \"till\"\npaths = [\"till.csv\"]\n" << more;
    return path;
  }

  Result<data::Reconciliation> Compare(const std::string& description) const {
    ASSIGN_OR_RETURN(const data::ReconcileSource source,
                     adapters::LoadReconcileSource(description));
    return duckdb::Reconcile(source,
                             {.memory_limit_mb = 256,
                              .threads = 1,
                              .data_dir = folder_ + "/data",
                              .from = {},
                              .until = {}},
                             {});
  }

  std::string folder_;
};

constexpr const char* kColumns = "[columns]\nid = \"Order\"\ntime = \"Date\"\namount = \"Total\"\n";

TEST_F(ReconcileTest, TellsWhatIsMissingExtraAndDifferent) {
  std::string rows = "Order,Date,Total\n";
  for (int order = 0; order < 30; ++order) {
    if (order == 3) continue;                          // extra: they lack it
    const double total = order == 12 ? 99.0 : 25.5;    // another amount
    const int day = order == 25 ? 2 : 1 + order / 10;  // another day
    rows += fmt::format("o{},2026-03-0{} 18:00:00,{:.2f}\n", order, day, total);
  }
  rows += "o77,2026-03-03 09:00:00,40.00\n";  // missing: we lack it
  std::ofstream(folder_ + "/till.csv") << rows;
  const auto report = Compare(Describe(kColumns));
  ASSERT_TRUE(report.ok()) << report.status().message();
  ASSERT_EQ(report->days.size(), 3U);
  EXPECT_FALSE(report->agrees());
  const auto& [first, second, third] = std::tie(report->days[0], report->days[1], report->days[2]);
  EXPECT_EQ(first.theirs, 9U);
  EXPECT_EQ(first.ours, 10U);
  EXPECT_EQ(first.extra, 1U);
  EXPECT_DOUBLE_EQ(first.our_amount, 255);
  EXPECT_DOUBLE_EQ(first.their_amount, 229.5);
  EXPECT_EQ(second.different, 2U) << "an amount, and one that we have on the third day";
  EXPECT_EQ(third.missing, 1U);
  EXPECT_TRUE(report->items.empty()) << "the export names no items";
  std::map<std::string, std::string> ids;
  for (const data::ReconciledId& id : report->ids) ids[id.id] = id.what;
  EXPECT_EQ(ids, (std::map<std::string, std::string>{
                     {"o3", "extra"}, {"o12", "amount"}, {"o25", "day"}, {"o77", "missing"}}));
  EXPECT_NE(report->ToText().find("3 of them outside the tolerance"), std::string::npos)
      << report->ToText();

  const auto wide =
      Compare(Describe(std::string(kColumns) + "[tolerance]\nrows = 0.2\namount = 0.5\n"));
  ASSERT_TRUE(wide.ok()) << wide.status().message();
  EXPECT_TRUE(wide->agrees());
}

TEST_F(ReconcileTest, LinesByItemThatAgree) {
  std::string rows = "Order;Sku;Date;Price;Count\n";
  for (int order = 0; order < 30; ++order) {
    rows += fmt::format("o{0};shoe;0{1}/03/2026;10.00;2\no{0};sock;0{1}/03/2026;5.50;1\n", order,
                        1 + order / 10);
  }
  std::ofstream(folder_ + "/till.csv") << rows;
  const std::string description = Describe(
      "key = \"order_item\"\ndelimiter = \";\"\n[columns]\nid = \"Order\"\nitem = \"Sku\"\n"
      "time = { column = \"Date\", pattern = \"%d/%m/%Y\" }\nprice = \"Price\"\nquantity = "
      "\"Count\"\n");
  const auto same = Compare(description);
  ASSERT_TRUE(same.ok()) << same.status().message();
  EXPECT_TRUE(same->agrees()) << same->ToText();
  EXPECT_EQ(same->days.at(0).theirs, 20U);

  // A till that counts socks twice: the item shows it.
  std::string wrong = rows;
  for (std::size_t at = 0; (at = wrong.find(";5.50;1", at)) != std::string::npos; ++at) {
    wrong.replace(at, 7, ";5.50;2");
  }
  std::ofstream(folder_ + "/till.csv") << wrong;
  const auto report = Compare(description);
  ASSERT_TRUE(report.ok()) << report.status().message();
  EXPECT_FALSE(report->agrees());
  ASSERT_EQ(report->items.size(), 1U);
  EXPECT_EQ(report->items[0].item, "sock");
  EXPECT_DOUBLE_EQ(report->items[0].their_amount - report->items[0].our_amount, 165);
}

TEST_F(ReconcileTest, DescriptionsThatAreWrongSayWhere) {
  std::ofstream(folder_ + "/till.csv") << "Order,Date,Total\no1,2026-03-01,1\n";
  for (const auto& [text, message] : std::map<std::string, std::string>{
           {"[columns]\nid = \"Order\"\namount = \"Total\"\n", "lacks 'time'"},
           {"[columns]\nid = \"Order\"\ntime = \"Date\"\n", "either 'amount'"},
           {std::string(kColumns) + "[tolerance]\nrows = 2\n", "0 to 1"},
           {"colums = 1\n", "columns"},
           {"key = \"order_item\"\n" + std::string(kColumns), "needs the column 'item'"},
           {"event = \"buy\"\n" + std::string(kColumns), "no event of ours"}}) {
    const auto report = Compare(Describe(text));
    EXPECT_EQ(report.status().code(), Code::kInvalidArgument) << text;
    EXPECT_NE(report.status().message().find(message), std::string::npos)
        << report.status().message();
  }
  EXPECT_EQ(Compare(folder_ + "/nothing.toml").status().code(), Code::kNotFound);
}

}  // namespace
}  // namespace vitrine
