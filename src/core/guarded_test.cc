#include "core/guarded.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace vitrine {
namespace {

TEST(Guarded, CountsUnderContention) {
  Guarded<int> count(0);
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&count] {
        for (int i = 0; i < 1000; ++i) {
          count.With([](int& n) { ++n; });
        }
      });
    }
  }
  EXPECT_EQ(count.With([](int& n) { return n; }), 4000);
}

TEST(Published, ReadersSeeWholeValuesWhileTheyAreSwapped) {
  Published<std::vector<int>> published(std::make_shared<const std::vector<int>>(64, 0));
  std::jthread writer([&published] {
    for (int i = 1; i < 1000; ++i) {
      published.Publish(std::make_shared<const std::vector<int>>(64, i));
    }
  });
  for (int i = 0; i < 1000; ++i) {
    const auto value = published.Get();
    ASSERT_EQ(value->front(), value->back());
  }
}

TEST(Published, PublishReturnsThePreviousValue) {
  Published<int> published;
  EXPECT_EQ(published.Get(), nullptr);
  EXPECT_EQ(published.Publish(std::make_shared<const int>(1)), nullptr);
  EXPECT_EQ(*published.Publish(std::make_shared<const int>(2)), 1);
  EXPECT_EQ(*published.Get(), 2);
}

}  // namespace
}  // namespace vitrine
