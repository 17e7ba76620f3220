#include "adapters/toml/protocol.h"

#include <filesystem>

#include <gtest/gtest.h>

namespace vitrine::adapters {
namespace {

TEST(ProtocolFileTest, ReadsEveryField) {
  const auto protocol = ParseProtocol(R"(
name = "mine"
kind = "time_split"
history = "kept"
ks = [1, 10]
events = ["purchase", "click"]
target_events = ["purchase"]
minimum_length = 4
minimum_baskets = 6
distinct_in_basket = true
test_days = 2
validation_days = 1.5
fit_for_test = "training"
age = "day"
[vocabulary]
items = "fitted"
popularity = "events"
[[slice]]
name = "long"
where = "history.length > 3"
)",
                                      "p.toml");
  ASSERT_TRUE(protocol.ok()) << protocol.status().message();
  evaluate::Protocol expected;
  expected.name = "mine";
  expected.kind = evaluate::ProtocolKind::kTimeSplit;
  expected.history = evaluate::HistoryRule::kKept;
  expected.ks = {1, 10};
  expected.events = {EventType::kPurchase, EventType::kClick};
  expected.target_events = {EventType::kPurchase};
  expected.minimum_length = 4;
  expected.minimum_baskets = 6;
  expected.distinct_in_basket = true;
  expected.test_days = 2;
  expected.validation_days = 1.5;
  expected.fit_validation_for_test = false;
  expected.whole_catalogue = false;
  expected.popularity = evaluate::PopularityUnit::kEvents;
  expected.age = evaluate::AgeUnit::kDay;
  expected.slices = {{"long", "history.length > 3"}};
  EXPECT_EQ(*protocol, expected);
}

TEST(ProtocolFileTest, ABasketProtocolBringsItsDefaults) {
  const auto protocol = ParseProtocol("name = 'b'\nkind = 'last_basket'\n", "p.toml");
  ASSERT_TRUE(protocol.ok()) << protocol.status().message();
  EXPECT_TRUE(protocol->distinct_in_basket);
  EXPECT_EQ(protocol->history, evaluate::HistoryRule::kKept);
  EXPECT_EQ(protocol->popularity, evaluate::PopularityUnit::kBaskets);
  EXPECT_EQ(protocol->age, evaluate::AgeUnit::kBasket);
}

TEST(ProtocolFileTest, MistakesNamePlaceAndCure) {
  const std::string head = "name = 'x'\nkind = 'leave_one_out'\n";
  const struct {
    std::string text;
    std::string_view says;
  } cases[] = {
      {"name = ", "p.toml:1"},
      {"name = 'x'", "kind is missing"},
      {head + "histroy = 'kept'", "unknown key 'histroy'; did you mean 'history'?"},
      {head + "history = 'filterd'",
       "p.toml:3:11: unknown history 'filterd'; did you mean 'filtered'?"},
      {head + "history = 3", "history must be a \"text\""},
      {"name = 'x'\nkind = 'leave-one-out'", "did you mean 'leave_one_out'?"},
      {head + "ks = 10", "ks must be a list"},
      {head + "ks = ['a']", "whole numbers"},
      {head + "ks = [10, 5]", "ks must rise"},
      {head + "ks = []", "ks is empty"},
      {head + "events = ['purchas']", "did you mean 'purchase'?"},
      {head + "events = ['search']", "names no item"},
      {head + "events = ['view']\ntarget_events = ['purchase']", "not among events"},
      {head + "minimum_length = 1", "2 or more"},
      {head + "minimum_length = -1", "from 0"},
      {head + "minimum_length = 2.5", "a whole number"},
      {head + "distinct_in_basket = 1", "true or false"},
      {head + "vocabulary = 1", "[vocabulary]"},
      {head + "[vocabulary]\nitem = 'all'", "did you mean 'items'?"},
      {head + "[[slice]]\nname = 'a'", "a slice needs a name and a predicate"},
      {head + "[[slice]]\nname = 'a'\nwhere = 'target.price <'", "column 15"},
      {head + "[[slice]]\nname = 'all'\nwhere = 'true'", "taken"},
      {"name = 'x'\nkind = 'time_split'\ntest_days = 0", "test_days"},
  };
  for (const auto& c : cases) {
    const auto protocol = ParseProtocol(c.text, "p.toml");
    ASSERT_FALSE(protocol.ok()) << c.text;
    EXPECT_EQ(protocol.status().code(), Code::kInvalidArgument);
    EXPECT_NE(protocol.status().message().find(c.says), std::string::npos)
        << protocol.status().message();
    EXPECT_NE(protocol.status().message().find("p.toml"), std::string::npos);
  }
}

TEST(ProtocolFileTest, OfWhatWasShownIsRead) {
  const std::string head = "name = 'x'\nkind = 'labelled'\nrows = 'shown'\n";
  const auto protocol = ParseProtocol(
      head +
          "target_events = ['click']\nscene = 'home'\nclick_minutes = 5\npurchase_hours = 1.5\n"
          "position_bias = 'shopper_item'\nposition_clip = 4\n",
      "p.toml");
  ASSERT_TRUE(protocol.ok()) << protocol.status().message();
  EXPECT_EQ(protocol->rows, evaluate::RowSource::kShown);
  EXPECT_EQ(protocol->shown,
            (evaluate::ShownOptions{.scene = "home",
                                    .click_minutes = 5,
                                    .purchase_hours = 1.5,
                                    .position_bias = evaluate::PlaceBias::kShopperItem,
                                    .position_clip = 4}));
  const std::string click = head + "target_events = ['click']\n";
  const auto plain = ParseProtocol(click, "p.toml");
  ASSERT_TRUE(plain.ok()) << plain.status().message();
  EXPECT_EQ(plain->shown, evaluate::ShownOptions{});
  const struct {
    std::string text;
    std::string_view says;
  } cases[] = {
      {head, "target_events is empty"},
      {head + "target_events = ['return']", "'return' says nothing"},
      {click + "rows_ = 1", "unknown key 'rows_'"},
      {click + "position_bias = 'items'", "did you mean 'item'?"},
      {click + "position_clip = 0.5", "position_clip must be 1 or more"},
      {click + "click_minutes = 0", "click_minutes must be above 0"},
      {click + "purchase_hours = 100000", "purchase_hours must be above 0 and at most"},
      {click + "test_rows = 'index mod 5 = 4'\nvalidation_rows = 'index mod 5 = 3'",
       "test_rows and validation_rows would cut answers"},
      {"name = 'x'\nkind = 'leave_one_out'\nrows = 'shown'", "kind = \"labelled\""},
      {"name = 'x'\nkind = 'labelled'\nrows = 'shwon'", "did you mean 'shown'?"},
      {"name = 'x'\nkind = 'labelled'\nscene = 'home'", "scene is of rows = \"shown\""},
      {"name = 'x'\nkind = 'labelled'\nposition_clip = 3", "position_clip is of rows"},
  };
  for (const auto& c : cases) {
    const Status refused = ParseProtocol(c.text, "p.toml").status();
    EXPECT_EQ(refused.code(), Code::kInvalidArgument) << c.text;
    EXPECT_NE(refused.message().find(c.says), std::string::npos) << refused.message();
  }
}

TEST(ProtocolFileTest, TheReadyOnesParse) {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator("protocols")) {
    const auto protocol = ReadProtocol(entry.path());
    EXPECT_TRUE(protocol.ok()) << protocol.status().message();
    if (protocol.ok()) {
      EXPECT_EQ(protocol->name, entry.path().stem());
    }
    ++files;
  }
  EXPECT_GE(files, 3);
}

TEST(ProtocolFileTest, AMissingFileIsNotFound) {
  EXPECT_EQ(ReadProtocol("no/such.toml").status().code(), Code::kNotFound);
}

TEST(Protocol, OfLabelledRowsIsRead) {
  const auto shares = ParseProtocol(
      "name = \"rows\"\nkind = \"labelled\"\nevents = [\"view\", \"like\"]\n"
      "target_events = [\"like\"]\ntest_share = 0.2\nvalidation_share = 0.15\n",
      "p.toml");
  ASSERT_TRUE(shares.ok()) << shares.status().ToString();
  EXPECT_EQ(shares->kind, evaluate::ProtocolKind::kLabelled);
  EXPECT_EQ(shares->test_share, 0.2);
  EXPECT_EQ(shares->validation_share, 0.15);
  EXPECT_FALSE(shares->test_rows.given());
  const std::string head = "name = \"rows\"\nkind = \"labelled\"\n";
  const auto places = ParseProtocol(head +
                                        "test_rows = \"index mod 5 = 4\"\n"
                                        "validation_rows = \"index mod 5 = 3\"\n",
                                    "p.toml");
  ASSERT_TRUE(places.ok()) << places.status().ToString();
  EXPECT_EQ(places->test_rows, (evaluate::IndexRule{5, 4}));
  EXPECT_EQ(places->validation_rows, (evaluate::IndexRule{5, 3}));
  const auto refused = [&head](const std::string& more) {
    return std::string(ParseProtocol(head + more, "p.toml").status().message());
  };
  EXPECT_NE(refused("test_rows = \"every fifth\"\n").find("p.toml:3:"), std::string::npos);
  EXPECT_NE(refused("test_rows = \"index mod 5 = 4\"\n").find("go together"), std::string::npos);
  EXPECT_NE(refused("test_share = 0.9\n").find("test_share"), std::string::npos);
}

}  // namespace
}  // namespace vitrine::adapters
