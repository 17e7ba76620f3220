// What the log keeps: sequences, duplicates, rows of items and users, impressions, erasure.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <set>
#include <thread>

#include "data/log_retention.h"
#include "event_log_contract.h"

namespace vitrine::contract {
namespace {

using data::AppendVerdict;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr auto kNew = AppendVerdict::kAccepted;
constexpr auto kAgain = AppendVerdict::kDuplicate;

Event FullEvent() {
  Event event = MakeEvent("full", EventType::kRating, "用户", {"i1"}, 5);
  event.anonymous_id = "anon";
  event.items = {{"i1", 3, 2.5, 9.99}, {"i2", -1, 1, 0}};
  event.request_id = "r";
  event.scene = "home";
  event.query = "台灯 lamp";
  event.order_id = "o";
  event.currency = "CNY";
  event.experiment = "b";
  event.seconds = 1.25;
  event.rating = 4.5;
  event.replaces = "none-such";
  return event;
}

Item MakeItem(std::string_view id, std::int64_t second, std::string_view title) {
  Item item;
  item.id = id;
  item.valid_from = {kDay0 + second * kMicrosPerSecond};
  item.title = title;
  return item;
}

Item FullItem() {
  Item item = MakeItem("full", 1, "台灯");
  item.description = "warm light";
  item.brand = "Lumen";
  item.categories = {"home > light", "sale"};
  item.price = 129.5;
  item.currency = "CNY";
  item.stock = 7;
  item.tags = {"new", ""};
  item.image_url = "https://shop.example/lamp.png";
  item.hidden = true;
  item.vectors = {{"text", {0.5F, -1.0F}}, {"empty", {}}};
  item.attributes = {
      {"a", true}, {"b", 2.5}, {"c", std::string("x")}, {"d", std::vector<std::string>{"p", "q"}}};
  return item;
}

Impression MakeImpression(std::string_view request_id, std::string_view subject) {
  Impression impression;
  impression.request_id = request_id;
  impression.ts = {kDay0};
  impression.subject = subject;
  impression.scene = "home";
  impression.route = "recommend";
  impression.model = "sasrec:3";
  impression.fallback = "no_model";
  impression.query = "q";
  impression.items = {{"i1", 0.75, "model:sasrec"}, {"i2", -2, "rule:boost"}};
  impression.history = {{"i9", {kDay0 - 5}, EventType::kCart, 4}};
  impression.personalised = true;
  impression.seconds = 0.002;
  return impression;
}

TEST_P(EventLogContract, NumbersRecordsFromOneWithoutGaps) {
  EXPECT_EQ(log_->LastSequence(), 0U);
  Append({MakeEvent("a", EventType::kView, "u", {"i"}, 1), FullEvent()});
  const Item item = FullItem();
  ASSERT_TRUE(log_->AppendItems({&item, 1}, Soon()).ok());
  const User user{"u", {kDay0}, {{"level", std::string("gold")}}};
  ASSERT_TRUE(log_->AppendUsers({&user, 1}, Soon()).ok());
  const auto records = log_->Read(0, 100);
  ASSERT_TRUE(records.ok());
  ASSERT_EQ(records->size(), 4U);
  for (std::size_t i = 0; i < records->size(); ++i) {
    EXPECT_EQ((*records)[i].sequence, i + 1);
    EXPECT_GT((*records)[i].received.value, kDay0);
  }
  EXPECT_EQ(std::get<Event>((*records)[1].body), FullEvent());
  EXPECT_EQ(std::get<Item>((*records)[2].body), item);
  EXPECT_EQ(std::get<User>((*records)[3].body), user);
  EXPECT_EQ(log_->LastSequence(), 4U);
}

TEST_P(EventLogContract, ReadGivesPages) {
  for (int i = 0; i < 5; ++i) {
    Append({MakeEvent(std::to_string(i), EventType::kView, "u", {"i"}, i)});
  }
  EXPECT_EQ(log_->Read(2, 2)->front().sequence, 3U);
  EXPECT_EQ(log_->Read(2, 2)->size(), 2U);
  EXPECT_EQ(log_->Read(4, 10)->size(), 1U);
  EXPECT_THAT(*log_->Read(5, 10), IsEmpty());
  EXPECT_THAT(*log_->Read(500, 10), IsEmpty());
  EXPECT_THAT(*log_->Read(0, 0), IsEmpty());
}

TEST_P(EventLogContract, AnEventIdCountsOnce) {
  const Event first = MakeEvent("a", EventType::kPurchase, "u", {"i"}, 1);
  const Event other = MakeEvent("b", EventType::kView, "u", {"i"}, 2);
  EXPECT_THAT(Append({first, other, first}), ElementsAre(kNew, kNew, kAgain));
  EXPECT_THAT(Append({other, first}), ElementsAre(kAgain, kAgain));
  Event same_id = MakeEvent("a", EventType::kView, "another", {"j"}, 3);
  EXPECT_THAT(Append({same_id}), ElementsAre(kAgain));
  EXPECT_EQ(log_->LastSequence(), 2U);
  EXPECT_EQ(State("u").events.size(), 2U);
  EXPECT_EQ(log_->GetUserState("another").status().code(), Code::kNotFound);
}

TEST_P(EventLogContract, NothingIsAppendedFromNothingOrFromARowWithoutIds) {
  EXPECT_THAT(Append({}), IsEmpty());
  const std::vector<Event> rows = {MakeEvent("a", EventType::kView, "u", {"i"}, 1),
                                   MakeEvent("", EventType::kView, "u", {"i"}, 1)};
  EXPECT_EQ(log_->AppendEvents(rows, Soon()).status().code(), Code::kInvalidArgument);
  const Event nobody = MakeEvent("b", EventType::kView, "", {"i"}, 1);
  EXPECT_EQ(log_->AppendEvents({&nobody, 1}, Soon()).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(log_->LastSequence(), 0U);
}

TEST_P(EventLogContract, TheNewestItemRowIsCurrent) {
  const std::vector<Item> rows = {MakeItem("a", 10, "new"), MakeItem("a", 5, "old"),
                                  MakeItem("b", 1, "b"), MakeItem("c", 1, "c")};
  ASSERT_TRUE(log_->AppendItems(rows, Soon()).ok());
  EXPECT_EQ(log_->GetItem("a")->title, "new");
  const Item late = MakeItem("a", 7, "late");
  ASSERT_TRUE(log_->AppendItems({&late, 1}, Soon()).ok());
  EXPECT_EQ(log_->GetItem("a")->title, "new");
  const Item same = MakeItem("a", 10, "same moment");
  ASSERT_TRUE(log_->AppendItems({&same, 1}, Soon()).ok());
  EXPECT_EQ(log_->GetItem("a")->title, "same moment");
  EXPECT_EQ(log_->Read(0, 100)->size(), 6U);
  EXPECT_EQ(log_->GetItem("none").status().code(), Code::kNotFound);
}

TEST_P(EventLogContract, ItemsAreListedInPages) {
  const std::vector<Item> rows = {MakeItem("c", 1, "c"), MakeItem("a", 1, "a"),
                                  MakeItem("d", 1, "d"), MakeItem("b", 1, "b")};
  ASSERT_TRUE(log_->AppendItems(rows, Soon()).ok());
  ASSERT_TRUE(log_->DeleteItem("b", Soon()).ok());
  const auto ids = [this](std::string_view cursor, std::size_t limit) {
    std::string text;
    const auto page = log_->ListItems(cursor, limit);
    EXPECT_TRUE(page.ok());
    for (const Item& item : *page) {
      text += item.id;
    }
    return text;
  };
  EXPECT_EQ(ids("", 2), "ac");
  EXPECT_EQ(ids("c", 2), "d");
  EXPECT_EQ(ids("b", 9), "cd");
  EXPECT_EQ(ids("d", 2), "");
}

TEST_P(EventLogContract, ADeletedItemIsGoneUntilANewerRowComes) {
  const Item item = MakeItem("a", 1, "a");
  ASSERT_TRUE(log_->AppendItems({&item, 1}, Soon()).ok());
  ASSERT_TRUE(log_->DeleteItem("a", Soon()).ok());
  EXPECT_EQ(log_->GetItem("a").status().code(), Code::kNotFound);
  EXPECT_EQ(log_->DeleteItem("a", Soon()).code(), Code::kNotFound);
  EXPECT_EQ(log_->DeleteItem("none", Soon()).code(), Code::kNotFound);
  ASSERT_TRUE(log_->AppendItems({&item, 1}, Soon()).ok());  // a late copy of the old row
  EXPECT_EQ(log_->GetItem("a").status().code(), Code::kNotFound);
  Item again = item;
  again.valid_from = {Now().value + kMicrosPerSecond};
  ASSERT_TRUE(log_->AppendItems({&again, 1}, Soon()).ok());
  EXPECT_EQ(log_->GetItem("a")->id, "a");
  const auto deletion = std::get<data::ItemDeletion>(log_->Read(1, 1)->front().body);
  EXPECT_EQ(deletion.id, "a");
}

TEST_P(EventLogContract, AnItemThatOnlyEventsNameCanBeTakenDown) {
  Append({MakeEvent("e", EventType::kView, "u", {"x"}, 1)});
  EXPECT_TRUE(log_->DeleteItem("x", Soon()).ok());
  EXPECT_EQ(log_->DeleteItem("x", Soon()).code(), Code::kNotFound);
}

TEST_P(EventLogContract, UsersAreRowsAndAttributesOfTheState) {
  const std::vector<User> rows = {{"u", {kDay0 + 2}, {{"level", std::string("gold")}}},
                                  {"u", {kDay0 + 1}, {{"level", std::string("none")}}}};
  ASSERT_TRUE(log_->AppendUsers(rows, Soon()).ok());
  EXPECT_EQ(*log_->GetUser("u"), rows[0]);
  EXPECT_EQ(log_->GetUser("v").status().code(), Code::kNotFound);
  EXPECT_EQ(State("u").attributes, rows[0].attributes);
  EXPECT_THAT(State("u").events, IsEmpty());
  Append({MakeEvent("e", EventType::kView, "u", {"i"}, 1)});
  EXPECT_EQ(State("u").attributes, rows[0].attributes);
  EXPECT_EQ(State("u").events.size(), 1U);
}

TEST_P(EventLogContract, ItemNumbersAreStableAndDense) {
  EXPECT_EQ(log_->ItemNumbers(), 0U);
  EXPECT_EQ(Number("x"), 0U);
  Append({MakeEvent("e", EventType::kView, "u", {"y", "x"}, 1)});
  const Item item = MakeItem("z", 1, "z");
  ASSERT_TRUE(log_->AppendItems({&item, 1}, Soon()).ok());
  EXPECT_EQ(log_->FindItem("x"), 0U);
  EXPECT_EQ(log_->FindItem("y"), 1U);
  EXPECT_EQ(log_->FindItem("z"), 2U);
  EXPECT_EQ(log_->FindItem("w"), std::nullopt);
  EXPECT_EQ(log_->ItemNumbers(), 3U);
  EXPECT_EQ(log_->ItemId(1), "y");
  EXPECT_EQ(log_->ItemId(3), "");
  EXPECT_EQ(log_->InternItem("").status().code(), Code::kInvalidArgument);
}

TEST_P(EventLogContract, ImpressionsAreFoundAtOnceAndReadOnceOnDisk) {
  const Impression impression = MakeImpression("r1", "u");
  ASSERT_TRUE(log_->AppendImpression(impression).ok());
  EXPECT_EQ(*log_->GetImpression("r1"), impression);
  EXPECT_EQ(log_->GetImpression("r2").status().code(), Code::kNotFound);
  EXPECT_EQ(log_->AppendImpression({}).code(), Code::kInvalidArgument);
  Append({MakeEvent("e", EventType::kView, "u", {"i"}, 1)});
  const auto records = log_->Read(0, 10);
  ASSERT_EQ(records->size(), 2U);
  EXPECT_EQ(std::get<Impression>(records->front().body), impression);
  EXPECT_EQ(*log_->GetImpression("r1"), impression);
}

TEST_P(EventLogContract, ALonelyImpressionComesToDiskByItself) {
  ASSERT_TRUE(log_->AppendImpression(MakeImpression("r1", "")).ok());
  WaitForSequence(1);
  EXPECT_EQ(log_->Read(0, 10)->size(), 1U);
}

TEST_P(EventLogContract, TheNewestImpressionOfARequestStays) {
  ASSERT_TRUE(log_->AppendImpression(MakeImpression("r1", "u")).ok());
  const Impression second = MakeImpression("r1", "v");
  ASSERT_TRUE(log_->AppendImpression(second).ok());
  EXPECT_EQ(*log_->GetImpression("r1"), second);
  WaitForSequence(2);
  const auto records = log_->Read(0, 10);
  ASSERT_EQ(records->size(), 1U);
  EXPECT_EQ(records->front().sequence, 2U);
}

TEST_P(EventLogContract, AUsersEventsAreReadNewestFirstInPages) {
  for (int i = 1; i <= 5; ++i) {
    Append({MakeEvent("u" + std::to_string(i), EventType::kView, "u", {"i"}, 10 - i),
            MakeEvent("v" + std::to_string(i), EventType::kView, "v", {"i"}, i)});
  }
  const auto ids = [this](std::size_t limit, std::string_view cursor) {
    std::string text;
    const auto page = log_->ReadUserEvents("u", limit, cursor);
    EXPECT_TRUE(page.ok()) << page.status().ToString();
    for (const Event& event : *page) {
      text += event.event_id + " ";
    }
    return text;
  };
  EXPECT_EQ(ids(2, ""), "u5 u4 ");
  EXPECT_EQ(ids(2, "u4"), "u3 u2 ");
  EXPECT_EQ(ids(9, "u2"), "u1 ");
  EXPECT_EQ(ids(9, "u1"), "");
  EXPECT_EQ(log_->ReadUserEvents("u", 9, "v1").status().code(), Code::kInvalidArgument);
  EXPECT_EQ(log_->ReadUserEvents("u", 9, "none").status().code(), Code::kInvalidArgument);
  EXPECT_THAT(*log_->ReadUserEvents("stranger", 9, ""), IsEmpty());
}

TEST_P(EventLogContract, ErasureRemovesEveryRecordOfTheUser) {
  Event anonymous = MakeEvent("a1", EventType::kView, "", {"i"}, 1);
  anonymous.anonymous_id = "cookie";
  Event identify = MakeEvent("id", EventType::kIdentify, "u", {}, 2);
  identify.anonymous_id = "cookie";
  const Event purchase = MakeEvent("p", EventType::kPurchase, "u", {"i"}, 3);
  Append({anonymous, identify, purchase, MakeEvent("o", EventType::kView, "other", {"i"}, 4)});
  const User row{"u", {kDay0}, {}};
  ASSERT_TRUE(log_->AppendUsers({&row, 1}, Soon()).ok());
  ASSERT_TRUE(log_->AppendImpression(MakeImpression("r", "u")).ok());
  WaitForSequence(6);

  const auto removed = log_->EraseUser("u", Soon());
  ASSERT_TRUE(removed.ok()) << removed.status().ToString();
  EXPECT_EQ(*removed, 5U);
  for (const char* id : {"u", "cookie"}) {
    EXPECT_EQ(log_->GetUserState(id).status().code(), Code::kNotFound) << id;
    EXPECT_THAT(*log_->ReadUserEvents(id, 10, ""), IsEmpty());
  }
  EXPECT_EQ(log_->GetUser("u").status().code(), Code::kNotFound);
  EXPECT_EQ(log_->GetImpression("r").status().code(), Code::kNotFound);
  EXPECT_EQ(State("other").events.size(), 1U);

  std::set<std::string> erased;
  const auto records = log_->Read(0, 100);
  for (const data::LogRecord& record : *records) {
    if (const auto* erasure = std::get_if<data::UserErasure>(&record.body)) {
      erased.insert(erasure->subject);
    } else {
      EXPECT_EQ(std::get<Event>(record.body).event_id, "o");
    }
  }
  EXPECT_THAT(erased, ElementsAre("cookie", "u"));
  EXPECT_EQ(log_->LastSequence(), 8U);

  // A late retry of an erased event stays out; new events start a new user.
  EXPECT_THAT(Append({purchase}), ElementsAre(kAgain));
  Append({MakeEvent("new", EventType::kView, "u", {"i"}, 9)});
  EXPECT_EQ(State("u").events.size(), 1U);
}

TEST_P(EventLogContract, ErasingAnIdentifiedVisitorErasesTheUser) {
  Event identify = MakeEvent("id", EventType::kIdentify, "u", {}, 2);
  identify.anonymous_id = "cookie";
  Append({identify, MakeEvent("p", EventType::kPurchase, "u", {"i"}, 3)});
  EXPECT_EQ(*log_->EraseUser("cookie", Soon()), 2U);
  EXPECT_EQ(log_->GetUserState("u").status().code(), Code::kNotFound);
}

TEST_P(EventLogContract, ErasingAStrangerLeavesATombstone) {
  EXPECT_EQ(*log_->EraseUser("stranger", Soon()), 0U);
  EXPECT_EQ(std::get<data::UserErasure>(log_->Read(0, 9)->front().body).subject, "stranger");
  EXPECT_EQ(log_->EraseUser("", Soon()).status().code(), Code::kInvalidArgument);
}

TEST_P(EventLogContract, DroppedRecordsAreGoneAndStatesStay) {
  Append({MakeEvent("a", EventType::kPurchase, "u", {"i"}, 1),
          MakeEvent("b", EventType::kView, "u", {"j"}, 2)});
  Append({MakeEvent("c", EventType::kView, "u", {"k"}, 3)});
  ASSERT_TRUE(log_->DropThrough(2).ok());
  EXPECT_EQ(log_->Read(0, 10)->front().sequence, 3U);
  EXPECT_EQ(log_->Read(0, 10)->size(), 1U);
  EXPECT_EQ(log_->LastSequence(), 3U);
  EXPECT_EQ(Events("u"), "i:purchase:0 j:view:1 k:view:2");
  EXPECT_THAT(Append({MakeEvent("a", EventType::kPurchase, "u", {"i"}, 1)}), ElementsAre(kAgain));
  EXPECT_EQ(log_->ReadUserEvents("u", 10, "")->size(), 1U);
  Event returned = MakeEvent("r", EventType::kReturn, "u", {"i"}, 4);
  Append({returned});
  EXPECT_EQ(Bought("u"), "");
  Event replacing = MakeEvent("s", EventType::kView, "u", {"m"}, 5);
  replacing.replaces = "b";
  Append({replacing});
  EXPECT_EQ(Events("u"), "k:view:0 m:view:1");
  EXPECT_EQ(log_->DropThrough(99).code(), Code::kInvalidArgument);
  ASSERT_TRUE(log_->DropThrough(5).ok());
  EXPECT_THAT(*log_->Read(0, 10), IsEmpty());
  Append({MakeEvent("d", EventType::kView, "u", {"k"}, 3)});
  EXPECT_EQ(log_->Read(0, 10)->front().sequence, 6U);
}

/// A moment after everything that was received so far.
Micros NextMicrosecond() {
  const Micros before = Now();
  Micros now = Now();
  while (!(before < now)) {
    now = Now();
  }
  return now;
}

TEST_P(EventLogContract, OnlyWhatIsOldAndTakenInIsDropped) {
  Append({MakeEvent("a", EventType::kView, "u", {"i"}, 1),
          MakeEvent("b", EventType::kView, "gone", {"i"}, 2)});
  ASSERT_TRUE(log_->EraseUser("gone", Soon()).ok());
  const Micros between = NextMicrosecond();
  Append({MakeEvent("c", EventType::kView, "u", {"i"}, 3)});
  const std::uint64_t last = log_->LastSequence();
  EXPECT_EQ(*DropTaken(*log_, 0, Now()), 0U);
  EXPECT_EQ(*DropTaken(*log_, last, {0}), 0U);
  EXPECT_EQ(log_->Read(0, 10)->front().sequence, 1U);
  EXPECT_EQ(*DropTaken(*log_, 1, Now()), 1U);
  EXPECT_EQ(*DropTaken(*log_, last, between), last - 1);
  EXPECT_EQ(log_->Read(0, 10)->size(), 1U);
  EXPECT_EQ(*DropTaken(*log_, last, between), 0U);  // nothing more
  EXPECT_EQ(*DropTaken(*log_, last, NextMicrosecond()), last);
  EXPECT_THAT(*log_->Read(0, 10), IsEmpty());
}

TEST_P(EventLogContract, TheListenerHearsEveryRecordInOrder) {
  std::vector<std::uint64_t> heard;
  log_->SetListener([&heard](const data::LogRecord& record) { heard.push_back(record.sequence); });
  Append({MakeEvent("a", EventType::kView, "u", {"i"}, 1),
          MakeEvent("b", EventType::kView, "u", {"i"}, 1)});
  EXPECT_THAT(heard, ElementsAre(1, 2));  // before the append returned
  Append({MakeEvent("a", EventType::kView, "u", {"i"}, 1)});
  ASSERT_TRUE(log_->AppendImpression(MakeImpression("r", "u")).ok());
  const Item item = MakeItem("i", 1, "i");
  ASSERT_TRUE(log_->AppendItems({&item, 1}, Soon()).ok());
  ASSERT_TRUE(log_->DeleteItem("i", Soon()).ok());
  ASSERT_TRUE(log_->EraseUser("u", Soon()).ok());
  EXPECT_THAT(heard, ElementsAre(1, 2, 4, 5, 6));
  log_->SetListener(nullptr);
  Append({MakeEvent("c", EventType::kView, "u", {"i"}, 1)});
  EXPECT_EQ(heard.size(), 5U);
}

TEST_P(EventLogContract, ConcurrentAppendersCountEveryEventOnce) {
  constexpr int kThreads = 4;
  constexpr int kEvents = 40;
  std::atomic<int> accepted{0};
  std::vector<std::uint64_t> heard;
  log_->SetListener([&heard](const data::LogRecord& record) { heard.push_back(record.sequence); });
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([this, t, &accepted] {
        for (int i = 0; i < kEvents; ++i) {
          // Everyone sends the shared event; one is new, the others are duplicates.
          const std::vector<Event> rows = {
              MakeEvent("shared" + std::to_string(i), EventType::kPurchase, "shared", {"s"}, i),
              MakeEvent(std::to_string(t) + "-" + std::to_string(i), EventType::kView,
                        "u" + std::to_string(t), {"i"}, i)};
          const auto verdicts = log_->AppendEvents(rows, Soon());
          ASSERT_TRUE(verdicts.ok()) << verdicts.status().ToString();
          for (const AppendVerdict verdict : *verdicts) {
            accepted += verdict == kNew ? 1 : 0;
          }
          ASSERT_TRUE(log_->GetUserState("shared").ok());
        }
      });
    }
  }
  EXPECT_EQ(accepted, kEvents + kThreads * kEvents);
  EXPECT_EQ(log_->LastSequence(), static_cast<std::uint64_t>(accepted));
  EXPECT_EQ(heard.size(), static_cast<std::size_t>(accepted));
  EXPECT_TRUE(std::is_sorted(heard.begin(), heard.end()));
  EXPECT_EQ(State("shared").events.size(), static_cast<std::size_t>(kEvents));
  for (int t = 0; t < kThreads; ++t) {
    EXPECT_EQ(State("u" + std::to_string(t)).events.size(), static_cast<std::size_t>(kEvents));
  }
}

}  // namespace
}  // namespace vitrine::contract
