#include "adapters/open_inference/retry_budget.h"

#include <gtest/gtest.h>

namespace vitrine::adapters {
namespace {

TEST(RetryBudgetTest, RetriesAreAShareOfTheCallsInTheLongRun) {
  RetryBudget budget({.share = 0.1, .saved = 2});
  int retries = 0;
  for (int call = 0; call < 1000; ++call) {
    budget.OnCall();
    retries += budget.TakeRetry() ? 1 : 0;
  }
  EXPECT_GE(retries, 100);
  EXPECT_LE(retries, 102);
}

TEST(RetryBudgetTest, NoMoreIsSavedUpThanAllowed) {
  RetryBudget budget({.share = 0.1, .saved = 2});
  for (int call = 0; call < 1000; ++call) {
    budget.OnCall();
  }
  EXPECT_TRUE(budget.TakeRetry());
  EXPECT_TRUE(budget.TakeRetry());
  EXPECT_FALSE(budget.TakeRetry());
  for (int call = 0; call < 10; ++call) {
    EXPECT_FALSE(budget.TakeRetry());
    budget.OnCall();
  }
  EXPECT_TRUE(budget.TakeRetry());
}

}  // namespace
}  // namespace vitrine::adapters
