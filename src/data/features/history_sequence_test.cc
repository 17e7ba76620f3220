#include "data/features/history_sequence.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "data/test_features.h"

namespace vitrine::data {
namespace {
using namespace test;  // NOLINT(google-build-using-namespace): the helpers of this folder

struct SequenceCase {
  std::size_t length = 5;
  bool distinct = false;
  std::string events;  ///< option text; empty: not given
  std::string unit;
};

/// The slow way: a list of places, oldest first, for one history.
struct OraclePlace {
  std::int64_t item;
  std::int64_t age;
};
std::vector<OraclePlace> OraclePlaces(const History& history, const SequenceCase& c, Micros as_of) {
  std::vector<HistoryEvent> kept;
  for (const HistoryEvent& event : history) {
    const bool counts = c.events.empty()
                            ? event.type != EventType::kImpression
                            : c.events.find(EventName(event.type)) != std::string::npos;
    const bool repeat = c.distinct && event.item != kPaddingItem &&
                        std::any_of(kept.begin(), kept.end(), [&](const HistoryEvent& k) {
                          return k.item == event.item && k.basket == event.basket;
                        });
    if (counts && !repeat) {
      kept.push_back(event);
    }
  }
  if (kept.size() > c.length) {
    kept.erase(kept.begin(), kept.end() - static_cast<std::ptrdiff_t>(c.length));
  }
  std::vector<OraclePlace> places;
  for (std::size_t i = 0; i < kept.size(); ++i) {
    std::set<std::uint32_t> newer;
    for (const HistoryEvent& other : kept) {
      if (other.basket > kept[i].basket) {
        newer.insert(other.basket);
      }
    }
    std::int64_t age = static_cast<std::int64_t>(kept.size() - 1 - i);
    if (c.unit == "basket") {
      age = static_cast<std::int64_t>(newer.size());
    } else if (c.unit == "day") {
      age = std::max<std::int64_t>(as_of.value - kept[i].ts.value, 0) / kMicrosPerDay;
    }
    places.push_back({kept[i].item, age});
  }
  return places;
}

History RandomHistory(std::mt19937_64& random, std::size_t most) {
  History history;
  std::uint32_t basket = 0;
  std::int64_t ts = 0;
  const std::size_t count = random() % (most + 1);
  for (std::size_t i = 0; i < count; ++i) {
    basket += random() % 3 == 0 ? 1 + static_cast<std::uint32_t>(random() % 2) : 0;
    ts += static_cast<std::int64_t>(random() % 48) * kHour;
    HistoryEvent event{
        static_cast<ItemIndex>(random() % 8), {ts}, static_cast<EventType>(random() % 4), basket};
    if (random() % 10 == 0 && basket > 0) {
      event.basket = basket - 1;  // an order's rows may be interleaved with another's
    }
    history.push_back(event);
  }
  return history;
}

TEST(Sequences, EqualTheSlowWayForRandomHistories) {
  const test::Shop shop = SmallShop();
  std::mt19937_64 random(11);
  const std::vector<SequenceCase> cases = {
      {.length = 5, .distinct = false, .events = "", .unit = "position"},
      {.length = 3, .distinct = true, .events = "", .unit = "basket"},
      {.length = 50, .distinct = true, .events = "view, search", .unit = "basket"},
      {.length = 7, .distinct = false, .events = "impression,click", .unit = "day"},
      {.length = 1, .distinct = true, .events = "", .unit = "position"}};
  for (const SequenceCase& c : cases) {
    std::map<std::string, std::string, std::less<>> options = {
        {"length", std::to_string(c.length)}, {"distinct", c.distinct ? "true" : "false"}};
    if (!c.events.empty()) {
      options["events"] = c.events;
    }
    std::map<std::string, std::string, std::less<>> age_options = options;
    age_options["unit"] = c.unit;
    const FeatureSpec spec = FitOrDie(
        {{"history", "history_items", "", options}, {"age", "history_ages", "", age_options}},
        shop);
    std::vector<Tensor> out;
    for (int round = 0; round < 200; ++round) {
      std::vector<History> histories;
      std::vector<FeatureInput> inputs(1 + random() % 4);
      for (std::size_t b = 0; b < inputs.size(); ++b) {
        histories.push_back(RandomHistory(random, 12));
      }
      std::size_t width = 1;
      std::vector<std::vector<OraclePlace>> expected;
      for (std::size_t b = 0; b < inputs.size(); ++b) {
        inputs[b].history = histories[b];
        inputs[b].as_of = {histories[b].empty() ? 0 : histories[b].back().ts.value - kHour};
        expected.push_back(OraclePlaces(histories[b], c, inputs[b].as_of));
        width = std::max(width, expected.back().size());
      }
      ASSERT_TRUE(spec.Apply(inputs, out).ok());
      ASSERT_EQ(out[0].shape(), (Shape{static_cast<std::int64_t>(inputs.size()),
                                       static_cast<std::int64_t>(width)}));
      ASSERT_EQ(out[1].shape(), out[0].shape());
      for (std::size_t b = 0; b < inputs.size(); ++b) {
        const std::size_t pad = width - expected[b].size();
        for (std::size_t i = 0; i < width; ++i) {
          const std::size_t at = b * width + i;
          ASSERT_EQ(out[0].values<std::int64_t>()[at], i < pad ? 0 : expected[b][i - pad].item);
          ASSERT_EQ(out[1].values<std::int64_t>()[at], i < pad ? -1 : expected[b][i - pad].age);
        }
      }
    }
  }
}

TEST(Sequences, ARemovedPlaceStaysAPlace) {
  const FeatureSpec spec =
      FitOrDie({{"history", "history_items", "", {{"distinct", "true"}}},
                {"age", "history_ages", "", {{"distinct", "true"}, {"unit", "position"}}}},
               SmallShop());
  const History history = {{3, {0}, EventType::kView, 1},
                           {0, {1}, EventType::kView, 1},
                           {0, {2}, EventType::kView, 1},
                           {4, {3}, EventType::kView, 1}};
  FeatureInput input;
  input.history = history;
  const std::vector<Tensor> out = ApplyOrDie(spec, {input});
  EXPECT_EQ(Values<std::int64_t>(out[0]), (std::vector<std::int64_t>{3, 0, 0, 4}));
  EXPECT_EQ(Values<std::int64_t>(out[1]), (std::vector<std::int64_t>{3, 2, 1, 0}));
}

TEST(Sequences, FeaturesThatWouldNotLineUpAreRefused) {
  const test::Shop shop = SmallShop();
  const Vocabulary vocabulary(test::ItemIds(shop));
  const auto fit = [&](std::vector<FeatureDef> defs) {
    return FeatureSpec::Fit(std::move(defs), shop.interactions, shop.items, vocabulary, kForever)
        .status();
  };
  const Status refused = fit(
      {{"history", "history_items", "", {{"distinct", "true"}}}, {"age", "history_ages", "", {}}});
  EXPECT_EQ(refused.code(), Code::kInvalidArgument);
  EXPECT_NE(refused.message().find("'age'"), std::string::npos) << refused.message();
  EXPECT_TRUE(fit({{"history", "history_items", "", {{"distinct", "true"}}},
                   {"age", "history_ages", "", {{"sequence", "other"}}}})
                  .ok());
}

TEST(Sequences, AnItemOutsideTheVocabularyIsRefused) {
  const FeatureSpec spec = FitOrDie({{"history", "history_items", "", {}}}, SmallShop());
  const History history = {{22, {0}, EventType::kView, 0}};
  FeatureInput input;
  input.history = history;
  std::vector<Tensor> out;
  EXPECT_EQ(spec.Apply(std::span(&input, 1), out).code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace vitrine::data
