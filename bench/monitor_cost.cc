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

#include "adapters/sqlite/monitor_db.h"
#include "bench/serving_fixture.h"
#include "data/feature_spec.h"
#include "data/reference_histograms.h"
#include "evaluate/holdout.h"
#include "monitor/online_monitor.h"
#include "monitor/reports_json.h"
#include "monitor/windows/feature_hours.h"
#include "monitor/windows/window_counts.h"
#include "transport/http/client.h"

namespace vitrine::bench {
namespace {

using nlohmann::json;

constexpr int kPairs = 12;
constexpr std::size_t kMostRequests = 5000;
constexpr int kFeatures = 50;
constexpr int kBins = 10;

double CpuSeconds(clockid_t clock) {
  timespec time{};
  CHECK(::clock_gettime(clock, &time) == 0);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}
double ServerCpu() {
  return CpuSeconds(CLOCK_PROCESS_CPUTIME_ID) - CpuSeconds(CLOCK_THREAD_CPUTIME_ID);
}

std::vector<std::string> Requests(const std::string& data) {
  const auto holdout = evaluate::ReadHoldout(HoldoutOf(data));
  CHECK(holdout.ok());
  std::vector<std::string> requests;
  for (const evaluate::HoldoutCase& one : holdout->cases) {
    if (one.part != evaluate::Part::kTest || requests.size() == kMostRequests) {
      continue;
    }
    json ids = json::array();
    for (const evaluate::HoldoutEvent& event : one.history) {
      ids.push_back(holdout->items[event.item]);
    }
    requests.push_back(
        Asking(json({{"n", 10}, {"user_id", one.user}, {"history", std::move(ids)}}).dump()));
  }
  return requests;
}

/// Until everything that was answered is counted, or, where nobody counts, for as long as that takes.
void Settle(http::Client& client, bool watched) {
  const auto late = After(std::chrono::seconds(30));
  const auto pause = std::chrono::milliseconds(watched ? 50 : 1000);
  do {
    std::this_thread::sleep_for(pause);
    if (!watched) {
      return;
    }
    const auto report = client.Get("/v1/monitors/quality");
    CHECK(report.ok() && report->ok());
    if (json::parse(report->body).at("behind") == 0) {
      return;
    }
  } while (std::chrono::steady_clock::now() < late);
}

double CpuOfAnAnswer(const http::Endpoint& endpoint, const std::vector<std::string>& requests,
                     bool watched) {
  http::Client client(endpoint);
  const double before = ServerCpu();
  const simulate::LoadResult load = ServeForASecond(endpoint, requests);
  CHECK(load.total.counts.failed() == 0);
  Settle(client, watched);
  return (ServerCpu() - before) / static_cast<double>(load.total.counts.good);
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

/// Counts as a busy hour leaves them.
monitor::QualityCounts BusyHour(std::mt19937& random, const std::vector<int>& ks) {
  monitor::QualityCounts counts;
  counts.answers = 10'000 + random() % 1000;
  counts.mature = counts.answers;
  counts.shown = 20 * counts.answers;
  counts.clicks = 4000 + random() % 1000;
  std::uniform_real_distribution<double> draw(100, 3000);
  for (auto& label : counts.labels) {
    label.answers = 3000 + random() % 1000;
    label.hit_answers = 2000 + random() % 1000;
    label.places = 3500 + random() % 1000;
    label.missed = random() % 1000;
    for (std::size_t k = 0; k < ks.size(); ++k) {
      label.recall.push_back(draw(random));
      label.ndcg.push_back(draw(random));
    }
  }
  for (auto& group : counts.groups) {
    group = {.answers = static_cast<std::uint32_t>(300 + random() % 30),
             .clicked = static_cast<std::uint32_t>(random() % 100),
             .bought = static_cast<std::uint32_t>(random() % 10)};
  }
  return counts;
}

/// What was expected of the same hour before labels came, with everything known.
monitor::HourEstimates BusyEstimates(std::mt19937& random, const monitor::QualityCounts& counts) {
  monitor::HourEstimates estimates;
  std::uniform_real_distribution<double> draw(0, 1);
  for (std::size_t l = 0; l < monitor::kLabels; ++l) {
    monitor::HourEstimate& of = estimates.labels[l];
    of.answers = counts.answers;
    of.shown = counts.shown;
    of.labelled = 4000 * draw(random);
    of.lists = 3000 * draw(random);
    of.labels_in = true;
    of.fits = 100 + random() % 100;
    of.level_variance = draw(random);
    of.ratio_lists = 3000 * draw(random);
    of.ctr_spread = draw(random);
    of.ctr_carried = draw(random);
    for (std::size_t k = 0; k < counts.labels[l].ndcg.size(); ++k) {
      of.gains.push_back(1000 * draw(random));
      of.ndcg_spreads.push_back(draw(random));
      of.ndcg_carried.push_back(draw(random));
      of.ndcg_ratios.push_back(draw(random));
    }
  }
  estimates.scores.places = static_cast<double>(counts.shown);
  estimates.scores.clicked = 4000 * draw(random);
  estimates.scores.pairs = 1e7 * draw(random);
  estimates.scores.wins = 1e7 * draw(random);
  estimates.scores.log_loss = 1e4 * draw(random);
  estimates.scores.expected = 4000 * draw(random);
  estimates.scores.probabilities = true;
  return estimates;
}

monitor::BehaviourCounts BusyBehaviour(std::mt19937& random) {
  std::uniform_real_distribution<double> draw(0, 1e4);
  monitor::BehaviourCounts counts;
  for (double* value : {&counts.places, &counts.novelty, &counts.head, &counts.tied,
                        &counts.outside, &counts.scored, &counts.lists, &counts.diversity,
                        &counts.known, &counts.gini, &counts.gini_places}) {
    *value = draw(random);
  }
  return counts;
}

monitor::AnswerCounts BusyService(std::mt19937& random) {
  monitor::AnswerCounts counts;
  std::lognormal_distribution<double> seconds(-7, 0.5);
  for (int i = 0; i < 300; ++i) {
    counts.seconds.Add(seconds(random));
  }
  counts.answers = 300;
  return counts;
}

/// Fifty features of ten bins, as a busy hour leaves them.
monitor::FeatureHours BusyFeatures(std::mt19937& random) {
  monitor::FeatureHours hours{10'000 + random() % 1000, {}};
  std::uniform_real_distribution<double> draw(0, 0.1);
  for (int feature = 0; feature < kFeatures; ++feature) {
    auto& of = hours.features.emplace_back();
    of.feature = "shopper.feature_" + std::to_string(feature);
    of.judged = true;
    of.against_baseline = true;
    of.psi = draw(random);
    of.effect = draw(random);
    of.p_value = draw(random);
    for (int bin = 0; bin < kBins; ++bin) {
      of.counts.push_back(500 + random() % 1000);
    }
  }
  return hours;
}

/// Milliseconds of asking the store and writing the answer, as the route does.
template <typename History>
std::vector<double> PageMilliseconds(const sqlite::MonitorDb& db, const monitor::WindowRange& range,
                                     History&& history) {
  std::vector<double> times;
  for (int i = 0; i < kPairs; ++i) {
    times.push_back(1e3 * SecondsPerCall(1, [&] {
                      const auto rows = db.Read(range, monitor::kMostHistoryRows);
                      CHECK(rows.ok());
                      const auto points = history(*rows);
                      CHECK(points.ok() && !points->empty());
                      CHECK(!monitor::ToJson(*points).empty());
                    }));
  }
  return times;
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
  const std::vector<std::string> requests = Requests(data);
  const auto watched = Serve(data);
  const auto unwatched = Serve(copy, {"monitor.enabled=false"});
  const http::Endpoint on = EndpointOf(*watched);
  const http::Endpoint off = EndpointOf(*unwatched);
  CpuOfAnAnswer(on, requests, true);
  CpuOfAnAnswer(off, requests, false);
  std::vector<double> ratios;
  std::vector<double> costs;
  for (int pair = 0; pair < kPairs; ++pair) {
    const bool first = pair % 2 == 0;
    const double a =
        first ? CpuOfAnAnswer(on, requests, true) : CpuOfAnAnswer(off, requests, false);
    const double b =
        first ? CpuOfAnAnswer(off, requests, false) : CpuOfAnAnswer(on, requests, true);
    ratios.push_back(first ? a / b : b / a);
    costs.push_back((first ? b : a) * 1e6);
  }
  bars.push_back(
      {"CPU of an answer, watched / not", Median(ratios), "", false, 1.03, kPairs, Spread(ratios)});
  bars.push_back(
      {"CPU of an answer, not watched", Median(costs), "us", false, 0, kPairs, Spread(costs)});
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

void MeasureMonth(std::vector<Bar>& bars) {
  constexpr std::int64_t kHours = 31 * 24;
  const std::vector<int> ks = {5, 10, 20};
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/monitor.db";
  const auto db = sqlite::MonitorDb::Open(path);
  CHECK(db.ok());
  std::mt19937 random(1);
  for (std::int64_t hour = 0; hour < kHours; ++hour) {
    std::vector<monitor::WindowRow> rows;
    for (int series = 0; series < 100; ++series) {
      const std::string name =
          "model:" + std::to_string(series / 5) + "\nscene" + std::to_string(series % 5);
      const monitor::QualityCounts counts = BusyHour(random, ks);
      const monitor::HourEstimates estimates = BusyEstimates(random, counts);
      rows.push_back({monitor::WindowKind::kQuality, hour, name,
                      monitor::QualityWindowText(counts, ks, &estimates, BusyBehaviour(random)),
                      true});
      rows.push_back({monitor::WindowKind::kService, hour, name,
                      monitor::ServiceWindowText(BusyService(random)), true});
    }
    for (int version = 0; version < 20; ++version) {
      rows.push_back({monitor::WindowKind::kDrift, hour, "model:" + std::to_string(version),
                      monitor::FeatureHoursText(BusyFeatures(random)), true});
    }
    CHECK((*db)->Put(rows).ok());
  }
  double bytes = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder.path())) {
    bytes += static_cast<double>(file.file_size());
  }
  bars.push_back({"a month of 20 versions x 50 features, 5 scenes, on disk", bytes / 1e6, "MB",
                  false, 200, 1, 0});
  const auto page = [&](const char* name, const monitor::WindowRange& range, auto&& history) {
    const std::vector<double> times = PageMilliseconds(**db, range, history);
    bars.push_back({name, Median(times), "ms", false, 100, kPairs, Spread(times)});
  };
  const auto quality = [](const auto& rows) { return monitor::QualityHistory(rows, 1); };
  page("a month of one version and scene, hour by hour",
       {.kind = monitor::WindowKind::kQuality,
        .from = 0,
        .until = kHours,
        .model = "model:7",
        .scene = "scene2"},
       quality);
  page("a day of all versions and scenes, hour by hour",
       {.kind = monitor::WindowKind::kQuality, .from = kHours - 24, .until = kHours}, quality);
  const monitor::WindowRange month = {
      .kind = monitor::WindowKind::kDrift, .from = 0, .until = kHours, .model = "model:7"};
  page("a month of one version's features, hour by hour", month,
       [](const auto& rows) { return monitor::FeatureHistory(rows, 1, std::nullopt); });
  page("a month of one version's features, day by day", month,
       [](const auto& rows) { return monitor::FeatureHistory(rows, 24, std::nullopt); });
  page("a month of one feature with its bins, hour by hour", month,
       [](const auto& rows) { return monitor::FeatureHistory(rows, 1, "shopper.feature_7"); });
  page("a day of all versions' features, hour by hour",
       {.kind = monitor::WindowKind::kDrift, .from = kHours - 24, .until = kHours},
       [](const auto& rows) { return monitor::FeatureHistory(rows, 1, std::nullopt); });
}

}  // namespace vitrine::bench
