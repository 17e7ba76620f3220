// A version that starts from the one before, through artifacts on disk.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "apps/trainer/algorithms.h"
#include "apps/trainer/fit_testing.h"
#include "graph/artifact_files.h"
#include "train/fake_reader.h"
#include "train/trainer.h"

namespace vitrine::apps {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class WarmStartTest : public testing::Test {
 protected:
  void SetUp() override {
    fs::remove_all(dir_);
    fs::create_directories(dir_);
  }
  void TearDown() override { fs::remove_all(dir_); }

  /// Fits `algorithm` on rounds of so many items, as `snapshot`.
  Result<train::TrainResult> Fit(const std::string& algorithm, std::uint32_t items,
                                 const std::string& snapshot, const std::string& from = "") {
    data::test::Shop shop = ShopOf(Rounds(24, items), items);
    shop.interactions.snapshot = snapshot;
    train::TrainRequest request;
    request.snapshot_dir = "the-snapshot";
    request.spec = SpecOf(algorithm);
    if (longer_) {
      request.spec.parameters["length"] = std::int64_t{9};
    }
    request.spec.warm_start = from;
    request.protocol.name = "leave-one-out";
    request.out = dir_ + "/" + std::to_string(++fits_);
    request.code_version = "test";
    train::test::FakeReader reader(std::move(shop));
    const auto factory = FindAlgorithm(algorithm);
    return train::Train(request, **factory, reader, {});
  }

  std::string dir_ = testing::TempDir() + "warm-start-test";
  int fits_ = 0;
  bool longer_ = false;
};

TEST_F(WarmStartTest, TakesItemsOverByIdAndSaysSoInTheManifest) {
  const auto parent = Fit("sasrec", 8, "then");
  ASSERT_TRUE(parent.ok()) << parent.status().ToString();
  const auto child = Fit("sasrec", 10, "now", parent->dir);
  ASSERT_TRUE(child.ok()) << child.status().ToString();
  const auto json = nlohmann::json::parse(train::TrainResultToJson(*child));
  EXPECT_EQ(json["warm_start"]["from"], parent->hash);
  EXPECT_EQ(json["warm_start"]["items_kept"], 8);
  EXPECT_EQ(json["warm_start"]["items_new"], 2);
  EXPECT_EQ(json["warm_start"]["items_dropped"], 0);
  const auto artifact = graph::OpenArtifact(child->dir);
  ASSERT_TRUE(artifact.ok());
  EXPECT_EQ(nlohmann::json::parse(artifact->manifest.train_spec)["warm_start"], parent->hash);
  const auto cold = Fit("sasrec", 10, "now");
  ASSERT_TRUE(cold.ok());
  EXPECT_NE(cold->hash, child->hash);
  const auto again = Fit("sasrec", 10, "now", parent->dir);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->hash, child->hash) << "equal requests make equal bytes";
}

TEST_F(WarmStartTest, WhatCannotBeIsRefusedBeforeTheFit) {
  const auto parent = Fit("sasrec", 8, "then");
  ASSERT_TRUE(parent.ok());
  const auto refused = [&](const Result<train::TrainResult>& result) {
    EXPECT_EQ(result.status().code(), Code::kInvalidArgument);
    return result.status().message();
  };
  EXPECT_THAT(refused(Fit("sasrec", 8, "then", parent->dir)), HasSubstr("this very snapshot"));
  EXPECT_THAT(Fit("sasrec", 8, "now", dir_ + "/none").status().message(), HasSubstr("none"));
  longer_ = true;
  EXPECT_THAT(refused(Fit("sasrec", 8, "now", parent->dir)), HasSubstr("[8, 8] there and [9, 8]"));
  longer_ = false;
  const auto counted = Fit("popularity", 8, "then");
  ASSERT_TRUE(counted.ok());
  EXPECT_THAT(refused(Fit("sasrec", 8, "now", counted->dir)),
              HasSubstr("it is a popularity, the train spec a sasrec"));
}

TEST_F(WarmStartTest, ModelsThatCountAreFittedFromNothing) {
  const auto parent = Fit("popularity", 8, "then");
  ASSERT_TRUE(parent.ok());
  const auto child = Fit("popularity", 8, "now", parent->dir);
  const auto cold = Fit("popularity", 8, "now");
  ASSERT_TRUE(child.ok() && cold.ok());
  EXPECT_FALSE(child->warm.has_value());
  EXPECT_EQ(child->hash, cold->hash);
}

}  // namespace
}  // namespace vitrine::apps
