// Counting a row for every kind of rule asks for no memory. A program of its own, because it replaces operator new.
#include "monitor/contract/row_counter.h"

#include <gtest/gtest.h>

#include "core/allocations_testing.h"
#include "monitor/contract/feed_table.h"

namespace vitrine::monitor {
namespace {

TEST(RowCounterAllocation, ARowCostsNone) {
  auto contract = std::make_shared<DataContract>();
  for (std::size_t k = 0; k < kContractKinds; ++k) {
    ContractRule rule;
    rule.kind = static_cast<ContractKind>(k);
    rule.id = ContractKindName(rule.kind);
    const bool number = rule.kind == ContractKind::kRange || rule.kind == ContractKind::kMean ||
                        rule.kind == ContractKind::kPriceAgrees;
    rule.field = number ? "price" : "scene";
    rule.values = {"a place of more than sixteen letters"};
    rule.at_most = 1;
    contract->rules.push_back(rule);
  }
  RowCounter counter(contract, {.item = [](std::string_view) { return CatalogueFacts(); },
                                .user = [](std::string_view) { return false; }});
  FeedTable feeds;
  Event event;
  event.event_id = "an event of more than sixteen letters";
  event.user_id = "a shopper of more than sixteen letters";
  event.scene = "another place of more than sixteen letters";
  event.items = {{.item_id = "an item of more than sixteen letters", .price = 20}};
  std::size_t before = 0;
  for (int i = 0; i < 2000; ++i) {
    if (i == 1000) {
      before = allocations;
    }
    event.ts = {i * kMicrosPerSecond};
    event.scene.back() = static_cast<char>('a' + i % 26);
    counter.Count(event, {event.ts.value + 1000});
    feeds.Count("a key with a name of more than sixteen letters", {&event, 1}, 0, event.ts);
  }
  EXPECT_EQ(allocations - before, 0U);
  EXPECT_EQ(counter.counts()[static_cast<std::size_t>(ContractKind::kRange)].hits, 2000);
  EXPECT_EQ(counter.counts()[static_cast<std::size_t>(ContractKind::kKnownUsers)].hits, 2000);
  EXPECT_EQ(feeds.Rows().at(0).events, 2000U);
}

}  // namespace
}  // namespace vitrine::monitor
