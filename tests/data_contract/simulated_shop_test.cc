// How often a learned contract is broken by the shop that it was learned from, and what it finds when
// something is wrong.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <set>

#include "learned_shop.h"
#include "monitor/contract/contract_json.h"
#include "monitor/contract/live_contract.h"
#include "monitor/statistics/tails.h"

namespace vitrine {
namespace {

using monitor::ContractFinding;
using monitor::Grain;
using monitor::LiveContract;

/// Takes an hour in and looks four times at it, as the server does.
void TakeHour(LiveContract& live, const std::vector<Arrived>& events, Micros end,
              const std::function<void()>& looked) {
  std::size_t next = 0;
  for (int quarter = 1; quarter <= 4; ++quarter) {
    const Micros until{end.value - kFeedHour + quarter * kFeedHour / 4};
    for (; next < events.size() && events[next].received < until; ++next) {
      live.Count(events[next].event, events[next].received);
    }
    live.Advance(until);
    looked();
  }
  for (; next < events.size(); ++next) {
    live.Count(events[next].event, events[next].received);
  }
}

using Broken = std::set<std::pair<Grain, std::int64_t>>;

void Note(const LiveContract& live, Broken& broken, std::set<std::string>* rules = nullptr) {
  for (const ContractFinding& finding : live.Report().findings) {
    broken.emplace(finding.grain, finding.window.value);
    if (rules != nullptr) {
      rules->insert(finding.rule);
    }
  }
}

/// One shop for the tests of faults: each takes a copy of the feed's state through its own contract.
LearnedShop& Shop() {
  static LearnedShop shop(7);
  return shop;
}

TEST(SimulatedShop, BreaksItsOwnContractNoOftenerThanItSays) {
  double hours = 0, days = 0, broken_hours = 0, broken_days = 0;
  std::string which;
  for (const std::uint64_t seed : {7U, 8U, 9U}) {
    LearnedShop shop(seed);
    LiveContract live;
    live.SetKnownIds(shop.feed().KnownIds());
    live.SetContract(shop.contract(), 1);
    live.Advance(shop.feed().now());
    Broken broken;
    const auto look = [&] {
      const std::size_t before = broken.size();
      Note(live, broken);
      for (const ContractFinding& finding : live.Report().findings) {
        which += broken.size() > before ? FindingText(finding) + "\n" : "";
      }
    };
    for (int hour = 0; hour < 14 * 24; ++hour) {
      const std::vector<Arrived> events = shop.feed().Next();
      TakeHour(live, events, shop.feed().now(), look);
      ++hours;
      days += hour % 24 == 23 ? 1 : 0;
    }
    EXPECT_GT(live.Report().states.size(), 30U) << "rules that say something";
    for (const auto& [grain, window] : broken) {
      (grain == Grain::kHour ? broken_hours : broken_days) += 1;
    }
  }
  const double alpha = Shop().contract()->alpha;
  RecordProperty("hours", static_cast<int>(hours));
  RecordProperty("broken_hours", static_cast<int>(broken_hours));
  RecordProperty("broken_days", static_cast<int>(broken_days));
  ASSERT_GE(hours, 1000);
  // More than this would come up in one run of a thousand were the stated rate the true one.
  EXPECT_GT(monitor::BinomialAtLeast(broken_hours, hours, alpha), 1e-3) << which;
  EXPECT_GT(monitor::BinomialAtLeast(broken_days, days, alpha), 1e-3) << which;
}

struct Fault {
  const char* name;
  /// One of these rules must say so.
  std::set<std::string> rules;
  std::function<void(std::vector<Arrived>&, std::mt19937_64&)> happen;
};

void PrintTo(const Fault& fault, std::ostream* out) { *out << fault.name; }

std::vector<Fault> Faults() {
  const auto some = [](double share, std::mt19937_64& random) {
    return simulate::Uniform(random) < share;
  };
  return {
      {"price_x100",
       {"view.price.range", "view.price.mean", "price.against_catalogue"},
       [](auto& events, auto&) {
         for (Arrived& a : events) a.event.items[0].price *= 100;
       }},
      {"null_share_up",
       {"view.scene.missing"},
       [some](auto& events, auto& random) {
         for (Arrived& a : events) {
           if (some(0.1, random)) a.event.scene.clear();
         }
       }},
      {"new_level",
       {"scene.values"},
       [some](auto& events, auto& random) {
         for (Arrived& a : events) {
           if (some(0.08, random)) a.event.scene = "popup";
         }
       }},
      {"feed_stopped", {"silence", "volume"}, [](auto& events, auto&) { events.clear(); }},
      {"duplicate_feed",
       {"duplicates"},
       [](auto& events, auto&) {
         const std::vector<Arrived> once = events;
         for (const Arrived& a : once) {
           events.push_back(a);
           events.back().event.event_id += "-again";
           events.back().received.value += 1;
         }
         std::stable_sort(events.begin(), events.end(), [](const Arrived& a, const Arrived& b) {
           return a.received < b.received;
         });
       }},
      {"clock_hour_ahead",
       {"from_the_future"},
       [](auto& events, auto&) {
         for (Arrived& a : events) a.event.ts.value += kFeedHour;
       }},
      {"orphan_items",
       {"item_id.unknown"},
       [some](auto& events, auto& random) {
         for (Arrived& a : events) {
           if (some(0.08, random)) a.event.items[0].item_id = "gone-1";
         }
       }},
      {"half_the_volume",
       {"volume", "view.volume"},
       [some](auto& events, auto& random) {
         std::erase_if(events, [&](const Arrived&) { return some(0.5, random); });
       }},
      {"retyped_ids",
       {"user_id.digits", "item_id.digits", "item_id.unknown"},
       [](auto& events, auto&) {
         for (Arrived& a : events) a.event.items[0].item_id = "sku:" + a.event.items[0].item_id;
       }},
      {"retyped_column", {"refused"}, nullptr},
  };
}

class FaultTest : public testing::TestWithParam<Fault> {};

TEST_P(FaultTest, IsFound) {
  const Fault& fault = GetParam();
  ShopFeed feed(7);  // the shop that was learned, from where the learning ended
  for (int hour = 0; hour < LearnedShop::kDays * 24; ++hour) feed.Next();
  LiveContract live;
  live.SetKnownIds(feed.KnownIds());
  live.SetContract(Shop().contract(), 1);
  live.Advance(feed.now());
  Broken before, after;
  std::set<std::string> rules;
  for (int hour = 0; hour < 49; ++hour) {
    std::vector<Arrived> events = feed.Next();
    const bool wrong = hour >= 9;
    if (wrong && fault.happen) {
      fault.happen(events, feed.random());
    } else if (wrong) {
      live.CountRefused(static_cast<double>(events.size()) / 10);  // a tenth is no number any more
    }
    TakeHour(live, events, feed.now(),
             [&] { Note(live, wrong ? after : before, wrong ? &rules : nullptr); });
  }
  EXPECT_TRUE(before.empty()) << "nothing was wrong yet";
  const bool found = std::any_of(rules.begin(), rules.end(),
                                 [&](const std::string& r) { return fault.rules.contains(r); });
  std::string said;
  for (const std::string& rule : rules) said += rule + " ";
  EXPECT_TRUE(found) << "found: " << said;
}

INSTANTIATE_TEST_SUITE_P(Each, FaultTest, testing::ValuesIn(Faults()),
                         [](const auto& fault) { return std::string(fault.param.name); });

TEST(SimulatedShop, TheLogAndTheLakeCountTheSame) {
  // The oracle: the live counter over the same rows, hour by hour, by the rules that both can count.
  LearnedShop& shop = Shop();
  ShopFeed feed(7);
  monitor::RowCounter counter(shop.contract(), feed.KnownIds());
  duckdb::ContractRowsOptions options{.memory_limit_mb = 256, .threads = 1};
  options.data_dir = shop.folder();
  const auto rows = duckdb::ContractRows::Open(options, {});
  ASSERT_TRUE(rows.ok());
  const auto hours = (*rows)->Count(*shop.contract());
  ASSERT_TRUE(hours.ok());
  for (std::size_t hour = 0; hour < 48; ++hour) {
    const Micros end{kFeedStart.value + static_cast<std::int64_t>(hour + 1) * kFeedHour};
    for (const Arrived& arrived : feed.Next()) {
      if (arrived.event.ts < end) counter.Count(arrived.event, arrived.event.ts);
    }
    for (std::size_t r = 0; r < shop.contract()->rules.size(); ++r) {
      const monitor::ContractRule& rule = shop.contract()->rules[r];
      const bool by_arrival = rule.kind == monitor::ContractKind::kFuture ||
                              rule.kind == monitor::ContractKind::kRefused ||
                              rule.kind == monitor::ContractKind::kSilence;
      if (by_arrival) continue;
      const monitor::RuleCounts& live = counter.counts()[r];
      const monitor::RuleCounts& lake = (*hours)[hour].rules[r];
      // A purchase twenty seconds after the last view of an hour is the lake's next hour's.
      EXPECT_NEAR(live.rows, lake.rows, 3) << rule.id << " " << hour;
      EXPECT_NEAR(live.hits, lake.hits, 3) << rule.id << " " << hour;
      EXPECT_NEAR(live.sum, lake.sum, 30) << rule.id << " " << hour;
    }
    counter.Begin();
  }
}

TEST(SimulatedShop, TheContractComesBackFromJson) {
  const auto back = monitor::ContractFromJson(monitor::ToJson(*Shop().contract()));
  ASSERT_TRUE(back.ok()) << back.status().message();
  EXPECT_EQ(*back, *Shop().contract());
}

}  // namespace
}  // namespace vitrine
