#include "serve/batching/fair_queue.h"

#include <gtest/gtest.h>

#include <map>

#include "serve/batching/rows_graph_testing.h"

namespace vitrine::serve {
namespace {

using std::chrono::milliseconds;

class FairQueueTest : public ::testing::Test {
 protected:
  std::shared_ptr<const Servable> Model(const std::string& name, std::int64_t batch_rows = 4) {
    return std::make_shared<RowsModel>(name, batch_rows, std::make_shared<RowsGraphControl>());
  }
  RowsTask& Task(const std::shared_ptr<const Servable>& model) {
    return *tasks_.emplace_back(std::make_unique<RowsTask>(model, 1, 2, 0.0F));
  }
  /// Takes a batch and says that it took so long; the model's version.
  std::string RunOne(FairQueue& queue, double seconds_per_row) {
    Batch batch;
    Deadline ready;
    if (!queue.Take(now_, batch, dropped_, ready)) {
      return "";
    }
    const Servable& model = *batch.tasks.front()->model;
    queue.Ran(model, batch.rows, seconds_per_row * static_cast<double>(batch.rows));
    return model.version();
  }

  std::vector<std::unique_ptr<RowsTask>> tasks_;
  std::vector<InferenceTask*> dropped_;
  Deadline now_ = std::chrono::steady_clock::now();
};

TEST_F(FairQueueTest, ModelsGetEqualTimeNotEqualTurns) {
  const auto slow = Model("slow:1", 1);
  const auto quick = Model("quick:1", 1);
  FairQueue queue({.waiting = 10'000, .workers = 1, .delay = {}});
  for (int i = 0; i < 2000; ++i) {
    ASSERT_TRUE(queue.Push(Task(slow)).ok());
    ASSERT_TRUE(queue.Push(Task(quick)).ok());
  }
  std::map<std::string, double> seconds;
  for (int i = 0; i < 1000; ++i) {
    const bool is_slow = [&] {
      Batch batch;
      Deadline ready;
      EXPECT_TRUE(queue.Take(now_, batch, dropped_, ready));
      const bool it_is = batch.tasks.front()->model == slow;
      queue.Ran(*batch.tasks.front()->model, 1, it_is ? 0.009 : 0.001);
      return it_is;
    }();
    seconds[is_slow ? "slow" : "quick"] += is_slow ? 0.009 : 0.001;
  }
  EXPECT_NEAR(seconds["slow"], seconds["quick"], 0.02);
}

TEST_F(FairQueueTest, OneThatWasAwaySavesNoTimeUpForItself) {
  const auto here = Model("here:1", 1);
  const auto away = Model("away:1", 1);
  FairQueue queue({.waiting = 1000, .workers = 1, .delay = {}});
  for (int i = 0; i < 500; ++i) {
    ASSERT_TRUE(queue.Push(Task(here)).ok());
  }
  for (int i = 0; i < 200; ++i) {
    ASSERT_EQ(RunOne(queue, 0.001), "here:1");
  }
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(queue.Push(Task(away)).ok());
  }
  int of_away = 0;
  for (int i = 0; i < 20; ++i) {
    of_away += RunOne(queue, 0.001) == "away:1" ? 1 : 0;
  }
  EXPECT_NEAR(of_away, 10, 1);
}

TEST_F(FairQueueTest, AFullQueueRefusesAndTheOtherModelsDoesNot) {
  const auto a = Model("a:1");
  const auto b = Model("b:1");
  FairQueue queue({.waiting = 3, .workers = 1, .delay = {}});
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(queue.Push(Task(a)).ok());
  }
  const Status refused = queue.Push(Task(a));
  EXPECT_EQ(refused.code(), Code::kUnavailable);
  EXPECT_NE(refused.message().find("a:1"), std::string::npos) << refused.message();
  EXPECT_TRUE(queue.Push(Task(b)).ok());
  EXPECT_EQ(queue.size(), 4U);
}

TEST_F(FairQueueTest, WhatWouldBeLateIsRefusedAtOnce) {
  const auto model = Model("m:1", 1);
  FairQueue queue({.waiting = 1000, .workers = 2, .delay = {}});
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(queue.Push(Task(model)).ok());
  }
  for (int i = 0; i < 40; ++i) {
    RunOne(queue, 0.01);  // it learns what a row costs
  }
  // 60 rows of 10 ms for two workers: 300 ms.
  RowsTask& hurried = Task(model);
  hurried.deadline = hurried.queued + milliseconds(250);
  EXPECT_EQ(queue.Push(hurried).code(), Code::kDeadlineExceeded);
  RowsTask& patient = Task(model);
  patient.deadline = patient.queued + milliseconds(350);
  EXPECT_TRUE(queue.Push(patient).ok());
}

// The loop that runs them does as much again between its runs: a wait is twice what the runs take.
TEST_F(FairQueueTest, AWaitCountsWhatIsDoneBetweenTheRuns) {
  const auto model = Model("m:1", 1);
  FairQueue queue({.waiting = 1000, .workers = 1, .delay = {}});
  for (int i = 0; i < 500; ++i) {
    ASSERT_TRUE(queue.Push(Task(model)).ok());
  }
  EXPECT_EQ(queue.slowdown(), 1);
  for (int i = 0; i < 450; ++i) {
    RunOne(queue, 0.001);
    now_ += milliseconds(2);
  }
  EXPECT_NEAR(queue.slowdown(), 2, 0.1);
  // 50 rows of 1 ms at half the pace, and its own.
  RowsTask& hurried = Task(model);
  hurried.deadline = hurried.queued + milliseconds(80);
  EXPECT_EQ(queue.Push(hurried).code(), Code::kDeadlineExceeded);
  RowsTask& patient = Task(model);
  patient.deadline = patient.queued + milliseconds(120);
  EXPECT_TRUE(queue.Push(patient).ok());
  // Time without anything to do is no slowness.
  while (!RunOne(queue, 0.001).empty()) {
    now_ += milliseconds(1);
  }
  for (int i = 0; i < 100; ++i) {
    now_ += milliseconds(50);
    ASSERT_TRUE(queue.Push(Task(model)).ok());
    RunOne(queue, 0.001);
  }
  EXPECT_LT(queue.slowdown(), 1.2) << "nor is what was slow once";
}

// Runs of one row teach what a row costs; a request behind one other is not told the time of a full batch.
TEST_F(FairQueueTest, AShortQueueIsNoFullBatch) {
  const auto model = Model("m:1", 16);
  FairQueue queue({.waiting = 1000, .workers = 1, .delay = {}});
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(queue.Push(Task(model)).ok());
    RunOne(queue, 0.001);
  }
  ASSERT_TRUE(queue.Push(Task(model)).ok());
  RowsTask& second = Task(model);
  second.deadline = second.queued + milliseconds(5);
  EXPECT_TRUE(queue.Push(second).ok()) << "1 ms before it, 2 of its own batch";
}

TEST_F(FairQueueTest, ABatchThatWaitsToFillIsNotSlow) {
  const auto model = Model("m:1", 4);
  FairQueue queue({.waiting = 1000, .workers = 1, .delay = milliseconds(5)});
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(queue.Push(Task(model)).ok());
    ASSERT_TRUE(queue.Push(Task(model)).ok());
    now_ += milliseconds(5);
    RunOne(queue, 0.0001);
  }
  EXPECT_EQ(queue.slowdown(), 1);
}

TEST_F(FairQueueTest, ABatchThatIsNotFullWaitsForItsDelayAndAFullOneDoesNot) {
  const auto model = Model("m:1", 4);
  ASSERT_EQ(model->batch_rows(), 4);
  FairQueue queue({.waiting = 100, .workers = 1, .delay = milliseconds(5)});
  RowsTask& first = Task(model);
  first.queued = now_;
  ASSERT_TRUE(queue.Push(first).ok());
  Batch batch;
  Deadline ready;
  EXPECT_FALSE(queue.Take(now_, batch, dropped_, ready));
  EXPECT_EQ(ready, now_ + milliseconds(5));
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(queue.Push(Task(model)).ok());
  }
  EXPECT_TRUE(queue.Take(now_, batch, dropped_, ready));
  EXPECT_EQ(batch.rows, 4);
  queue.Ran(*model, 4, 0.001);
  RowsTask& last = Task(model);
  last.queued = now_;
  ASSERT_TRUE(queue.Push(last).ok());
  batch = Batch();
  EXPECT_TRUE(queue.Take(now_ + milliseconds(5), batch, dropped_, ready));
  EXPECT_EQ(batch.rows, 1);
}

TEST_F(FairQueueTest, GivesEverythingBackAtTheEnd) {
  const auto a = Model("a:1");
  const auto b = Model("b:1");
  FairQueue queue({.waiting = 100, .workers = 1, .delay = {}});
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(queue.Push(Task(a)).ok());
    ASSERT_TRUE(queue.Push(Task(b)).ok());
  }
  tasks_[3]->abandoned = true;
  std::vector<InferenceTask*> all;
  queue.TakeAll(all);
  EXPECT_EQ(all.size(), 10U);
  EXPECT_TRUE(queue.empty());
}

}  // namespace
}  // namespace vitrine::serve
