#include "optimise/search_space.h"

#include <gtest/gtest.h>

namespace vitrine::optimise {
namespace {

using train::ParameterValue;

TEST(SearchSpace, ValuesStandWhereTheirScaleSays) {
  const auto space = SearchSpace::Make({{"rate", Range{1e-4, 1e-2, Scale::kLog}},
                                        {"dropout", Range{0, 0.5}},
                                        {"blocks", Range{1, 4, Scale::kLinear, true}},
                                        {"loss", Choices{std::string("bce"), std::string("ce")}}});
  ASSERT_TRUE(space.ok()) << space.status().ToString();
  const auto at = space->At({0.5, 0.5, 0.4, 1});
  EXPECT_NEAR(std::get<double>(at.at("rate")), 1e-3, 1e-9);
  EXPECT_DOUBLE_EQ(std::get<double>(at.at("dropout")), 0.25);
  EXPECT_EQ(at.at("blocks"), ParameterValue(std::int64_t{2}));
  EXPECT_EQ(at.at("loss"), ParameterValue(std::string("ce")));
  const Point snapped = space->Snap({0.5, 0.5, 0.4, 1});
  EXPECT_NEAR(snapped[0], 0.5, 1e-12);
  EXPECT_DOUBLE_EQ(snapped[2], 1.0 / 3) << "two of one to four";
  EXPECT_EQ(space->At(snapped), at);
  EXPECT_EQ(space->ChoicesOf(3), 2U);
  EXPECT_EQ(space->ChoicesOf(0), 0U);
}

TEST(SearchSpace, WhatIsWrongIsNamed) {
  const auto says = [](std::vector<Dimension> dimensions) {
    return SearchSpace::Make(std::move(dimensions)).status().ToString();
  };
  EXPECT_NE(says({}).find("0 parameters"), std::string::npos);
  EXPECT_NE(says({{"a", Range{2, 1}}}).find("a goes from 2 to 1"), std::string::npos);
  EXPECT_NE(says({{"a", Range{0, 1, Scale::kLog}}}).find("needs a low above 0"), std::string::npos);
  EXPECT_NE(says({{"a", Range{0.5, 2, Scale::kLinear, true}}}).find("whole numbers"),
            std::string::npos);
  EXPECT_NE(says({{"a", Choices{}}}).find("a has 0 choices"), std::string::npos);
  EXPECT_NE(says({{"a", Range{}}, {"a", Range{}}}).find("a stands there twice"), std::string::npos);
  const auto one = SearchSpace::Make({{"a", Range{3, 3}}});
  ASSERT_TRUE(one.ok()) << "a range of one value is one";
  EXPECT_EQ(std::get<double>(one->At(one->Snap({0.7})).at("a")), 3);
}

}  // namespace
}  // namespace vitrine::optimise
