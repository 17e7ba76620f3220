// One month of a real shop's invoices learned, the next two held against it, as they are and with faults put in.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <iostream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "adapters/duckdb/contract_rows.h"
#include "adapters/duckdb/duck_lake.h"
#include "adapters/toml/mapping.h"
#include "data/timestamp.h"
#include "monitor/contract/judge_contract.h"
#include "monitor/contract/learn_contract.h"

namespace vitrine {
namespace {

using monitor::ContractWindow;
using monitor::DataContract;
using monitor::Grain;

using Damage = std::function<void(const monitor::ContractRule&, monitor::RuleCounts&)>;

/// What a fault does to a day's counts, had it hit the rows before they were counted.
std::map<std::string, Damage> Faults() {
  const auto of = [](const std::string& id, double share) -> Damage {
    return [id, share](const monitor::ContractRule& rule, monitor::RuleCounts& counts) {
      if (rule.id == id)
        counts.hits = std::floor(counts.hits + share * (counts.rows - counts.hits));
    };
  };
  return {
      {"a new currency in 1 % of the rows", of("currency.values", 0.01)},
      {"a tenth of the items unknown", of("item_id.unknown", 0.1)},
      {"a fifth of the prices missing", of("purchase.price.missing", 0.2)},
      {"every row twice",
       [](const auto& rule, auto& counts) {
         counts.rows *= 2;
         counts.hits = rule.id == "duplicates" ? counts.hits + counts.rows / 2 : counts.hits * 2;
         counts.sum *= 2;
         counts.squares *= 2;
       }},
      {"prices times 100",
       [](const auto& rule, auto& counts) {
         if (rule.id == "purchase.price.range") counts.hits = counts.rows;
         if (rule.id == "purchase.price.mean") counts.sum += counts.rows * std::log(100.0);
       }},
      {"half the rows",
       [](const auto&, auto& counts) {
         counts.rows = std::floor(counts.rows / 2);
         counts.hits = std::floor(counts.hits / 2);
         counts.sum /= 2;
         counts.squares /= 2;
       }},
      {"no row at all", [](const auto&, auto& counts) { counts = {}; }},
  };
}

class RealMonths : public testing::Test {
 protected:
  RealMonths() : folder_(testing::TempDir() + "real-months-" + std::to_string(getpid())) {
    std::filesystem::remove_all(folder_);
  }
  ~RealMonths() override { std::filesystem::remove_all(folder_); }

  static Micros At(const std::string& day) { return data::ParseTime(day)->time; }

  std::unique_ptr<duckdb::ContractRows> Open(const std::string& from, const std::string& until) {
    duckdb::ContractRowsOptions options{.memory_limit_mb = 384, .threads = 2};
    options.data_dir = folder_;
    options.from = At(from);
    options.until = At(until);
    auto rows = duckdb::ContractRows::Open(options, {});
    EXPECT_TRUE(rows.ok()) << rows.status().message();
    return rows.ok() ? std::move(*rows) : nullptr;
  }

  std::string folder_;
};

TEST_F(RealMonths, SeptemberLearnedOctoberAndNovemberChecked) {
  const char* root = std::getenv("VITRINE_TEST_DATA");
  const std::string path =
      std::string(root == nullptr ? "" : root) + "/data/online-retail/online_retail.csv.gz";
  if (root == nullptr || !std::filesystem::exists(path)) {
    GTEST_SKIP() << "the data set online-retail is not on this machine (VITRINE_TEST_DATA)";
  }
  const auto lake = duckdb::OpenDuckLake(folder_, {.memory_limit_mb = 384, .threads = 2});
  data::ImportRequest request;
  request.paths = {path};
  request.now = At("2012-01-01");
  request.mapping = *adapters::LoadMapping("online-retail");
  ASSERT_TRUE(lake->Import(request, {}).ok());
  data::CleanRequest clean;
  clean.as_of = request.now;
  ASSERT_TRUE(lake->Clean(clean, {}).ok());

  const auto september = Open("2011-09-01", "2011-10-01");
  ASSERT_NE(september, nullptr);
  const auto facts = september->Facts();
  ASSERT_TRUE(facts.ok());
  DataContract contract = monitor::ProposeContract(*facts, nullptr);
  const auto hours = september->Count(contract);
  ASSERT_TRUE(hours.ok());
  ASSERT_TRUE(monitor::FitContract(*hours, contract).ok());
  std::cout << contract.rules.size() << " rules learned from " << contract.learned.days << " days, "
            << facts->from.rows << " rows\n";
  const std::size_t volume =
      static_cast<std::size_t>(contract.Find("volume") - contract.rules.data());

  std::vector<ContractWindow> days;
  for (const auto& [from, until] :
       {std::pair("2011-10-01", "2011-11-01"), {"2011-11-01", "2011-12-01"}}) {
    const auto month = Open(from, until);
    ASSERT_NE(month, nullptr);
    const auto counted = month->Count(contract);
    ASSERT_TRUE(counted.ok());
    std::size_t trading = 0, broken = 0;
    for (ContractWindow& day : monitor::DaysOf(*counted)) {
      const auto judged = JudgeWindow(contract, day, {.grain = Grain::kDay});
      trading += day.rules[volume].rows > 0 ? 1 : 0;
      broken += judged.findings.empty() ? 0 : 1;
      for (const auto& finding : judged.findings) std::cout << "  " << FindingText(finding) << "\n";
      if (day.rules[volume].rows > 0) days.push_back(std::move(day));
    }
    std::cout << from << ": " << broken << " days of " << trading << " trading days break a rule\n";
    RecordProperty(std::string("broken_") + from, static_cast<int>(broken));
  }
  std::map<std::string, double> found;
  for (const auto& [name, damage] : Faults()) {
    double days_found = 0;
    for (const ContractWindow& day : days) {
      ContractWindow damaged = day;
      for (std::size_t r = 0; r < contract.rules.size(); ++r)
        damage(contract.rules[r], damaged.rules[r]);
      days_found += JudgeWindow(contract, damaged, {.grain = Grain::kDay}).findings.empty() ? 0 : 1;
    }
    found[name] = days_found / static_cast<double>(days.size());
    std::cout << name << ": found on " << days_found << " of " << days.size() << " days\n";
  }
  for (const char* gross : {"prices times 100", "a new currency in 1 % of the rows",
                            "a tenth of the items unknown", "every row twice", "no row at all"}) {
    EXPECT_GE(found[gross], 0.95) << gross;
  }
}

}  // namespace
}  // namespace vitrine
