// What the monitor counts from the log: labels and hours, through deaths and odd records.
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "monitor/online_monitor.h"
#include "monitor/reports_json.h"
#include "monitor/watched_testing.h"
#include "monitor/windows/window_counts.h"

namespace vitrine::monitor {
namespace {

/// A shop's log: answers over hours, and what came of them, some of it late.
std::vector<data::LogRecord> LogOf(unsigned seed, int records) {
  std::mt19937 random(seed);
  std::vector<data::LogRecord> log;
  std::int64_t now = 1'000 * kMicrosPerHour;
  std::vector<std::string> requests;
  for (int i = 0; i < records; ++i) {
    now += static_cast<std::int64_t>(random() % 240) * kMicrosPerSecond;
    data::LogBody body;
    if (requests.empty() || random() % 3 == 0) {
      const std::string scene = random() % 2 == 0 ? "home" : "cart";
      Impression answer = Answer("r" + std::to_string(i), "m:" + std::to_string(random() % 2 + 1),
                                 "u" + std::to_string(random() % 50));
      answer.scene = scene;
      answer.ts = {now - static_cast<std::int64_t>(random() % 5) * kMicrosPerHour / 2};
      answer.fallback = random() % 10 == 0 ? "no_model" : "";
      requests.push_back(answer.request_id);
      body = answer;
    } else {
      Event event = Click(
          requests[requests.size() - 1 - random() % std::min<std::size_t>(requests.size(), 40)],
          random() % 2 == 0 ? "a" : "c");
      event.type = random() % 4 == 0 ? EventType::kPurchase : EventType::kClick;
      event.ts = {now};
      body = event;
    }
    log.push_back({.sequence = static_cast<std::uint64_t>(i) + 1, .received = {now}, .body = body});
  }
  return log;
}

using Hours = std::map<std::tuple<WindowKind, std::int64_t, std::string>, WindowRow>;

/// As a keeper does: hours into the store, those that are final out of memory, then the state.
std::string Keep(OnlineMonitor& monitor, Hours& store) {
  const std::vector<WindowRow> rows = monitor.Hours();
  for (const WindowRow& row : rows) {
    store[{row.kind, row.hour, row.series}] = row;
  }
  monitor.DropHours(rows);
  return monitor.Save();
}

// Killed anywhere, also between the store and the state: the last state and the log give what there was.
TEST(MonitorHours, AKillLosesNoLabelAndNoHour) {
  MonitorOptions options = Small();
  options.attribution.purchase_window = {4 * kMicrosPerHour};
  const std::vector<data::LogRecord> log = LogOf(5, 4000);
  Hours expected;
  OnlineMonitor whole(options);
  for (const data::LogRecord& record : log) {
    whole.OnRecord(record);
  }
  static_cast<void>(Keep(whole, expected));
  EXPECT_GT(expected.size(), 100U);

  std::mt19937 random(6);
  Hours store;
  std::string state;
  auto monitor = std::make_unique<OnlineMonitor>(options);
  for (std::size_t i = 0, kills = 0; i < log.size() || kills < 30;) {
    for (std::size_t n = 1 + random() % 300; n > 0 && i < log.size(); --n) {
      monitor->OnRecord(log[i++]);
    }
    if (random() % 2 == 0) {
      const std::string saved = Keep(*monitor, store);
      if (random() % 3 != 0) {
        state = saved;  // else it was killed before the state was written
      }
    }
    if (random() % 2 == 0) {
      ++kills;
      monitor = std::make_unique<OnlineMonitor>(options);
      if (!state.empty()) {
        ASSERT_TRUE(monitor->Load(state).ok());
      }
      i = monitor->watermark();
    }
  }
  static_cast<void>(Keep(*monitor, store));
  EXPECT_EQ(monitor->watermark(), log.back().sequence);
  ASSERT_EQ(store.size(), expected.size());
  for (const auto& [key, row] : expected) {
    EXPECT_EQ(store.at(key), row) << row.series << " " << row.hour;
  }
  const auto quality = [](const OnlineMonitor& of) {
    auto report = nlohmann::json::parse(ToJson(of.Quality()));
    report.erase("since");
    return report;
  };
  EXPECT_EQ(quality(*monitor), quality(whole));
  // The hours are what the whole is.
  std::vector<WindowRow> rows;
  for (const auto& [key, row] : store) {
    rows.push_back(row);
  }
  const auto days = QualityHistory(rows, 24);
  ASSERT_TRUE(days.ok());
  std::map<std::string, std::uint64_t> answers;
  std::uint64_t all = 0;
  for (const auto& day : *days) {
    for (const QualityRow& row : day.rows) {
      answers[row.model + "\n" + row.scene] += row.answers;
      all += row.answers;
    }
  }
  for (const QualityRow& row : whole.Quality().rows) {
    EXPECT_EQ(answers[row.model + "\n" + row.scene], row.answers);
  }
  const auto service = ServiceHistory(rows, 1);
  ASSERT_TRUE(service.ok());
  std::uint64_t served = 0;
  for (const auto& hour : *service) {
    for (const ServiceRow& row : hour.rows) {
      served += row.answers;
    }
  }
  EXPECT_EQ(served, all);
}

// A clock that is hours ahead, or malice: it must not end the waiting of all others.
TEST(MonitorHours, AnAnswerFromTheFutureMakesNoOtherLate) {
  OnlineMonitor monitor(Small());
  const Micros now{1'000 * kMicrosPerHour};
  Impression answer = Answer("r1", "m:1");
  answer.ts = now;
  monitor.OnRecord({.sequence = 1, .received = now, .body = answer});
  Impression future = Answer("r2", "m:1", "v");
  future.ts = {now.value + 100'000 * kMicrosPerHour};
  monitor.OnRecord({.sequence = 2, .received = now, .body = future});
  Event click = Click("r1", "a");
  click.ts = {now.value + kMicrosPerSecond};
  monitor.OnRecord({.sequence = 3, .received = now, .body = click});
  const QualityReport quality = monitor.Quality();
  EXPECT_EQ(quality.waiting, 2U);
  EXPECT_EQ(quality.joins.at(0).by_request, 1U);
  for (const WindowRow& row : monitor.Hours()) {
    EXPECT_EQ(row.hour, 1'000);
    EXPECT_FALSE(row.final);
  }
}

TEST(MonitorHours, AnAnswerSentTwiceCountsOnceInEachHour) {
  OnlineMonitor monitor(Small());
  Give(monitor, Answer("r1", "m:1"));
  Take(monitor, Answer("r1", "m:1"));
  const auto service = ServiceHistory(monitor.Hours(), 1);
  ASSERT_TRUE(service.ok());
  EXPECT_EQ(service->at(0).rows.at(0).answers, 1U);
  EXPECT_EQ(monitor.Quality().rows.at(0).answers, 1U);
}

TEST(MonitorHours, AStateOfAnotherLogIsCountedAnew) {
  OnlineMonitor monitor(Small());
  Give(monitor, Answer("r1", "m:1"));
  Take(monitor, Click("r1", "a"));
  monitor.StartLogAnew();
  EXPECT_EQ(monitor.watermark(), 0U);
  EXPECT_TRUE(monitor.Quality().rows.empty());
  EXPECT_EQ(monitor.Service().answers, 1U) << "what was answered here stays";
}

TEST(MonitorHours, WhatIsMissingFromTheLogIsNotWaitedFor) {
  OnlineMonitor monitor(Small());
  Give(monitor, Answer("r1", "m:1"));
  monitor.OnReadThrough(9);
  EXPECT_EQ(monitor.watermark(), 9U);
  monitor.OnReadThrough(4);
  monitor.OnRecord({.sequence = 7, .received = {}, .body = Click("r1", "a")});
  EXPECT_EQ(monitor.watermark(), 9U);
  EXPECT_TRUE(monitor.Quality().joins.empty()) << "counted or missing already";
}

TEST(MonitorHours, AStateFromBeforeHoursIsReadAndTheLogJoinedAnew) {
  OnlineMonitor before(Small());
  Give(before, Answer("r1", "m:1"));
  auto old = nlohmann::json::parse(before.Save());
  old["format"] = 1;
  for (const char* fresh : {"watermark", "service_hours"}) {
    old.erase(fresh);
  }
  OnlineMonitor after(Small());
  ASSERT_TRUE(after.Load(old.dump()).ok());
  EXPECT_EQ(after.Service().answers, 1U);
  EXPECT_EQ(after.watermark(), 0U);
  EXPECT_TRUE(after.Quality().rows.empty());
}

}  // namespace
}  // namespace vitrine::monitor
