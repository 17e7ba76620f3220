#include "adapters/otlp/span_exporter.h"

#include <gtest/gtest.h>

#include <deque>
#include <nlohmann/json.hpp>
#include <set>

namespace vitrine::adapters {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

/// A collector that answers what it is told to, in order; 200 when it runs out of words.
class FakeCollector {
 public:
  OtlpPost post() {
    return [this](std::string_view body, Deadline deadline) -> Result<OtlpAnswer> {
      std::unique_lock lock(mutex_);
      json request = json::parse(body, nullptr, false);
      EXPECT_TRUE(request.is_object()) << body;
      calls_.push_back(std::move(request));
      changed_.notify_all();
      if (!changed_.wait_until(lock, deadline, [this] { return open_; })) {
        return DeadlineExceeded("the collector says nothing");
      }
      if (answers_.empty()) {
        return OtlpAnswer{.status = 200, .retry_after = {}, .body = "{}"};
      }
      Result<OtlpAnswer> answer = std::move(answers_.front());
      answers_.pop_front();
      return answer;
    };
  }
  void Say(Result<OtlpAnswer> answer) {
    const std::scoped_lock lock(mutex_);
    answers_.push_back(std::move(answer));
  }
  void SetOpen(bool open) {
    const std::scoped_lock lock(mutex_);
    open_ = open;
    changed_.notify_all();
  }
  /// False where that many calls did not come in time.
  bool WaitForCalls(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 20s, [&] { return calls_.size() >= count; });
  }
  std::vector<json> calls() {
    const std::scoped_lock lock(mutex_);
    return calls_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Result<OtlpAnswer>> answers_;
  std::vector<json> calls_;
  bool open_ = true;
};

json SpansIn(const json& call) { return call["resourceSpans"][0]["scopeSpans"][0]["spans"]; }

Span MakeSpan(const std::string& name, std::size_t stages = 0) {
  Span span{.trace = NewTraceId(),
            .id = NewSpanId(),
            .parent = {},
            .kind = SpanKind::kServer,
            .name = name,
            .begun = 1'700'000'000'000'000'001,
            .ended = 1'700'000'000'000'500'000,
            .failed = false,
            .attributes = {},
            .stages = {}};
  for (std::size_t i = 0; i < stages; ++i) {
    span.stages.push_back({"queue", span.begun + 10, span.begun + 20});
  }
  return span;
}

class SpanExporterTest : public testing::Test {
 protected:
  SpanExporterOptions Options() {
    return {.post = collector_.post(),
            .resource = {.version = "1.2", .instance_id = "i-1"},
            .metrics = &metrics_,
            .interval = 5ms,
            .first_pause = 1ms};
  }
  double Count(const std::string& outcome) const {
    return metrics_.Samples().at("vitrine_trace_spans_total{outcome=\"" + outcome + "\"}");
  }
  bool WaitForCount(const std::string& outcome, double count) const {
    const Deadline limit = After(20s);
    while (Count(outcome) < count && std::chrono::steady_clock::now() < limit) {
      std::this_thread::sleep_for(1ms);
    }
    return Count(outcome) == count;
  }

  MetricRegistry metrics_;
  FakeCollector collector_;
};

TEST_F(SpanExporterTest, WritesTheProtocolsJson) {
  Span span = MakeSpan("POST /v1/\"x\\\n", 1);
  span.parent = NewSpanId();
  span.failed = true;
  span.attributes = {{"http.route", "/v1"}, {"http.response.status_code", std::int64_t{500}}};
  const json call = json::parse(SpansToJson({"1.2", "i-1"}, std::span(&span, 1)));
  EXPECT_EQ(call["resourceSpans"][0]["resource"]["attributes"],
            json::parse(R"([{"key":"service.name","value":{"stringValue":"vitrine"}},
                            {"key":"service.version","value":{"stringValue":"1.2"}},
                            {"key":"service.instance.id","value":{"stringValue":"i-1"}}])"));
  const json spans = SpansIn(call);
  ASSERT_EQ(spans.size(), 2U);
  EXPECT_EQ(spans[0],
            json({{"traceId", HexOf(span.trace)},
                  {"spanId", HexOf(span.id)},
                  {"parentSpanId", HexOf(span.parent)},
                  {"flags", 0x301},
                  {"name", span.name},
                  {"kind", 2},
                  {"startTimeUnixNano", "1700000000000000001"},
                  {"endTimeUnixNano", "1700000000000500000"},
                  {"attributes",
                   {{{"key", "http.route"}, {"value", {{"stringValue", "/v1"}}}},
                    {{"key", "http.response.status_code"}, {"value", {{"intValue", "500"}}}}}},
                  {"status", {{"code", 2}}}}));
  EXPECT_EQ(spans[1]["traceId"], HexOf(span.trace));
  EXPECT_EQ(spans[1]["parentSpanId"], HexOf(span.id));
  EXPECT_NE(spans[1]["spanId"], HexOf(span.id));
  EXPECT_EQ(spans[1]["kind"], 1);
  EXPECT_EQ(spans[1]["name"], "queue");
  EXPECT_EQ(spans[1]["endTimeUnixNano"], "1700000000000000021");
  span.parent = {};
  const json root = SpansIn(json::parse(SpansToJson({}, std::span(&span, 1))))[0];
  EXPECT_FALSE(root.contains("parentSpanId"));
  EXPECT_EQ(root["flags"], 0x101);
}

TEST_F(SpanExporterTest, SendsWhatWaitsAfterAnInterval) {
  SpanExporter exporter(Options());
  exporter.Take(MakeSpan("a", 4));
  ASSERT_TRUE(collector_.WaitForCalls(1));
  EXPECT_EQ(SpansIn(collector_.calls()[0]).size(), 5U);
  EXPECT_TRUE(WaitForCount("exported", 5));
}

TEST_F(SpanExporterTest, AFullBatchDoesNotWaitAndNoneIsLarger) {
  SpanExporterOptions options = Options();
  options.interval = 1h;
  options.batch_spans = 10;
  SpanExporter exporter(std::move(options));
  collector_.SetOpen(false);
  for (int i = 0; i < 10; ++i) {
    exporter.Take(MakeSpan("full"));
  }
  ASSERT_TRUE(collector_.WaitForCalls(1));  // now the thread waits for the collector
  for (int i = 0; i < 13; ++i) {
    exporter.Take(MakeSpan("more", 2));  // 3 spans each: three to a batch
  }
  collector_.SetOpen(true);
  ASSERT_TRUE(WaitForCount("exported", 10 + 39));
  std::vector<std::size_t> sizes;
  for (const json& call : collector_.calls()) {
    sizes.push_back(SpansIn(call).size());
  }
  EXPECT_EQ(sizes, (std::vector<std::size_t>{10, 9, 9, 9, 9, 3}));
}

TEST_F(SpanExporterTest, TriesAgainWhereTheCollectorIsBusyOrAway) {
  for (const int status : {429, 502, 503, 504}) {
    collector_.Say(OtlpAnswer{.status = status, .retry_after = "0", .body = {}});
  }
  collector_.Say(OtlpAnswer{.status = 503, .retry_after = "Fri, 31 Dec 1999 23:59:59 GMT"});
  collector_.Say(Unavailable("nobody listens"));
  SpanExporter exporter(Options());
  exporter.Take(MakeSpan("a"));
  ASSERT_TRUE(WaitForCount("exported", 1));
  const std::vector<json> calls = collector_.calls();
  ASSERT_EQ(calls.size(), 7U);
  EXPECT_EQ(SpansIn(calls[0]), SpansIn(calls[6]));  // the same span, not a copy of it
  EXPECT_EQ(Count("failed"), 0);
}

TEST_F(SpanExporterTest, GivesUpOnWhatIsRefusedOrTakesTooLong) {
  SpanExporterOptions options = Options();
  options.keep_trying = 50ms;
  collector_.Say(OtlpAnswer{.status = 400, .retry_after = {}, .body = {}});
  SpanExporter exporter(std::move(options));
  exporter.Take(MakeSpan("bad"));
  ASSERT_TRUE(WaitForCount("failed", 1));
  EXPECT_EQ(collector_.calls().size(), 1U);
  // Longer than a batch is kept: not waited for.
  collector_.Say(OtlpAnswer{.status = 503, .retry_after = "3600", .body = {}});
  exporter.Take(MakeSpan("late"));
  ASSERT_TRUE(WaitForCount("failed", 2));
  EXPECT_EQ(collector_.calls().size(), 2U);
  for (int i = 0; i < 1000; ++i) {
    collector_.Say(OtlpAnswer{.status = 503, .retry_after = {}, .body = {}});
  }
  exporter.Take(MakeSpan("busy"));
  ASSERT_TRUE(WaitForCount("failed", 3));
  EXPECT_GT(collector_.calls().size(), 3U);
}

TEST_F(SpanExporterTest, CountsWhatACollectorTakesOnlyInPart) {
  for (const char* body :
       {R"({"partialSuccess":{"rejectedSpans":"2","errorMessage":"odd"}})",
        R"({"partialSuccess":{"rejectedSpans":1}})", R"({"partialSuccess":{}})", "not json"}) {
    collector_.Say(OtlpAnswer{.status = 200, .retry_after = {}, .body = body});
  }
  SpanExporter exporter(Options());
  for (std::size_t i = 1; i <= 4; ++i) {
    exporter.Take(MakeSpan("a", 2));
    ASSERT_TRUE(collector_.WaitForCalls(i));
  }
  EXPECT_TRUE(WaitForCount("exported", 1 + 2 + 3 + 3));
  EXPECT_EQ(Count("failed"), 3);
}

TEST_F(SpanExporterTest, DropsAndCountsWhatDoesNotFit) {
  SpanExporterOptions options = Options();
  options.batch_spans = 2;
  options.waiting_spans = 10;
  collector_.SetOpen(false);
  SpanExporter exporter(std::move(options));
  exporter.Take(MakeSpan("first", 1));
  ASSERT_TRUE(collector_.WaitForCalls(1));
  for (int i = 0; i < 10; ++i) {
    exporter.Take(MakeSpan("more", 1));  // room for four
  }
  EXPECT_EQ(Count("dropped"), 12);
  collector_.SetOpen(true);
  EXPECT_TRUE(WaitForCount("exported", 10));
  exporter.Take(MakeSpan("again"));
  EXPECT_TRUE(WaitForCount("exported", 11));
}

TEST_F(SpanExporterTest, SendsWhatIsLeftWhenItEnds) {
  SpanExporterOptions options = Options();
  options.interval = 1h;
  {
    SpanExporter exporter(std::move(options));
    exporter.Take(MakeSpan("a"));
    exporter.Take(MakeSpan("b"));
  }
  ASSERT_EQ(collector_.calls().size(), 1U);
  EXPECT_EQ(Count("exported"), 2);
}

TEST_F(SpanExporterTest, DoesNotWaitLongForACollectorThatHangsAtTheEnd) {
  SpanExporterOptions options = Options();
  options.interval = 1h;
  options.call_time = 20ms;
  options.flush_time = 50ms;
  options.batch_spans = 1;
  collector_.SetOpen(false);
  {
    SpanExporter exporter(std::move(options));
    for (int i = 0; i < 20; ++i) {
      exporter.Take(MakeSpan("a"));
    }
  }
  EXPECT_EQ(Count("exported"), 0);
  EXPECT_EQ(Count("dropped"), 20);
}

TEST_F(SpanExporterTest, TakesFromManyThreadsAndLosesNone) {
  constexpr int kThreads = 4;
  constexpr int kEach = 500;
  SpanExporterOptions options = Options();
  options.batch_spans = 64;
  options.waiting_spans = std::size_t{2} * kThreads * kEach;
  options.flush_time = std::chrono::seconds(60);  // no bound: what is lost would be lost by threads
  {
    SpanExporter exporter(std::move(options));
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < kEach; ++i) {
          exporter.Take(MakeSpan("a", 1));
        }
      });
    }
  }
  EXPECT_EQ(Count("exported"), 2 * kThreads * kEach);
  std::set<std::string> ids;
  for (const json& call : collector_.calls()) {
    for (const json& span : SpansIn(call)) {
      ids.insert(span["spanId"]);
    }
  }
  EXPECT_EQ(ids.size(), std::size_t{2 * kThreads * kEach});
}

}  // namespace
}  // namespace vitrine::adapters
