#include "serve/batching/model_pool.h"

#include <gtest/gtest.h>

#include <latch>

#include "serve/batching/rows_graph_testing.h"
#include "serve/batching/turn_batcher.h"

namespace vitrine::serve {
namespace {

/// Stops runs until it is opened.
class Gate {
 public:
  void Pass() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
  }
  void Open() {
    const std::scoped_lock lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void WaitForOne() {
    std::unique_lock lock(mutex_);
    ASSERT_TRUE(changed_.wait_for(lock, std::chrono::seconds(30), [this] { return waiting_ > 0; }));
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  int waiting_ = 0;
};

class ModelPoolTest : public ::testing::Test {
 protected:
  std::shared_ptr<RowsGraphControl> control_ = std::make_shared<RowsGraphControl>();
  std::shared_ptr<const Servable> model_ = std::make_shared<RowsModel>("m:1", 4, control_);
};

TEST_F(ModelPoolTest, AnswersEveryTaskOnceFromManyThreads) {
  constexpr int kThreads = 4;
  constexpr int kEach = 300;
  ModelPool pool({.waiting = kThreads * kEach, .workers = 2, .delay = {}});
  std::latch done(kThreads * kEach);
  std::vector<std::vector<std::unique_ptr<RowsTask>>> tasks(kThreads);
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < kEach; ++i) {
          auto& task = tasks[static_cast<std::size_t>(t)].emplace_back(
              std::make_unique<RowsTask>(model_, 1 + i % 2, 3, static_cast<float>(t * kEach + i)));
          task->then = [&done] { done.count_down(); };
          ASSERT_TRUE(pool.Submit(*task).ok());
        }
      });
    }
  }
  done.wait();
  for (const auto& of_thread : tasks) {
    for (const auto& task : of_thread) {
      EXPECT_EQ(task->done, 1);
      EXPECT_TRUE(task->Right());
    }
  }
  EXPECT_LE(control_->most_rows, 4);
}

TEST_F(ModelPoolTest, WhatIsLateWhenItsTurnComesIsNotRun) {
  Gate gate;
  control_->before = [&gate](std::int64_t) {
    gate.Pass();
    return Status::Ok();
  };
  ModelPool pool({.waiting = 100, .workers = 1, .delay = {}});
  std::latch done(3);
  RowsTask first(model_, 1, 3, 1);
  RowsTask late(model_, 1, 3, 2);
  RowsTask left(model_, 1, 3, 3);
  for (RowsTask* task : {&first, &late, &left}) {
    task->then = [&done] { done.count_down(); };
  }
  ASSERT_TRUE(pool.Submit(first).ok());
  gate.WaitForOne();
  ASSERT_TRUE(pool.Submit(late).ok());
  late.deadline = std::chrono::steady_clock::now();
  ASSERT_TRUE(pool.Submit(left).ok());
  left.abandoned = true;
  EXPECT_EQ(pool.waiting(), 2U);
  gate.Open();
  done.wait();
  EXPECT_TRUE(first.Right());
  EXPECT_EQ(late.status.code(), Code::kDeadlineExceeded);
  EXPECT_EQ(left.status.code(), Code::kCancelled);
  EXPECT_EQ(late.batch_rows, 0U);
  EXPECT_EQ(control_->runs, 1);
}

TEST_F(ModelPoolTest, AtTheEndWhatWaitsIsToldSo) {
  Gate gate;
  control_->before = [&gate](std::int64_t) {
    gate.Pass();
    return Status::Ok();
  };
  auto pool = std::make_unique<ModelPool>(QueueLimits{.waiting = 100, .workers = 1, .delay = {}});
  RowsTask running(model_, 1, 3, 1);
  RowsTask waiting(model_, 1, 9, 2);
  ASSERT_TRUE(pool->Submit(running).ok());
  gate.WaitForOne();
  ASSERT_TRUE(pool->Submit(waiting).ok());
  std::jthread ending([&pool] { pool.reset(); });
  gate.Open();
  ending.join();
  EXPECT_EQ(running.done, 1);
  EXPECT_EQ(waiting.done, 1);
  EXPECT_TRUE(waiting.Right() || waiting.status.code() == Code::kUnavailable);
}

TEST_F(ModelPoolTest, ABatchWaitsForMoreWhereItMay) {
  ModelPool pool({.waiting = 100, .workers = 1, .delay = std::chrono::seconds(60)});
  std::latch done(4);
  std::vector<std::unique_ptr<RowsTask>> tasks;
  for (int i = 0; i < 4; ++i) {
    tasks.push_back(std::make_unique<RowsTask>(model_, 1, 3, static_cast<float>(i)));
    tasks.back()->then = [&done] { done.count_down(); };
    ASSERT_TRUE(pool.Submit(*tasks.back()).ok());
  }
  done.wait();  // long before the delay is over
  EXPECT_EQ(control_->runs, 1);
  EXPECT_EQ(tasks[2]->batch_rows, 4U);
}

TEST(TurnBatcherTest, WhatATurnBringsRunsTogetherAtItsEnd) {
  const auto control = std::make_shared<RowsGraphControl>();
  const auto model = std::make_shared<RowsModel>("m:1", 4, control);
  TurnBatcher turn({.waiting = 6, .workers = 1, .delay = {}});
  std::vector<std::unique_ptr<RowsTask>> tasks;
  for (int i = 0; i < 6; ++i) {
    tasks.push_back(std::make_unique<RowsTask>(model, 1, 3, static_cast<float>(i)));
    const Result<bool> parked = turn.Park(*tasks.back());
    ASSERT_TRUE(parked.ok());
    EXPECT_EQ(*parked, i == 0);  // one call at the end of the turn is enough
  }
  RowsTask too_many(model, 1, 3, 9);
  EXPECT_EQ(turn.Park(too_many).status().code(), Code::kUnavailable);
  EXPECT_TRUE(turn.RunOne());
  EXPECT_EQ(control->runs, 1);
  EXPECT_FALSE(turn.RunOne());
  EXPECT_EQ(control->runs, 2);
  EXPECT_FALSE(turn.RunOne());
  for (const auto& task : tasks) {
    EXPECT_TRUE(task->Right());
    EXPECT_EQ(task->done, 1);
  }
}

TEST(TurnBatcherTest, ATaskMaySubmitTheNextOneWhenItIsDone) {
  const auto model = std::make_shared<RowsModel>("m:1", 4, std::make_shared<RowsGraphControl>());
  TurnBatcher turn({.waiting = 6, .workers = 1, .delay = {}});
  RowsTask first(model, 1, 3, 1);
  RowsTask second(model, 1, 3, 2);
  bool due = true;
  first.then = [&] {
    const Result<bool> parked = turn.Park(second);
    due = !parked.ok() || *parked;
  };
  ASSERT_TRUE(turn.Park(first).ok());
  EXPECT_TRUE(turn.RunOne());
  EXPECT_FALSE(due);  // it is due already
  EXPECT_FALSE(turn.RunOne());
  EXPECT_TRUE(second.Right());
}

}  // namespace
}  // namespace vitrine::serve
