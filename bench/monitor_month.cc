// A month of hours as busy shops leave them: its size on disk, and how long pages of it take.
#include <cstdint>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "adapters/sqlite/monitor_db.h"
#include "bench/monitor_cost.h"
#include "bench/serving_fixture.h"
#include "core/check.h"
#include "monitor/reports_json.h"
#include "monitor/windows/feature_hours.h"
#include "monitor/windows/window_counts.h"

namespace vitrine::bench {
namespace {

constexpr int kPairs = 12;
constexpr int kFeatures = 50;
constexpr int kBins = 10;

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

}  // namespace

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
