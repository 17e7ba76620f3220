// The server killed with SIGKILL while it joins labels to answers and keeps hours: what the monitors say in the end is what
// they say when everything is counted anew from the log, and every acknowledged event is in it.
// Rounds: VITRINE_CRASH_ROUNDS (default 20). The seed is printed.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <thread>

#include "e2e/programs.h"

namespace vitrine::e2e {
namespace {

using nlohmann::json;

constexpr std::uint64_t kStart = 1'700'000'000;

int Rounds() {
  const char* rounds = std::getenv("VITRINE_CRASH_ROUNDS");
  return rounds == nullptr ? 20 : std::atoi(rounds);
}

/// Answers of another system and what came of them; a step is a few minutes of the shop's time, so that hours roll.
class Shop {
 public:
  explicit Shop(std::uint64_t seed) : random_(seed) {}

  /// Until the server is gone.
  void Go(const RunningServer& server) {
    http::Client client = server.Client();
    while (Step(client)) {
    }
  }
  /// Clicks and purchases that the server acknowledged, an item each.
  [[nodiscard]] std::uint64_t acknowledged() const { return acknowledged_; }

 private:
  bool Step(http::Client& client) {
    now_ += random_() % 300;
    const std::string user = "u" + std::to_string(random_() % 20);
    const std::string request = "r" + std::to_string(++number_);
    const json answer = {{"request_id", request}, {"ts", now_},
                         {"user_id", user},       {"scene", "home"},
                         {"model", "theirs:1"},   {"items", {"i1", "i2", "i3", "i4"}}};
    const auto kept = client.Post("/v1/impressions", answer.dump());
    if (!kept.ok() || !kept->ok()) {
      return false;
    }
    json events = json::array();
    std::uint64_t labels = 0;
    for (auto n = random_() % 4; n > 0; --n) {
      const auto kind = random_() % 10;
      labels += kind < 8 ? 1U : 0U;
      events.push_back({{"event_id", "e" + std::to_string(++number_)},
                        {"event", kind < 5 ? "click" : (kind < 8 ? "purchase" : "return")},
                        {"user_id", user},
                        {"item_id", "i" + std::to_string(1 + random_() % 6)},
                        {"ts", now_ + random_() % 600}});
      if (random_() % 2 == 0) {
        events.back()["request_id"] = request;
      }
    }
    if (events.empty()) {
      return true;
    }
    const auto taken = client.Post("/v1/events", events.dump());
    if (!taken.ok() || !taken->ok()) {
      return false;
    }
    acknowledged_ += labels;
    return true;
  }

  std::mt19937_64 random_;
  std::uint64_t now_ = kStart;
  std::uint64_t number_ = 0;
  std::uint64_t acknowledged_ = 0;
};

/// The quality report once it knows all of the log.
json Counted(http::Client& client) {
  const auto late = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (std::chrono::steady_clock::now() < late) {
    const auto answer = client.Get("/v1/monitors/quality");
    if (answer.ok() && answer->ok()) {
      json report = json::parse(answer->body);
      if (report["behind"] == 0) {
        report.erase("since");
        report.erase("hours_waiting");  // a matter of when they were kept last
        return report;
      }
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  ADD_FAILURE() << "the monitor never came to the end of the log";
  return {};
}

json History(http::Client& client, const std::string& monitor) {
  const auto answer =
      client.Get("/v1/monitors/" + monitor + "/history?step=day&from=" + std::to_string(kStart) +
                 "&until=" + std::to_string(kStart + 600 * 86'400));
  EXPECT_TRUE(answer.ok() && answer->ok()) << (answer.ok() ? answer->body : "");
  return answer.ok() ? json::parse(answer->body) : json();
}

/// Means are sums in another order after a label was taken out and put in again.
void ExpectSame(const json& a, const json& b, const std::string& where) {
  if (a.is_number_float() || b.is_number_float()) {
    EXPECT_NEAR(a.get<double>(), b.get<double>(), 1e-9) << where;
  } else if (a.is_structured() && a.type() == b.type() && a.size() == b.size()) {
    for (const auto& [key, value] : a.items()) {
      const auto found = a.is_object() ? b.find(key) : b.begin() + std::stoi(key);
      ASSERT_TRUE(found != b.end()) << where << "/" << key;
      ExpectSame(value, *found, where + "/" + key);
    }
  } else {
    EXPECT_EQ(a, b) << where;
  }
}

TEST(MonitorKill, LabelsAndHoursAreThoseOfTheLog) {
  const std::uint64_t seed = std::random_device{}();
  std::cout << "seed " << seed << "\n";
  std::mt19937_64 random(seed);
  const Folder folder;
  const std::vector<std::string> settings = {"--set", "monitor.save_ms=50", "--set",
                                             "monitor.history_days=100000"};
  Shop shop(seed);
  for (int round = 0; round < Rounds(); ++round) {
    RunningServer server(folder.path(), settings);
    ASSERT_TRUE(server.ok()) << "round " << round;
    std::jthread traffic([&] { shop.Go(server); });
    std::this_thread::sleep_for(std::chrono::milliseconds(50 + random() % 500));
    server.Kill();
  }
  json quality;
  json days;
  json service;
  {
    RunningServer server(folder.path(), settings);
    ASSERT_TRUE(server.ok());
    http::Client client = server.Client();
    quality = Counted(client);
    days = History(client, "quality");
    service = History(client, "service");
    EXPECT_EQ(server.Stop(), 0);
  }
  std::uint64_t events = 0;
  std::uint64_t joined = 0;
  for (const json& join : quality["joins"]) {
    events += join["events"].get<std::uint64_t>();
    joined += join["by_request"].get<std::uint64_t>() + join["by_subject"].get<std::uint64_t>();
  }
  EXPECT_GE(events, shop.acknowledged());
  EXPECT_LE(events, shop.acknowledged() + 3 * static_cast<std::uint64_t>(Rounds()));
  EXPECT_GT(joined, events / 3);
  EXPECT_GE(days["points"].size(), 2U) << "hours never rolled; too little traffic";

  // Everything anew.
  std::filesystem::remove(folder.path() + "/monitor.json");
  for (const char* file : {"monitor.db", "monitor.db-wal", "monitor.db-shm"}) {
    std::filesystem::remove(folder.path() + "/" + file);
  }
  RunningServer server(folder.path(), settings);
  ASSERT_TRUE(server.ok());
  http::Client client = server.Client();
  ExpectSame(quality, Counted(client), "quality");
  ExpectSame(days, History(client, "quality"), "quality/history");
  ExpectSame(service, History(client, "service"), "service/history");
}

}  // namespace
}  // namespace vitrine::e2e
