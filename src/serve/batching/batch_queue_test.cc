#include "serve/batching/batch_queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "serve/batching/rows_graph_testing.h"

namespace vitrine::serve {
namespace {

using std::chrono::seconds;

class BatchQueueTest : public ::testing::Test {
 protected:
  RowsTask& Add(std::int64_t rows, std::int64_t length, Priority priority = Priority::kNormal) {
    auto& task = tasks_.emplace_back(std::make_unique<RowsTask>(nullptr, rows, length, 0.0F));
    task->priority = priority;
    queue_.Push(*task);
    return *task;
  }
  std::vector<InferenceTask*> Take(std::int64_t most) {
    Batch batch;
    queue_.Take(most, now_, batch, dropped_);
    return batch.tasks;
  }

  std::vector<std::unique_ptr<RowsTask>> tasks_;
  BatchQueue queue_;
  Deadline now_ = std::chrono::steady_clock::now();
  std::vector<InferenceTask*> dropped_;
};

using Tasks = std::vector<InferenceTask*>;

TEST_F(BatchQueueTest, JoinsTheOldestOfOneShapeUpToTheRows) {
  RowsTask& a = Add(1, 4);
  RowsTask& longer = Add(1, 9);
  RowsTask& b = Add(2, 4);
  RowsTask& c = Add(2, 4);
  RowsTask& d = Add(1, 4);
  EXPECT_EQ(queue_.rows(), 7);
  // c would make it five rows; d, which came later, still fits.
  EXPECT_EQ(Take(4), (Tasks{&a, &b, &d}));
  EXPECT_EQ(Take(4), (Tasks{&longer}));
  EXPECT_EQ(Take(4), (Tasks{&c}));
  EXPECT_EQ(Take(4), Tasks{});
  EXPECT_EQ(queue_.size(), 0U);
  EXPECT_EQ(queue_.rows(), 0);
}

TEST_F(BatchQueueTest, OneThatIsLargerThanABatchRunsAlone) {
  RowsTask& a = Add(9, 4);
  RowsTask& b = Add(1, 4);
  EXPECT_EQ(Take(4), (Tasks{&a}));
  EXPECT_EQ(Take(4), (Tasks{&b}));
}

TEST_F(BatchQueueTest, AHigherPriorityGoesFirstAndFillsUpWithLowerOnes) {
  RowsTask& low = Add(1, 4, Priority::kLow);
  RowsTask& normal = Add(1, 4);
  RowsTask& high = Add(1, 4, Priority::kHigh);
  EXPECT_EQ(Take(2), (Tasks{&high, &normal}));
  EXPECT_EQ(Take(2), (Tasks{&low}));
}

TEST_F(BatchQueueTest, LateAndAbandonedOnesAreDroppedOnTheWay) {
  RowsTask& late = Add(1, 4);
  late.deadline = now_ - seconds(1);
  RowsTask& left = Add(1, 4);
  left.abandoned = true;
  RowsTask& in_time = Add(1, 4);
  in_time.deadline = now_ + seconds(1);
  EXPECT_EQ(Take(4), (Tasks{&in_time}));
  EXPECT_EQ(dropped_, (Tasks{&late, &left}));
  EXPECT_EQ(queue_.size(), 0U);
}

TEST_F(BatchQueueTest, TextsAndUnequalFirstAxesRunAlone) {
  RowsTask& text = Add(1, 4);
  static_cast<void>(Take(1));
  text.inputs.emplace_back("t", DType::kString, Shape{0}).SetStrings(Shape{1}, {{"a"}});
  queue_.Push(text);
  RowsTask& uneven = *tasks_.emplace_back(std::make_unique<RowsTask>(nullptr, 1, 4, 0.0F));
  uneven.inputs.emplace_back("z", DType::kFloat32, Shape{2, 1});
  queue_.Push(uneven);
  // No rows in one input and some in another: joined, it would shift the rows of its neighbours.
  RowsTask& none = *tasks_.emplace_back(std::make_unique<RowsTask>(nullptr, 2, 4, 0.0F));
  none.inputs.front() = Tensor("x", DType::kFloat32, Shape{0, 4});
  none.inputs.emplace_back("z", DType::kFloat32, Shape{2, 1});
  queue_.Push(none);
  RowsTask& proper = *tasks_.emplace_back(std::make_unique<RowsTask>(nullptr, 2, 4, 0.0F));
  proper.inputs.emplace_back("z", DType::kFloat32, Shape{2, 1});
  queue_.Push(proper);
  EXPECT_EQ(Take(8), (Tasks{&text}));
  EXPECT_EQ(Take(8), (Tasks{&uneven}));
  EXPECT_EQ(Take(8), (Tasks{&none}));
  EXPECT_EQ(Take(8), (Tasks{&proper}));
}

// Whatever is asked of it: each task comes out once, batches are of one shape and within the rows, and within
// a priority and a shape nobody overtakes anybody of the same size.
TEST_F(BatchQueueTest, LosesNothingAndKeepsTheOrder) {
  std::mt19937 random(3);
  const auto draw = [&random](int n) {
    return static_cast<int>(random() % static_cast<unsigned>(n));
  };
  std::map<const InferenceTask*, int> age;
  std::map<std::pair<int, int>, int> newest;  // by priority and length
  std::size_t out = 0;
  for (int step = 0; step < 4000; ++step) {
    if (draw(3) > 0) {
      const auto priority = static_cast<Priority>(draw(3));
      age[&Add(1, 1 + draw(3), priority)] = step;
      continue;
    }
    const Tasks batch = Take(1 + draw(6));
    ASSERT_EQ(batch.empty(), out == age.size());
    for (const InferenceTask* task : batch) {
      ASSERT_EQ(task->inputs[0].shape()[1], batch[0]->inputs[0].shape()[1]);
      int& last =
          newest[{static_cast<int>(task->priority), static_cast<int>(task->inputs[0].shape()[1])}];
      ASSERT_GE(age.at(task), last);
      last = age.at(task);
      ++out;
    }
  }
  while (queue_.size() > 0) {
    out += Take(100).size();
  }
  EXPECT_EQ(out, tasks_.size());
}

}  // namespace
}  // namespace vitrine::serve
