#include "train/models/held_out.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "train/models/hybrid_testing.h"

namespace vitrine::train {
namespace {

using test::HistoryForTest;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(HeldOut, TheNewestBasketOfEachUserGoes) {
  TrainingSequences sequences{.users = {}, .width = 9, .ordinal_time = true};
  sequences.users.push_back(HistoryForTest({2, 3, 4}));
  sequences.users.push_back(HistoryForTest({5}));
  sequences.users.emplace_back();
  History baskets = HistoryForTest({2, 6, 5, 6});
  baskets[2].basket = baskets[3].basket = baskets[1].basket;
  sequences.users.push_back(baskets);
  sequences.users.push_back(HistoryForTest({3, kUnknownItem}));
  const Result<HeldOut> held = HoldOutNewest(sequences);
  ASSERT_TRUE(held.ok());
  EXPECT_EQ(held->rest.width, 9U);
  EXPECT_TRUE(held->rest.ordinal_time);
  EXPECT_EQ(held->rest.users[0], HistoryForTest({2, 3}));
  EXPECT_THAT(held->targets[0], ElementsAre(4));
  // Whose only basket it is keeps it.
  EXPECT_EQ(held->rest.users[1], HistoryForTest({5}));
  EXPECT_THAT(held->targets[1], IsEmpty());
  EXPECT_THAT(held->rest.users[2], IsEmpty());
  EXPECT_EQ(held->rest.users[3], HistoryForTest({2}));
  EXPECT_THAT(held->targets[3], ElementsAre(5, 6));
  EXPECT_THAT(held->targets[4], IsEmpty());
  EXPECT_EQ(held->lists(), 2U);
}

TEST(HeldOut, EarlierFoldsForgetWhatCameLater) {
  TrainingSequences sequences{.users = {}, .width = 9, .ordinal_time = true};
  sequences.users.push_back(HistoryForTest({2, 3, 4, 5}));
  sequences.users.push_back(HistoryForTest({6, 7}));
  const Result<HeldOut> held = HoldOutNewest(sequences, 1);
  ASSERT_TRUE(held.ok());
  EXPECT_EQ(held->rest.users[0], HistoryForTest({2, 3}));
  EXPECT_THAT(held->targets[0], ElementsAre(4));
  EXPECT_EQ(held->rest.users[1], HistoryForTest({6}));
  EXPECT_THAT(held->targets[1], IsEmpty());
  EXPECT_FALSE(HoldOutNewest(sequences, 3).ok());
}

TEST(HeldOut, NobodyWithTwoBasketsIsAnError) {
  const TrainingSequences sequences{
      .users = {HistoryForTest({2}), {}}, .width = 4, .ordinal_time = true};
  const Status status = HoldOutNewest(sequences).status();
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_THAT(status.message(), testing::HasSubstr("two baskets"));
}

TEST(HeldOut, RepeatsAreCountedAndDropped) {
  HeldOut held{.rest = {.users = {HistoryForTest({2, 3}), HistoryForTest({4})},
                        .width = 9,
                        .ordinal_time = true},
               .targets = {{2, 5, 6}, {4}}};
  EXPECT_DOUBLE_EQ(RepeatShare(held), 0.5);
  DropRepeats(held);
  EXPECT_THAT(held.targets[0], ElementsAre(5, 6));
  EXPECT_THAT(held.targets[1], IsEmpty());
  EXPECT_EQ(held.lists(), 1U);
}

}  // namespace
}  // namespace vitrine::train
