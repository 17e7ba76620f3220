#include "train/models/two_tower.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "train/models/sequence_testing.h"

namespace vitrine::train {
namespace {

/// The cycle with a catalogue that says nothing of which item follows.
TrainingSequences DescribedCycle(std::vector<Item>& catalogue) {
  TrainingSequences sequences = Cycle();
  catalogue.resize(kCycleWidth);
  sequences.items.assign(kCycleWidth, nullptr);
  for (std::size_t i = kFirstItem; i < kCycleWidth; ++i) {
    catalogue[i].id = std::to_string(i);
    catalogue[i].brand = i % 2 == 0 ? "even" : "odd";
    sequences.items[i] = &catalogue[i];
  }
  return sequences;
}

TEST(TwoTower, LearnsWhatFollowsWhatByAttention) {
  std::vector<Item> catalogue;
  const TrainingSequences sequences = DescribedCycle(catalogue);
  const auto model = MakeTwoTower({.train = SmallTraining(80), .hidden = 32, .own_dropout = 0});
  const auto outcome = model->Fit(sequences, {.seed = 1});
  ASSERT_TRUE(outcome.ok()) << outcome.status().ToString();
  ExpectKnowsTheCycle(*model);
  ExpectPaddingChangesNothing(*model);
}

constexpr ItemIndex kKnown = 12;  // items 2 to 13 are had, 14 to 25 are their twins
constexpr std::size_t kTwins = kFirstItem + 2 * kKnown;

/// A cycle of twelve items; each has a twin of the same tag that nobody had.
TrainingSequences CycleWithTwins(std::vector<Item>& catalogue) {
  TrainingSequences sequences{.users = {}, .width = kTwins, .ordinal_time = true, .items = {}};
  for (ItemIndex start = 0; start < 3 * kKnown; ++start) {
    History history;
    for (ItemIndex i = 0; i < 9; ++i) {
      history.push_back({.item = kFirstItem + (start + i) % kKnown});
    }
    sequences.users.push_back(std::move(history));
  }
  catalogue.resize(kTwins);
  sequences.items.assign(kTwins, nullptr);
  for (ItemIndex i = kFirstItem; i < kTwins; ++i) {
    catalogue[i].id = std::to_string(i);
    catalogue[i].tags = {"tag " + std::to_string((i - kFirstItem) % kKnown)};
    sequences.items[i] = &catalogue[i];
  }
  return sequences;
}

class Pools : public testing::TestWithParam<std::string> {};

TEST_P(Pools, AnItemThatNobodyHadIsFoundByWhatTheCatalogueSaysOfIt) {
  std::vector<Item> catalogue;
  const TrainingSequences sequences = CycleWithTwins(catalogue);
  SequenceOptions train = SmallTraining(80);
  train.length = 1;  // the newest item alone says what follows, for a mean too
  const auto model =
      MakeTwoTower({.train = train, .pool = GetParam(), .hidden = 32, .own_dropout = 0.5});
  const auto outcome = model->Fit(sequences, {.seed = 1});
  ASSERT_TRUE(outcome.ok()) << outcome.status().ToString();
  for (std::int64_t item = kFirstItem; item < kFirstItem + std::int64_t{kKnown}; ++item) {
    const std::array<std::int64_t, 1> newest = {item};
    const std::vector<float> scores =
        ScoresOf(*model, Tensor::Of<std::int64_t>("history", {1, 1}, newest));
    const auto cold = scores.begin() + kFirstItem + kKnown;
    const std::int64_t wanted = (item - kFirstItem + 1) % kKnown;
    EXPECT_EQ(std::max_element(scores.begin() + kFirstItem, cold) - scores.begin() - kFirstItem,
              wanted);
    EXPECT_EQ(std::max_element(cold, scores.end()) - cold, wanted) << "the twin";
  }
}

INSTANTIATE_TEST_SUITE_P(Both, Pools, testing::Values("attention", "mean"),
                         [](const auto& named) { return named.param; });

TEST(TwoTower, NeedsACatalogueAndASampledLoss) {
  EXPECT_EQ(MakeTwoTower({})->Fit(Cycle(), {}).status().code(), Code::kFailedPrecondition);
  const ModelFactory factory = TwoTowerFactory();
  const auto all = Parameters::Resolve(factory.parameters, {{"loss", std::string("softmax")}});
  ASSERT_TRUE(all.ok());
  EXPECT_EQ(factory.create(*all).status().code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace vitrine::train
