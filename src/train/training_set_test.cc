#include "train/training_set.h"

#include <algorithm>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "data/test_shop.h"
#include "train/train_spec.h"

namespace vitrine::train {
namespace {
using evaluate::FitFor;
using evaluate::Part;

Material MakeMaterial(const evaluate::Protocol& protocol,
                      const data::test::ShopOptions& options = {}) {
  data::test::Shop shop = data::test::MakeShop(options);
  Material material{std::move(shop.interactions), std::move(shop.items), protocol, {}};
  Result<evaluate::Split> split =
      evaluate::MakeSplit(material.interactions, material.items, protocol);
  EXPECT_TRUE(split.ok()) << split.status().ToString();
  material.split = std::move(split).value();
  return material;
}

evaluate::Protocol LeaveOneOut() {
  evaluate::Protocol protocol;
  protocol.name = "leave-one-out";
  return protocol;
}

std::vector<data::FeatureDef> HistoryOnly() { return {{"history", "history_items", "", {}}}; }

TrainSpec Spec() {
  TrainSpec spec;
  spec.algorithm = "fake";
  return spec;
}

TEST(TrainingSet, LearnsFromTheNamedPartsAndNothingElse) {
  const Material material = MakeMaterial(LeaveOneOut());
  for (const FitFor purpose : {FitFor::kValidation, FitFor::kTest, FitFor::kRefit}) {
    const Result<TrainingSet> set = MakeTrainingSet(material, Spec(), HistoryOnly(), purpose);
    ASSERT_TRUE(set.ok()) << set.status().ToString();
    std::size_t expected = 0;
    for (const Part part : material.split.part) {
      expected += part == Part::kTraining ||
                          (part == Part::kValidation && purpose != FitFor::kValidation) ||
                          (part == Part::kTest && purpose == FitFor::kRefit)
                      ? 1
                      : 0;
    }
    EXPECT_EQ(set->rows, expected);
    std::size_t held = 0;
    for (const History& history : set->sequences.users) {
      held += history.size();
    }
    EXPECT_EQ(held, expected);
  }
}

TEST(TrainingSet, EveryFittedEventHasItsWeight) {
  Material material = MakeMaterial(LeaveOneOut());
  TrainSpec spec = Spec();
  spec.weights.by_event[EventType::kPurchase] = 3;
  spec.weights.half_life_days = 10;
  const Result<TrainingSet> set =
      MakeTrainingSet(material, spec, HistoryOnly(), FitFor::kValidation);
  ASSERT_TRUE(set.ok()) << set.status().ToString();
  ASSERT_EQ(set->sequences.weights.size(), set->sequences.users.size());
  for (std::size_t u = 0; u < set->sequences.users.size(); ++u) {
    EXPECT_EQ(set->sequences.weights[u], WeightsOf(set->sequences.users[u], spec.weights, set->to));
  }
  material.interactions.ordinal_time = true;
  EXPECT_EQ(MakeTrainingSet(material, spec, HistoryOnly(), FitFor::kTest).status().code(),
            Code::kFailedPrecondition);
  for (int t = 0; t < kEventTypes; ++t) {
    spec.weights.by_event[static_cast<EventType>(t)] = 0;
  }
  spec.weights.half_life_days = 0;
  EXPECT_EQ(MakeTrainingSet(material, spec, HistoryOnly(), FitFor::kTest).status().code(),
            Code::kInvalidArgument);
}

TEST(TrainingSet, AWeightOfWhatIsNotLearntFromIsRefused) {
  evaluate::Protocol protocol = LeaveOneOut();
  TrainSpec spec = Spec();
  spec.weights.by_event[EventType::kHide] = -1;
  EXPECT_TRUE(EventsOf(spec, protocol).ok());  // it reads every event
  spec.events = {EventType::kPurchase};
  EXPECT_NE(EventsOf(spec, protocol).status().message().find("weighs hide"), std::string::npos);
  spec.events.clear();
  protocol.events = {EventType::kView};
  EXPECT_EQ(EventsOf(spec, protocol).status().code(), Code::kInvalidArgument);
}

TEST(TrainingSet, ModelsSeeTheCatalogueByItemIndex) {
  const Material material = MakeMaterial(LeaveOneOut());
  const Result<TrainingSet> set =
      MakeTrainingSet(material, Spec(), HistoryOnly(), FitFor::kValidation);
  ASSERT_TRUE(set.ok()) << set.status().ToString();
  const std::vector<const Item*>& items = set->sequences.items;
  ASSERT_EQ(items.size(), set->sequences.width);
  EXPECT_EQ(items[kPaddingItem], nullptr);
  EXPECT_EQ(items[kUnknownItem], nullptr);
  for (ItemIndex i = kFirstItem; i < items.size(); ++i) {
    ASSERT_NE(items[i], nullptr);
    EXPECT_EQ(items[i]->id, set->vocabulary.Id(i));
  }
}

TEST(TrainingSet, TheVocabularyIsNumberedByTheFittedRowsAlone) {
  const Material material = MakeMaterial(LeaveOneOut());
  const Result<TrainingSet> set =
      MakeTrainingSet(material, Spec(), HistoryOnly(), FitFor::kValidation);
  ASSERT_TRUE(set.ok());
  // Number of users that have the item in the training part, the slow way.
  std::map<std::string, std::set<std::uint32_t>> users;
  for (std::size_t r = 0; r < material.interactions.rows(); ++r) {
    if (material.split.part[r] == Part::kTraining) {
      users[material.interactions.items[material.interactions.item[r]]].insert(
          material.interactions.user[r]);
    }
  }
  std::vector<std::string> order = material.interactions.items;
  std::stable_sort(order.begin(), order.end(), [&](const std::string& a, const std::string& b) {
    return users[a].size() > users[b].size();
  });
  EXPECT_EQ(set->vocabulary.ids(), order);
  EXPECT_EQ(set->sequences.width, order.size() + 2);
}

TEST(TrainingSet, AHeldOutRowChangesNothingThatIsFitted) {
  Material material = MakeMaterial(LeaveOneOut(), {.seed = 4});
  const std::vector<data::FeatureDef> features = {
      {"history", "history_items", "", {}},
      {"sold", "count_asof", "item", {{"event", "view,cart,purchase"}}},
      {"rate", "rate_asof", "item", {{"event", "purchase"}, {"per", "view"}}}};
  const Result<TrainingSet> before = MakeTrainingSet(material, Spec(), features, FitFor::kTest);
  ASSERT_TRUE(before.ok()) << before.status().ToString();
  std::size_t changed = 0;
  for (std::size_t r = 0; r < material.interactions.rows(); ++r) {
    if (material.split.part[r] == Part::kTest) {
      material.interactions.item[r] = 19;
      material.interactions.type[r] = EventType::kPurchase;
      ++changed;
    }
  }
  ASSERT_GT(changed, 5U);
  const Result<TrainingSet> after = MakeTrainingSet(material, Spec(), features, FitFor::kTest);
  ASSERT_TRUE(after.ok());
  EXPECT_EQ(before->features.ToJson(), after->features.ToJson());
  EXPECT_EQ(before->vocabulary.ids(), after->vocabulary.ids());
}

TEST(TrainingSet, TheSpecsEventsAreAllThatIsLearntFrom) {
  const Material material = MakeMaterial(LeaveOneOut());
  TrainSpec spec = Spec();
  spec.events = {EventType::kPurchase};
  const Result<TrainingSet> set = MakeTrainingSet(
      material, spec, FeaturesOf(spec, material.protocol, HistoryOnly()), FitFor::kTest);
  ASSERT_TRUE(set.ok());
  EXPECT_GT(set->rows, 0U);
  for (const History& history : set->sequences.users) {
    for (const HistoryEvent& event : history) {
      EXPECT_EQ(event.type, EventType::kPurchase);
    }
  }
  EXPECT_EQ(set->features.defs()[0].options.at("events"), "purchase");
}

TEST(TrainingSet, NoRowOfTheNamedTypesIsAnErrorThatSaysSo) {
  const Material material = MakeMaterial(LeaveOneOut());
  TrainSpec spec = Spec();
  spec.events = {EventType::kShare};
  const Status status = MakeTrainingSet(material, spec, HistoryOnly(), FitFor::kTest).status();
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_NE(status.message().find("event types"), std::string::npos) << status.message();
}

TEST(FeaturesOf, SpecFeaturesReplaceByNameAndHistoriesFollowTheProtocol) {
  TrainSpec spec = Spec();
  spec.features = {{"history", "history_items", "", {{"length", "9"}}},
                   {"price", "bucket", "item.price", {}}};
  evaluate::Protocol protocol;
  protocol.kind = evaluate::ProtocolKind::kLastBasket;
  protocol.distinct_in_basket = true;
  protocol.events = {EventType::kPurchase, EventType::kCart};
  const std::vector<data::FeatureDef> features =
      FeaturesOf(spec, protocol,
                 {{"history", "history_items", "", {{"distinct", "false"}}},
                  {"age", "history_ages", "", {{"events", "view"}}}});
  ASSERT_EQ(features.size(), 3U);
  using Options = std::map<std::string, std::string, std::less<>>;
  EXPECT_EQ(features[0].options,
            (Options{{"length", "9"}, {"events", "cart,purchase"}, {"distinct", "true"}}));
  EXPECT_EQ(features[1].options, (Options{{"events", "view"}, {"distinct", "true"}}));
  EXPECT_EQ(features[2].options, Options{});
}

TEST(EventsOf, ASpecMustLearnFromWhatTheProtocolReads) {
  TrainSpec spec = Spec();
  evaluate::Protocol protocol = LeaveOneOut();
  EXPECT_TRUE(EventsOf(spec, protocol)->empty());
  spec.events = {EventType::kCart};
  EXPECT_EQ(*EventsOf(spec, protocol), spec.events);
  protocol.events = {EventType::kPurchase};
  const Status status = EventsOf(spec, protocol).status();
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_NE(status.message().find("cart"), std::string::npos);
  protocol.events.insert(EventType::kCart);
  EXPECT_EQ(*EventsOf(spec, protocol), protocol.events);
}

}  // namespace
}  // namespace vitrine::train
