/// Healthy evidence with the noise of sampling, for tests of the diagnosis.
#pragma once

#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "monitor/diagnosis/evidence.h"
#include "monitor/quality_row.h"
#include "monitor/statistics/drift_verdict.h"

namespace vitrine::monitor {

/// Draws both sides of a deploy that changed nothing.
class HealthyShop {
 public:
  explicit HealthyShop(std::uint64_t seed) : random_(seed) {}

  Evidence Draw() {
    Evidence e;
    e.before = Version("sasrec:3");
    e.after = Version("sasrec:4");
    e.after.drift = Drift();
    e.data_before = Data();
    e.data = Data();
    e.start.started = true;
    e.reach.server_alive = true;
    e.reach.listeners = {"127.0.0.1:7700"};
    e.reach.asked_from_elsewhere = false;
    e.reach.asked_port = 7700;
    e.reach.client_speaks_tls = false;
    e.reach.server_speaks_tls = false;
    e.reach.resolved = {"127.0.0.1"};
    e.reach.own_addresses = {"127.0.0.1", "10.0.0.5"};
    e.reach.connect = ConnectResult::kConnected;
    e.reach.http_status = 200;
    e.reach.scrape = ScrapeConfig{"/metrics", 10, 0.02};
    return e;
  }

  std::uint64_t Hits(std::uint64_t rows, double share) {
    return std::binomial_distribution<std::uint64_t>(rows, share)(random_);
  }
  ShareSample Share(std::uint64_t rows, double share) { return {Hits(rows, share), rows}; }

  /// `rows` values with a standard deviation as large as their mean, as of waiting times.
  MeanSample Mean(std::uint64_t rows, double mean) {
    const double error = mean / std::sqrt(static_cast<double>(rows));
    return {std::normal_distribution<double>(mean, error)(random_), error, rows};
  }

  std::vector<std::uint64_t> Counts(std::uint64_t rows, const std::vector<double>& shares) {
    std::vector<std::uint64_t> counts;
    double left = 1;
    for (const double share : shares) {
      counts.push_back(share >= left ? rows : Hits(rows, share / left));
      rows -= counts.back();
      left -= share;
    }
    counts.back() += rows;
    return counts;
  }

  /// Clicks of 32 groups of shoppers who differ, with the interval that the quality report gives.
  MetricValue Rate(std::uint64_t answers, double rate) {
    std::vector<ShopperGroup> groups(32);
    for (ShopperGroup& group : groups) {
      const double own = rate * std::uniform_real_distribution<double>(0.7, 1.3)(random_);
      group.answers = static_cast<std::uint32_t>(answers / 32);
      group.clicked = static_cast<std::uint32_t>(Hits(answers / 32, own));
    }
    return ClusteredShare(groups, &ShopperGroup::clicked);
  }

 private:
  std::uint64_t Rows(double least, double most) {
    const double power = std::uniform_real_distribution<double>(least, most)(random_);
    return static_cast<std::uint64_t>(std::pow(10.0, power));
  }

  VersionEvidence Version(std::string model) {
    const std::uint64_t rows = Rows(2.5, 5);
    VersionEvidence v;
    v.model = std::move(model);
    v.latency = Latency(rows);
    v.queue_seconds = Mean(rows, 0.0002);
    v.features_seconds = Mean(rows, 0.0003);
    v.graph_seconds = Mean(rows, 0.001);
    v.rest_seconds = Mean(rows, 0.0005);
    v.model_bytes = 40'000'000;
    v.batch_rows = 8;
    v.neighbours = true;
    v.cores = 4;
    v.cpu_share = std::uniform_real_distribution<double>(0.2, 0.6)(random_);
    v.requests_per_second = std::uniform_real_distribution<double>(90, 110)(random_);
    v.cache_hits = Share(rows, 0.3);
    v.answers = rows;
    v.fallbacks = {{{"unknown_user", Hits(rows, 0.1)}, {"deadline", Hits(rows, 0.002)}}};
    v.degraded = {{{"no_ranker", Hits(rows, 0.01)}}};
    v.quality.emplace();
    for (const char* scene : {"home", "item", "cart"}) {
      const std::uint64_t answers = Rows(2.5, 5) / 32 * 32;
      v.quality->push_back({scene, answers, answers, Rate(answers, 0.2), Rate(answers, 0.03)});
    }
    v.positions = Counts(rows * 10, std::vector<double>(10, 0.1));
    v.skew = {{{"history", 20 * rows, Hits(20 * rows, 0.001), ""}, {"price", rows, 0, ""}}};
    v.missing_features = {{{"city", Share(rows, 0.2)}, {"device", Share(rows, 0.01)}}};
    return v;
  }

  LatencySample Latency(std::uint64_t rows) {
    LatencySample latency;
    latency.buckets = Counts(rows, {0.3, 0.3, 0.2, 0.1, 0.06, 0.03, 0.01});
    const double bound = 0.001;
    double sum = 0;
    double seen = 0;
    for (std::size_t b = 0; b < latency.buckets.size(); ++b) {
      const auto count = static_cast<double>(latency.buckets[b]);
      const double middle = bound * (static_cast<double>(b) + 0.5);
      sum += count * middle;
      seen += count;
      if (latency.p95_seconds == 0 && seen >= 0.95 * static_cast<double>(rows)) {
        latency.p95_seconds = middle;
      }
    }
    latency.mean_seconds = sum / static_cast<double>(rows);
    return latency;
  }

  std::vector<DriftVerdict> Drift() {
    std::vector<DriftInput> inputs;
    for (int f = 0; f < 20; ++f) {
      const std::vector<double> shares(8, 0.125);
      const auto a = Counts(1000, shares);
      const auto b = Counts(1000, shares);
      inputs.push_back({"feature" + std::to_string(f), {a.begin(), a.end()}, {b.begin(), b.end()}});
    }
    return JudgeDrift(inputs, {});
  }

  DataEvidence Data() {
    const std::uint64_t rows = Rows(2.5, 5);
    DataEvidence d;
    d.accepted = rows;
    d.rejected = {{{"missing_item", Hits(rows, 0.004)}}};
    d.duplicates = Share(rows, 0.02);
    d.late = Share(rows, 0.01);
    d.orphans = Share(rows, 0.02);
    d.unshown = Share(rows, 0.01);
    d.unjoined = Share(rows, 0.3);
    d.more_clicks_than_shown = false;
    d.clock = ClockSample{0.05, 0.3, 4, rows};
    d.counted = 10 * rows;
    d.behind = Hits(10 * rows, 0.001);
    d.forgotten = Share(rows, 0.001);
    d.sampling = 1.0 / 16;
    d.sampled = rows;
    return d;
  }

  std::mt19937_64 random_;
};

}  // namespace vitrine::monitor
