#include "serve/model_set.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <latch>
#include <new>

#include "serve/fake_shop.h"

namespace vitrine::serve {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class Models : public testing::Test {
 protected:
  std::shared_ptr<const Servable> Make(const std::string& version) {
    return ServedModel::Make(version, FakeParts<float>("m", ItemNames(4), 3, Neighbours<float>),
                             log, items)
        .value();
  }
  static DesiredModels Want(const Aliases& aliases) {
    DesiredModels desired;
    desired.aliases = aliases;
    for (const auto& [alias, version] : aliases) {
      desired.folders[version] = "/" + version;
    }
    return desired;
  }
  FakeLog log;
  ItemStates items{log};
};

TEST_F(Models, LoadsFromTheFolderAndServesUnderTheAlias) {
  std::string loaded_from;
  ModelSet models([&](const std::string& version, const std::string& folder) {
    loaded_from = folder;
    return Result(Make(version));
  });
  EXPECT_EQ(models.Get("champion"), nullptr);
  models.SetDesired(Want({{"champion", "m:1"}}));
  ASSERT_TRUE(models.WaitUntilReached(After(seconds(10))).ok());
  EXPECT_EQ(loaded_from, "/m:1");
  EXPECT_EQ(models.Get("champion")->version(), "m:1");
  EXPECT_EQ(models.Find("m:1"), models.Get("champion"));
  EXPECT_EQ(models.FindModel("m:1"), models.Get("champion"));
  EXPECT_EQ(models.Get("nobody"), nullptr);
  const auto status = models.Versions();
  ASSERT_EQ(status.size(), 1U);
  EXPECT_EQ(status[0].state, VersionState::kServing);
  EXPECT_EQ(status[0].aliases, std::vector<std::string>{"champion"});
}

TEST_F(Models, AVersionForWhichThereIsNoMemoryCostsItselfOnly) {
  ModelSet models([&](const std::string& version, const std::string&) {
    if (version == "m:2") {
      throw std::bad_alloc();
    }
    return Result(Make(version));
  });
  models.SetDesired(Want({{"champion", "m:1"}, {"previous", "m:2"}}));
  const Status reached = models.WaitUntilReached(After(seconds(10)));
  EXPECT_NE(reached.message().find("not enough memory"), std::string::npos) << reached.ToString();
  ASSERT_NE(models.Get("champion"), nullptr);
  EXPECT_EQ(models.Get("champion")->version(), "m:1");
}

TEST_F(Models, WhatIsSetAsideIsLoadedAndNeverTheNewest) {
  ModelSet models(
      [&](const std::string& version, const std::string&) { return Result(Make(version)); });
  DesiredModels desired = Want({{"champion", "m:1"}});
  desired.folders["m:2"] = "/m:2";
  desired.aside = {"m:2"};
  models.SetDesired(desired);
  ASSERT_TRUE(models.WaitUntilReached(After(seconds(10))).ok());
  EXPECT_NE(models.Find("m:2"), nullptr);
  EXPECT_EQ(models.Newest("m")->version(), "m:1");
  desired.aside.clear();  // nothing else changes
  models.SetDesired(desired);
  EXPECT_EQ(models.Newest("m")->version(), "m:2");
}

TEST_F(Models, TheNewestIsTheOneWithTheHighestNumber) {
  ModelSet models(
      [&](const std::string& version, const std::string&) { return Result(Make(version)); });
  EXPECT_EQ(models.Newest("m"), nullptr);
  models.SetDesired(Want({{"champion", "m:9"}, {"previous", "m:10"}, {"other", "mm:11"}}));
  ASSERT_TRUE(models.WaitUntilReached(After(seconds(10))).ok());
  EXPECT_EQ(models.Newest("m")->version(), "m:10");
  EXPECT_EQ(models.Newest("mm")->version(), "mm:11");
  EXPECT_EQ(models.Newest("near"), nullptr);
}

TEST_F(Models, RollsBackAtOnceAlsoWhileAnotherVersionLoads) {
  std::latch loading(1);
  std::latch go_on(1);
  ModelSet models([&](const std::string& version, const std::string&) {
    if (version == "m:3") {
      loading.count_down();
      go_on.wait();
    }
    return Result(Make(version));
  });
  models.SetDesired(Want({{"champion", "m:2"}, {"previous", "m:1"}}));
  ASSERT_TRUE(models.WaitUntilReached(After(seconds(10))).ok());
  models.SetDesired(Want({{"champion", "m:2"}, {"previous", "m:1"}, {"challenger", "m:3"}}));
  loading.wait();
  models.SetDesired(Want({{"champion", "m:1"}, {"previous", "m:2"}, {"challenger", "m:3"}}));
  EXPECT_EQ(models.Get("champion")->version(), "m:1");  // no wait: it is swapped already
  EXPECT_EQ(models.WaitUntilReached(After(milliseconds(1))).code(), Code::kDeadlineExceeded);
  go_on.count_down();
  EXPECT_TRUE(models.WaitUntilReached(After(seconds(10))).ok());
  EXPECT_EQ(models.Get("challenger")->version(), "m:3");
}

// A graph that no scene can use is found by its tensors' callers alone, and no alias gives it to a scene.
TEST_F(Models, AGraphIsFoundByVersionAndNeverByAlias) {
  ModelSet models([&](const std::string& version,
                      const std::string&) -> Result<std::shared_ptr<const Servable>> {
    Manifest manifest;
    manifest.name = "g";
    manifest.kind = ModelKind::kGraph;
    return Servable::Make(version, std::move(manifest),
                          std::make_unique<FakeGraph<float>>(4, Neighbours<float>));
  });
  models.SetDesired(Want({{"mine", "g:1"}}));
  ASSERT_TRUE(models.WaitUntilReached(After(seconds(10))).ok());
  ASSERT_NE(models.Find("g:1"), nullptr);
  EXPECT_EQ(models.Newest("g"), models.Find("g:1"));
  EXPECT_EQ(models.FindModel("g:1"), nullptr);
  EXPECT_EQ(models.Get("mine"), nullptr);
}

TEST_F(Models, AVersionThatNoAliasWantsHoldsNothingUp) {
  std::latch go_on(1);
  ModelSet models([&](const std::string& version,
                      const std::string&) -> Result<std::shared_ptr<const Servable>> {
    if (version == "m:2") {
      return DataLoss("model.onnx differs from its hash");
    }
    if (version == "m:3") {
      go_on.wait();
    }
    return Make(version);
  });
  DesiredModels desired = Want({{"champion", "m:1"}});
  desired.folders["m:2"] = "/m:2";
  models.SetDesired(desired);
  EXPECT_EQ(models.WaitUntilReached(After(seconds(10))).code(), Code::kFailedPrecondition);
  EXPECT_TRUE(models.WaitUntilServing(After(seconds(10))).ok());
  desired.folders["m:3"] = "/m:3";
  models.SetDesired(desired);
  EXPECT_TRUE(models.WaitUntilServing(After(milliseconds(0))).ok());
  go_on.count_down();
  // What an alias wants does count.
  desired.aliases["challenger"] = "m:2";
  models.SetDesired(desired);
  const Status failed = models.WaitUntilServing(After(seconds(10)));
  EXPECT_EQ(failed.code(), Code::kFailedPrecondition);
  EXPECT_NE(failed.message().find("m:2"), std::string::npos);
}

TEST_F(Models, ARetiredVersionLivesAsLongAsARequestHoldsIt) {
  ModelSet models(
      [&](const std::string& version, const std::string&) { return Result(Make(version)); });
  models.SetDesired(Want({{"champion", "m:1"}}));
  ASSERT_TRUE(models.WaitUntilReached(After(seconds(10))).ok());
  std::shared_ptr<const ServedModel> held = models.Get("champion");
  const std::weak_ptr<const ServedModel> watched = held;
  models.SetDesired(Want({{"champion", "m:2"}}));
  ASSERT_TRUE(models.WaitUntilReached(After(seconds(10))).ok());
  EXPECT_EQ(models.Find("m:1"), nullptr);
  EXPECT_EQ(held->version(), "m:1");
  EXPECT_EQ(watched.use_count(), 1);
  held.reset();
  EXPECT_TRUE(watched.expired());
}

TEST_F(Models, AFailedVersionIsNamedAndTriedAgainWhenWantedAgain) {
  std::atomic<int> tries = 0;
  ModelSet models([&](const std::string& version,
                      const std::string&) -> Result<std::shared_ptr<const Servable>> {
    if (++tries == 1) {
      return DataLoss("model.onnx differs from its hash");
    }
    return Make(version);
  });
  models.SetDesired(Want({{"champion", "m:1"}}));
  const Status failed = models.WaitUntilReached(After(seconds(10)));
  EXPECT_EQ(failed.code(), Code::kFailedPrecondition);
  EXPECT_NE(failed.message().find("m:1"), std::string::npos);
  EXPECT_NE(failed.message().find("differs from its hash"), std::string::npos);
  EXPECT_EQ(models.Versions()[0].state, VersionState::kFailed);
  models.SetDesired(Want({{"champion", "m:1"}}));
  EXPECT_TRUE(models.WaitUntilReached(After(seconds(10))).ok());
  EXPECT_EQ(tries, 2);
}

TEST_F(Models, AVersionWithoutAFolderCannotBeServed) {
  ModelSet models(
      [&](const std::string& version, const std::string&) { return Result(Make(version)); });
  DesiredModels desired;
  desired.aliases["champion"] = "m:1";
  models.SetDesired(desired);
  EXPECT_EQ(models.WaitUntilReached(After(seconds(10))).code(), Code::kFailedPrecondition);
}

TEST_F(Models, AModelIsCheckedBeforeAnybodySeesIt) {
  const auto make = [this](auto change) {
    ModelParts parts = FakeParts<float>("m", ItemNames(4), 3, Neighbours<float>);
    change(parts);
    return ServedModel::Make("m:1", std::move(parts), log, items).status();
  };
  EXPECT_TRUE(make([](ModelParts&) {}).ok());
  EXPECT_EQ(make([](ModelParts& p) { p.manifest.kind = ModelKind::kEncoder; }).code(),
            Code::kInvalidArgument);
  const Status input = make([](ModelParts& p) {
    p.spec = data::FeatureSpec::Fit({{.name = "past", .op = "history_items", .source = ""}},
                                    data::Interactions{}, data::ItemTable{},
                                    data::Vocabulary(ItemNames(4)), Micros{0})
                 .value();
  });
  EXPECT_EQ(input.code(), Code::kInvalidArgument);
  EXPECT_NE(input.message().find("'history'"), std::string::npos);
  const Status width = make(
      [](ModelParts& p) { p.graph = std::make_unique<FakeGraph<float>>(5, Neighbours<float>); });
  EXPECT_EQ(width.code(), Code::kInternal);
  EXPECT_NE(width.message().find("[1, 5]"), std::string::npos);
  const Status finite = make([](ModelParts& p) {
    p.graph = std::make_unique<FakeGraph<float>>(
        6, [](auto, std::span<float> scores) { scores[3] = std::nanf(""); });
  });
  EXPECT_EQ(finite.code(), Code::kInternal);
  EXPECT_NE(finite.message().find("index 3"), std::string::npos);
}

}  // namespace
}  // namespace vitrine::serve
