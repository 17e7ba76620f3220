// A thousand looks at one stream: what the live rule raises where nothing moved, and what it finds.
#include <algorithm>
#include <array>
#include <cmath>
#include <random>
#include <vector>

#include "bench/monitor_drift.h"
#include "monitor/statistics/drift_verdict.h"

namespace vitrine::bench {
namespace {

constexpr std::size_t kSeries = 4;
constexpr std::size_t kBins = 16;
constexpr std::size_t kSlotRequests = 208;  // 13 draws of 16 four-bit numbers
constexpr std::size_t kSlots = 12;          // the live window's
constexpr std::size_t kBaselineSlots = 5;
constexpr int kLooks = 1000;
constexpr int kShiftAt = 500;

using Counts = std::array<std::array<double, kBins>, kSeries>;

/// One slot's requests; `share` of the first series' requests move from the lower half of its bins to
/// the upper one.
Counts Draw(std::mt19937_64& random, double share) {
  Counts counts{};
  std::uniform_real_distribution<double> uniform;
  for (std::size_t s = 0; s < kSeries; ++s) {
    for (std::size_t word = 0; word < kSlotRequests / 16; ++word) {
      std::uint64_t bits = random();
      for (int i = 0; i < 16; ++i, bits >>= 4U) {
        std::size_t bin = bits % kBins;
        if (s == 0 && share > 0 && bin < kBins / 2 && uniform(random) < share) {
          bin += kBins / 2;
        }
        counts[s][bin] += 1;
      }
    }
  }
  return counts;
}

struct Outcome {
  bool rule = false;     ///< raised by the rule
  bool fixed = false;    ///< raised at the same alpha in every look
  int found_after = -1;  ///< slots after the shift until the rule raised; -1: not
};

/// A stream of kLooks looks; from kShiftAt on `share` as above.
Outcome Stream(std::uint64_t seed, double share) {
  std::mt19937_64 random(seed);
  Counts baseline{};
  for (std::size_t slot = 0; slot < kBaselineSlots; ++slot) {
    const Counts drawn = Draw(random, 0);
    for (std::size_t s = 0; s < kSeries; ++s) {
      for (std::size_t b = 0; b < kBins; ++b) baseline[s][b] += drawn[s][b];
    }
  }
  std::vector<Counts> ring;
  monitor::DriftOptions options;
  const double stream_alpha = options.stream_alpha;
  Outcome outcome;
  for (int look = 1; look <= kLooks; ++look) {
    if (ring.size() == kSlots) {
      ring.erase(ring.begin());
    }
    ring.push_back(Draw(random, look > kShiftAt ? share : 0));
    std::vector<monitor::DriftVerdict> verdicts;
    for (std::size_t s = 0; s < kSeries; ++s) {
      monitor::DriftInput input;
      input.reference.assign(baseline[s].begin(), baseline[s].end());
      input.current.assign(kBins, 0);
      for (const Counts& slot : ring) {
        for (std::size_t b = 0; b < kBins; ++b) input.current[b] += slot[s][b];
      }
      verdicts.push_back(monitor::Measure(input, options));
    }
    const auto raised = [&](double alpha) {
      options.alpha = alpha;
      monitor::DecideTogether(verdicts, options);
      return std::any_of(verdicts.begin(), verdicts.end(),
                         [](const monitor::DriftVerdict& v) { return v.drifted; });
    };
    const bool rule = raised(monitor::SpentAlpha(stream_alpha, static_cast<std::uint64_t>(look)));
    outcome.fixed = outcome.fixed || raised(stream_alpha);
    if (rule && share > 0 && look > kShiftAt) {
      outcome.found_after = look - kShiftAt;
      return outcome;
    }
    outcome.rule = outcome.rule || rule;
  }
  return outcome;
}

}  // namespace

void MeasureLooks(int streams, std::vector<Bar>& bars) {
  int rule = 0;
  int fixed = 0;
  for (int i = 0; i < streams; ++i) {
    const Outcome outcome = Stream(static_cast<std::uint64_t>(i) + 1, 0);
    rule += outcome.rule ? 1 : 0;
    fixed += outcome.fixed ? 1 : 0;
  }
  bars.push_back({"1,000 looks, nothing moved: streams with an alarm", 100.0 * rule / streams, "%",
                  false, 5, streams, 0});
  bars.push_back(
      {"the same at p 0.05 in every look", 100.0 * fixed / streams, "%", false, 0, streams, 0});
  // Moving share s of the lower half makes PSI s/2 ln((1 + s) / (1 - s)), about s^2.
  for (const double share : {0.2, 0.3, 0.4}) {
    int found = 0;
    double slots = 0;
    for (int i = 0; i < streams / 4; ++i) {
      const Outcome outcome = Stream(static_cast<std::uint64_t>(i) + 100'000, share);
      found += outcome.found_after > 0 ? 1 : 0;
      slots += std::max(0, outcome.found_after);
    }
    const double psi = share * std::log((1 + share) / (1 - share));
    const std::string name = "a change of PSI " + std::to_string(psi).substr(0, 5) + " at look 501";
    bars.push_back({name + ": found", 400.0 * found / streams, "%", true, 0, streams / 4, 0});
    bars.push_back({name + ": slots until found", found == 0 ? 0 : slots / found, "slots", false, 0,
                    found, 0});
  }
}

}  // namespace vitrine::bench
