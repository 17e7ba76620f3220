#include "explain/live_window.h"

#include <gtest/gtest.h>

#include "adapters/memory/memory_event_log.h"
#include "serve/fake_shop.h"

namespace vitrine::explain {
namespace {

Impression Answer(const std::string& id, const std::string& model, std::size_t events) {
  Impression impression;
  impression.request_id = id;
  impression.model = model;
  impression.ts = Micros{1000};
  impression.items = {{.item_id = "item1", .score = 1, .source = "model:near"}};
  for (std::size_t i = 0; i < events; ++i) {
    impression.history.push_back({.item_id = "item" + std::to_string(i),
                                  .ts = Micros{static_cast<std::int64_t>(i)},
                                  .type = EventType::kView,
                                  .basket = static_cast<std::uint32_t>(i)});
  }
  return impression;
}

TEST(LiveWindow, TakesTheNewestAnswersOfEachVersionThatHadAHistory) {
  adapters::MemoryEventLog log;
  for (int i = 0; i < 25; ++i) {
    ASSERT_TRUE(log.AppendImpression(Answer("a" + std::to_string(i), "near:1", 2)).ok());
  }
  ASSERT_TRUE(log.AppendImpression(Answer("b", "near:2", 1)).ok());
  ASSERT_TRUE(log.AppendImpression(Answer("c", "near:2", 0)).ok());  // nothing to explain
  ASSERT_TRUE(log.AppendImpression(Answer("d", "", 3)).ok());        // a fallback
  const auto newest = NewestAnswers(log, {.records = 1000, .answers = 5});
  ASSERT_TRUE(newest.ok());
  ASSERT_EQ(newest->size(), 2U);
  ASSERT_EQ(newest->at("near:1").size(), 5U);
  EXPECT_EQ(newest->at("near:1").front().request_id, "a20");
  EXPECT_EQ(newest->at("near:1").back().request_id, "a24");
  EXPECT_EQ(newest->at("near:2").size(), 1U);
  const auto short_look = NewestAnswers(log, {.records = 4, .answers = 5});
  ASSERT_TRUE(short_look.ok());
  EXPECT_EQ(short_look->at("near:1").size(), 1U);
}

TEST(LiveWindow, ExplainsTheHistoriesAndEndsWhereItIsTold) {
  serve::FakeShop shop(10);
  ASSERT_TRUE(shop.Serve("near:1").ok());
  const auto model = shop.models.FindModel("near:1");
  ASSERT_NE(model, nullptr);
  const std::vector<Impression> answers(4, Answer("a", "near:1", 3));
  const auto report = ExplainLive(*model, answers, Micros{5});
  ASSERT_TRUE(report.ok()) << report.status().ToString();
  EXPECT_EQ(report->version, "near:1");
  EXPECT_EQ(report->source, "live");
  EXPECT_EQ(report->answers, 4U);
  EXPECT_EQ(report->exact, 4U);
  int calls = 0;
  const auto ended = ExplainLive(*model, answers, Micros{5}, [&calls] { return ++calls < 2; });
  ASSERT_TRUE(ended.ok());
  EXPECT_EQ(ended->answers, 2U);
}

}  // namespace
}  // namespace vitrine::explain
