// A minute of a schedule comes and the server dies on it, anywhere: each minute has one turn and one tidying, in the end.
// Rounds: VITRINE_CRASH_ROUNDS (default 6). The seed is printed.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "adapters/files/simulated_clock.h"
#include "data/timestamp.h"
#include "e2e/retraining_testing.h"

namespace vitrine::e2e {
namespace {

using nlohmann::json;

constexpr std::int64_t kMinute = 60 * kMicrosPerSecond;
constexpr Micros kBegin{1'780'272'000 * kMicrosPerSecond};

class ScheduleKill : public Retraining {
 protected:
  void SetUp() override {
    auto clock = files::SimulatedClock::Create(folder_.path() + "/clock", kBegin);
    ASSERT_TRUE(clock.ok()) << clock.status().ToString();
    clock_ = *std::move(clock);
    ::setenv("VITRINE_SIMULATED_CLOCK", (folder_.path() + "/clock").c_str(), 1);
  }
  void TearDown() override { ::unsetenv("VITRINE_SIMULATED_CLOCK"); }

  /// Until nothing is queued or under way.
  static void UntilDone(const RunningServer& server) {
    Until(server, "/v1/jobs?limit=200", [](const json& page) {
      return std::none_of(page["jobs"].begin(), page["jobs"].end(), [](const json& job) {
        return job["state"] == "queued" || job["state"] == "running";
      });
    });
  }
  /// By a schedule, of each kind: how many were made in the minute that begins at `slot`.
  static std::map<std::string, int> MadeAt(const RunningServer& server, Micros slot) {
    std::map<std::string, int> made;
    const json page = Asked(server, "/v1/jobs?limit=200");
    for (const json& job : page["jobs"]) {
      const auto created = data::ParseTime(job["created"].get<std::string>());
      EXPECT_TRUE(created.ok());
      if (job["actor"] == "trigger:schedule" && slot <= created->time &&
          created->time.value < slot.value + kMinute) {
        ++made[job["kind"]];
        EXPECT_EQ(job["state"], "succeeded") << job;
      }
    }
    return made;
  }

  std::unique_ptr<files::SimulatedClock> clock_;
};

TEST_F(ScheduleKill, EachMinuteIsServedOnceWhereverTheServerDies) {
  const std::uint64_t seed = std::random_device{}();
  std::cout << "seed " << seed << "\n";
  std::mt19937_64 random(seed);
  const auto patience = [] { return After(std::chrono::minutes(2)); };
  const std::vector<std::string> settings = {
      "--set", "retrain.schedule=* * * * *", "--set", "retrain.every_seconds=1",
      "--set", "retrain.rest_minutes=0",     "--set", "retrain.min_events=0",
      "--set", "retrain.per_day=1000",       "--set", "train.specs=popularity",
      "--set", "gate.min_cases=5",           "--set", "gc.schedule=* * * * *"};
  Micros slot = kBegin;
  {
    RunningServer server(data(), settings);
    ASSERT_TRUE(server.ok());
    PostPurchases(server);
    ASSERT_TRUE(clock_->MoveTo({slot.value + 1 * kMicrosPerSecond}, patience()).ok());
    UntilDone(server);
    slot.value += kMinute;
    ASSERT_TRUE(clock_->MoveTo({slot.value + 15 * kMicrosPerSecond}, patience()).ok());
    UntilDone(server);
    EXPECT_EQ(MadeAt(server, slot), (std::map<std::string, int>{{"gc", 1}, {"retrain", 1}}));
    EXPECT_EQ(server.Stop(), 0);
    clock_->Forget();
  }
  for (int round = 0; round < CrashRounds(); ++round) {
    slot.value += kMinute;
    {
      RunningServer server(data(), settings);
      ASSERT_TRUE(server.ok());
      // The minute comes, and what it sets off takes seconds: the server dies within them, or before anything.
      const auto most = std::chrono::milliseconds(round % 2 == 0 ? 40 : 3000);
      static_cast<void>(
          clock_->MoveTo({slot.value + 15 * kMicrosPerSecond},
                         After(most * static_cast<std::int64_t>(random() % 100) / 100)));
      server.Kill();
      clock_->Forget();
    }
    RunningServer server(data(), settings);
    ASSERT_TRUE(server.ok());
    UntilDone(server);
    ASSERT_TRUE(clock_->MoveTo({slot.value + 30 * kMicrosPerSecond}, patience()).ok());
    UntilDone(server);
    EXPECT_EQ(MadeAt(server, slot), (std::map<std::string, int>{{"gc", 1}, {"retrain", 1}}))
        << "round " << round;
    EXPECT_EQ(server.Stop(), 0);
    clock_->Forget();
  }
}

}  // namespace
}  // namespace vitrine::e2e
