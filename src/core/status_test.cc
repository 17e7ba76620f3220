#include "core/status.h"

#include <gtest/gtest.h>

#include <memory>

namespace vitrine {
namespace {

Result<int> Half(int n) {
  if (n % 2 != 0) {
    return InvalidArgument("odd");
  }
  return n / 2;
}

Status Quarter(int n, int& out) {
  ASSIGN_OR_RETURN(const int half, Half(n));
  ASSIGN_OR_RETURN(out, Half(half));
  return Status::Ok();
}

TEST(Status, CodesKeepGrpcNumbers) {
  EXPECT_EQ(static_cast<int>(Code::kUnauthenticated), 16);
  EXPECT_EQ(CodeName(Code::kDataLoss), "DATA_LOSS");
}

TEST(Status, ContextGoesBeforeTheMessage) {
  EXPECT_EQ(NotFound("no row").WithContext("users.csv").ToString(), "NOT_FOUND: users.csv: no row");
  EXPECT_TRUE(Status::Ok().WithContext("x").ok());
}

TEST(Result, MacrosLeaveWithTheFailure) {
  int out = 0;
  EXPECT_TRUE(Quarter(8, out).ok());
  EXPECT_EQ(out, 2);
  EXPECT_EQ(Quarter(6, out), InvalidArgument("odd"));
}

TEST(Result, HoldsMoveOnlyValues) {
  Result<std::unique_ptr<int>> made(std::make_unique<int>(3));
  EXPECT_EQ(*std::move(made).value(), 3);
}

TEST(ResultDeathTest, ValueOfAFailureIsABrokenInvariant) {
  const Result<int> failed = Half(1);
  EXPECT_DEATH(static_cast<void>(failed.value()), "broken invariant");
}

}  // namespace
}  // namespace vitrine
