#include "serve/newcomers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "serve/fake_log.h"

namespace vitrine::serve {
namespace {

class Newcomers : public testing::Test {
 protected:
  Newcomers() {
    log.SetListener([this](const data::LogRecord& record) { items.Apply(record); });
  }
  void Put(const std::string& id, std::int64_t at, const std::string& available_from = "") {
    Item item;
    item.id = id;
    item.valid_from = {at};
    if (!available_from.empty()) {
      item.attributes["available_from"] = available_from;
    }
    ASSERT_TRUE(log.AppendItems(std::span(&item, 1), After(std::chrono::seconds(1))).ok());
  }
  std::vector<std::string> Since(std::int64_t moment) {
    std::vector<std::string> ids;
    cache.Get(items.Table())->ForEachSince({moment}, [&](data::ItemNumber, const auto& fields) {
      ids.push_back(fields.id);
    });
    std::sort(ids.begin(), ids.end());
    return ids;
  }
  FakeLog log;
  ItemStates items{log};
  NewcomerCache cache;
};

using Ids = std::vector<std::string>;

TEST_F(Newcomers, AreThoseSinceAfterAMomentOnAnyPage) {
  for (int i = 0; i < 600; ++i) {
    Put("old" + std::to_string(i), 5);
  }
  EXPECT_EQ(Since(5), Ids{});
  Put("x", 6);
  Put("old300", 9);  // a price changed: it is no newer for that
  Put("y", 8);
  EXPECT_EQ(Since(5), (Ids{"x", "y"}));
  EXPECT_EQ(Since(6), Ids{"y"});
  EXPECT_EQ(Since(4).size(), 602U);
}

TEST_F(Newcomers, ADeletedItemThatComesBackIsNotNew) {
  Put("x", 5);
  ASSERT_TRUE(log.DeleteItem("x", After(std::chrono::seconds(1))).ok());
  EXPECT_EQ(Since(0), Ids{});
  Put("x", 20);
  EXPECT_EQ(Since(4), Ids{"x"});
  EXPECT_EQ(Since(5), Ids{});
}

TEST_F(Newcomers, TheShopsOwnDateCounts) {
  Put("x", 5, "2026-01-02");
  Put("y", 5, "one day");
  EXPECT_EQ(Since(6), Ids{"x"});
  Item item;
  item.attributes["available_from"] = 1'767'312'000.0;
  EXPECT_EQ(AvailableFrom(item), Micros{1'767'312'000 * kMicrosPerSecond});
}

TEST_F(Newcomers, UnchangedPagesAreNotReadAgain) {
  Put("x", 6);
  const auto first = cache.Get(items.Table());
  EXPECT_EQ(cache.Get(items.Table()), first);
  Put("y", 7);
  EXPECT_NE(cache.Get(items.Table()), first);
}

TEST(ShownCountsTest, CountEachItemFromAnyThread) {
  ShownCounts counts;
  EXPECT_EQ(counts.Of(7), 0U);
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&counts] {
      for (data::ItemNumber i = 0; i < 1000; ++i) {
        counts.Add(i * 11);
      }
    });
  }
  threads.clear();
  EXPECT_EQ(counts.Of(0), 4U);
  EXPECT_EQ(counts.Of(999 * 11), 4U);
  EXPECT_EQ(counts.Of(12), 0U);
  constexpr data::ItemNumber kBeyond = 4'000'000'000;
  counts.Add(kBeyond);
  EXPECT_EQ(counts.Of(kBeyond), 0U);
}

}  // namespace
}  // namespace vitrine::serve
