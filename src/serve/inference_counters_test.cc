#include "serve/inference_counters.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "serve/fake_graph.h"
#include "serve/inference.h"

namespace vitrine::serve {
namespace {

class CountedTask final : public InferenceTask {
 public:
  CountedTask(std::shared_ptr<const Servable> asked, std::int64_t rows) {
    model = std::move(asked);
    inputs.emplace_back("history", DType::kInt64, Shape{rows, 2});
  }
  void Done() override {}
};

std::shared_ptr<const Servable> Version(const std::string& version) {
  Manifest manifest;
  manifest.sample_shapes["history"] = {1, 2};
  auto made = Servable::Make(
      version, manifest,
      std::make_unique<FakeGraph<float>>(3, [](auto, std::span<float> row) { row[2] = 1; }));
  CHECK(made.ok());
  return *made;
}

TEST(InferenceCounters, SumOverThreads) {
  constexpr int kThreads = 12;  // more than there are shards
  constexpr int kRequests = 500;
  InferenceCounters counters;
  const auto first = Version("a:1");
  const auto second = Version("a:2");
  std::vector<std::jthread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kRequests; ++i) {
        CountedTask task(i % 5 == 0 ? second : first, 3);
        task.leads_batch = i % 2 == 0;
        task.batch_rows = t % 2 == 0 ? 3 : 6;
        counters.Count(task, {.input = 1, .queue = 2, .infer = 3, .output = 4}, i % 10 != 1, false);
        if (i % 100 == 0) {
          (void)counters.Of("a:1");  // a reader beside writers
        }
      }
    });
  }
  threads.clear();
  const InferenceCounts one = counters.Of("a:1");
  const InferenceCounts two = counters.Of("a:2");
  EXPECT_EQ(two.success, 100U * kThreads);
  EXPECT_EQ(two.fail, 0U);
  EXPECT_EQ(one.success, 350U * kThreads);
  EXPECT_EQ(one.fail, 50U * kThreads);
  EXPECT_EQ(one.fail_nanoseconds, 500U * kThreads);
  EXPECT_EQ(one.success_nanoseconds, 3500U * kThreads);
  EXPECT_EQ(one.stages.infer, 3U * 350 * kThreads);
  EXPECT_EQ(one.rows, 3U * 350 * kThreads);
  EXPECT_EQ(one.hits + one.misses, 0U);
  EXPECT_EQ(one.runs, 200U * kThreads);
  ASSERT_EQ(one.by_rows.size(), 2U);
  EXPECT_EQ(one.by_rows.at(3).count, 100U * kThreads);
  EXPECT_EQ(one.by_rows.at(6).stages.queue, 200U * kThreads);
  EXPECT_GT(one.last.value, 0);
  EXPECT_EQ(counters.Of("b:1").success, 0U);
}

TEST(InferenceCounters, HitsAndMissesCountWhereAnswersAreKept) {
  InferenceCounters counters;
  const auto model = Version("a:1");
  CountedTask task(model, 1);
  counters.Count(task, {.infer = 5}, true, true);
  task.cached = true;
  counters.Count(task, {.infer = 2}, true, true);
  const InferenceCounts counts = counters.Of("a:1");
  EXPECT_EQ(counts.hits, 1U);
  EXPECT_EQ(counts.hit_nanoseconds, 2U);
  EXPECT_EQ(counts.misses, 1U);
  EXPECT_EQ(counts.miss_nanoseconds, 5U);
}

}  // namespace
}  // namespace vitrine::serve
