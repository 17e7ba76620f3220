#include "core/nearest_name.h"

#include <gtest/gtest.h>

namespace vitrine {
namespace {

const std::vector<std::string> kKnown = {"user_id", "item_id", "quantity", "price"};

TEST(NearestName, FindsTypingMistakes) {
  EXPECT_EQ(NearestName("user_di", kKnown), "user_id");
  EXPECT_EQ(NearestName("quantitiy", kKnown), "quantity");
  EXPECT_EQ(NearestName("PRICE", kKnown), "price");
}

TEST(NearestName, SaysNothingWhereNothingIsNear) {
  EXPECT_EQ(NearestName("colour", kKnown), "");
  EXPECT_EQ(NearestName("x", {}), "");
  EXPECT_EQ(DidYouMean("colour", kKnown), "");
  EXPECT_EQ(DidYouMean("itemid", kKnown), "; did you mean 'item_id'?");
}

}  // namespace
}  // namespace vitrine
