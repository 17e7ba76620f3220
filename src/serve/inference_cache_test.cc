#include "serve/inference_cache.h"

#include <gtest/gtest.h>

#include <thread>

#include "serve/batching/rows_graph_testing.h"

namespace vitrine::serve {
namespace {

using Outcome = InferenceCache::Outcome;
using std::chrono::seconds;

class InferenceCacheTest : public ::testing::Test {
 protected:
  std::unique_ptr<RowsTask> Task(float value, std::int64_t rows = 1) {
    return std::make_unique<RowsTask>(model_, rows, 3, value);
  }
  /// Answers a task as a run would, and ends it.
  void Run(InferenceTask& task, Status status = Status::Ok()) {
    std::vector<Tensor> outputs;
    EXPECT_TRUE(task.model->graph().Run(task.inputs, outputs).ok());
    task.outputs = std::move(outputs);
    task.status = std::move(status);
    task.begun = task.ended = now_;
    task.Finish();
  }

  std::shared_ptr<const Servable> model_ =
      std::make_shared<RowsModel>("m:1", 4, std::make_shared<RowsGraphControl>());
  Deadline now_ = std::chrono::steady_clock::now();
  InferenceCache cache_{{.bytes = 1 << 20, .keep = seconds(10)}};
};

TEST_F(InferenceCacheTest, TheSameQuestionIsAnsweredOnceAndAgainWhenItsTimeIsOver) {
  const auto first = Task(1);
  EXPECT_EQ(cache_.Ask(*first, now_), Outcome::kLead);
  Run(*first);
  EXPECT_EQ(first->done, 1);
  const auto again = Task(1);
  EXPECT_EQ(cache_.Ask(*again, now_ + seconds(9)), Outcome::kHit);
  EXPECT_TRUE(again->Right());
  EXPECT_TRUE(again->cached);
  const auto later = Task(1);
  EXPECT_EQ(cache_.Ask(*later, now_ + seconds(10)), Outcome::kLead);
}

TEST_F(InferenceCacheTest, AnotherQuestionOrVersionIsAnother) {
  const auto first = Task(1);
  cache_.Ask(*first, now_);
  Run(*first);
  EXPECT_EQ(cache_.Ask(*Task(2), now_), Outcome::kLead);
  EXPECT_EQ(cache_.Ask(*Task(1, 2), now_), Outcome::kLead);
  const auto other = Task(1);
  other->model = std::make_shared<RowsModel>("m:2", 4, std::make_shared<RowsGraphControl>());
  EXPECT_EQ(cache_.Ask(*other, now_), Outcome::kLead);
}

TEST_F(InferenceCacheTest, ThoseThatAskMeanwhileShareTheRun) {
  const auto leader = Task(1);
  ASSERT_EQ(cache_.Ask(*leader, now_), Outcome::kLead);
  EXPECT_FALSE(leader->wanted_by_others);
  const auto a = Task(1);
  const auto b = Task(1);
  EXPECT_EQ(cache_.Ask(*a, now_), Outcome::kFollow);
  EXPECT_EQ(cache_.Ask(*b, now_), Outcome::kFollow);
  leader->abandoned = true;
  EXPECT_FALSE(leader->Droppable(now_));
  Run(*leader);
  EXPECT_EQ(a->done + b->done, 2);
  EXPECT_TRUE(a->Right() && b->Right());
}

TEST_F(InferenceCacheTest, AFailureIsToldAndNotKept) {
  const auto leader = Task(1);
  cache_.Ask(*leader, now_);
  const auto follower = Task(1);
  cache_.Ask(*follower, now_);
  Run(*leader, Internal("it broke"));
  EXPECT_EQ(follower->status.message(), "it broke");
  EXPECT_EQ(cache_.Ask(*Task(1), now_), Outcome::kLead);
}

TEST_F(InferenceCacheTest, StaysWithinItsMemoryAndForgetsTheLongestUnasked) {
  std::vector<std::unique_ptr<RowsTask>> tasks;
  for (int i = 0; i < 4000; ++i) {
    tasks.push_back(Task(static_cast<float>(i)));
    ASSERT_EQ(cache_.Ask(*tasks.back(), now_), Outcome::kLead);
    Run(*tasks.back());
    ASSERT_EQ(cache_.Ask(*Task(0), now_), Outcome::kHit);  // asked all the time: it stays
  }
  EXPECT_LE(cache_.bytes(), std::size_t{1} << 20);
  EXPECT_GT(cache_.bytes(), std::size_t{1} << 19);
  EXPECT_EQ(cache_.Ask(*Task(3999), now_), Outcome::kHit);
  EXPECT_EQ(cache_.Ask(*Task(1), now_), Outcome::kLead);
  const auto large = Task(-1, 100'000);
  EXPECT_EQ(cache_.Ask(*large, now_), Outcome::kLead);
  Run(*large);  // larger than what is kept of one
  EXPECT_LE(cache_.bytes(), std::size_t{1} << 20);
}

TEST_F(InferenceCacheTest, ManyThreadsAskTheSame) {
  std::atomic<int> right{0};
  std::atomic<int> led{0};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 500; ++i) {
          const auto task = Task(static_cast<float>(i));
          const Outcome outcome = cache_.Ask(*task, now_);
          if (outcome == Outcome::kLead) {
            ++led;
            Run(*task);
          }
          while (outcome == Outcome::kFollow && task->done == 0) {
            std::this_thread::yield();
          }
          right += task->Right() ? 1 : 0;
        }
      });
    }
  }
  EXPECT_EQ(right, 4 * 500);
  EXPECT_EQ(led, 500);
}

}  // namespace
}  // namespace vitrine::serve
