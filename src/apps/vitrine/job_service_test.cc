#include "apps/vitrine/job_service.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "core/guarded.h"

namespace vitrine::apps {
namespace {

class Jobs final : public loop::JobStore {
 public:
  Result<loop::Job> CreateJob(loop::Job job) override {
    return jobs_.With([&](auto& jobs) {
      job.id = "job-00000" + std::to_string(jobs.size() + 1);
      return jobs[job.id] = job;
    });
  }
  Status UpdateJob(const loop::Job& job) override {
    jobs_.With([&](auto& jobs) { jobs[job.id] = job; });
    return Status::Ok();
  }
  Result<loop::Job> GetJob(std::string_view id) const override {
    return jobs_.With([&](const auto& jobs) -> Result<loop::Job> {
      const auto found = jobs.find(std::string(id));
      return found == jobs.end() ? Result<loop::Job>(NotFound("no such job")) : found->second;
    });
  }
  Result<std::vector<loop::Job>> ListJobs(std::string_view cursor, std::size_t) const override {
    return jobs_.With([&](const auto& jobs) {
      std::vector<loop::Job> page;
      for (auto at = jobs.rbegin(); at != jobs.rend(); ++at) {
        if (cursor.empty() || at->first < cursor) {
          page.push_back(at->second);
        }
      }
      return page;
    });
  }

 private:
  Guarded<std::map<std::string, loop::Job>> jobs_;
};

class JobRunnerTest : public testing::Test {
 protected:
  JobRunnerTest() {
    std::string path = (std::filesystem::temp_directory_path() / "vitrine-jobs-XXXXXX").string();
    EXPECT_NE(::mkdtemp(path.data()), nullptr);
    folder_ = path;
  }
  ~JobRunnerTest() override { std::filesystem::remove_all(folder_); }

  std::unique_ptr<JobRunner> Open(JobBody body, RetryPolicy retry) {
    return std::make_unique<JobRunner>(
        jobs_, folder_, std::map<std::string, JobBody>{{"turn", std::move(body)}}, changes_, retry);
  }
  loop::Job Until(const std::string& id, loop::JobState state) {
    const auto deadline = After(std::chrono::seconds(30));
    loop::Job job = *jobs_.GetJob(id);
    while (job.state != state && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      job = *jobs_.GetJob(id);
    }
    EXPECT_EQ(loop::JobStateName(job.state), loop::JobStateName(state)) << job.error;
    return job;
  }
  static std::string Begin(JobRunner& runner, const char* actor) {
    const auto job = runner.Start("turn", "{}", actor, "");
    EXPECT_TRUE(job.ok());
    return job->id;
  }

  Jobs jobs_;
  ChangeLog changes_;
  std::string folder_;
  std::atomic<int> runs_{0};
};

TEST_F(JobRunnerTest, WhatStartedByItselfIsTriedAgainWhereTheReasonMayPass) {
  const auto runner = Open(
      [this](const loop::Job&, const std::string&, const Progress&) -> Result<std::string> {
        return ++runs_ < 3 ? Result<std::string>(Unavailable("the disk is full"))
                           : Result<std::string>("{}");
      },
      {.first = std::chrono::milliseconds(1), .retries = 3});
  const loop::Job done = Until(Begin(*runner, "trigger:drift"), loop::JobState::kSucceeded);
  EXPECT_EQ(runs_, 3);
  EXPECT_EQ(done.attempts, 3U);
  EXPECT_EQ(done.error, "");
}

TEST_F(JobRunnerTest, ItGivesUpAfterItsRetries) {
  const auto runner = Open(
      [this](const loop::Job&, const std::string&, const Progress&) -> Result<std::string> {
        ++runs_;
        return Unavailable("the disk is full");
      },
      {.first = std::chrono::milliseconds(1), .retries = 2});
  const loop::Job failed = Until(Begin(*runner, "trigger:drift"), loop::JobState::kFailed);
  EXPECT_EQ(runs_, 3);
  EXPECT_EQ(failed.error, "the disk is full");
}

TEST_F(JobRunnerTest, APersonHearsOfTheFailureAndSoDoesWhoeverIsWrong) {
  const auto runner = Open(
      [this](const loop::Job& job, const std::string&, const Progress&) -> Result<std::string> {
        ++runs_;
        return job.actor == "ann" ? Unavailable("the disk is full") : InvalidArgument("a bad spec");
      },
      {.first = std::chrono::milliseconds(1), .retries = 3});
  Until(Begin(*runner, "ann"), loop::JobState::kFailed);
  Until(Begin(*runner, "trigger:volume"), loop::JobState::kFailed);
  EXPECT_EQ(runs_, 2);
}

TEST_F(JobRunnerTest, OthersDoNotWaitForARetryAndItCanBeCancelled) {
  const auto runner = Open(
      [this](const loop::Job& job, const std::string&, const Progress&) -> Result<std::string> {
        ++runs_;
        return job.actor == "ann" ? Result<std::string>("{}")
                                  : Result<std::string>(Unavailable("the disk is full"));
      },
      {.first = std::chrono::hours(1), .retries = 3});
  const std::string waits = Begin(*runner, "trigger:drift");
  const std::string other = Begin(*runner, "ann");
  Until(other, loop::JobState::kSucceeded);
  const loop::Job waiting = Until(waits, loop::JobState::kQueued);
  EXPECT_NE(waiting.error.find("tried 1 of 4 times; again at"), std::string::npos) << waiting.error;
  EXPECT_TRUE(runner->Cancel(waits, "ann").ok());
  Until(waits, loop::JobState::kCancelled);
  EXPECT_EQ(runs_, 2);
}

}  // namespace
}  // namespace vitrine::apps
