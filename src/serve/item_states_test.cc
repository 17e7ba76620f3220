#include "serve/item_states.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <optional>
#include <thread>

#include "serve/fake_log.h"

namespace vitrine::serve {
namespace {

Deadline Soon() { return After(std::chrono::seconds(5)); }

Item Row(const std::string& id, std::int64_t valid_from = 1) {
  Item item;
  item.id = id;
  item.valid_from = Micros{valid_from};
  return item;
}

data::LogRecord Record(data::LogBody body) { return {.sequence = 1, .body = std::move(body)}; }

class States : public testing::Test {
 protected:
  States() {
    for (const char* id : {"a", "b", "c"}) {
      EXPECT_TRUE(log.InternItem(id).ok());
    }
    view = items.View(std::make_shared<const ItemSpace>(ItemSpace::OfNumbers(3)));
  }
  [[nodiscard]] data::ItemNumber NumberOf(const std::string& id) const {
    const std::optional<data::ItemNumber> number = log.FindItem(id);
    EXPECT_TRUE(number.has_value()) << id;
    return number.value_or(0);
  }
  [[nodiscard]] bool Is(Blocked kind, const std::string& id) const {
    const data::ItemNumber number = NumberOf(id);
    const bool bit = view->Test(kind, number + kFirstItem);
    EXPECT_EQ(bit, items.IsBlocked(number, kind));
    return bit;
  }
  void Apply(data::LogBody body) { items.Apply(Record(std::move(body))); }
  FakeLog log;
  ItemStates items{log};
  std::shared_ptr<const StateView> view;
};

TEST_F(States, AnItemIsUncataloguedUntilItsRowComes) {
  EXPECT_TRUE(Is(Blocked::kUncatalogued, "a"));
  Apply(Row("a"));
  EXPECT_FALSE(Is(Blocked::kUncatalogued, "a"));
  EXPECT_TRUE(Is(Blocked::kUncatalogued, "b"));
  EXPECT_EQ(items.Table()->rows, 1U);
  EXPECT_EQ(items.Table()->Find(NumberOf("a"))->id, "a");
  EXPECT_EQ(items.Table()->Find(NumberOf("b")), nullptr);
}

TEST_F(States, RowsTurnBitsOnAndOff) {
  Item row = Row("a");
  row.hidden = true;
  row.stock = 0;
  Apply(row);
  EXPECT_TRUE(Is(Blocked::kDown, "a"));
  EXPECT_TRUE(Is(Blocked::kOutOfStock, "a"));
  row.hidden = false;
  row.stock = -1;  // unknown counts as in stock
  row.valid_from = Micros{2};
  Apply(row);
  EXPECT_FALSE(Is(Blocked::kDown, "a"));
  EXPECT_FALSE(Is(Blocked::kOutOfStock, "a"));
}

TEST_F(States, AnOlderRowNeverReplacesANewerOne) {
  Item row = Row("a", 5);
  row.hidden = true;
  Apply(row);
  Apply(Row("a", 4));
  EXPECT_TRUE(Is(Blocked::kDown, "a"));
}

TEST_F(States, ADeletedItemIsDownUntilItIsPutAgain) {
  Apply(Row("a", 5));
  Apply(data::ItemDeletion{"a", Micros{6}});
  EXPECT_TRUE(Is(Blocked::kDown, "a"));
  EXPECT_FALSE(Is(Blocked::kUncatalogued, "a"));
  EXPECT_EQ(items.Table()->rows, 0U);
  Apply(Row("a", 5));
  EXPECT_FALSE(Is(Blocked::kDown, "a"));
}

TEST_F(States, WhatTheListenerBroughtWinsOverTheLoad) {
  ASSERT_TRUE(log.AppendItems(std::vector{Row("a"), Row("b"), Row("c")}, Soon()).ok());
  Item hidden = Row("a");
  hidden.hidden = true;
  Apply(hidden);  // the same moment, but it came after
  Apply(data::ItemDeletion{"b", Micros{1}});
  ASSERT_TRUE(items.LoadCatalogue().ok());
  EXPECT_TRUE(Is(Blocked::kDown, "a"));
  EXPECT_TRUE(Is(Blocked::kDown, "b"));
  EXPECT_FALSE(Is(Blocked::kDown, "c"));
  EXPECT_EQ(items.Table()->rows, 2U);
}

TEST_F(States, LoadsMoreThanOneBatch) {
  std::vector<Item> rows;
  for (int i = 0; i < 2500; ++i) {
    rows.push_back(Row("item" + std::to_string(i)));
  }
  ASSERT_TRUE(log.AppendItems(rows, Soon()).ok());
  ASSERT_TRUE(items.LoadCatalogue().ok());
  EXPECT_EQ(items.Table()->rows, 2500U);
  for (const Item& row : rows) {
    ASSERT_NE(items.Table()->Find(NumberOf(row.id)), nullptr) << row.id;
  }
}

TEST_F(States, ATableThatIsHeldDoesNotChange) {
  Item row = Row("a");
  row.price = 1;
  Apply(row);
  const auto held = items.Table();
  row.price = 2;
  row.valid_from = Micros{2};
  Apply(row);
  const data::ItemNumber number = NumberOf("a");
  EXPECT_EQ(held->Find(number)->price, 1);
  EXPECT_EQ(items.Table()->Find(number)->price, 2);
}

TEST_F(States, AViewMadeLaterStartsCurrentAndADroppedOneIsForgotten) {
  Item row = Row("b");
  row.hidden = true;
  Apply(row);
  view = items.View(std::make_shared<const ItemSpace>(ItemSpace::OfNumbers(3)));
  EXPECT_TRUE(Is(Blocked::kDown, "b"));
  const std::weak_ptr<const StateView> watched = view;
  view.reset();
  EXPECT_TRUE(watched.expired());
  Apply(Row("c"));  // nobody looks: nothing to do
}

TEST_F(States, ManyReadWhileOneWrites) {
  std::atomic<bool> stop = false;
  std::atomic<std::uint64_t> reads = 0;
  std::vector<std::jthread> readers;
  for (int r = 0; r < 2; ++r) {
    readers.emplace_back([&] {
      std::vector<std::uint64_t> skip(view->words());
      while (!stop) {
        view->OrInto(Blocked::kDown, skip);
        const auto table = items.Table();
        const ItemFields* fields = table->Find(0);
        reads += fields != nullptr && fields->id == "a" ? 1U : 0U;
      }
    });
  }
  for (int i = 1; i <= 2000 || reads == 0; ++i) {
    Item row = Row("a", i);
    row.hidden = i % 2 == 0;
    Apply(row);
  }
  stop = true;
}

}  // namespace
}  // namespace vitrine::serve
