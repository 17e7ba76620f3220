// What events do to a user's state: returns, replacements, identification, loaded snapshots.

#include <gtest/gtest.h>

#include <random>

#include "adapters/memory/memory_event_log.h"
#include "event_log_contract.h"

namespace vitrine::contract {
namespace {

using data::StateEvent;
using data::UserState;

Event InOrder(Event event, std::string_view order_id, double quantity = 1) {
  event.order_id = order_id;
  for (EventItem& item : event.items) {
    item.quantity = quantity;
  }
  return event;
}

Event Visitor(Event event, std::string_view anonymous_id) {
  event.user_id.clear();
  event.anonymous_id = anonymous_id;
  return event;
}

Event Identify(std::string_view id, std::string_view user, std::string_view anonymous_id,
               std::int64_t second) {
  Event event = MakeEvent(id, EventType::kIdentify, user, {}, second);
  event.anonymous_id = anonymous_id;
  return event;
}

TEST_P(EventLogContract, AStrangerHasNoState) {
  EXPECT_EQ(log_->GetUserState("stranger").status().code(), Code::kNotFound);
}

TEST_P(EventLogContract, TheStateHoldsEventsByTimeWithTheirBaskets) {
  Append({MakeEvent("1", EventType::kView, "u", {"a"}, 10),
          InOrder(MakeEvent("2", EventType::kPurchase, "u", {"b", "c"}, 30), "o1"),
          MakeEvent("3", EventType::kCart, "u", {"d"}, 20)});
  Append({InOrder(MakeEvent("4", EventType::kPurchase, "u", {"e"}, 31), "o1"),
          MakeEvent("5", EventType::kLike, "u", {"f"}, 40),
          MakeEvent("6", EventType::kShare, "u", {"g"}, 40),
          MakeEvent("7", EventType::kImpression, "u", {"h"}, 50),
          MakeEvent("8", EventType::kSearch, "u", {}, 50)});
  EXPECT_EQ(Events("u"),
            "a:view:0 d:cart:1 b:purchase:2 c:purchase:2 e:purchase:2 f:like:3 g:share:3");
  EXPECT_EQ(Bought("u"), "b c e");
  EXPECT_EQ(Hidden("u"), "");
}

TEST_P(EventLogContract, HiddenAndBoughtAreSortedAndDistinct) {
  Append({MakeEvent("1", EventType::kHide, "u", {"b"}, 1),
          MakeEvent("2", EventType::kHide, "u", {"a", "b"}, 2),
          MakeEvent("3", EventType::kPurchase, "u", {"c", "a"}, 3),
          MakeEvent("4", EventType::kPurchase, "u", {"a"}, 4)});
  EXPECT_EQ(Hidden("u"), "b a");  // by number
  EXPECT_EQ(Bought("u"), "a c");
}

TEST_P(EventLogContract, TheStateKeepsTheNewestEventsAndEveryPurchase) {
  std::vector<Event> rows;
  for (int i = 0; i < 600; ++i) {
    const std::string item = "i" + std::to_string(i);
    rows.push_back(MakeEvent(std::to_string(i), EventType::kPurchase, "u", {item.c_str()}, i));
  }
  ASSERT_TRUE(log_->AppendEvents(rows, Soon()).ok());
  const UserState state = State("u");
  ASSERT_EQ(state.events.size(), data::kMaxStateEvents);
  EXPECT_EQ(state.events.front().ts, rows[600 - data::kMaxStateEvents].ts);
  EXPECT_EQ(state.events.back().ts, rows.back().ts);
  EXPECT_EQ(state.bought.size(), 600U);
}

TEST_P(EventLogContract, AReturnReversesThePurchaseOfItsOrder) {
  Append({InOrder(MakeEvent("1", EventType::kPurchase, "u", {"a", "b"}, 1), "o1"),
          InOrder(MakeEvent("2", EventType::kPurchase, "u", {"a"}, 2), "o2"),
          InOrder(MakeEvent("3", EventType::kReturn, "u", {"a"}, 3), "o1")});
  EXPECT_EQ(Events("u"), "b:purchase:0 a:purchase:1");
  EXPECT_EQ(Bought("u"), "a b");
  Append({InOrder(MakeEvent("4", EventType::kReturn, "u", {"a"}, 4), "o2")});
  EXPECT_EQ(Events("u"), "b:purchase:0");
  EXPECT_EQ(Bought("u"), "b");
}

TEST_P(EventLogContract, AReturnOfAnotherOrderReversesNothing) {
  Append({InOrder(MakeEvent("1", EventType::kPurchase, "u", {"a"}, 1), "o1"),
          InOrder(MakeEvent("2", EventType::kReturn, "u", {"a"}, 2), "o9"),
          InOrder(MakeEvent("3", EventType::kReturn, "u", {"b"}, 2), "o1")});
  EXPECT_EQ(Bought("u"), "a");
}

TEST_P(EventLogContract, APartlyReturnedPurchaseStays) {
  Append({InOrder(MakeEvent("1", EventType::kPurchase, "u", {"a"}, 1), "o1", 3),
          InOrder(MakeEvent("2", EventType::kReturn, "u", {"a"}, 2), "o1", 2)});
  EXPECT_EQ(Events("u"), "a:purchase:0");
  Append({InOrder(MakeEvent("3", EventType::kReturn, "u", {"a"}, 3), "o1", 1)});
  EXPECT_EQ(Events("u"), "");
  EXPECT_EQ(Bought("u"), "");
}

TEST_P(EventLogContract, AReturnWithoutAnOrderTakesTheNewestPurchase) {
  Append({InOrder(MakeEvent("1", EventType::kPurchase, "u", {"a"}, 1), "o1"),
          InOrder(MakeEvent("2", EventType::kPurchase, "u", {"a"}, 2), "o2"),
          MakeEvent("3", EventType::kReturn, "u", {"a"}, 3)});
  ASSERT_EQ(State("u").events.size(), 1U);
  EXPECT_EQ(State("u").events[0].ts.value, kDay0 + kMicrosPerSecond);
}

TEST_P(EventLogContract, AReturnThatComesFirstStillCounts) {
  Append({InOrder(MakeEvent("2", EventType::kReturn, "u", {"a"}, 2), "o1"),
          InOrder(MakeEvent("1", EventType::kPurchase, "u", {"a"}, 1), "o1")});
  EXPECT_EQ(Bought("u"), "");
}

TEST_P(EventLogContract, AReplacementTakesTheEarlierEventBack) {
  Append({MakeEvent("1", EventType::kPurchase, "u", {"a"}, 1),
          MakeEvent("2", EventType::kHide, "u", {"h"}, 2)});
  Event corrected = MakeEvent("3", EventType::kPurchase, "u", {"b"}, 1);
  corrected.replaces = "1";
  Event unhide = MakeEvent("4", EventType::kView, "u", {"h"}, 3);
  unhide.replaces = "2";
  Append({corrected, unhide});
  EXPECT_EQ(Events("u"), "b:purchase:0 h:view:1");
  EXPECT_EQ(Bought("u"), "b");
  EXPECT_EQ(Hidden("u"), "");
  Event again = MakeEvent("5", EventType::kPurchase, "u", {"c"}, 1);
  again.replaces = "1";  // a second replacement of the same event takes nothing more back
  Append({again});
  EXPECT_EQ(Bought("u"), "b c");
}

TEST_P(EventLogContract, AReplacementMayComeBeforeWhatItReplaces) {
  Event corrected = MakeEvent("2", EventType::kPurchase, "u", {"b"}, 1);
  corrected.replaces = "1";
  Append({corrected});
  const Event late = MakeEvent("1", EventType::kPurchase, "u", {"a"}, 1);
  EXPECT_EQ(Append({late}), std::vector{data::AppendVerdict::kAccepted});
  EXPECT_EQ(Append({late}), std::vector{data::AppendVerdict::kDuplicate});
  EXPECT_EQ(Bought("u"), "b");
  EXPECT_EQ(log_->LastSequence(), 2U);
}

TEST_P(EventLogContract, AReplacedReturnGivesThePurchaseBack) {
  Append({InOrder(MakeEvent("1", EventType::kPurchase, "u", {"a"}, 1), "o1"),
          InOrder(MakeEvent("2", EventType::kReturn, "u", {"a"}, 2), "o1")});
  Event mistake = MakeEvent("3", EventType::kView, "u", {"a"}, 3);
  mistake.replaces = "2";
  Append({mistake});
  EXPECT_EQ(Bought("u"), "a");
}

TEST_P(EventLogContract, AReplacementReachesAnotherUsersEvent) {
  Append({MakeEvent("1", EventType::kPurchase, "wrong", {"a"}, 1)});
  Event corrected = MakeEvent("2", EventType::kPurchase, "right", {"a"}, 1);
  corrected.replaces = "1";
  Append({corrected});
  EXPECT_EQ(Bought("wrong"), "");
  EXPECT_EQ(Bought("right"), "a");
}

TEST_P(EventLogContract, IdentifyJoinsTheVisitorToTheUser) {
  Append({Visitor(MakeEvent("1", EventType::kPurchase, "", {"a"}, 1), "cookie"),
          MakeEvent("2", EventType::kView, "u", {"b"}, 2)});
  EXPECT_EQ(Events("cookie"), "a:purchase:0");
  Append({Identify("3", "u", "cookie", 3)});
  EXPECT_EQ(Events("u"), "a:purchase:0 b:view:1");
  EXPECT_EQ(Events("cookie"), Events("u"));
  Append({Visitor(MakeEvent("4", EventType::kView, "", {"c"}, 4), "cookie")});
  EXPECT_EQ(Events("u"), "a:purchase:0 b:view:1 c:view:2");
  EXPECT_EQ(log_->ReadUserEvents("u", 10, "")->size(), 4U);
  EXPECT_EQ(log_->ReadUserEvents("cookie", 2, "")->size(), 2U);
  // What the visitor did before can still be returned and replaced.
  Append({MakeEvent("5", EventType::kReturn, "u", {"a"}, 5)});
  EXPECT_EQ(Bought("u"), "");
}

TEST_P(EventLogContract, IdentifyWorksInsideOneCall) {
  Append({Visitor(MakeEvent("1", EventType::kView, "", {"a"}, 1), "x"), Identify("2", "y", "x", 2),
          Identify("3", "u", "y", 3),
          Visitor(MakeEvent("4", EventType::kView, "", {"b"}, 4), "y")});
  EXPECT_EQ(Events("u"), "a:view:0 b:view:1");
  EXPECT_EQ(log_->ReadUserEvents("u", 10, "")->size(), 4U);
  EXPECT_EQ(*log_->EraseUser("u", Soon()), 4U);
}

TEST_P(EventLogContract, IdentifyAsOneselfChangesNothing) {
  Append({MakeEvent("1", EventType::kView, "u", {"a"}, 1), Identify("2", "u", "u", 2)});
  EXPECT_EQ(Events("u"), "a:view:0");
}

UserState Loaded(std::vector<StateEvent> events, std::vector<data::ItemNumber> bought,
                 std::vector<data::ItemNumber> hidden) {
  return {std::move(events), std::move(bought), std::move(hidden), {}};
}

TEST_P(EventLogContract, LoadedStatesReplaceWhatWasKnown) {
  const auto a = Number("a");
  const auto b = Number("b");
  Append({MakeEvent("1", EventType::kPurchase, "u", {"c"}, 1)});
  const UserState state = Loaded(
      {{a, {kDay0}, EventType::kView, 7}, {b, {kDay0 + 5}, EventType::kPurchase, 8}}, {a, b}, {a});
  const std::vector<std::pair<std::string, UserState>> states = {{"u", state}, {"v", state}};
  ASSERT_TRUE(log_->LoadUserStates(states).ok());
  for (const char* id : {"u", "v"}) {
    EXPECT_EQ(State(id).events, state.events);
    EXPECT_EQ(State(id).bought, state.bought);
    EXPECT_EQ(State(id).hidden, state.hidden);
  }
  EXPECT_EQ(log_->LastSequence(), 1U);
  Append({MakeEvent("2", EventType::kView, "v", {"c"}, 100)});
  EXPECT_EQ(Events("v"), "a:view:7 b:purchase:8 c:view:9");
  Append({InOrder(MakeEvent("3", EventType::kReturn, "v", {"b"}, 101), "unknown-order")});
  EXPECT_EQ(Bought("v"), "a");
  EXPECT_EQ(Events("v"), "a:view:7 c:view:8");
}

TEST_P(EventLogContract, LoadedStatesMeetTheLogAfterTheirWatermark) {
  Append({MakeEvent("1", EventType::kPurchase, "u", {"a"}, 1),
          MakeEvent("2", EventType::kView, "u", {"b"}, 2)});
  Event corrected = MakeEvent("3", EventType::kPurchase, "u", {"c"}, 3);
  corrected.replaces = "1";
  Append({corrected, MakeEvent("4", EventType::kView, "u", {"d"}, 4)});
  // The snapshot was made from records 1 and 2.
  const std::vector<std::pair<std::string, UserState>> states = {
      {"u", Loaded({{Number("a"), {kDay0 + kMicrosPerSecond}, EventType::kPurchase, 0},
                    {Number("b"), {kDay0 + 2 * kMicrosPerSecond}, EventType::kView, 1}},
                   {Number("a")}, {})}};
  ASSERT_TRUE(log_->LoadUserStates(states, 2).ok());
  EXPECT_EQ(Events("u"), "b:view:0 c:purchase:1 d:view:2");
  EXPECT_EQ(Bought("u"), "c");
}

TEST_P(EventLogContract, LoadedStatesNameOnlyKnownItems) {
  const std::vector<std::pair<std::string, UserState>> states = {
      {"u", Loaded({{5, {kDay0}, EventType::kView, 0}}, {}, {})}};
  EXPECT_EQ(log_->LoadUserStates(states).code(), Code::kInvalidArgument);
}

/// Random lives of a few shoppers, told to the log and to the yardstick alike.
class RandomLife {
 public:
  explicit RandomLife(unsigned seed) : random_(seed) {}

  std::vector<Event> Call() {
    std::vector<Event> rows(static_cast<std::size_t>(Below(6)));
    for (Event& row : rows) {
      row = Next();
    }
    return rows;
  }
  int Below(int n) { return std::uniform_int_distribution<int>(0, n - 1)(random_); }

 private:
  Event Next() {
    if (!sent_.empty() && Below(10) == 0) {
      return sent_[static_cast<std::size_t>(Below(static_cast<int>(sent_.size())))];
    }
    const int who = Below(4);
    Event event;
    event.event_id = "e" + std::to_string(sent_.size());
    event.ts = {kDay0 + Below(40) * kMicrosPerSecond};
    event.type = static_cast<EventType>(Below(kEventTypes));
    if (Below(3) == 0 && event.type != EventType::kIdentify) {
      event.anonymous_id = "a" + std::to_string(who);
    } else {
      event.user_id = "u" + std::to_string(who);
      event.anonymous_id = "a" + std::to_string(who);
    }
    for (int i = NeedsItem(event.type) ? 1 + Below(3) : 0; i > 0; --i) {
      event.items.push_back(
          {"i" + std::to_string(Below(8)), -1, static_cast<double>(1 + Below(3)), 0});
    }
    if (Below(2) == 0) {
      event.order_id = "o" + std::to_string(Below(4));
    }
    // Now and then an event that has not come yet.
    if (const int earlier = Below(static_cast<int>(sent_.size()) + 3);
        Below(6) == 0 && earlier != static_cast<int>(sent_.size())) {
      event.replaces = "e" + std::to_string(earlier);
    }
    sent_.push_back(event);
    return event;
  }

  std::mt19937 random_;
  std::vector<Event> sent_;
};

void ExpectSameState(const data::EventLog& log, const data::EventLog& yardstick,
                     const std::string& subject) {
  const auto state = log.GetUserState(subject);
  const auto expected = yardstick.GetUserState(subject);
  ASSERT_EQ(state.ok(), expected.ok()) << subject;
  if (state.ok()) {
    ASSERT_EQ(state->events, expected->events) << subject;
    ASSERT_EQ(state->bought, expected->bought) << subject;
    ASSERT_EQ(state->hidden, expected->hidden) << subject;
  }
}

TEST_P(EventLogContract, RandomLivesEndInTheYardsticksStates) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    const std::string directory = directory_ + "/" + std::to_string(seed);
    const auto log = GetParam()(directory);
    adapters::MemoryEventLog yardstick;
    RandomLife life(seed);
    for (int call = 0; call < 30; ++call) {
      const std::vector<Event> rows = life.Call();
      ASSERT_EQ(*log->AppendEvents(rows, Soon()), *yardstick.AppendEvents(rows, Soon()));
      if (life.Below(10) == 0) {
        const std::string subject = "u" + std::to_string(life.Below(4));
        if (const auto state = yardstick.GetUserState(subject); state.ok()) {
          const std::vector<std::pair<std::string, UserState>> states = {{subject, *state}};
          ASSERT_TRUE(log->LoadUserStates(states).ok());
          ASSERT_TRUE(yardstick.LoadUserStates(states).ok());
        }
      }
      for (int who = 0; who < 4; ++who) {
        for (const std::string& subject : {"u" + std::to_string(who), "a" + std::to_string(who)}) {
          ASSERT_NO_FATAL_FAILURE(ExpectSameState(*log, yardstick, subject)) << "call " << call;
        }
      }
    }
    ASSERT_EQ(log->LastSequence(), yardstick.LastSequence());
    for (int who = 0; who < 4; ++who) {
      const std::string subject = "u" + std::to_string(who);
      EXPECT_EQ(*log->ReadUserEvents(subject, 1000, ""),
                *yardstick.ReadUserEvents(subject, 1000, ""));
    }
  }
}

}  // namespace
}  // namespace vitrine::contract
