#include "data/validate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>
#include <set>
#include <string>

namespace vitrine::data {
namespace {

constexpr Micros kNow{1'700'000'000'000'000};

Event GoodEvent() {
  Event event;
  event.event_id = "e1";
  event.type = EventType::kPurchase;
  event.user_id = "u1";
  event.items = {{"i1", 0, 2, 9.5}};
  event.currency = "EUR";
  event.order_id = "o1";
  event.ts = {kNow.value - 1};
  return event;
}

Item GoodItem() {
  Item item;
  item.id = "i1";
  item.valid_from = kNow;
  item.title = "台灯 Lamp";
  item.price = 9.5;
  item.currency = "CNY";
  item.attributes = {{"colour", std::string("red")}, {"sizes", std::vector<std::string>{"S"}}};
  item.vectors = {{"text", {0.5F, 1.0F}}};
  return item;
}

std::string CodeOf(const std::optional<Rejection>& rejection) {
  if (!rejection) {
    return "";
  }
  EXPECT_FALSE(rejection->message.empty());
  EXPECT_NE(std::find(std::begin(kRejectionCodes), std::end(kRejectionCodes), rejection->code),
            std::end(kRejectionCodes));
  return std::string(rejection->code);
}

struct EventCase {
  const char* code;
  std::function<void(Event&)> change;
};

class CheckEventTest : public testing::TestWithParam<EventCase> {};

TEST_P(CheckEventTest, GivesTheCode) {
  Event event = GoodEvent();
  GetParam().change(event);
  EXPECT_EQ(CodeOf(CheckEvent(event, kNow)), GetParam().code);
}

const double kNan = std::nan("");

INSTANTIATE_TEST_SUITE_P(
    All, CheckEventTest,
    testing::Values(
        EventCase{"", [](Event&) {}}, EventCase{"missing_user", [](Event& e) { e.user_id = ""; }},
        EventCase{"", [](Event& e) { e.user_id = "", e.anonymous_id = "a"; }},
        EventCase{"missing_user", [](Event& e) { e.type = EventType::kIdentify; }},
        EventCase{
            "",
            [](Event& e) { e.type = EventType::kIdentify, e.anonymous_id = "a", e.items.clear(); }},
        EventCase{"missing_item", [](Event& e) { e.items.clear(); }},
        EventCase{"missing_item", [](Event& e) { e.items[0].item_id = ""; }},
        EventCase{"missing_time", [](Event& e) { e.ts = {}; }},
        EventCase{"impossible_time", [](Event& e) { e.ts = {1}; }},
        EventCase{"impossible_time", [](Event& e) { e.ts = {-1}; }},
        EventCase{"future_time", [](Event& e) { e.ts = {kNow.value + kFutureSlack.value + 1}; }},
        EventCase{"", [](Event& e) { e.ts = {kNow.value + kFutureSlack.value}; }},
        EventCase{"missing_query", [](Event& e) { e.type = EventType::kSearch; }},
        EventCase{"", [](Event& e) { e.type = EventType::kSearch, e.query = "lamp"; }},
        EventCase{"missing_rating", [](Event& e) { e.type = EventType::kRating; }},
        EventCase{"missing_currency", [](Event& e) { e.currency = ""; }},
        EventCase{"", [](Event& e) { e.currency = "", e.items[0].price = 0; }},
        EventCase{"bad_currency", [](Event& e) { e.currency = "eur"; }},
        EventCase{"bad_currency", [](Event& e) { e.currency = "EURO"; }},
        EventCase{"", [](Event& e) { e.user_id = std::string(128, 'x'); }},
        EventCase{"id_too_long", [](Event& e) { e.user_id = std::string(129, 'x'); }},
        EventCase{"id_too_long", [](Event& e) { e.order_id = std::string(129, 'x'); }},
        EventCase{"id_not_utf8", [](Event& e) { e.items[0].item_id = "\xC0\xAF"; }},
        EventCase{"id_not_utf8", [](Event& e) { e.request_id = "\xED\xA0\x80"; }},
        EventCase{"id_control_character", [](Event& e) { e.items[0].item_id = "a\nb"; }},
        EventCase{"id_control_character", [](Event& e) { e.event_id = std::string("a\0b", 3); }},
        EventCase{"id_control_character", [](Event& e) { e.scene = "a\xC2\x85"; }},
        EventCase{"id_control_character", [](Event& e) { e.replaces = "a\xE2\x80\xA8"; }},
        EventCase{"", [](Event& e) { e.user_id = "用户 一"; }},
        EventCase{"text_not_utf8", [](Event& e) { e.query = "\xFF"; }},
        EventCase{"text_too_long", [](Event& e) { e.query = std::string(1025, 'q'); }},
        EventCase{"too_many_items", [](Event& e) { e.items.assign(201, {"i", 0, 1, 0}); }},
        EventCase{"", [](Event& e) { e.items.assign(200, {"i", 0, 1, 0}); }},
        EventCase{"not_finite", [](Event& e) { e.items[0].price = kNan; }},
        EventCase{"not_finite", [](Event& e) { e.rating = kNan; }},
        EventCase{"not_finite", [](Event& e) { e.seconds = INFINITY; }},
        EventCase{"negative_number", [](Event& e) { e.items[0].quantity = -1; }},
        EventCase{"negative_number", [](Event& e) { e.items[0].position = -2; }},
        EventCase{"negative_number", [](Event& e) { e.seconds = -0.5; }},
        EventCase{"replaces_itself", [](Event& e) { e.replaces = e.event_id; }}));

struct ItemCase {
  const char* code;
  std::function<void(Item&)> change;
};

class CheckItemTest : public testing::TestWithParam<ItemCase> {};

TEST_P(CheckItemTest, GivesTheCode) {
  Item item = GoodItem();
  GetParam().change(item);
  EXPECT_EQ(CodeOf(CheckItem(item, kNow)), GetParam().code);
}

INSTANTIATE_TEST_SUITE_P(
    All, CheckItemTest,
    testing::Values(
        ItemCase{"", [](Item&) {}}, ItemCase{"missing_item", [](Item& i) { i.id = ""; }},
        ItemCase{"missing_time", [](Item& i) { i.valid_from = {}; }},
        ItemCase{"id_control_character", [](Item& i) { i.id = "a\tb"; }},
        ItemCase{"text_too_long", [](Item& i) { i.title = std::string(kMaxTextBytes + 1, 'x'); }},
        ItemCase{"text_not_utf8", [](Item& i) { i.categories = {"\x80"}; }},
        ItemCase{"too_many_values", [](Item& i) { i.tags.assign(kMaxValues + 1, "t"); }},
        ItemCase{"negative_number", [](Item& i) { i.price = -1; }},
        ItemCase{"negative_number", [](Item& i) { i.stock = -2; }},
        ItemCase{"not_finite", [](Item& i) { i.vectors["text"][0] = NAN; }},
        ItemCase{"not_finite", [](Item& i) { i.attributes["x"] = kNan; }},
        ItemCase{"text_not_utf8", [](Item& i) { i.attributes["x"] = std::string("\xFE"); }},
        ItemCase{"missing_currency", [](Item& i) { i.currency = ""; }},
        ItemCase{"", [](Item& i) { i.currency = "", i.price = 0; }}));

TEST(CheckUser, GivesTheCode) {
  User user{"u1", kNow, {{"level", std::string("gold")}}};
  EXPECT_EQ(CodeOf(CheckUser(user, kNow)), "");
  user.attributes["age"] = kNan;
  EXPECT_EQ(CodeOf(CheckUser(user, kNow)), "not_finite");
  user.id = "";
  EXPECT_EQ(CodeOf(CheckUser(user, kNow)), "missing_user");
}

TEST(UnknownEvent, NamesTheNearest) {
  EXPECT_NE(UnknownEvent("purchse").message.find("purchase"), std::string::npos);
  EXPECT_EQ(UnknownEvent("teleport").message.find("did you mean"), std::string::npos);
  EXPECT_EQ(UnknownEvent("\xFF").code, "unknown_event");
}

TEST(RejectionCodes, AreDistinct) {
  const std::set<std::string_view> codes(std::begin(kRejectionCodes), std::end(kRejectionCodes));
  EXPECT_EQ(codes.size(), std::size(kRejectionCodes));
}

TEST(EventId, IsTheSameForARetryAndDiffersByRowAndKey) {
  EXPECT_EQ(EventIdOf("key", 3), EventIdOf("key", 3));
  EXPECT_NE(EventIdOf("key", 3), EventIdOf("key", 4));
  EXPECT_NE(EventIdOf("key1", 1), EventIdOf("key", 11));
  EXPECT_EQ(EventIdOf("key", 3).size(), 32U);
}

TEST(EventId, IsMadeOnlyWhereMissing) {
  Event event = GoodEvent();
  CompleteEventId(event, "key", 0);
  EXPECT_EQ(event.event_id, "e1");
  event.event_id.clear();
  CompleteEventId(event, "key", 0);
  EXPECT_EQ(event.event_id, EventIdOf("key", 0));
  event.event_id.clear();
  CompleteEventId(event, "", 0);
  EXPECT_EQ(event.event_id.size(), 32U);
  EXPECT_NE(RandomEventId(), RandomEventId());
}

}  // namespace
}  // namespace vitrine::data
