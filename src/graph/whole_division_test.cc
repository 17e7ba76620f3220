#include "graph/whole_division.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "graph/builder.h"
#include "graph/check.h"

namespace vitrine::graph {
namespace {

/// What the check says of a graph that answers `divide` of an input of whole numbers.
Status Verdict(const std::function<Value(Builder&, const Value&)>& divide,
               DType answer = DType::kInt64) {
  Builder b("division");
  const Value x = b.Input("x", DType::kInt64, {"batch", 2});
  b.Output("y", divide(b, x), answer, {"batch", 2});
  const auto bytes = b.Finish();
  return bytes.ok() ? CheckModel(*bytes).status() : bytes.status();
}

TEST(WholeDivisionTest, RefusesWhatMayDivideTheSmallestByMinusOne) {
  const std::vector<std::function<Value(Builder&, const Value&)>> all = {
      [](Builder& b, const Value& x) { return b.Div(x, x); },
      [](Builder& b, const Value& x) { return b.Op("Mod", {x, x}); },
      [](Builder& b, const Value& x) { return b.Div(x, b.Scalar<std::int64_t>(-1)); },
      [](Builder& b, const Value& x) { return b.Div(x, b.Constants({2, -1})); },
      [](Builder& b, const Value& x) { return b.Div(x, b.Sub(b.Scalar<std::int64_t>(1), x)); },
      [](Builder& b, const Value& x) {
        return b.Div(x, b.Op("Max", {x, b.Scalar<std::int64_t>(-1)}));
      },
      [](Builder& b, const Value& x) {
        return b.Div(x, b.Cast(b.Cast(x, DType::kFloat32), DType::kInt64));
      }};
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Status verdict = Verdict(all[i]);
    EXPECT_EQ(verdict.code(), Code::kInvalidArgument) << i;
    EXPECT_THAT(verdict.message(), testing::HasSubstr("divides whole numbers by")) << i;
  }
}

TEST(WholeDivisionTest, LetsThroughWhatCannot) {
  const auto constant = [](Builder& b, const Value& x) {
    return b.Op("Mod", {b.Div(x, b.Constants({2, 3})), b.Scalar<std::int64_t>(-7)});
  };
  EXPECT_EQ(Verdict(constant), Status());
  const auto at_least_one = [](Builder& b, const Value& x) {
    return b.Div(x, b.Op("Max", {x, b.Scalar<std::int64_t>(1)}));
  };
  EXPECT_EQ(Verdict(at_least_one), Status());
  const auto sizes = [](Builder& b, const Value& x) {
    return b.Div(x, b.Gather(b.ShapeOf(x), b.Scalar<std::int64_t>(0)));
  };
  EXPECT_EQ(Verdict(sizes), Status());
  const auto floats = [](Builder& b, const Value& x) {
    const Value f = b.Cast(x, DType::kFloat32);
    return b.Div(f, f);
  };
  EXPECT_EQ(Verdict(floats, DType::kFloat32), Status());
}

}  // namespace
}  // namespace vitrine::graph
