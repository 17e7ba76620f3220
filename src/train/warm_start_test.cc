#include "train/warm_start.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace vitrine::train {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(NetworkWeights, ComeBackAsTheyWere) {
  const std::vector<NetworkWeight> weights = {
      {"a.weight", {2, 3}, {1, 2, 3, 4, 5, 6}}, {"none", {0}, {}}, {"scalar", {}, {-0.5}}};
  const auto again = ParseNetworkWeights(NetworkWeightsToBytes(weights));
  ASSERT_TRUE(again.ok()) << again.status().ToString();
  ASSERT_EQ(again->size(), 3U);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    EXPECT_EQ((*again)[i].name, weights[i].name);
    EXPECT_EQ((*again)[i].shape, weights[i].shape);
    EXPECT_EQ((*again)[i].values, weights[i].values);
  }
}

TEST(NetworkWeights, DamagedFilesAreRefusedWithTheReason) {
  const std::string good = NetworkWeightsToBytes({{"a", {2}, {1, 2}}});
  const auto refused = [](const std::string& bytes) {
    const auto parsed = ParseNetworkWeights(bytes);
    EXPECT_EQ(parsed.status().code(), Code::kInvalidArgument);
    return parsed.status().message();
  };
  EXPECT_THAT(refused(""), HasSubstr("does not name its weights"));
  EXPECT_THAT(refused("VTRITEMS\n"), HasSubstr("does not name its weights"));
  EXPECT_THAT(refused(good.substr(0, good.size() - 1)), HasSubstr("cut off"));
  EXPECT_THAT(refused(good + "x"), HasSubstr("longer"));
  EXPECT_THAT(refused("{\"format\":1,\"weights\":[{\"name\":\"a\",\"shape\":[-1]}]}\n"),
              HasSubstr("shape"));
  EXPECT_THAT(refused("{\"format\":1,\"weights\":[{\"name\":\"a\",\"shape\":"
                      "[2147483647,2147483647,2147483647]}]}\n"),
              HasSubstr("shape"));
  EXPECT_THAT(refused("{\"format\":1,\"weights\":[7]}\n"), HasSubstr("no name"));
  EXPECT_THAT(
      refused(NetworkWeightsToBytes({{"a", {1}, {std::numeric_limits<float>::quiet_NaN()}}})),
      HasSubstr("a holds a value that is no number"));
}

TEST(MapItems, FindsThemByIdWhateverTheirNumbers) {
  Predecessor from;
  from.vocabulary = data::Vocabulary({"red", "blue", "gone"});
  const data::Vocabulary now({"blue", "new", "red"});
  const WarmStart warm = MapItems(from, now);
  EXPECT_THAT(warm.row, ElementsAre(kPaddingItem, kPaddingItem, 3, kPaddingItem, 2));
  EXPECT_EQ(warm.kept, 2U);
  EXPECT_EQ(warm.fresh, 1U);
  EXPECT_EQ(warm.dropped, 1U);
}

/// One user, four rows, the newest two held out.
Material FourRows(bool ordinal) {
  Material material;
  data::Interactions& rows = material.interactions;
  rows.snapshot = "now";
  rows.ordinal_time = ordinal;
  rows.users = {"u"};
  rows.items = {"a"};
  rows.user_begin = {0, 4};
  for (int i = 0; i < 4; ++i) {
    rows.user.push_back(0);
    rows.item.push_back(0);
    rows.ts.push_back({10 + i});
    rows.type.push_back(EventType::kView);
    rows.basket.push_back(static_cast<std::uint32_t>(i));
  }
  using evaluate::Part;
  material.split.part = {Part::kTraining, Part::kTraining, Part::kValidation, Part::kTest};
  return material;
}

TEST(CheckUnseen, WhatIsHeldOutMustBeNewerThanWhatThePredecessorLearntFrom) {
  Predecessor from;
  from.snapshot = "then";
  from.fitted_to = {11};
  EXPECT_TRUE(CheckUnseen(from, FourRows(false)).ok());
  from.fitted_to = {12};
  const Status seen = CheckUnseen(from, FourRows(false));
  EXPECT_EQ(seen.code(), Code::kInvalidArgument);
  EXPECT_THAT(seen.message(), HasSubstr("1 of 2 rows"));
  EXPECT_THAT(seen.message(), HasSubstr("newest-days"));
}

TEST(CheckUnseen, WithoutTimesAnEarlierSnapshotIsTaken) {
  Predecessor from;
  from.snapshot = "then";
  from.fitted_to = {1000};
  from.ordinal_time = true;
  EXPECT_TRUE(CheckUnseen(from, FourRows(true)).ok());
  from.snapshot = "now";
  EXPECT_THAT(CheckUnseen(from, FourRows(true)).message(), HasSubstr("this very snapshot"));
}

}  // namespace
}  // namespace vitrine::train
