#include "serve/batching/run_batch.h"

#include <gtest/gtest.h>

#include "serve/batching/rows_graph_testing.h"

namespace vitrine::serve {
namespace {

class RunBatchTest : public ::testing::Test {
 protected:
  RunBatchTest() {
    float value = 1;
    for (const std::int64_t rows : {1, 3, 2}) {
      tasks_.push_back(std::make_unique<RowsTask>(model_, rows, 5, value++));
      batch_.tasks.push_back(tasks_.back().get());
      batch_.rows += rows;
    }
  }

  std::shared_ptr<RowsGraphControl> control_ = std::make_shared<RowsGraphControl>();
  std::shared_ptr<const Servable> model_ = std::make_shared<RowsModel>("m:1", 8, control_);
  std::vector<std::unique_ptr<RowsTask>> tasks_;
  Batch batch_;
  BatchScratch scratch_;
};

TEST_F(RunBatchTest, IsOneRunAndEachTaskGetsItsRows) {
  for (int again = 0; again < 2; ++again) {
    EXPECT_GE(RunBatch(batch_, scratch_), 0);
    EXPECT_EQ(control_->runs, again + 1);
    EXPECT_EQ(control_->most_rows, 6);
    int leads = 0;
    for (const auto& task : tasks_) {
      EXPECT_TRUE(task->Right());
      EXPECT_EQ(task->batch_rows, 6U);
      EXPECT_LE(task->begun, task->ended);
      leads += task->leads_batch ? 1 : 0;
    }
    EXPECT_EQ(leads, 1);
  }
}

TEST_F(RunBatchTest, OneBadQuestionSpoilsNoOthersAnswer) {
  control_->before = [this](std::int64_t rows) {
    if (rows == 6) {
      return Internal("one of them is bad");
    }
    return rows == 3 ? Internal("this one") : Status::Ok();
  };
  RunBatch(batch_, scratch_);
  EXPECT_EQ(control_->runs, 4);
  EXPECT_TRUE(tasks_[0]->Right());
  EXPECT_EQ(tasks_[1]->status.message(), "this one");
  EXPECT_TRUE(tasks_[2]->Right());
  EXPECT_TRUE(tasks_[0]->leads_batch && tasks_[2]->leads_batch);
  EXPECT_EQ(tasks_[0]->batch_rows, 1U);
}

TEST_F(RunBatchTest, AGraphThatThrowsFailsItsTasksOnly) {
  control_->before = [](std::int64_t /*rows*/) -> Status { throw std::bad_alloc(); };
  RunBatch(batch_, scratch_);
  for (const auto& task : tasks_) {
    EXPECT_EQ(task->status.code(), Code::kInternal);
  }
}

}  // namespace
}  // namespace vitrine::serve
