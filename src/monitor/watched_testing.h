/// For tests: a version that reads a shopper's history, histories to serve it, answers and what came of them.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "data/feature_spec.h"
#include "data/reference_histograms.h"
#include "monitor/online_monitor.h"

namespace vitrine::monitor {

inline constexpr int kWatchedItems = 40;

inline data::FeatureSpec WatchedSpec() {
  data::FeatureDef def;
  def.name = "history";
  def.op = "history_items";
  def.options["length"] = "10";
  std::vector<std::string> ids;
  for (int i = 0; i < kWatchedItems; ++i) ids.push_back("i" + std::to_string(i));
  auto spec = data::FeatureSpec::Fit({def}, {}, {}, data::Vocabulary(ids), Micros{1});
  EXPECT_TRUE(spec.ok()) << spec.status().message();
  return std::move(spec).value();
}

/// A shopper population that likes items around `taste`.
inline std::vector<Tensor> DrawHistory(std::mt19937& random, double taste, std::size_t length = 5) {
  std::normal_distribution<double> likes(taste, 6);
  std::vector<std::int64_t> items;
  for (std::size_t i = 0; i < length; ++i) {
    items.push_back(std::clamp(static_cast<std::int64_t>(std::lround(likes(random))),
                               std::int64_t{2}, std::int64_t{kWatchedItems + 1}));
  }
  return {Tensor::Of<std::int64_t>("history", {1, static_cast<std::int64_t>(length)}, items)};
}

inline WatchedVersion WatchedHistory(const std::string& model) {
  const data::FeatureSpec spec = WatchedSpec();
  data::ServedValues values(spec);
  std::mt19937 random(1);
  std::vector<double> places;
  std::vector<double> lengths(3000, 5.0);
  for (int i = 0; i < 3000; ++i) {
    const auto features = DrawHistory(random, 15);
    for (const auto v : features[0].values<std::int64_t>())
      places.push_back(static_cast<double>(v));
  }
  return {
      model,
      values,
      {data::FreezeHistogram("history", places), data::FreezeHistogram("history.length", lengths)},
      kWatchedItems};
}

inline Impression Answer(const std::string& request, const std::string& model,
                         const std::string& user = "u") {
  Impression impression;
  impression.request_id = request;
  impression.subject = user;
  impression.model = model;
  impression.scene = "home";
  impression.ts = Micros{1'000'000};
  impression.seconds = 0.002;
  impression.items = {{"a", 0, ""}, {"b", 0, ""}};
  return impression;
}

inline Event Click(const std::string& request, const std::string& item) {
  Event event;
  event.type = EventType::kClick;
  event.user_id = "u";
  event.ts = Micros{2'000'000};
  event.items.push_back({item});
  event.request_id = request;
  return event;
}

/// The log says so next.
inline void Take(OnlineMonitor& monitor, data::LogBody body) {
  monitor.OnRecord({.sequence = monitor.watermark() + 1, .received = {}, .body = std::move(body)});
}

/// An answer is given, and the log says so next.
inline void Give(OnlineMonitor& monitor, const Impression& impression) {
  monitor.OnImpression(impression);
  Take(monitor, impression);
}

inline MonitorOptions Small() {
  MonitorOptions options;
  options.window = {.slot_requests = 50, .slot_time = {0}, .slots = 8, .baseline_requests = 400};
  options.skew.every = 1;
  return options;
}

}  // namespace vitrine::monitor
