/// A shop without noise, and ways to break it, for tests of the diagnosis.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "monitor/diagnosis/evidence.h"
#include "monitor/diagnosis/evidence_testing.h"

namespace vitrine::monitor {

/// Changes what is there.
template <typename Value, typename F>
void Change(std::optional<Value>& value, F change) {
  if (value) {
    change(*value);
  }
}

/// A healthy shop of 20,000 answers a side, without noise, which each case breaks.
inline Evidence SteadyShop() {
  constexpr std::uint64_t kRows = 20'000;
  Evidence e = HealthyShop(1).Draw();
  for (VersionEvidence* v : {&e.before, &e.after}) {
    v->latency = LatencySample{0.002, 0.0018, 0.004, 0.006, {6000, 6000, 4000, 2000, 1200, 800, 0}};
    v->queue_seconds = MeanSample{0.0002, 0.000002, kRows};
    v->features_seconds = MeanSample{0.0003, 0.000003, kRows};
    v->graph_seconds = MeanSample{0.001, 0.00001, kRows};
    v->rest_seconds = MeanSample{0.0005, 0.000005, kRows};
    v->cache_hits = ShareSample{6000, kRows};
    v->answers = kRows;
    v->fallbacks = {{{"unknown_user", 2000}}};
    v->degraded = {{{"no_ranker", 100}}};
    v->quality.emplace();
    for (const char* scene : {"home", "item", "cart"}) {
      v->quality->push_back(
          {scene, kRows, kRows, MetricValue{0.2, 0.194, 0.206}, MetricValue{0.03, 0.0275, 0.0325}});
    }
    v->positions = std::vector<std::uint64_t>(10, kRows);
    v->skew = {{{"price", kRows, 0, ""}}};
    v->missing_features = {{{"city", ShareSample{2000, kRows}}}};
  }
  for (DataEvidence* d : {&e.data_before, &e.data}) {
    d->accepted = kRows;
    d->rejected = {{{"missing_item", 20}}};
    for (auto* share : {&d->duplicates, &d->late, &d->orphans, &d->unshown}) {
      *share = ShareSample{200, kRows};
    }
    d->unjoined = ShareSample{6000, kRows};
    d->forgotten = ShareSample{0, kRows};
    d->behind = 0;
    d->counted = kRows;
    d->sampled = kRows;
  }
  return e;
}

/// A stage takes longer by that much, and so does the whole.
inline void Slow(Evidence& e, std::optional<MeanSample> VersionEvidence::* stage, double seconds) {
  if (auto& sample = e.after.*stage) {
    sample->mean += seconds;
  }
  e.after.latency = LatencySample{
      0.002 + seconds, 0.002, 0.008, 0.01, {2000, 3000, 4000, 4000, 4000, 2000, 1000}};
}

/// The click rates of the first scenes lose a part.
inline void Lose(Evidence& e, double part, std::size_t scenes = 3) {
  if (auto& quality = e.after.quality) {
    for (std::size_t i = 0; i < scenes && i < quality->size(); ++i) {
      const double mean = 0.2 * (1 - part);
      (*quality)[i].click_rate = MetricValue{mean, mean - 0.006, mean + 0.006};
    }
  }
}

/// A start that ended with an exit status, of which nothing else is known.
inline void Fail(Evidence& e, int status) {
  e.start = StartEvidence{};
  e.start.started = false;
  e.start.exit_status = status;
}

}  // namespace vitrine::monitor
