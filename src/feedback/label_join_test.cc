#include "feedback/label_join.h"

#include <random>
#include <set>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace vitrine::feedback {
namespace {

constexpr std::int64_t kSecond = kMicrosPerSecond;
constexpr std::int64_t kDay = kMicrosPerDay;

/// Records in the order in which they are added.
struct Log {
  std::vector<data::LogRecord> records;

  void Add(data::LogBody body, std::int64_t received) {
    records.push_back({records.size() + 1, Micros{received}, std::move(body)});
  }
  void Show(const std::string& request, const std::string& subject, std::int64_t ts,
            const std::vector<std::string>& items) {
    Impression impression;
    impression.request_id = request;
    impression.subject = subject;
    impression.ts = Micros{ts};
    impression.scene = "home";
    impression.model = "m:1";
    for (const auto& item : items) impression.items.push_back({item, 0.5, "model:m"});
    Add(impression, ts);
  }
  Event& Do(EventType type, const std::string& user, std::int64_t ts, const std::string& item,
            const std::string& request = "", std::int64_t delay = 0) {
    Event event;
    event.event_id = "e" + std::to_string(records.size());
    event.type = type;
    event.user_id = user;
    event.ts = Micros{ts};
    event.items.push_back({item, -1, 2, 10});
    event.request_id = request;
    Add(event, ts + delay);
    return std::get<Event>(records.back().body);
  }
  LabelResult Join(std::int64_t as_of = 10 * kDay) const {
    return JoinLabels(records, {.as_of = Micros{as_of}});
  }
};

const Example& Of(const LabelResult& result, const std::string& request, const std::string& item) {
  for (const Example& e : result.examples) {
    if (e.request_id == request && e.item_id == item) return e;
  }
  static const Example kNone;
  ADD_FAILURE() << "no example " << request << " " << item;
  return kNone;
}

TEST(LabelJoinTest, ShownItemsBecomeExamplesWithAndWithoutLabels) {
  Log log;
  log.Show("r1", "u", 0, {"a", "b"});
  log.Do(EventType::kClick, "u", kSecond, "b", "r1");
  log.Do(EventType::kPurchase, "u", 2 * kSecond, "b");
  const auto result = log.Join();
  ASSERT_EQ(result.examples.size(), 2U);
  const Example& a = Of(result, "r1", "a");
  const Example& b = Of(result, "r1", "b");
  EXPECT_FALSE(a.clicked || a.purchased);
  EXPECT_EQ(a.position, 0);
  EXPECT_TRUE(b.clicked && b.purchased);
  EXPECT_EQ(b.revenue, 20);
  EXPECT_EQ(b.score, 0.5);
  EXPECT_EQ(b.source, "model:m");
  EXPECT_EQ(result.counts.labels, 2U);
  EXPECT_EQ(result.counts.ripe, 1U);
  EXPECT_EQ(result.resume_from, 4U);
}

TEST(LabelJoinTest, WindowsByTypeAndLateArrivalsStillCount) {
  Log log;
  log.Show("r1", "u", 0, {"a", "b", "c"});
  log.Do(EventType::kClick, "u", 31 * 60 * kSecond, "a");
  log.Do(EventType::kPurchase, "u", kDay - 1, "b", "", 3 * kDay);
  log.Do(EventType::kPurchase, "u", kDay + 1, "c", "r1");
  const auto result = log.Join();
  EXPECT_FALSE(Of(result, "r1", "a").clicked);
  EXPECT_TRUE(Of(result, "r1", "b").purchased);
  EXPECT_FALSE(Of(result, "r1", "c").purchased);
  EXPECT_EQ(result.counts.late, 1U);
  EXPECT_EQ(result.counts.unjoined, 2U);
}

TEST(LabelJoinTest, OpenAnswersWaitForTheNextRun) {
  Log log;
  log.Show("old", "u", 0, {"a"});
  log.Show("open", "u", kDay, {"a"});
  log.Show("newest", "u", 2 * kDay - 5, {"a"});
  const auto result = log.Join(2 * kDay);
  EXPECT_EQ(result.examples.size(), 1U);
  EXPECT_EQ(result.resume_from, 2U);
  EXPECT_EQ(JoinLabels(log.records, {}).counts.ripe, 1U) << "as_of: the newest time";
}

TEST(LabelJoinTest, AReturnTakesItsOrderBack) {
  Log log;
  log.Show("r1", "u", 0, {"a"});
  log.Show("r2", "u", 100, {"a"});
  log.Do(EventType::kPurchase, "u", 50, "a").order_id = "o1";
  log.Do(EventType::kPurchase, "u", 200, "a").order_id = "o2";
  log.Do(EventType::kReturn, "u", 5 * kDay, "a").order_id = "o1";
  const auto result = log.Join();
  EXPECT_FALSE(Of(result, "r1", "a").purchased);
  EXPECT_TRUE(Of(result, "r1", "a").returned);
  EXPECT_EQ(Of(result, "r1", "a").revenue, 0);
  EXPECT_TRUE(Of(result, "r2", "a").purchased);
  EXPECT_EQ(result.counts.reversed, 1U);
}

TEST(LabelJoinTest, AReturnWithoutAnOrderTakesTheNewestBack) {
  Log log;
  log.Show("r1", "u", 0, {"a"});
  log.Show("r2", "u", 100, {"a"});
  log.Do(EventType::kPurchase, "u", 50, "a").order_id = "z";
  log.Do(EventType::kPurchase, "u", 200, "a").order_id = "b";
  log.Do(EventType::kReturn, "u", 300, "a");
  log.Do(EventType::kReturn, "somebody", 300, "a");
  const auto result = log.Join();
  EXPECT_TRUE(Of(result, "r1", "a").purchased);
  EXPECT_TRUE(Of(result, "r2", "a").returned);
  EXPECT_EQ(result.counts.reversed, 1U);
}

TEST(LabelJoinTest, APartReturnLeavesTheOtherPurchase) {
  Log log;
  log.Show("r1", "u", 0, {"a"});
  log.Do(EventType::kPurchase, "u", 50, "a").order_id = "o1";
  log.Do(EventType::kPurchase, "u", 60, "a").order_id = "o2";
  log.Do(EventType::kReturn, "u", 70, "a").order_id = "o2";
  const auto result = log.Join();
  EXPECT_TRUE(Of(result, "r1", "a").purchased);
  EXPECT_FALSE(Of(result, "r1", "a").returned);
  EXPECT_EQ(Of(result, "r1", "a").revenue, 20);
}

TEST(LabelJoinTest, AReturnThatArrivesBeforeItsPurchaseStillReversesIt) {
  Log log;
  log.Show("r1", "u", 0, {"a"});
  log.Do(EventType::kReturn, "u", 60, "a").order_id = "o1";
  log.Do(EventType::kPurchase, "u", 50, "a", "", kDay).order_id = "o1";
  EXPECT_TRUE(Of(log.Join(), "r1", "a").returned);
}

TEST(LabelJoinTest, ReplacedAndRepeatedEventsDoNotCount) {
  Log log;
  log.Show("r1", "u", 0, {"a", "b"});
  log.Do(EventType::kPurchase, "u", 1, "a").event_id = "x";
  log.Do(EventType::kPurchase, "u", 1, "a").event_id = "x";
  Event& correction = log.Do(EventType::kPurchase, "u", 2, "b");
  correction.replaces = "x";
  const auto result = log.Join();
  EXPECT_FALSE(Of(result, "r1", "a").purchased);
  EXPECT_TRUE(Of(result, "r1", "b").purchased);
  EXPECT_EQ(result.counts.replaced, 2U);
}

TEST(LabelJoinTest, AnonymousAndUserAreOneShopper) {
  Log log;
  log.Show("r1", "device", 0, {"a"});
  Event& identify = log.Do(EventType::kIdentify, "u", 1, "");
  identify.anonymous_id = "device";
  identify.items.clear();
  log.Do(EventType::kPurchase, "u", 2, "a");
  const auto result = log.Join();
  EXPECT_TRUE(Of(result, "r1", "a").purchased);
  EXPECT_EQ(Of(result, "r1", "a").subject, "u");
}

TEST(LabelJoinTest, AnErasedShopperLeavesNoExample) {
  Log log;
  log.Show("r1", "u", 0, {"a"});
  log.Do(EventType::kClick, "u", 1, "a");
  log.Add(data::UserErasure{"u", Micros{2}}, 2);
  log.Show("r2", "u", 3, {"a"});
  const auto result = log.Join();
  ASSERT_EQ(result.examples.size(), 1U);
  EXPECT_EQ(result.examples[0].request_id, "r2");
  EXPECT_FALSE(result.examples[0].clicked);
}

TEST(LabelJoinTest, OtherLabels) {
  Log log;
  log.Show("r1", "u", 0, {"a", "b", "c"});
  log.Do(EventType::kDwell, "u", 1, "a").seconds = 4;
  log.Do(EventType::kDwell, "u", 2, "a").seconds = 3;
  log.Do(EventType::kHide, "u", 3, "b");
  log.Do(EventType::kCart, "u", 4, "c");
  log.Do(EventType::kSearch, "u", 4, "c");
  const auto result = log.Join();
  EXPECT_EQ(Of(result, "r1", "a").dwell_seconds, 7);
  EXPECT_TRUE(Of(result, "r1", "b").disliked);
  EXPECT_TRUE(Of(result, "r1", "c").carted);
}

TEST(LabelJoinTest, EachKindOfEventIsToldApart) {
  Log log;
  log.Show("r1", "u", 0, {"a", "b", "c"});
  log.Do(EventType::kView, "u", kSecond, "a", "r1");
  log.Do(EventType::kPurchase, "u", 2 * kSecond, "a").order_id = "o";
  log.Do(EventType::kPurchase, "u", 2 * kSecond, "b").order_id = "o";
  log.Do(EventType::kReturn, "u", 3 * kSecond, "b").order_id = "o";
  const auto result = log.Join();
  const auto labelled = [&result](const std::string& item, EventType type) {
    return IsLabelled(Of(result, "r1", item), {type});
  };
  EXPECT_TRUE(labelled("a", EventType::kView));
  EXPECT_FALSE(labelled("a", EventType::kClick));  // though it counts as clicked
  EXPECT_TRUE(labelled("a", EventType::kPurchase));
  EXPECT_FALSE(labelled("b", EventType::kPurchase));  // brought back
  EXPECT_TRUE(IsLabelled(Of(result, "r1", "a"), {EventType::kCart, EventType::kView}));
  EXPECT_FALSE(IsLabelled(Of(result, "r1", "c"), {EventType::kCart, EventType::kView}));
}

TEST(LabelJoinTest, APlaceThatIsNotKnownGivesNoExample) {
  Log log;
  log.Show("r1", "u", 0, {"a", "", "b"});
  const auto result = log.Join();
  ASSERT_EQ(result.examples.size(), 2U);
  EXPECT_EQ(Of(result, "r1", "b").position, 2);
}

TEST(LabelJoinTest, NothingGivesNothing) {
  EXPECT_TRUE(JoinLabels({}, {}).examples.empty());
  EXPECT_EQ(JoinLabels({}, {}).resume_from, 0U);
}

/// Each event looks at every answer: the slow way to the same labels.
TEST(LabelJoinTest, EqualsTheOracleOnRandomLogs) {
  for (unsigned seed = 1; seed <= 30; ++seed) {
    std::mt19937 random(seed);
    Log log;
    std::vector<Impression> shown;
    std::int64_t now = 0;
    for (int step = 0; step < 300; ++step) {
      now += static_cast<std::int64_t>(random() % (600 * kSecond));
      const std::string user = "u" + std::to_string(random() % 5);
      if (random() % 3 == 0) {
        std::vector<std::string> items;
        for (unsigned i = 0; i < 4; ++i)
          items.push_back("i" + std::to_string((random() % 4) * 4 + i));
        log.Show("r" + std::to_string(step), user, now, items);
        shown.push_back(std::get<Impression>(log.records.back().body));
      } else {
        const std::string request =
            random() % 2 == 0 && !shown.empty() ? shown[random() % shown.size()].request_id : "";
        log.Do(random() % 2 == 0 ? EventType::kClick : EventType::kPurchase, user, now,
               "i" + std::to_string(random() % 16), request);
      }
    }
    std::set<std::tuple<std::string, std::string, EventType>> labels;
    for (const auto& record : log.records) {
      const auto* event = std::get_if<Event>(&record.body);
      if (event == nullptr) continue;
      const std::int64_t window = event->type == EventType::kClick ? 1800 * kSecond : kDay;
      const Impression* best = nullptr;
      for (const auto& answer : shown) {
        bool has = false;
        for (const auto& item : answer.items) has |= item.item_id == event->items[0].item_id;
        const bool mine = event->request_id.empty() ? answer.subject == event->user_id
                                                    : answer.request_id == event->request_id;
        if (has && mine &&
            event->ts.value >= answer.ts.value - (event->request_id.empty() ? 0 : 5 * kSecond) &&
            event->ts.value <= answer.ts.value + window &&
            (best == nullptr || answer.ts >= best->ts)) {
          best = &answer;
        }
      }
      if (best != nullptr) labels.emplace(best->request_id, event->items[0].item_id, event->type);
    }
    const auto result = log.Join(now + 2 * kDay);
    std::size_t found = 0;
    for (const Example& e : result.examples) {
      EXPECT_EQ(e.clicked, labels.contains({e.request_id, e.item_id, EventType::kClick}));
      EXPECT_EQ(e.purchased, labels.contains({e.request_id, e.item_id, EventType::kPurchase}));
      found += (e.clicked ? 1U : 0U) + (e.purchased ? 1U : 0U);
    }
    EXPECT_EQ(found, labels.size());
    EXPECT_GT(found, 5U);
  }
}

TEST(ExampleTest, IsOneLineOfJson) {
  Log log;
  log.Show("r1", "u", 0, {"a"});
  const std::string line = ToJsonLine(log.Join().examples.at(0));
  EXPECT_EQ(line.back(), '\n');
  const auto json = nlohmann::json::parse(line);
  EXPECT_EQ(json.at("item_id"), "a");
  EXPECT_EQ(json.at("purchased"), false);
}

}  // namespace
}  // namespace vitrine::feedback
