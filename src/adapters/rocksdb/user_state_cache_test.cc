// The cache by itself, and the promise of the log that it must not break: what was acknowledged is in the
// next view of its user.

#include "adapters/rocksdb/user_state_cache.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "adapters/rocksdb/rocks_event_log.h"

namespace vitrine::adapters {
namespace {

using Moment = UserStateCache::Moment;

UserStateCache::Record RecordOf(data::ItemNumber item, std::size_t events = 1) {
  auto record = std::make_shared<SubjectRecord>();
  record->known = record->has_state = true;
  record->view.events.assign(events, {.item = item, .ts = {1}});
  return record;
}

void Ask(UserStateCache& cache, const std::string& subject, std::size_t events = 1) {
  Moment moment;
  if (cache.Find(subject, moment) == nullptr) {
    cache.Keep(subject, RecordOf(1, events), moment);
  }
}

TEST(UserStateCache, GivesWhatWasKept) {
  UserStateCache cache(1 << 20);
  Moment moment;
  EXPECT_EQ(cache.Find("ann", moment), nullptr);
  const UserStateCache::Record record = RecordOf(7);
  cache.Keep("ann", record, moment);
  EXPECT_EQ(cache.Find("ann", moment), record);
  EXPECT_EQ(cache.Find("bob", moment), nullptr);
  cache.Drop("ann");
  EXPECT_EQ(cache.Find("ann", moment), nullptr);
  EXPECT_EQ(cache.bytes(), 0U);
}

TEST(UserStateCache, WhatWasReadBeforeADropIsNotKept) {
  UserStateCache cache(1 << 20);
  Moment before;
  ASSERT_EQ(cache.Find("ann", before), nullptr);
  const UserStateCache::Record old = RecordOf(1);
  cache.Drop("ann");  // a write came between the read and Keep
  cache.Keep("ann", old, before);
  Moment after;
  EXPECT_EQ(cache.Find("ann", after), nullptr);
  cache.Keep("ann", RecordOf(2), after);
  EXPECT_NE(cache.Find("ann", after), nullptr);

  Moment earlier;
  ASSERT_EQ(cache.Find("bob", earlier), nullptr);
  cache.DropAll();
  cache.Keep("bob", old, earlier);
  EXPECT_EQ(cache.Find("bob", earlier), nullptr);
  EXPECT_EQ(cache.bytes(), 0U);
}

TEST(UserStateCache, ItsMemoryIsBoundedAndTheOneAskedLongestAgoLeaves) {
  MetricRegistry metrics;
  UserStateCache cache(1 << 18, &metrics);
  Ask(cache, "regular");
  for (int i = 0; i < 2000; ++i) {
    Ask(cache, "user" + std::to_string(i), 20);
    Ask(cache, "regular");
    ASSERT_LE(cache.bytes(), std::size_t{1} << 18);
  }
  Moment moment;
  EXPECT_NE(cache.Find("regular", moment), nullptr);
  EXPECT_EQ(cache.Find("user0", moment), nullptr);
  EXPECT_NE(cache.Find("user1999", moment), nullptr);
  const auto samples = metrics.Samples();
  EXPECT_GT(samples.at("vitrine_user_cache_evictions_total"), 1000);
  EXPECT_EQ(samples.at("vitrine_user_cache_lookups_total{result=\"hit\"}"), 2002);
  EXPECT_EQ(samples.at("vitrine_user_cache_lookups_total{result=\"miss\"}"), 2002);
  EXPECT_EQ(samples.at("vitrine_user_cache_bytes"), static_cast<double>(cache.bytes()));
  cache.DropAll();
  EXPECT_EQ(metrics.Samples().at("vitrine_user_cache_bytes"), 0);
}

TEST(UserStateCache, WhatDoesNotFitIsNotKept) {
  UserStateCache cache(1 << 16);
  Ask(cache, "ann", 500);
  EXPECT_EQ(cache.bytes(), 0U);
  UserStateCache off(0);
  Ask(off, "ann");
  EXPECT_FALSE(off.on());
  EXPECT_EQ(off.bytes(), 0U);
}

class CachedStates : public testing::TestWithParam<std::size_t> {
 protected:
  CachedStates() {
    root_ = (std::filesystem::temp_directory_path() / "cached-states-XXXXXX").string();
    EXPECT_NE(::mkdtemp(root_.data()), nullptr);
    auto log = RocksEventLog::Open(root_ + "/log", {.user_state_bytes = GetParam(), .sync = false});
    EXPECT_TRUE(log.ok()) << log.status().ToString();
    log_ = std::move(log).value();
  }
  ~CachedStates() override {
    log_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }
  CachedStates(const CachedStates&) = delete;
  CachedStates& operator=(const CachedStates&) = delete;

  void Append(const Event& event) {
    ASSERT_TRUE(log_->AppendEvents(std::span(&event, 1), After(std::chrono::seconds(60))).ok());
  }
  Event View(const std::string& user, const std::string& item, int second = 1) {
    Event event;
    event.event_id = std::to_string(++events_);
    event.user_id = user;
    event.items = {{item, -1, 1, 0}};
    event.ts = {second * kMicrosPerSecond};
    return event;
  }
  std::size_t EventsOf(const std::string& subject) {
    const auto view = log_->ViewUserState(subject);
    EXPECT_TRUE(view.ok());
    return view.ok() && *view != nullptr ? (*view)->events.size() : 0;
  }
  std::string root_;
  std::unique_ptr<RocksEventLog> log_;
  int events_ = 0;
};

TEST_P(CachedStates, EveryKindOfChangeIsInTheNextView) {
  EXPECT_EQ(EventsOf("u"), 0U);
  Append(View("u", "a"));
  EXPECT_EQ(EventsOf("u"), 1U);
  const auto held = log_->ViewUserState("u");
  Event visit = View("", "b");
  visit.anonymous_id = "visitor";
  EXPECT_EQ(EventsOf("visitor"), 0U);
  Append(visit);
  EXPECT_EQ(EventsOf("visitor"), 1U);

  Event identify = View("u", "a");
  identify.type = EventType::kIdentify;
  identify.items.clear();
  identify.anonymous_id = "visitor";
  Append(identify);
  EXPECT_EQ(EventsOf("u"), 2U);
  EXPECT_EQ(EventsOf("visitor"), 2U);
  Append(View("u", "c"));  // seen under the visitor's id too
  EXPECT_EQ(EventsOf("visitor"), 3U);
  visit.event_id = "late";
  Append(visit);  // counts for the user
  EXPECT_EQ(EventsOf("u"), 4U);

  User row;
  row.id = "u";
  row.valid_from = {1};
  row.attributes["level"] = std::string("gold");
  ASSERT_TRUE(log_->AppendUsers(std::span(&row, 1), After(std::chrono::seconds(60))).ok());
  EXPECT_EQ((*log_->ViewUserState("u"))->attributes, row.attributes);
  EXPECT_EQ((*log_->ViewUserState("visitor"))->attributes, row.attributes);

  const data::UserState loaded{
      .events = {{.item = 0, .ts = {5}}}, .bought = {}, .hidden = {}, .attributes = {}};
  const std::pair<std::string, data::UserState> snapshot{"u", loaded};
  ASSERT_TRUE(log_->LoadUserStates(std::span(&snapshot, 1)).ok());
  EXPECT_EQ(EventsOf("u"), 1U);

  ASSERT_TRUE(log_->EraseUser("u", After(std::chrono::seconds(60))).ok());
  for (const char* subject : {"u", "visitor"}) {
    const auto view = log_->ViewUserState(subject);
    ASSERT_TRUE(view.ok());
    EXPECT_EQ(*view, nullptr) << subject;
    EXPECT_EQ(log_->GetUserState(subject).status().code(), Code::kNotFound) << subject;
  }
  EXPECT_EQ((*held)->events.size(), 1U);  // a view that is held does not change
}

// A long history, so that a state is read, decoded and kept over a time in which the next event is written.
TEST_P(CachedStates, AnAcknowledgedEventIsInEveryLaterViewThoughOthersReadMeanwhile) {
  constexpr int kBefore = 500;
  constexpr int kRounds = 600;
  ASSERT_TRUE(log_->InternItem("item").ok());
  std::pair<std::string, data::UserState> loaded{"ann", {}};
  for (int i = 0; i < kBefore; ++i) {
    loaded.second.events.push_back({.item = 0, .ts = {i}, .type = EventType::kPurchase});
  }
  ASSERT_TRUE(log_->LoadUserStates(std::span(&loaded, 1)).ok());
  const auto newest = [this]() -> std::int64_t {
    const auto view = log_->ViewUserState("ann");
    return view.ok() && *view != nullptr ? (*view)->events.back().ts.value : -1;
  };
  std::atomic<bool> stop{false};
  std::vector<std::jthread> readers;
  for (int r = 0; r < 3; ++r) {
    readers.emplace_back([&] {
      while (!stop) {
        (void)newest();
      }
    });
  }
  for (int round = 0; round < kRounds && !HasFailure(); ++round) {
    const Event event = View("ann", "item", round + 1);
    Append(event);
    // More than once: a stale state that a reader keeps after the first look is found by the next.
    for (int look = 0; look < 3; ++look) {
      EXPECT_EQ(newest(), event.ts.value) << "round " << round;
    }
  }
  stop = true;
}

INSTANTIATE_TEST_SUITE_P(OnAndOff, CachedStates,
                         testing::Values(std::size_t{1} << 20, std::size_t{0}),
                         [](const auto& size) { return size.param > 0 ? "On" : "Off"; });

}  // namespace
}  // namespace vitrine::adapters
