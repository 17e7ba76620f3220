#include "serve/recent_answers.h"

#include <gtest/gtest.h>

namespace vitrine::serve {
namespace {

using Items = std::vector<data::ItemNumber>;

TEST(RecentAnswers, KeepTheLastOfEachUserAndScene) {
  RecentAnswers recent;
  Items items;
  EXPECT_FALSE(recent.Find("home", "ada", items));
  recent.Keep("home", "ada", Items{1, 2});
  recent.Keep("cart", "ada", Items{3});
  recent.Keep("home", "ada", Items{4});
  recent.Keep("home", "bob", Items{5});
  ASSERT_TRUE(recent.Find("home", "ada", items));
  EXPECT_EQ(items, Items{4});
  ASSERT_TRUE(recent.Find("cart", "ada", items));
  EXPECT_EQ(items, Items{3});
  EXPECT_FALSE(recent.Find("cart", "bob", items));
}

TEST(RecentAnswers, AnErasedUserLeavesNothing) {
  RecentAnswers recent;
  recent.Keep("home", "ada", Items{1});
  recent.Keep("cart", "ada", Items{1});
  recent.Forget("ada");
  recent.Forget("nobody");
  Items items;
  EXPECT_FALSE(recent.Find("home", "ada", items));
  EXPECT_FALSE(recent.Find("cart", "ada", items));
}

TEST(RecentAnswers, ThoseWhoAskedLongestAgoMakeRoom) {
  constexpr std::size_t kMost = 64;
  RecentAnswers recent(kMost);
  Items items;
  for (data::ItemNumber i = 0; i < 2000; ++i) {
    recent.Keep("home", "user" + std::to_string(i), Items{i});
    recent.Keep("home", "regular", Items{i});
  }
  std::size_t kept = 0;
  for (data::ItemNumber i = 0; i < 2000; ++i) {
    if (recent.Find("home", "user" + std::to_string(i), items)) {
      EXPECT_EQ(items, Items{i});
      ++kept;
    }
  }
  EXPECT_LE(kept, 2 * kMost);
  EXPECT_GE(kept, kMost / 2);
  EXPECT_TRUE(recent.Find("home", "user1999", items));
  ASSERT_TRUE(recent.Find("home", "regular", items));
  EXPECT_EQ(items, Items{1999});
}

}  // namespace
}  // namespace vitrine::serve
