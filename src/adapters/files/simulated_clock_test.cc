#include "adapters/files/simulated_clock.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "core/pace.h"
#include "core/time.h"

namespace vitrine::files {
namespace {

using std::chrono::minutes;

std::string ClockFile(const std::string& name) {
  return ::testing::TempDir() + "/" + name + std::to_string(::getpid());
}

TEST(PaceTest, RestsByTheMachinesClockWhereNothingIsSimulated) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  const auto before = Pace::now();
  EXPECT_FALSE(Pace::WaitFor(wake, lock, {}, std::chrono::milliseconds(1), [] { return false; }));
  EXPECT_GE(Pace::now() - before, std::chrono::milliseconds(1));
  EXPECT_TRUE(Pace::WaitUntil(wake, lock, {}, Pace::time_point::max(), [] { return true; }));
}

/// Looks each `every`, and writes down when.
class Looker {
 public:
  Looker(minutes every, std::atomic<bool>* busy)
      : every_(every), busy_(busy), thread_([this](const std::stop_token& stop) { Run(stop); }) {}

  std::vector<std::int64_t> looks() {
    const std::scoped_lock lock(mutex_);
    return looks_;
  }

 private:
  void Run(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
      looks_.push_back(Now().value);
      while (busy_ != nullptr && *busy_ && !stop.stop_requested()) {
        lock.unlock();
        std::this_thread::yield();
        lock.lock();
      }
      Pace::WaitFor(wake_, lock, stop, every_, [] { return false; });
    }
  }

  minutes every_;
  std::atomic<bool>* busy_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::vector<std::int64_t> looks_;
  std::jthread thread_;
};

std::ptrdiff_t Resting() {
  const SimulatedTime* time = FollowedTime();
  return std::count_if(std::begin(time->rests), std::end(time->rests),
                       [](const auto& until) { return until > SimulatedTime::kLooking; });
}

// One test, since a process follows one clock to its end.
TEST(SimulatedClockTest, MovesOnOnlyOnceEverybodyRestsBeyondIt) {
  const std::string path = ClockFile("clock");
  const std::int64_t minute = 60 * kMicrosPerSecond;
  EXPECT_TRUE(FollowSimulatedClock(nullptr).ok());
  EXPECT_EQ(FollowSimulatedClock(path.c_str()).code(), Code::kNotFound);
  std::ofstream(path) << "no clock";
  EXPECT_EQ(FollowSimulatedClock(path.c_str()).code(), Code::kInvalidArgument);

  auto clock = SimulatedClock::Create(path, Micros{100 * minute});
  ASSERT_TRUE(clock.ok());
  ASSERT_TRUE(FollowSimulatedClock(path.c_str()).ok());
  EXPECT_EQ(Now().value, 100 * minute);
  {
    std::atomic<bool> busy{false};
    Looker often(minutes(1), nullptr);
    Looker seldom(minutes(10), &busy);
    while (Resting() < 2) {
      std::this_thread::yield();
    }
    for (int i = 1; i <= 30; ++i) {
      ASSERT_TRUE((*clock)->MoveTo({(100 + i) * minute}, After(std::chrono::minutes(1))).ok());
    }
    EXPECT_EQ(often.looks().size(), 31U);
    EXPECT_EQ(seldom.looks(),
              (std::vector<std::int64_t>{100 * minute, 110 * minute, 120 * minute, 130 * minute}));
    EXPECT_EQ(Now().value, 130 * minute);

    // Who has something to do holds the time.
    busy = true;
    const Status late = (*clock)->MoveTo({140 * minute}, After(std::chrono::milliseconds(50)));
    EXPECT_EQ(late.code(), Code::kDeadlineExceeded);
    EXPECT_NE(late.message().find(path), std::string::npos);
    (*clock)->Forget();
    EXPECT_TRUE((*clock)->MoveTo({140 * minute}, After(std::chrono::minutes(1))).ok());
    busy = false;
  }
  // Threads that have ended hold nothing, and the past does not come back.
  EXPECT_TRUE((*clock)->MoveTo({90 * minute}, After(std::chrono::minutes(1))).ok());
  EXPECT_EQ(Now().value, 140 * minute);
  *clock = nullptr;
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace vitrine::files
