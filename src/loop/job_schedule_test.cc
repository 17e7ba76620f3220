#include "loop/job_schedule.h"

#include <gtest/gtest.h>

#include <memory>

namespace vitrine::loop {
namespace {

constexpr std::int64_t kHour = 3'600 * kMicrosPerSecond;

/// A shop whose clock and jobs a test sets.
class JobScheduleTest : public testing::Test {
 protected:
  std::unique_ptr<JobSchedule> Open() {
    return std::make_unique<JobSchedule>(
        *Cron::Parse("30 3 * * *"), std::chrono::milliseconds(0),
        JobSchedule::Ports{.last = [this]() -> Result<std::optional<Micros>> { return last_; },
                           .start =
                               [this] {
                                 RETURN_IF_ERROR(start_);
                                 ++started_;
                                 last_ = now_;
                                 return Status::Ok();
                               },
                           .now = [this] { return now_; }});
  }

  Micros now_{100 * 24 * kHour};  // midnight
  std::optional<Micros> last_;
  Status start_ = Status::Ok();
  int started_ = 0;
};

TEST_F(JobScheduleTest, GoesOffOnceAMinuteOfIts) {
  const auto schedule = Open();
  EXPECT_TRUE(schedule->LookNow().ok());
  EXPECT_EQ(started_, 0) << "what was due before the first process is nobody's";
  now_.value += 4 * kHour;
  EXPECT_TRUE(schedule->LookNow().ok());
  EXPECT_TRUE(schedule->LookNow().ok());
  EXPECT_EQ(started_, 1);
  now_.value += 24 * kHour;
  EXPECT_TRUE(schedule->LookNow().ok());
  EXPECT_EQ(started_, 2);
}

TEST_F(JobScheduleTest, WhatWasDueWhileNoProcessWasThereIsMadeUpForOnce) {
  last_ = now_;
  now_.value += 5 * 24 * kHour;
  EXPECT_TRUE(Open()->LookNow().ok());
  EXPECT_EQ(started_, 1);
  EXPECT_TRUE(Open()->LookNow().ok());
  EXPECT_EQ(started_, 1) << "a process that died behind the queueing finds the job";
}

TEST_F(JobScheduleTest, WhatCannotBeQueuedIsTriedAgain) {
  const auto schedule = Open();
  now_.value += 4 * kHour;
  start_ = Unavailable("the disk");
  EXPECT_FALSE(schedule->LookNow().ok());
  start_ = Status::Ok();
  EXPECT_TRUE(schedule->LookNow().ok());
  EXPECT_EQ(started_, 1);
}

}  // namespace
}  // namespace vitrine::loop
