#include "serve/model_states.h"

#include <gtest/gtest.h>

#include <random>

namespace vitrine::serve {
namespace {

using Kind = ModelAction::Kind;

DesiredModels Want(const Aliases& aliases, const std::vector<std::string>& folders) {
  DesiredModels desired;
  desired.aliases = aliases;
  for (const std::string& version : folders) {
    desired.folders[version] = "/" + version;
  }
  return desired;
}

TEST(NextAction, LoadsThenPublishesThenRests) {
  const DesiredModels desired = Want({{"champion", "m:1"}}, {"m:1"});
  ActualModels actual;
  EXPECT_EQ(NextAction(desired, actual), (ModelAction{Kind::kLoad, "m:1", {}}));
  actual.versions["m:1"] = VersionState::kLoading;
  EXPECT_EQ(NextAction(desired, actual), std::nullopt);
  actual.versions["m:1"] = VersionState::kWarm;
  EXPECT_EQ(NextAction(desired, actual), (ModelAction{Kind::kPublish, "", desired.aliases}));
  actual.versions["m:1"] = VersionState::kServing;
  actual.aliases = desired.aliases;
  EXPECT_EQ(NextAction(desired, actual), std::nullopt);
}

TEST(NextAction, AnAliasKeepsItsVersionUntilTheNextIsWarm) {
  const DesiredModels desired = Want({{"champion", "m:2"}, {"previous", "m:1"}}, {"m:1", "m:2"});
  ActualModels actual{{{"m:1", VersionState::kServing}}, {{"champion", "m:1"}}};
  // `previous` can be had at once; `champion` waits at what it has.
  EXPECT_EQ(NextAction(desired, actual),
            (ModelAction{Kind::kPublish, "", {{"champion", "m:1"}, {"previous", "m:1"}}}));
  actual.aliases["previous"] = "m:1";
  EXPECT_EQ(NextAction(desired, actual), (ModelAction{Kind::kLoad, "m:2", {}}));
  actual.versions["m:2"] = VersionState::kFailed;
  EXPECT_EQ(NextAction(desired, actual), std::nullopt);  // no endless retry
  actual.versions["m:2"] = VersionState::kWarm;
  EXPECT_EQ(NextAction(desired, actual), (ModelAction{Kind::kPublish, "", desired.aliases}));
}

TEST(NextAction, RollsBackBeforeItLoadsAnything) {
  const DesiredModels desired =
      Want({{"champion", "m:1"}, {"challenger", "m:3"}}, {"m:1", "m:2", "m:3"});
  const ActualModels actual{{{"m:1", VersionState::kWarm}, {"m:2", VersionState::kServing}},
                            {{"champion", "m:2"}}};
  EXPECT_EQ(NextAction(desired, actual), (ModelAction{Kind::kPublish, "", {{"champion", "m:1"}}}));
}

TEST(NextAction, RetiresOnlyWhatNobodyWantsAndNoAliasUses) {
  const DesiredModels desired = Want({{"champion", "m:2"}}, {"m:2"});
  ActualModels actual{{{"m:1", VersionState::kWarm}, {"m:2", VersionState::kServing}},
                      {{"champion", "m:2"}}};
  EXPECT_EQ(NextAction(desired, actual), (ModelAction{Kind::kRetire, "m:1", {}}));
  actual.versions["m:1"] = VersionState::kLoading;  // it is let finish first
  EXPECT_EQ(NextAction(desired, actual), std::nullopt);
  // The wanted version failed: the alias still uses the old one, which therefore stays.
  actual = {{{"m:1", VersionState::kServing}, {"m:2", VersionState::kFailed}},
            {{"champion", "m:1"}}};
  EXPECT_EQ(NextAction(desired, actual), std::nullopt);
}

TEST(NextAction, AnAliasThatIsNotWantedGoes) {
  const ActualModels actual{{{"m:1", VersionState::kServing}}, {{"champion", "m:1"}}};
  EXPECT_EQ(NextAction({}, actual), (ModelAction{Kind::kPublish, "", {}}));
}

// Whatever is wanted and whatever fails, following the actions ends, never leaves an alias at a
// version that is not loaded, and reaches what can be reached.
TEST(NextAction, AlwaysComesToRestInAGoodState) {
  std::mt19937 engine(3);
  const std::vector<std::string> versions = {"m:1", "m:2", "m:3", "m:4"};
  ActualModels actual;
  for (int round = 0; round < 500; ++round) {
    DesiredModels desired;
    for (const char* alias : {"champion", "previous", "shadow"}) {
      if (engine() % 3 != 0) {
        desired.aliases[alias] = versions[engine() % versions.size()];
      }
    }
    for (const std::string& version : versions) {
      if (engine() % 2 == 0) {
        desired.folders[version] = "/x";
      }
    }
    std::erase_if(actual.versions,
                  [](const auto& entry) { return entry.second == VersionState::kFailed; });
    int steps = 0;
    while (const auto action = NextAction(desired, actual)) {
      ASSERT_LT(++steps, 40);
      if (action->kind == Kind::kLoad) {
        const bool fails = engine() % 4 == 0;
        actual.versions[action->version] = fails ? VersionState::kFailed : VersionState::kWarm;
      } else if (action->kind == Kind::kRetire) {
        actual.versions.erase(action->version);
      } else {
        actual.aliases = action->aliases;
      }
      for (const auto& [alias, version] : actual.aliases) {
        ASSERT_TRUE(actual.versions.contains(version));
        ASSERT_NE(actual.versions[version], VersionState::kFailed);
      }
    }
    for (const auto& [alias, version] : desired.aliases) {
      const auto state = actual.versions.find(version);
      ASSERT_NE(state, actual.versions.end());
      ASSERT_TRUE(state->second == VersionState::kFailed || actual.aliases[alias] == version);
    }
  }
}

}  // namespace
}  // namespace vitrine::serve
