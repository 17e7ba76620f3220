#include "data/feature_spec.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <limits>
#include <map>
#include <random>
#include <set>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "data/features/history_sequence.h"
#include "data/test_shop.h"

namespace vitrine::data {
namespace {
constexpr Micros kForever{std::numeric_limits<std::int64_t>::max()};
constexpr std::int64_t kHour = 3600 * kMicrosPerSecond;

test::Shop SmallShop() { return test::MakeShop({.seed = 7}); }

FeatureSpec FitOrDie(std::vector<FeatureDef> defs, const test::Shop& shop,
                     Micros until = kForever) {
  Result<FeatureSpec> spec = FeatureSpec::Fit(std::move(defs), shop.interactions, shop.items,
                                              Vocabulary(test::ItemIds(shop)), until);
  EXPECT_TRUE(spec.ok()) << spec.status().ToString();
  return spec.ok() ? std::move(spec).value() : FeatureSpec();
}

Status FitStatus(FeatureDef def, const test::Shop& shop) {
  return FeatureSpec::Fit({std::move(def)}, shop.interactions, shop.items,
                          Vocabulary(test::ItemIds(shop)), kForever)
      .status();
}

std::vector<Tensor> ApplyOrDie(const FeatureSpec& spec, const std::vector<FeatureInput>& inputs) {
  std::vector<Tensor> out;
  const Status status = spec.Apply(inputs, out);
  EXPECT_TRUE(status.ok()) << status.ToString();
  return out;
}

template <typename T>
std::vector<T> Values(const Tensor& tensor) {
  const auto values = tensor.values<T>();
  return {values.begin(), values.end()};
}

bool Equal(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Tensor& x, const Tensor& y) {
    return x.name() == y.name() && x.dtype() == y.dtype() && x.shape() == y.shape() &&
           std::equal(x.bytes().begin(), x.bytes().end(), y.bytes().begin(), y.bytes().end());
  });
}

// Vocabulary -------------------------------------------------------------------------------------

TEST(Vocabulary, FindsEveryIdAndNothingElse) {
  const Vocabulary vocabulary({"b", "10", "a", "2"});
  EXPECT_EQ(vocabulary.width(), 6U);
  EXPECT_EQ(vocabulary.Find("b"), 2U);
  EXPECT_EQ(vocabulary.Find("10"), 3U);
  EXPECT_EQ(vocabulary.Find("2"), 5U);
  EXPECT_EQ(vocabulary.Find("c"), kUnknownItem);
  EXPECT_EQ(vocabulary.Find(""), kUnknownItem);
  EXPECT_EQ(vocabulary.Id(4), "a");
  EXPECT_EQ(vocabulary.Id(kPaddingItem), "");
  EXPECT_EQ(vocabulary.Id(6), "");
}

TEST(Vocabulary, ACopyOutlivesItsSource) {
  auto first = std::make_unique<Vocabulary>(std::vector<std::string>{"x", "y"});
  const Vocabulary copy = *first;
  first.reset();
  EXPECT_EQ(copy.Find("y"), 3U);
}

TEST(Vocabulary, TextRoundTrip) {
  const Vocabulary vocabulary({"é", "a b", "1"});
  const Result<Vocabulary> parsed = Vocabulary::Parse(vocabulary.ToText());
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->ids(), vocabulary.ids());
  EXPECT_EQ(Vocabulary::Parse("")->width(), 2U);
}

TEST(Vocabulary, RefusesCutFilesEmptyLinesAndRepeats) {
  EXPECT_EQ(Vocabulary::Parse("a\nb").status().code(), Code::kInvalidArgument);
  EXPECT_EQ(Vocabulary::Parse("a\n\nb\n").status().code(), Code::kInvalidArgument);
  const Status twice = Vocabulary::Parse("a\nb\na\n").status();
  EXPECT_EQ(twice.code(), Code::kInvalidArgument);
  EXPECT_NE(twice.message().find("'a'"), std::string::npos);
}

// Sequences --------------------------------------------------------------------------------------

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
    const bool counts = c.events.empty() ? event.type != EventType::kImpression
                                         : c.events.find(EventName(event.type)) != std::string::npos;
    const bool repeat =
        c.distinct && event.item != kPaddingItem &&
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
    HistoryEvent event{static_cast<ItemIndex>(random() % 8), {ts},
                       static_cast<EventType>(random() % 4), basket};
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
    const FeatureSpec spec = FitOrDie({{"history", "history_items", "", options},
                                       {"age", "history_ages", "", age_options}},
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
  const Status refused = fit({{"history", "history_items", "", {{"distinct", "true"}}},
                              {"age", "history_ages", "", {}}});
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

// Fields -----------------------------------------------------------------------------------------

TEST(Fields, EachOpOnAUserAndAContext) {
  const FeatureSpec spec = FitOrDie(
      {{"tier", "level", "user.tier", {{"levels", "gold|silver"}}},
       {"spend", "bucket", "user.spend", {{"edges", "10|100"}}},
       {"age", "standardise", "user.age", {{"mean", "40"}, {"deviation", "10"}}},
       {"visits", "log_standardise", "user.visits", {{"mean", "0"}, {"deviation", "1"}}},
       {"device", "context", "context.device", {{"levels", "phone|desk"}}},
       {"hour", "context", "context.hour", {{"missing", "-1"}}},
       {"city", "hash", "user.city", {{"buckets", "1"}}}},
      SmallShop());
  User user;
  user.attributes = {{"tier", std::string("silver")}, {"spend", 10.0}, {"age", 30.0},
                     {"visits", 0.0}, {"city", std::string("Basel")}};
  const Attributes context = {{"device", std::string("watch")}, {"hour", 13.0}};
  FeatureInput known;
  known.user = &user;
  known.context = &context;
  const std::vector<Tensor> out = ApplyOrDie(spec, {known, FeatureInput{}});
  EXPECT_EQ(Values<std::int64_t>(out[0]), (std::vector<std::int64_t>{3, 0}));
  EXPECT_EQ(Values<std::int64_t>(out[1]), (std::vector<std::int64_t>{1, 0}));  // (.., 10]
  EXPECT_EQ(Values<float>(out[2]), (std::vector<float>{-1, 0}));
  EXPECT_EQ(Values<float>(out[3]), (std::vector<float>{0, 0}));
  EXPECT_EQ(Values<std::int64_t>(out[4]), (std::vector<std::int64_t>{1, 0}));
  EXPECT_EQ(Values<float>(out[5]), (std::vector<float>{13, -1}));
  EXPECT_EQ(Values<std::int64_t>(out[6]), (std::vector<std::int64_t>{1, 0}));
}

TEST(Fields, TokensAreHashedWordsFromTheLeft) {
  test::Shop shop = SmallShop();
  shop.items.rows[0].title = "Red SHOES for running";
  shop.items.rows[1].title = "shoes";
  shop.items.rows[2].title = "";
  const FeatureSpec spec = FitOrDie(
      {{"title", "tokens", "item.title", {{"length", "3"}, {"buckets", "1000000"}}},
       {"query", "tokens", "context.query", {{"length", "3"}, {"buckets", "1000000"}}}},
      shop);
  const std::vector<ItemIndex> candidates = {2, 3, 4};
  const Attributes context = {{"query", std::string("Shoes")}};
  FeatureInput input;
  input.candidates = candidates;
  input.context = &context;
  const std::vector<Tensor> out = ApplyOrDie(spec, {input});
  ASSERT_EQ(out[0].shape(), (Shape{3, 3}));
  const std::vector<std::int64_t> titles = Values<std::int64_t>(out[0]);
  EXPECT_NE(titles[0], 0);
  EXPECT_EQ(titles[1], titles[3]);  // the second word of the first is the second's first
  EXPECT_NE(titles[2], 0);
  EXPECT_EQ(std::vector<std::int64_t>(titles.begin() + 4, titles.end()),
            (std::vector<std::int64_t>{0, 0, 0, 0, 0}));
  EXPECT_EQ(Values<std::int64_t>(out[1])[0], titles[3]);
}

TEST(Fields, CandidatesAreRowsAndMayBringTheirOwnCatalogueRow) {
  const test::Shop shop = SmallShop();
  const FeatureSpec spec =
      FitOrDie({{"colour", "level", "item.colour", {}},
                {"price", "bucket", "item.price", {{"edges", "3|6"}}},
                {"history", "history_items", "", {}}},
               shop);
  Item dearer = shop.items.rows[2];
  dearer.price = 100;
  const std::vector<ItemIndex> candidates = {2 + 0, 2 + 2, 2 + 9, kUnknownItem};
  const std::vector<const Item*> rows = {nullptr, &dearer};
  const History history = {{5, {0}, EventType::kView, 0}};
  FeatureInput input;
  input.history = history;
  input.candidates = candidates;
  input.candidate_items = rows;
  const std::vector<Tensor> out = ApplyOrDie(spec, {input});
  // 4 items are red (0, 6, 12, 18), 3 blue; item 2 has no colour; item 0's price is unknown.
  EXPECT_EQ(Values<std::int64_t>(out[0]), (std::vector<std::int64_t>{2, 0, 3, 0}));
  EXPECT_EQ(Values<std::int64_t>(out[1]), (std::vector<std::int64_t>{0, 3, 3, 0}));
  EXPECT_EQ(Values<std::int64_t>(out[2]), (std::vector<std::int64_t>{5, 5, 5, 5}));
}

TEST(Fields, FittedMomentsAndEdgesAreThoseOfTheCatalogue) {
  const test::Shop shop = SmallShop();
  const FeatureSpec spec = FitOrDie({{"weight", "standardise", "item.weight", {}},
                                     {"bin", "bucket", "item.weight", {{"bins", "4"}}}},
                                    shop);
  std::vector<ItemIndex> all;
  for (ItemIndex i = kFirstItem; i < spec.width(); ++i) {
    all.push_back(i);
  }
  FeatureInput input;
  input.candidates = all;
  const std::vector<Tensor> out = ApplyOrDie(spec, {input});
  double sum = 0;
  double squares = 0;
  for (const float x : out[0].values<float>()) {
    sum += x;
    squares += double{x} * x;
  }
  EXPECT_NEAR(sum, 0, 1e-5);
  EXPECT_NEAR(squares / 20, 1, 1e-5);
  std::map<std::int64_t, int> bins;
  for (const std::int64_t bin : out[1].values<std::int64_t>()) {
    ++bins[bin];
  }
  EXPECT_EQ(bins, (std::map<std::int64_t, int>{{1, 5}, {2, 5}, {3, 5}, {4, 5}}));
}

// Counts by time ---------------------------------------------------------------------------------

/// Events of the item in the whole days before the day of the moment.
double SlowItemCount(const Interactions& rows, std::size_t item, EventType type, Micros as_of,
                     std::int64_t days) {
  const std::int64_t end = as_of.value / kMicrosPerDay * kMicrosPerDay;
  double count = 0;
  for (std::size_t r = 0; r < rows.rows(); ++r) {
    count += rows.item[r] == item && rows.type[r] == type && rows.ts[r].value < end &&
                     rows.ts[r].value >= end - days * kMicrosPerDay
                 ? 1
                 : 0;
  }
  return count;
}

TEST(CountsAsOf, EqualTheSlowWay) {
  const test::Shop shop = test::MakeShop({.users = 60, .seed = 3});
  const FeatureSpec spec = FitOrDie(
      {{"sold", "count_asof", "item", {{"event", "purchase"}, {"days", "7"}}},
       {"rate", "rate_asof", "item", {{"event", "purchase"}, {"per", "view"}, {"days", "14"},
                                      {"strength", "5"}}}},
      shop);
  double purchases = 0;
  double views = 0;
  for (const EventType type : shop.interactions.type) {
    purchases += type == EventType::kPurchase ? 1 : 0;
    views += type == EventType::kView ? 1 : 0;
  }
  for (int hour = 0; hour < 24 * 60; hour += 5) {
    const Micros as_of{hour * kHour};
    for (std::size_t item = 0; item < shop.interactions.items.size(); ++item) {
      const ItemIndex index = kFirstItem + static_cast<ItemIndex>(item);
      FeatureInput input;
      input.as_of = as_of;
      input.candidates = std::span(&index, 1);
      const std::vector<Tensor> out = ApplyOrDie(spec, {input});
      ASSERT_EQ(out[0].values<float>()[0],
                SlowItemCount(shop.interactions, item, EventType::kPurchase, as_of, 7))
          << "item " << item << " hour " << hour;
      const double a =
          SlowItemCount(shop.interactions, item, EventType::kPurchase, as_of, 14);
      const double b = SlowItemCount(shop.interactions, item, EventType::kView, as_of, 14);
      ASSERT_FLOAT_EQ(out[1].values<float>()[0],
                      static_cast<float>((a + 5 * purchases / views) / (b + 5)));
    }
  }
}

TEST(CountsAsOf, NothingAtOrAfterTheMomentCanBeSeen) {
  const FeatureDef sold{"sold", "count_asof", "item", {{"event", "purchase,view,cart"}}};
  const FeatureDef mine{"mine", "count_asof", "user", {{"event", "purchase,view,cart"}}};
  const test::Shop shop = test::MakeShop({.seed = 5});
  const Micros as_of{30 * kMicrosPerDay + 7 * kHour};
  // The same shop in which everything at or after the moment is another item's, many times.
  test::Shop other = shop;
  for (std::size_t r = 0; r < other.interactions.rows(); ++r) {
    if (other.interactions.ts[r] >= as_of) {
      other.interactions.item[r] = 0;
    }
  }
  const ItemIndex index = kFirstItem;
  const History history = {{3, {as_of.value - 8 * kMicrosPerDay}, EventType::kView, 0},
                           {3, {as_of.value - 7 * kMicrosPerDay}, EventType::kView, 1},
                           {4, {as_of.value - 1}, EventType::kCart, 2},
                           {5, as_of, EventType::kView, 3},
                           {6, {as_of.value + 1}, EventType::kView, 4}};
  FeatureInput input;
  input.as_of = as_of;
  input.candidates = std::span(&index, 1);
  input.history = history;
  const std::vector<Tensor> a = ApplyOrDie(FitOrDie({sold, mine}, shop), {input});
  const std::vector<Tensor> b = ApplyOrDie(FitOrDie({sold, mine}, other), {input});
  EXPECT_TRUE(Equal(a, b));
  EXPECT_EQ(a[1].values<float>()[0], 2);  // in [moment - 7 days, moment)
}

TEST(CountsAsOf, RowsFromUntilOnDoNotExist) {
  const test::Shop shop = test::MakeShop({.seed = 5});
  const Micros until{20 * kMicrosPerDay};
  const FeatureDef def{"sold", "count_asof", "item", {{"event", "view"}, {"days", "3650"}}};
  const FeatureSpec spec = FitOrDie({def}, shop, until);
  const ItemIndex index = kFirstItem;
  FeatureInput input;
  input.candidates = std::span(&index, 1);
  input.as_of = {50 * kMicrosPerDay};
  EXPECT_EQ(ApplyOrDie(spec, {input})[0].values<float>()[0],
            SlowItemCount(shop.interactions, 0, EventType::kView, until, 3650));
}

TEST(CountsAsOf, AMomentBeyondTheDataSeesTheNewestWindow) {
  const test::Shop shop = test::MakeShop({.seed = 5});
  const FeatureDef def{"sold", "count_asof", "item", {{"event", "view"}, {"days", "7"}}};
  const FeatureSpec spec = FitOrDie({def}, shop);
  const ItemIndex index = kFirstItem;
  FeatureInput input;
  input.candidates = std::span(&index, 1);
  input.as_of = {1000 * kMicrosPerDay};
  const Micros end{(shop.interactions.window_to.value / kMicrosPerDay + 1) * kMicrosPerDay};
  EXPECT_EQ(ApplyOrDie(spec, {input})[0].values<float>()[0],
            SlowItemCount(shop.interactions, 0, EventType::kView, end, 7));
}

TEST(CountsAsOf, OrdinalTimeIsRefused) {
  const test::Shop shop = test::MakeShop({.ordinal = true});
  const std::vector<FeatureDef> defs = {
      {"sold", "count_asof", "item", {{"event", "view"}}},
      {"mine", "count_asof", "user", {{"event", "view"}}},
      {"rate", "rate_asof", "item", {{"event", "view"}, {"per", "cart"}}},
      {"age", "history_ages", "", {{"unit", "day"}}}};
  for (const FeatureDef& def : defs) {
    const Status status = FitStatus(def, shop);
    EXPECT_EQ(status.code(), Code::kFailedPrecondition) << def.name;
    EXPECT_NE(status.message().find(def.name), std::string::npos) << status.message();
  }
  EXPECT_TRUE(FitStatus({"age", "history_ages", "", {{"unit", "basket"}}}, shop).ok());
}

// Errors -----------------------------------------------------------------------------------------

TEST(FitErrors, NameTheFeatureAndWhatWasMeant) {
  const test::Shop shop = SmallShop();
  struct Case {
    FeatureDef def;
    std::string word;  ///< in the message
  };
  const std::vector<Case> cases = {
      {{"h", "history_item", "", {}}, "history_items"},
      {{"h", "history_items", "", {{"lenght", "5"}}}, "length"},
      {{"h", "history_items", "", {{"length", "0"}}}, "length"},
      {{"h", "history_items", "", {{"length", "5x"}}}, "5x"},
      {{"h", "history_items", "", {{"distinct", "yes"}}}, "true or false"},
      {{"h", "history_items", "", {{"events", "purchse"}}}, "purchase"},
      {{"h", "history_ages", "", {{"unit", "week"}}}, "position, basket, day"},
      {{"h", "hash", "item.color", {}}, "colour"},
      {{"h", "hash", "goods.brand", {}}, "goods.brand"},
      {{"h", "hash", "item.", {}}, "field"},
      {{"h", "level", "user.tier", {}}, "levels"},
      {{"h", "level", "item.brand", {{"levels", "a|a"}}}, "twice"},
      {{"h", "bucket", "user.age", {}}, "edges"},
      {{"h", "bucket", "item.price", {{"edges", "3|2"}}}, "rising"},
      {{"h", "standardise", "user.age", {}}, "mean"},
      {{"h", "standardise", "item.price", {{"deviation", "0"}}}, "deviation"},
      {{"h", "context", "user.age", {}}, "context.FIELD"},
      {{"h", "count_asof", "item", {}}, "event"},
      {{"h", "count_asof", "shop", {{"event", "view"}}}, "by item or by user"},
      {{"h", "rate_asof", "item", {{"event", "view"}}}, "per"}};
  for (const Case& c : cases) {
    const Status status = FitStatus(c.def, shop);
    EXPECT_EQ(status.code(), Code::kInvalidArgument) << c.def.op << " " << c.word;
    EXPECT_NE(status.message().find("'h'"), std::string::npos) << status.message();
    EXPECT_NE(status.message().find(c.word), std::string::npos) << status.message();
  }
}

TEST(FitErrors, NamesAreNeededAndDistinct) {
  const test::Shop shop = SmallShop();
  EXPECT_EQ(FitStatus({"", "history_items", "", {}}, shop).code(), Code::kInvalidArgument);
  EXPECT_EQ(FeatureSpec::Fit({{"a", "history_items", "", {}}, {"a", "history_ages", "", {}}},
                             shop.interactions, shop.items, Vocabulary(test::ItemIds(shop)),
                             kForever)
                .status()
                .code(),
            Code::kInvalidArgument);
}

// The file ---------------------------------------------------------------------------------------

std::vector<FeatureDef> EveryOp() {
  return {{"history", "history_items", "", {{"length", "6"}, {"distinct", "true"}}},
          {"age", "history_ages", "", {{"length", "6"}, {"distinct", "true"}, {"unit", "basket"}}},
          {"brand_hash", "hash", "item.brand", {{"buckets", "16"}}},
          {"price_bin", "bucket", "item.price", {{"bins", "3"}}},
          {"price", "log_standardise", "item.price", {}},
          {"weight", "standardise", "item.weight", {}},
          {"colour", "level", "item.colour", {}},
          {"category", "level", "item.category", {{"max_levels", "1"}}},
          {"sold", "count_asof", "item", {{"event", "purchase"}, {"days", "7"}}},
          {"mine", "count_asof", "user", {{"event", "view"}, {"days", "7"}}},
          {"rate", "rate_asof", "item", {{"event", "purchase"}, {"per", "view"}}},
          {"hour", "context", "context.hour", {}}};
}

/// Two shoppers, the first with three candidates.
struct TwoInputs {
  History first = {{2, {20 * kMicrosPerDay}, EventType::kView, 0},
                   {3, {21 * kMicrosPerDay}, EventType::kView, 1},
                   {3, {21 * kMicrosPerDay}, EventType::kCart, 1}};
  History second = {{21, {22 * kMicrosPerDay}, EventType::kPurchase, 0}};
  std::vector<ItemIndex> candidates = {2, 7, 11};
  Attributes context = {{"hour", 8.0}};
  std::vector<FeatureInput> Make() const {
    std::vector<FeatureInput> inputs(2);
    inputs[0].history = first;
    inputs[0].as_of = {25 * kMicrosPerDay};
    inputs[0].candidates = candidates;
    inputs[1].history = second;
    inputs[1].as_of = {40 * kMicrosPerDay};
    inputs[1].context = &context;
    return inputs;
  }
};

TEST(FeatureSpecFile, ParsedItMakesTheSameTensors) {
  const test::Shop shop = SmallShop();
  const FeatureSpec spec = FitOrDie(EveryOp(), shop);
  const Result<FeatureSpec> parsed = FeatureSpec::Parse(spec.ToJson());
  ASSERT_TRUE(parsed.ok()) << parsed.status().ToString();
  EXPECT_EQ(parsed->ToJson(), spec.ToJson());
  EXPECT_EQ(parsed->Hash(), spec.Hash());
  EXPECT_EQ(parsed->width(), spec.width());
  const TwoInputs two;
  EXPECT_TRUE(Equal(ApplyOrDie(spec, two.Make()), ApplyOrDie(*parsed, two.Make())));
}

TEST(FeatureSpecFile, OutputsDescribeWhatApplyMakes) {
  const FeatureSpec spec = FitOrDie(EveryOp(), SmallShop());
  const std::vector<TensorSpec> outputs = spec.Outputs();
  const TwoInputs two;
  const std::vector<Tensor> out = ApplyOrDie(spec, two.Make());
  ASSERT_EQ(outputs.size(), out.size());
  for (std::size_t i = 0; i < out.size(); ++i) {
    EXPECT_EQ(outputs[i].name, out[i].name());
    EXPECT_EQ(outputs[i].dtype, out[i].dtype());
    ASSERT_EQ(outputs[i].shape.size(), out[i].shape().size());
    EXPECT_EQ(out[i].shape()[0], 4);
  }
  EXPECT_EQ(outputs[0].shape, (Shape{-1, 6}));
  EXPECT_EQ(outputs[2].shape, Shape{-1});
}

/// The format is a promise to artifacts that exist: a change of these files needs a new format
/// number and a reader of the old one. VITRINE_WRITE_GOLDEN=1 writes them anew.
TEST(FeatureSpecFile, GoldenFilesStayReadableAndGiveTheSameTensors) {
  const std::string folder = "src/data/features/testdata/";
  const FeatureSpec fitted = FitOrDie(EveryOp(), test::MakeShop({.seed = 7}));
  const TwoInputs two;
  nlohmann::ordered_json tensors = nlohmann::ordered_json::object();
  const auto values_of = [](const Tensor& t) {
    return t.dtype() == DType::kInt64 ? nlohmann::ordered_json(Values<std::int64_t>(t))
                                      : nlohmann::ordered_json(Values<float>(t));
  };
  for (const Tensor& t : ApplyOrDie(fitted, two.Make())) {
    tensors[t.name()] = {{"shape", t.shape()}, {"values", values_of(t)}};
  }
  const auto read = [&folder](const std::string& name) {
    std::ifstream file(folder + name, std::ios::binary);
    return std::string{std::istreambuf_iterator<char>(file), {}};
  };
  if (std::getenv("VITRINE_WRITE_GOLDEN") != nullptr) {
    std::ofstream(folder + "featurespec.json") << fitted.ToJson();
    std::ofstream(folder + "tensors.json") << tensors.dump(1) << "\n";
  }
  EXPECT_EQ(read("featurespec.json"), fitted.ToJson());
  EXPECT_EQ(read("tensors.json"), tensors.dump(1) + "\n");
  const Result<FeatureSpec> kept = FeatureSpec::Parse(read("featurespec.json"));
  ASSERT_TRUE(kept.ok()) << kept.status().ToString();
  EXPECT_TRUE(Equal(ApplyOrDie(*kept, two.Make()), ApplyOrDie(fitted, two.Make())));
}

TEST(FeatureSpecFile, ANewerFormatIsRefusedByName) {
  std::string json = FitOrDie(EveryOp(), SmallShop()).ToJson();
  const std::string format = "\"format\":1";
  json.replace(json.find(format), format.size(), "\"format\":2");
  const Status status = FeatureSpec::Parse(json).status();
  EXPECT_EQ(status.code(), Code::kFailedPrecondition);
}

TEST(FeatureSpecFile, DamagedFilesAreRefusedAndNeverBreakTheReader) {
  const std::string json = FitOrDie(EveryOp(), SmallShop()).ToJson();
  EXPECT_EQ(FeatureSpec::Parse("").status().code(), Code::kInvalidArgument);
  EXPECT_EQ(FeatureSpec::Parse(json.substr(0, json.size() / 2)).status().code(),
            Code::kInvalidArgument);
  std::mt19937_64 random(1);
  const TwoInputs two;
  for (int round = 0; round < 3000; ++round) {
    std::string damaged = json;
    for (int edit = 0; edit < 1 + round % 3; ++edit) {
      damaged[random() % damaged.size()] = "0123456789-[]{},\":aeE."[random() % 22];
    }
    const Result<FeatureSpec> parsed = FeatureSpec::Parse(damaged);
    if (parsed.ok()) {
      std::vector<Tensor> out;
      (void)parsed->Apply(two.Make(), out).ok();
    }
  }
}

}  // namespace
}  // namespace vitrine::data
