#include "serve/batching/batch_size.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "serve/batching/rows_graph_testing.h"

namespace vitrine::serve {
namespace {

using std::chrono::microseconds;

/// Time passes in runs alone.
std::chrono::steady_clock::time_point the_time;

class FindBatchSizeTest : public ::testing::Test {
 protected:
  Result<BatchSize> Find(const std::function<int(std::int64_t)>& micros, std::int64_t most) {
    control_->before = [this, micros](std::int64_t rows) {
      sizes_.insert(rows);
      the_time += microseconds(micros(rows));
      return Status::Ok();
    };
    return FindBatchSize(RowsGraph(control_), std::span(&row_, 1), most, [] { return the_time; });
  }

  std::shared_ptr<RowsGraphControl> control_ = std::make_shared<RowsGraphControl>();
  Tensor row_ = Tensor::Of<float>("x", {1, 2}, std::vector<float>{1, 2});
  std::set<std::int64_t> sizes_;
};

TEST_F(FindBatchSizeTest, IsTheMostWhereRowsAreFreeAndWarmsEverySize) {
  const auto found = Find([](std::int64_t) { return 500; }, 16);
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found->rows, 16);
  EXPECT_DOUBLE_EQ(found->seconds, 0.0005);
  EXPECT_EQ(sizes_.size(), 16U);
}

TEST_F(FindBatchSizeTest, IsOneWhereEachRowCostsAsMuch) {
  const auto found = Find([](std::int64_t rows) { return static_cast<int>(500 * rows); }, 16);
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found->rows, 1);
}

TEST_F(FindBatchSizeTest, StopsAtTheFirstSizeThatIsNotWorthIt) {
  // 1: 1,000 rows a second; 2: 1,200; 4: 1,250, not enough more; 8 would be.
  const std::map<std::int64_t, int> cost = {{1, 1000}, {2, 1667}, {4, 3200}};
  const auto found = Find([&](std::int64_t rows) { return cost.at(rows); }, 8);
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found->rows, 2);
}

TEST_F(FindBatchSizeTest, StopsBeforeARunTakesTooLong) {
  const auto found = Find([](std::int64_t rows) { return rows < 4 ? 1000 : 60'000; }, 1024);
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found->rows, 2);
  EXPECT_EQ(*sizes_.rbegin(), 4);
}

TEST_F(FindBatchSizeTest, SaysWhyRowsCannotBeJoined) {
  control_->before = [](std::int64_t rows) {
    return rows > 1 ? Internal("only one row") : Status::Ok();
  };
  EXPECT_EQ(FindBatchSize(RowsGraph(control_), std::span(&row_, 1), 8).status().message(),
            "only one row");
}

TEST(CanJoinRows, AsksForAFreeFirstAxis) {
  EXPECT_TRUE(CanJoinRows(RowsGraph(std::make_shared<RowsGraphControl>())));
}

}  // namespace
}  // namespace vitrine::serve
