/// A contract learned by the lake from four weeks of a simulated shop's log.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "adapters/duckdb/contract_rows.h"
#include "adapters/duckdb/duck_lake.h"
#include "monitor/contract/learn_contract.h"
#include "shop_feed.h"

namespace vitrine {

class LearnedShop {
 public:
  static constexpr int kDays = 28;

  explicit LearnedShop(std::uint64_t seed)
      : folder_(testing::TempDir() + "learned-" + std::to_string(seed) + "-" +
                std::to_string(getpid())),
        feed_(seed) {
    std::filesystem::remove_all(folder_);
    std::vector<data::LogRecord> log;
    for (const simulate::Product& product : feed_.shop().products()) {
      log.push_back({log.size() + 1, kFeedStart, product.item});
    }
    for (int hour = 0; hour < kDays * 24; ++hour) {
      for (Arrived& arrived : feed_.Next()) {
        log.push_back({log.size() + 1, arrived.received, std::move(arrived.event)});
      }
    }
    const auto lake = duckdb::OpenDuckLake(folder_, {.memory_limit_mb = 256, .threads = 1});
    const auto ingested = lake->Ingest(
        [&log](std::uint64_t after, std::size_t limit) -> Result<std::vector<data::LogRecord>> {
          const std::size_t from = std::min<std::size_t>(after, log.size());
          const std::size_t to = std::min(from + limit, log.size());
          return std::vector<data::LogRecord>(log.begin() + static_cast<std::ptrdiff_t>(from),
                                              log.begin() + static_cast<std::ptrdiff_t>(to));
        },
        {});
    EXPECT_TRUE(ingested.ok()) << ingested.status().message();
    data::CleanRequest clean;
    clean.as_of = feed_.now();
    const auto cleaned = lake->Clean(clean, {});
    EXPECT_TRUE(cleaned.ok()) << cleaned.status().message();
    Learn();
  }
  ~LearnedShop() { std::filesystem::remove_all(folder_); }
  LearnedShop(const LearnedShop&) = delete;
  LearnedShop& operator=(const LearnedShop&) = delete;

  [[nodiscard]] std::shared_ptr<const monitor::DataContract> contract() const { return contract_; }
  [[nodiscard]] const std::string& folder() const { return folder_; }
  ShopFeed& feed() { return feed_; }

 private:
  void Learn() {
    duckdb::ContractRowsOptions options{.memory_limit_mb = 256, .threads = 1};
    options.data_dir = folder_;
    options.from = kFeedStart;
    options.until = feed_.now();
    const auto rows = duckdb::ContractRows::Open(options, {});
    ASSERT_TRUE(rows.ok()) << rows.status().message();
    const auto facts = (*rows)->Facts();
    ASSERT_TRUE(facts.ok()) << facts.status().message();
    monitor::DataContract contract = monitor::ProposeContract(*facts, nullptr);
    const auto hours = (*rows)->Count(contract);
    ASSERT_TRUE(hours.ok()) << hours.status().message();
    const Status fitted = monitor::FitContract(*hours, contract);
    ASSERT_TRUE(fitted.ok()) << fitted.message();
    contract_ = std::make_shared<const monitor::DataContract>(std::move(contract));
  }

  std::string folder_;
  ShopFeed feed_;
  std::shared_ptr<const monitor::DataContract> contract_;
};

}  // namespace vitrine
