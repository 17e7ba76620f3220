// Ops over fields of items, users and requests, and what Fit refuses.
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "data/test_features.h"

namespace vitrine::data {
namespace {
using namespace test;  // NOLINT(google-build-using-namespace): the helpers of this folder

TEST(Fields, EachOpOnAUserAndAContext) {
  const FeatureSpec spec =
      FitOrDie({{"tier", "level", "user.tier", {{"levels", "gold|silver"}}},
                {"spend", "bucket", "user.spend", {{"edges", "10|100"}}},
                {"age", "standardise", "user.age", {{"mean", "40"}, {"deviation", "10"}}},
                {"visits", "log_standardise", "user.visits", {{"mean", "0"}, {"deviation", "1"}}},
                {"device", "context", "context.device", {{"levels", "phone|desk"}}},
                {"hour", "context", "context.hour", {{"missing", "-1"}}},
                {"city", "hash", "user.city", {{"buckets", "1"}}}},
               SmallShop());
  User user;
  user.attributes = {{"tier", std::string("silver")},
                     {"spend", 10.0},
                     {"age", 30.0},
                     {"visits", 0.0},
                     {"city", std::string("Basel")}};
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
  const FeatureSpec spec =
      FitOrDie({{"title", "tokens", "item.title", {{"length", "3"}, {"buckets", "1000000"}}},
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
  const FeatureSpec spec = FitOrDie({{"colour", "level", "item.colour", {}},
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
  EXPECT_EQ(
      FeatureSpec::Fit({{"a", "history_items", "", {}}, {"a", "history_ages", "", {}}},
                       shop.interactions, shop.items, Vocabulary(test::ItemIds(shop)), kForever)
          .status()
          .code(),
      Code::kInvalidArgument);
}

}  // namespace
}  // namespace vitrine::data
