#include "apps/vitrine/scrape_config.h"

#include <gtest/gtest.h>

namespace vitrine::apps {
namespace {

constexpr const char* kConfig = R"(# my global config
global:
  scrape_interval: 15s # every 15 seconds
  scrape_timeout: 5s

alerting:
  alertmanagers:
    - static_configs:
        - targets:
          # - alertmanager:9093

rule_files:
  # - "first_rules.yml"

scrape_configs:
  - job_name: "prometheus"
    static_configs:
      - targets: ["localhost:9090"]
        labels:
          app: "prometheus"
  - job_name: shop # ours
    metrics_path: '/prom#etheus'
    scheme: https
    scrape_timeout: 500ms
    authorization:
      credentials_file: /etc/key
    static_configs:
    - targets:
      - 'shop.example.com:7700'
      - "[::1]:7701"
)";

TEST(ScrapeConfig, ReadsWhatPrometheusShipsWith) {
  const auto jobs = ReadScrapeConfig(kConfig);
  ASSERT_TRUE(jobs.ok()) << jobs.status().ToString();
  ASSERT_EQ(jobs->size(), 2U);
  const ScrapeJob& own = (*jobs)[0];
  EXPECT_EQ(own.name, "prometheus");
  EXPECT_FALSE(own.tls);
  EXPECT_EQ(own.path, "/metrics");
  EXPECT_EQ(own.timeout_seconds, 5);
  EXPECT_EQ(own.targets, std::vector<std::string>({"localhost:9090"}));
  const ScrapeJob& shop = (*jobs)[1];
  EXPECT_TRUE(shop.tls);
  EXPECT_EQ(shop.path, "/prom#etheus");
  EXPECT_EQ(shop.timeout_seconds, 0.5);
  EXPECT_EQ(shop.key_file, "/etc/key");
  EXPECT_EQ(own.key + own.key_file, "");
  EXPECT_EQ(shop.targets, std::vector<std::string>({"shop.example.com:7700", "[::1]:7701"}));
}

TEST(ScrapeConfig, TheJobIsTheOneThatIsMeant) {
  const auto jobs = ReadScrapeConfig(kConfig);
  ASSERT_TRUE(jobs.ok());
  EXPECT_EQ(ChooseJob(*jobs, "prometheus", {"7700"})->name, "prometheus");
  EXPECT_EQ(ChooseJob(*jobs, "", {"7700"})->name, "shop");
  EXPECT_EQ(ChooseJob(*jobs, "", {"1"}).status().code(), Code::kNotFound);
  EXPECT_EQ(ChooseJob(*jobs, "other", {}).status().code(), Code::kNotFound);
  const auto one = ReadScrapeConfig("scrape_configs:\n- job_name: a\n");
  ASSERT_TRUE(one.ok());
  EXPECT_EQ(ChooseJob(*one, "", {})->name, "a");
  EXPECT_TRUE((*one)[0].targets.empty());
}

TEST(ScrapeConfig, WhatIsNoneSaysSo) {
  EXPECT_EQ(ReadScrapeConfig("").status().code(), Code::kInvalidArgument);
  EXPECT_EQ(ReadScrapeConfig("global:\n  a: b\n").status().code(), Code::kInvalidArgument);
  EXPECT_EQ(ReadScrapeConfig("{\"a\": [").status().code(), Code::kInvalidArgument);
  EXPECT_EQ(ReadScrapeConfig("scrape_configs: 7\n").status().code(), Code::kInvalidArgument);
  std::string deep;
  for (int i = 0; i < 10'000; ++i) {
    deep += "- ";
  }
  EXPECT_FALSE(ReadScrapeConfig(deep + "a: b").ok());
}

}  // namespace
}  // namespace vitrine::apps
