#include "search/catalogue_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "adapters/memory/memory_event_log.h"
#include "search/live_catalogue.h"

namespace vitrine::search {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAre;

Item Make(std::string id, std::string title, std::string brand = "") {
  Item item;
  item.id = std::move(id);
  item.valid_from = {1};
  item.title = std::move(title);
  item.brand = std::move(brand);
  return item;
}

std::vector<std::string> Ids(const std::vector<ItemHit>& hits) {
  std::vector<std::string> ids;
  for (const ItemHit& hit : hits) {
    ids.emplace_back(hit.item_id);
  }
  return ids;
}

std::vector<std::string> Ids(const std::vector<LiveCatalogue::Found>& hits) {
  std::vector<std::string> ids;
  for (const auto& hit : hits) {
    ids.push_back(hit.item_id);
  }
  return ids;
}

TEST(CatalogueIndex, FindsEnglishAndChinese) {
  const std::vector<Item> items = {Make("1", "Wireless Headphones | 无线蓝牙耳机", "Aurora"),
                                   Make("2", "Rice Cooker | 电饭煲", "Bamboo"),
                                   Make("3", "Headphone Stand | 耳机支架", "Aurora")};
  const auto index = CatalogueIndex::Build(items);
  ASSERT_TRUE(index.ok());
  EXPECT_THAT(Ids((*index)->Search("headphones", 10)), UnorderedElementsAre("1", "3"));
  EXPECT_THAT(Ids((*index)->Search("耳机", 10)), UnorderedElementsAre("1", "3"));
  EXPECT_THAT(Ids((*index)->Search("电饭煲", 10)), ElementsAre("2"));
  EXPECT_THAT(Ids((*index)->Search("aurora wireless", 1)), ElementsAre("1"));
}

TEST(CatalogueIndex, ExplanationsAddUp) {
  const std::vector<Item> items = {Make("1", "red shoes"), Make("2", "red hat")};
  const auto index = CatalogueIndex::Build(items);
  const auto hits = (*index)->Search("red shoe", 2, nullptr, /*explain=*/true);
  ASSERT_EQ(hits.size(), 2U);
  EXPECT_EQ(hits[0].item_id, "1");
  double sum = 0;
  for (const TermScore& term : hits[0].terms) {
    sum += term.score;
  }
  EXPECT_NEAR(sum, hits[0].score, 1e-9);
}

class LiveCatalogueTest : public testing::Test {
 protected:
  LiveCatalogueTest() : live_(log_) {
    log_.SetListener([this](const data::LogRecord& record) { live_.Apply(record); });
  }
  void Put(const Item& item) {
    ASSERT_TRUE(log_.AppendItems({&item, 1}, After(std::chrono::seconds(5))).ok());
    ASSERT_TRUE(live_.WaitUntilIndexed(After(std::chrono::seconds(5))).ok());
  }
  std::vector<std::string> Find(std::string_view query) {
    return Ids(live_.Search(query, 10, nullptr, false));
  }
  adapters::MemoryEventLog log_;
  LiveCatalogue live_;
};

TEST_F(LiveCatalogueTest, ChangesAreFoundByTheirNewTextOnly) {
  Put(Make("1", "red shoes"));
  ASSERT_TRUE(live_.Load().ok());
  EXPECT_THAT(Find("shoes"), ElementsAre("1"));
  Item renamed = Make("1", "blue boots");
  renamed.valid_from = {2};
  Put(renamed);
  EXPECT_THAT(Find("shoes"), ElementsAre());
  EXPECT_THAT(Find("boots"), ElementsAre("1"));
  Put(Make("2", "red shoes again"));
  EXPECT_THAT(Find("shoes"), ElementsAre("2"));
  ASSERT_TRUE(log_.DeleteItem("1", After(std::chrono::seconds(5))).ok());
  ASSERT_TRUE(live_.WaitUntilIndexed(After(std::chrono::seconds(5))).ok());
  EXPECT_THAT(Find("boots"), ElementsAre());
}

TEST_F(LiveCatalogueTest, ManyChangesMoveIntoTheLargeIndex) {
  ASSERT_TRUE(live_.Load().ok());
  std::vector<Item> items;
  for (int i = 0; i < 3000; ++i) {
    items.push_back(Make("i" + std::to_string(i), "thing number" + std::to_string(i)));
  }
  ASSERT_TRUE(log_.AppendItems(items, After(std::chrono::seconds(5))).ok());
  ASSERT_TRUE(live_.WaitUntilIndexed(After(std::chrono::seconds(20))).ok());
  EXPECT_THAT(Find("number2999"), ElementsAre("i2999"));
  EXPECT_EQ(live_.items(), 3000U);
}

TEST_F(LiveCatalogueTest, AnItemThatChangedIsOneItem) {
  Put(Make("1", "red shoes"));
  Put(Make("2", "blue boots"));
  ASSERT_TRUE(live_.Load().ok());
  Item renamed = Make("1", "green shoes");
  renamed.valid_from = {2};
  Put(renamed);
  Put(Make("3", "yellow hat"));
  EXPECT_EQ(live_.items(), 3U);
  ASSERT_TRUE(log_.DeleteItem("2", After(std::chrono::seconds(5))).ok());
  ASSERT_TRUE(live_.WaitUntilIndexed(After(std::chrono::seconds(5))).ok());
  EXPECT_EQ(live_.items(), 2U);
}

}  // namespace
}  // namespace vitrine::search
