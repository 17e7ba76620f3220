// The server killed with SIGKILL while events are posted over HTTP: every event that was answered
// 2xx is there after the restart, none counts twice, the registry is whole, the server is soon ready.
// Rounds: VITRINE_CRASH_ROUNDS (default 20). The seed is printed.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "adapters/sqlite/vitrine_db.h"
#include "e2e/programs.h"

namespace vitrine::e2e {
namespace {

using nlohmann::json;

constexpr int kUsers = 5;

int Rounds() {
  const char* rounds = std::getenv("VITRINE_CRASH_ROUNDS");
  return rounds == nullptr ? 20 : std::atoi(rounds);
}

std::string Row(std::uint64_t number) {
  return json({{"event_id", "e" + std::to_string(number)},
               {"event", "view"},
               {"user_id", "u" + std::to_string(number % kUsers)},
               {"item_id", "i" + std::to_string(number % 50)},
               {"ts", 1'700'000'000 + number}})
      .dump();
}

std::string Batch(const std::vector<std::uint64_t>& numbers) {
  std::string body(1, '[');
  for (const std::uint64_t number : numbers) {
    if (body.size() > 1) {
      body += ',';
    }
    body += Row(number);
  }
  return body + ']';
}

/// Posts batches until the server is gone; adds what was acknowledged.
void PostUntilKilled(const RunningServer& server, std::atomic<std::uint64_t>& next,
                     std::vector<std::uint64_t>& acknowledged, std::mt19937_64& random) {
  http::Client client = server.Client();
  for (;;) {
    std::vector<std::uint64_t> numbers(1 + random() % 40);
    for (std::uint64_t& number : numbers) {
      number = next.fetch_add(1);
    }
    const auto answer = client.Post("/v1/events", Batch(numbers));
    if (!answer.ok() || !answer->ok()) {
      return;
    }
    acknowledged.insert(acknowledged.end(), numbers.begin(), numbers.end());
  }
}

/// What the newest round acknowledged, and of what came before a sample that the last start makes whole.
std::vector<std::uint64_t> NewestAndSome(const std::vector<std::uint64_t>& acknowledged,
                                         std::size_t newest_begin, std::mt19937_64& random) {
  std::vector<std::uint64_t> asked(acknowledged.begin() + static_cast<std::ptrdiff_t>(newest_begin),
                                   acknowledged.end());
  for (int i = 0; i < 2000 && newest_begin > 0; ++i) {
    asked.push_back(acknowledged[random() % newest_begin]);
  }
  return asked;
}

/// Everything that was acknowledged must be known already.
void ExpectAllThere(http::Client& client, const std::vector<std::uint64_t>& acknowledged) {
  for (std::size_t begin = 0; begin < acknowledged.size(); begin += 1000) {
    const std::size_t end = std::min(acknowledged.size(), begin + 1000);
    const std::vector<std::uint64_t> page(acknowledged.begin() + static_cast<std::ptrdiff_t>(begin),
                                          acknowledged.begin() + static_cast<std::ptrdiff_t>(end));
    const auto answer = client.Post("/v1/events", Batch(page));
    ASSERT_TRUE(answer.ok() && answer->ok());
    ASSERT_EQ(json::parse(answer->body)["duplicate"], page.size())
        << "acknowledged events that the log does not know";
  }
}

/// No event stands in a user's list twice.
void ExpectNoneTwice(http::Client& client) {
  for (int user = 0; user < kUsers; ++user) {
    std::set<std::string> seen;
    std::string cursor;
    do {
      const auto answer = client.Get("/v1/users/u" + std::to_string(user) + "/events?limit=500" +
                                     (cursor.empty() ? "" : "&cursor=" + cursor));
      if (!answer.ok() || answer->status == 404) {
        break;  // nothing of this user was kept yet
      }
      ASSERT_TRUE(answer->ok()) << answer->body;
      const json page = json::parse(answer->body);
      for (const json& event : page["events"]) {
        EXPECT_TRUE(seen.insert(event["event_id"].get<std::string>()).second)
            << event["event_id"] << " counts twice";
      }
      const auto more = page.find("next_cursor");
      cursor = more != page.end() && more->is_string() ? more->get<std::string>() : "";
    } while (!cursor.empty());
  }
}

TEST(Kill, NothingThatWasAcknowledgedIsLostAndNothingCountsTwice) {
  const std::uint64_t seed = std::random_device{}();
  std::cout << "seed " << seed << "\n";
  std::mt19937_64 random(seed);
  const Folder folder;
  std::vector<std::uint64_t> acknowledged;
  std::size_t newest_begin = 0;
  std::atomic<std::uint64_t> next{0};
  double slowest = 0;
  for (int round = 0; round < Rounds(); ++round) {
    RunningServer server(folder.path());
    ASSERT_TRUE(server.ok()) << "round " << round;
    slowest = std::max(slowest, server.ready_seconds());
    http::Client client = server.Client();
    ExpectAllThere(client, NewestAndSome(acknowledged, newest_begin, random));
    ASSERT_FALSE(testing::Test::HasFatalFailure()) << "round " << round << " of seed " << seed;
    std::vector<std::vector<std::uint64_t>> of_thread(3);
    {
      std::vector<std::jthread> writers;
      for (auto& mine : of_thread) {
        writers.emplace_back([&server, &next, &mine, thread_seed = random()] {
          std::mt19937_64 own(thread_seed);
          PostUntilKilled(server, next, mine, own);
        });
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(20 + random() % 200));
      server.Kill();
    }
    newest_begin = acknowledged.size();
    for (const auto& mine : of_thread) {
      acknowledged.insert(acknowledged.end(), mine.begin(), mine.end());
    }
  }
  {
    RunningServer server(folder.path());
    ASSERT_TRUE(server.ok());
    http::Client client = server.Client();
    ExpectAllThere(client, acknowledged);
    ExpectNoneTwice(client);
    EXPECT_EQ(server.Stop(), 0);
  }
  const auto registry = sqlite::VitrineDb::Open(folder.path() + "/vitrine.db");
  ASSERT_TRUE(registry.ok());
  EXPECT_TRUE((*registry)->IntegrityCheck().ok());
  EXPECT_TRUE((*registry)->VerifyAudit().ok());
  std::cout << acknowledged.size() << " acknowledged events, slowest start " << slowest << " s\n";
  EXPECT_GT(acknowledged.size(), 100U) << "the rounds were too short to prove anything";
  EXPECT_LT(slowest, 3) << "seconds until the server answered again";
}

}  // namespace
}  // namespace vitrine::e2e
