#include "train/models/torch_headers.h"

#include "train/models/sequence_start.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "train/models/sasrec.h"
#include "train/models/sasrec_network.h"
#include "train/models/sequence_testing.h"

namespace vitrine::train {
namespace {

using testing::HasSubstr;

SasrecOptions Small() { return {.train = SmallTraining(1), .blocks = 1, .heads = 2}; }

std::shared_ptr<SasrecNetwork> Network(const SasrecOptions& options, std::int64_t items, int seed) {
  torch::manual_seed(static_cast<std::uint64_t>(seed));
  auto network = std::make_shared<SasrecNetwork>(options, items);
  network->eval();
  return network;
}

Predecessor Of(const SequenceNetwork& network, std::vector<std::string> ids) {
  Predecessor from;
  from.dir = "then";
  from.weights = WeightsOf(network);
  const auto* values = network.item.data_ptr<float>();
  from.items = {.rows = static_cast<std::size_t>(network.item.size(0)),
                .width = static_cast<std::size_t>(network.item.size(1)),
                .bias = false,
                .values = {values, values + network.item.numel()}};
  from.vocabulary = data::Vocabulary(std::move(ids));
  return from;
}

torch::Tensor Scores(SequenceNetwork& network, const std::vector<std::int64_t>& history) {
  const torch::NoGradGuard no_grad;
  return network.Scores(torch::tensor(history, torch::kLong).unsqueeze(0)).squeeze(0);
}

TEST(StartFrom, AnswersAsThePredecessorDoesInTheNewNumbers) {
  const auto then = Network(Small(), 6, 1);  // a b c d: 2 to 5
  const auto now = Network(Small(), 6, 2);   // d b e a: c is gone, e is new
  const Predecessor from = Of(*then, {"a", "b", "c", "d"});
  const WarmStart warm = MapItems(from, data::Vocabulary({"d", "b", "e", "a"}));
  ASSERT_TRUE(StartFrom(warm, {.users = {}, .width = 6}, *now).ok());
  const torch::Tensor before = Scores(*then, {2, 3, 5});
  const torch::Tensor after = Scores(*now, {5, 3, 2});
  EXPECT_EQ(after[5].item<float>(), before[2].item<float>());
  EXPECT_EQ(after[3].item<float>(), before[3].item<float>());
  EXPECT_EQ(after[2].item<float>(), before[5].item<float>());
  // Nothing is known of e: it stands in the middle of those that are there.
  const torch::Tensor middle = (then->item[2] + then->item[3] + then->item[5]) / 3;
  EXPECT_TRUE(torch::allclose(now->item[4], middle, 1e-6, 1e-7));
  EXPECT_EQ(now->item.slice(0, 0, kFirstItem).abs().sum().item<float>(), 0);
}

TEST(StartFrom, ANewItemStandsWhereItsKindStands) {
  const auto then = Network(Small(), 6, 1);
  const auto now = Network(Small(), 9, 2);  // e, f and g are new
  const Predecessor from = Of(*then, {"a", "b", "c", "d"});
  const WarmStart warm = MapItems(from, data::Vocabulary({"a", "b", "c", "d", "e", "f", "g"}));
  std::vector<Item> catalogue(7);
  const auto say = [&](std::size_t i, const char* category, const char* brand) {
    catalogue[i].categories = {category};
    catalogue[i].brand = brand;
  };
  say(0, "soap", "Foam");
  say(1, "soap", "Foam");
  say(2, "soap", "Bubble");
  say(3, "comb", "Foam");
  say(4, "soap", "Foam");     // e: a and b
  say(5, "soap", "Another");  // f: a, b and c
  say(6, "brush", "Bubble");  // g: c
  TrainingSequences sequences{.users = {}, .width = 9};
  sequences.items = {nullptr, nullptr};
  for (const Item& item : catalogue) {
    sequences.items.push_back(&item);
  }
  ASSERT_TRUE(StartFrom(warm, sequences, *now).ok());
  const auto mean = [&](std::vector<std::int64_t> rows) {
    return then->item.index_select(0, torch::tensor(rows, torch::kLong)).mean(0);
  };
  EXPECT_TRUE(torch::allclose(now->item[6], mean({2, 3}), 1e-6, 1e-7));
  EXPECT_TRUE(torch::allclose(now->item[7], mean({2, 3, 4}), 1e-6, 1e-7));
  EXPECT_TRUE(torch::allclose(now->item[8], mean({4}), 1e-6, 1e-7));
}

TEST(StartFrom, OtherShapesAreNamedAndNothingChanges) {
  const auto then = Network(Small(), 6, 1);
  const Predecessor from = Of(*then, {"a", "b", "c", "d"});
  const WarmStart warm = MapItems(from, data::Vocabulary({"a", "b", "c", "d"}));
  const auto refused = [&](const SasrecOptions& options) {
    const auto now = Network(options, 6, 2);
    const torch::Tensor before = Scores(*now, {2, 3});
    const Status status = StartFrom(warm, {.users = {}, .width = 6}, *now);
    EXPECT_EQ(status.code(), Code::kInvalidArgument);
    EXPECT_TRUE(torch::equal(Scores(*now, {2, 3}), before));
    return status.message();
  };
  SasrecOptions longer = Small();
  longer.train.length = 20;
  EXPECT_THAT(refused(longer), HasSubstr("'position.weight' is [8, 16] there and [20, 16]"));
  SasrecOptions wider = Small();
  wider.train.width = 32;
  EXPECT_THAT(refused(wider), HasSubstr("there and"));
  SasrecOptions deeper = Small();
  deeper.blocks = 2;
  EXPECT_THAT(refused(deeper), HasSubstr("'block1.attention_norm"));
  SasrecOptions gated = Small();
  gated.block = "ligr";
  EXPECT_THAT(refused(gated), HasSubstr("gate"));
  const auto deep = Network(deeper, 6, 1);
  const Predecessor more = Of(*deep, {"a", "b", "c", "d"});
  const auto now = Network(Small(), 6, 2);
  EXPECT_THAT(StartFrom(MapItems(more, more.vocabulary), {.users = {}, .width = 6}, *now).message(),
              HasSubstr("and not by this train spec"));
}

TEST(StartFrom, AFitGoesOnFromThere) {
  SasrecOptions options = Small();
  options.train.epochs = 60;
  const auto parent = MakeSasrec(options);
  const TrainingSequences sequences = Cycle();
  ASSERT_TRUE(parent->Fit(sequences, {.seed = 1}).ok());
  Predecessor from;
  from.weights = parent->Weights();
  const auto vectors = parent->ItemVectors();
  ASSERT_TRUE(vectors.has_value());
  from.items = *vectors;
  std::vector<std::string> ids;
  for (std::size_t i = kFirstItem; i < kCycleWidth; ++i) {
    ids.push_back("i" + std::to_string(i));
  }
  from.vocabulary = data::Vocabulary(ids);
  const WarmStart warm = MapItems(from, from.vocabulary);
  options.train.epochs = 1;
  FitContext context{.seed = 2};
  const auto cold = MakeSasrec(options);
  ASSERT_TRUE(cold->Fit(sequences, context).ok());
  context.warm = &warm;
  const auto child = MakeSasrec(options);
  const auto outcome = child->Fit(sequences, context);
  ASSERT_TRUE(outcome.ok()) << outcome.status().ToString();
  ExpectKnowsTheCycle(*child);
  EXPECT_NE(ScoresOf(*child, CycleHistories()), ScoresOf(*parent, CycleHistories()));
  EXPECT_NE(ScoresOf(*child, CycleHistories()), ScoresOf(*cold, CycleHistories()));
}

}  // namespace
}  // namespace vitrine::train
