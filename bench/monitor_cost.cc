#include "bench/monitor_cost.h"

#include <malloc.h>
#include <time.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>

#include "bench/serving_fixture.h"
#include "data/feature_spec.h"
#include "data/reference_histograms.h"
#include "monitor/online_monitor.h"
#include "transport/http/client.h"

namespace vitrine::bench {
namespace {

using nlohmann::json;

constexpr int kPairs = 12;
/// Runs of a server differ by several percent, and the bar is three.
constexpr int kWatchedPairs = 40;
constexpr int kFeatures = 50;

double CpuSeconds(clockid_t clock) {
  timespec time{};
  CHECK(::clock_gettime(clock, &time) == 0);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}
double ServerCpu() {
  return CpuSeconds(CLOCK_PROCESS_CPUTIME_ID) - CpuSeconds(CLOCK_THREAD_CPUTIME_ID);
}

/// Whether everything that was answered is counted.
bool Counted(http::Client& client) {
  const auto report = client.Get("/v1/monitors/quality");
  CHECK(report.ok() && report->ok());
  return json::parse(report->body).at("behind") == 0;
}

/// Long enough to count all answers of a second; the same for both, so that what runs beside is in both.
constexpr auto kSettled = std::chrono::milliseconds(400);

double CpuOfAnAnswer(const http::Endpoint& endpoint, const std::vector<std::string>& requests,
                     bool watched) {
  http::Client client(endpoint);
  const double before = ServerCpu();
  const simulate::LoadResult load = ServeForASecond(endpoint, requests);
  CHECK(load.total.counts.failed() == 0);
  std::this_thread::sleep_for(kSettled);
  const double cpu = ServerCpu() - before;
  CHECK(!watched || Counted(client));
  return cpu / static_cast<double>(load.total.counts.good);
}

Impression AnswerNumber(std::uint64_t number) {
  Impression impression;
  impression.request_id = "request-" + std::to_string(number);
  impression.subject = "shopper-" + std::to_string(number % 5000);
  impression.scene = "home";
  impression.model = "model:1";
  impression.ts = {1'700'000'000 * kMicrosPerSecond + static_cast<std::int64_t>(number) * 1000};
  for (int i = 0; i < 20; ++i) {
    impression.items.push_back(
        {"item-" + std::to_string((number * 7 + static_cast<std::uint64_t>(i)) % 12'000), 0, ""});
  }
  return impression;
}

/// What is in use of the heap.
double HeapBytes() {
  const auto heap = ::mallinfo2();
  return static_cast<double>(heap.uordblks + heap.hblkhd);
}

constexpr int kVocabulary = 12'000;

std::string FeatureName(int feature) { return "feature_" + std::to_string(feature); }

/// A version of fifty features, each with its histogram of training.
monitor::WatchedVersion FiftyFeatures(const std::string& model) {
  std::vector<data::FeatureDef> defs;
  std::vector<ReferenceHistogram> references;
  std::vector<double> values(3000);
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<double>(i % 1000);
  }
  for (int feature = 0; feature < kFeatures; ++feature) {
    defs.push_back({.name = FeatureName(feature),
                    .op = "history_items",
                    .source = "",
                    .options = {{"length", "10"}}});
    references.push_back(data::FreezeHistogram(FeatureName(feature), values));
  }
  std::vector<std::string> ids;
  for (int item = 0; item < kVocabulary; ++item) {
    ids.push_back("item-" + std::to_string(item));
  }
  const auto spec = data::FeatureSpec::Fit(defs, {}, {}, data::Vocabulary(ids), Micros{1});
  CHECK(spec.ok());
  return {model, data::ServedValues(*spec), references, kVocabulary};
}

/// A busy version in five scenes; its answers are a year after those of the version before, so that none of those
/// waits any more for what shoppers do.
void Live(monitor::OnlineMonitor& monitor, int version) {
  constexpr std::uint64_t kAnswers = 20'000;
  const std::string model = "model:" + std::to_string(version);
  monitor.Watch(FiftyFeatures(model));
  std::vector<Tensor> features;
  std::mt19937 random(1);
  const std::vector<double> scores(20, 0.5);
  for (std::uint64_t i = 0; i < kAnswers; ++i) {
    features.clear();
    for (int feature = 0; feature < kFeatures; ++feature) {
      const std::vector<std::int64_t> place = {static_cast<std::int64_t>(random() % 1000)};
      features.push_back(Tensor::Of<std::int64_t>(FeatureName(feature), {1, 1}, place));
    }
    Impression answer = AnswerNumber(i);
    answer.model = model;
    answer.scene = "scene" + std::to_string(i % 5);
    answer.ts.value += version * 365 * kMicrosPerDay;
    monitor.OnServed(model, answer.request_id, features, scores, answer.ts);
    monitor.OnImpression(answer);
    monitor.OnRecord(
        {.sequence = monitor.watermark() + 1, .received = {}, .body = std::move(answer)});
  }
}

}  // namespace

void MeasureMemory(std::vector<Bar>& bars) {
  constexpr int kVersions = 10;
  monitor::OnlineMonitor monitor({});
  Live(monitor, 0);
  const double before = HeapBytes();
  for (int version = 1; version <= kVersions; ++version) {
    Live(monitor, version);
  }
  bars.push_back({"memory of a version of 50 features in 5 scenes",
                  (HeapBytes() - before) / kVersions / 1e6, "MB", false, 4, 1, 0});
}

void MeasureWatching(std::vector<Bar>& bars) {
  const TemporaryFolder folder;
  const std::string data = folder.path() + "/data";
  Prepare(data);
  const std::string copy = folder.path() + "/copy";
  std::filesystem::copy(data, copy, std::filesystem::copy_options::recursive);
  const std::vector<std::string> requests = AskingAll(BodiesOfTestCases(data, R"({"n": 10})"));
  const auto watched = Serve(data);
  const auto unwatched = Serve(copy, {"monitor.enabled=false"});
  const http::Endpoint on = EndpointOf(*watched);
  const http::Endpoint off = EndpointOf(*unwatched);
  CpuOfAnAnswer(on, requests, true);
  CpuOfAnAnswer(off, requests, false);
  std::vector<double> ratios;
  std::vector<double> costs;
  for (int pair = 0; pair < kWatchedPairs; ++pair) {
    const bool first = pair % 2 == 0;
    const double a =
        first ? CpuOfAnAnswer(on, requests, true) : CpuOfAnAnswer(off, requests, false);
    const double b =
        first ? CpuOfAnAnswer(off, requests, false) : CpuOfAnAnswer(on, requests, true);
    ratios.push_back(first ? a / b : b / a);
    costs.push_back((first ? b : a) * 1e6);
  }
  bars.push_back({"CPU of an answer, watched / not", Median(ratios), "", false, 1.03, kWatchedPairs,
                  Spread(ratios)});
  bars.push_back({"CPU of an answer, not watched", Median(costs), "us", false, 0, kWatchedPairs,
                  Spread(costs)});
}

void MeasureState(std::vector<Bar>& bars) {
  monitor::OnlineMonitor monitor({});
  for (std::uint64_t i = 0; i < 20'000; ++i) {
    monitor.OnRecord({.sequence = i + 1, .received = {}, .body = AnswerNumber(i)});
  }
  std::vector<double> seconds;
  for (int i = 0; i < kPairs; ++i) {
    const double before = CpuSeconds(CLOCK_THREAD_CPUTIME_ID);
    CHECK(!monitor.Save().empty());
    seconds.push_back(CpuSeconds(CLOCK_THREAD_CPUTIME_ID) - before);
  }
  bars.push_back({"CPU of keeping 20,000 waiting answers, each 10 s", Median(seconds) * 1e3, "ms",
                  false, 0, kPairs, Spread(seconds)});
  monitor::OnlineMonitor fresh({});
  std::uint64_t next = 0;
  std::vector<double> record;
  for (int i = 0; i < kPairs; ++i) {
    std::vector<data::LogRecord> records;
    for (int r = 0; r < 5000; ++r) {
      ++next;
      records.push_back({.sequence = next, .received = {}, .body = AnswerNumber(next)});
    }
    const double before = CpuSeconds(CLOCK_THREAD_CPUTIME_ID);
    for (const data::LogRecord& one : records) {
      fresh.OnRecord(one);
    }
    record.push_back((CpuSeconds(CLOCK_THREAD_CPUTIME_ID) - before) / 5000);
  }
  bars.push_back({"CPU of counting an answer of 20 from the log", Median(record) * 1e6, "us", false,
                  0, kPairs, Spread(record)});
}

}  // namespace vitrine::bench
