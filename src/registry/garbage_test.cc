#include "registry/garbage.h"

#include <gtest/gtest.h>

namespace vitrine::registry {
namespace {

constexpr std::int64_t kDay = kMicrosPerDay;

/// A registry whose artifacts are named like their versions, and made on the day of their number.
class GarbageTest : public testing::Test {
 protected:
  ModelVersion& Add(const std::string& name, std::uint32_t number) {
    ModelVersion version;
    version.ref = {name, number};
    version.artifact = version.ref.ToString();
    version.snapshot = "snapshot-of-" + version.artifact;
    version.created = Micros{number * kDay};
    stored_.push_back({.hash = version.artifact, .bytes = 10, .stored = version.created});
    versions_.push_back(version);
    return versions_.back();
  }
  void AddMany(const std::string& name, std::uint32_t count) {
    for (std::uint32_t number = 1; number <= count; ++number) {
      Add(name, number);
    }
  }
  [[nodiscard]] Garbage Find(const KeepRule& rule) const {
    return FindGarbage(versions_, aliases_, stored_, rule);
  }
  static std::vector<std::string> Names(const Garbage& garbage) {
    std::vector<std::string> names;
    for (const ModelVersion& version : garbage.versions) {
      names.push_back(version.ref.ToString());
    }
    return names;
  }

  std::vector<ModelVersion> versions_;
  std::map<std::string, VersionRef> aliases_;
  std::vector<StoredArtifact> stored_;
};

using Refs = std::vector<std::string>;

TEST_F(GarbageTest, TheNewestOfEachNameStay) {
  AddMany("a", 5);
  AddMany("b", 2);
  const Garbage garbage = Find({.newest = 2, .before = {100 * kDay}, .used = {}});
  EXPECT_EQ(Names(garbage), (Refs{"a:1", "a:2", "a:3"}));
  EXPECT_EQ(garbage.artifacts.size(), 3U);
  EXPECT_EQ(garbage.snapshots, (std::set<std::string>{"snapshot-of-a:4", "snapshot-of-a:5",
                                                      "snapshot-of-b:1", "snapshot-of-b:2"}));
}

TEST_F(GarbageTest, WhatServesIsTriedOrIsYoungStays) {
  AddMany("a", 6);
  aliases_["champion"] = {"a", 1};
  const Garbage garbage = Find({.newest = 0, .before = {6 * kDay}, .used = {"a:3", "gone:7"}});
  EXPECT_EQ(Names(garbage), (Refs{"a:2", "a:4", "a:5"}));
}

TEST_F(GarbageTest, ParentsStayAsLongAsWhatCameOfThem) {
  AddMany("a", 4);
  versions_[3].parent = "a:2";
  versions_[1].parent = "a:1";
  aliases_["champion"] = {"a", 4};
  EXPECT_EQ(Names(Find({.newest = 0, .before = {100 * kDay}, .used = {}})), Refs{"a:3"});
  versions_[0].parent = "a:4";  // nobody's registry; it must end all the same
  EXPECT_EQ(Names(Find({.newest = 0, .before = {100 * kDay}, .used = {}})), Refs{"a:3"});
}

TEST_F(GarbageTest, AnArtifactOfTwoVersionsStaysForOneOfThem) {
  AddMany("a", 1);
  Add("b", 1).artifact = "a:1";
  stored_.pop_back();
  aliases_["ranker"] = {"b", 1};
  EXPECT_TRUE(Find({.newest = 0, .before = {100 * kDay}, .used = {}}).artifacts.empty());
}

TEST_F(GarbageTest, VersionsWithoutFilesDoNotCountAsTheNewest) {
  AddMany("a", 4);
  stored_.erase(stored_.begin() + 3);  // a:4's are gone already
  EXPECT_EQ(Names(Find({.newest = 2, .before = {100 * kDay}, .used = {}})), Refs{"a:1"});
}

TEST_F(GarbageTest, WhatIsNoVersionsGoesOnceItIsOld) {
  stored_.push_back({.hash = "half", .bytes = 1, .stored = {3 * kDay}});
  EXPECT_TRUE(Find({.newest = 9, .before = {3 * kDay}, .used = {}}).artifacts.empty())
      << "it may be registered this very moment";
  EXPECT_EQ(Find({.newest = 9, .before = {4 * kDay}, .used = {}}).artifacts.size(), 1U);
}

TEST_F(GarbageTest, NothingIsNoGarbage) {
  const Garbage garbage = Find({});
  EXPECT_TRUE(garbage.versions.empty());
  EXPECT_TRUE(garbage.artifacts.empty());
}

}  // namespace
}  // namespace vitrine::registry
