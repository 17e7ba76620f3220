#include "bench/estimate_replay.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <tuple>

#include "monitor/attribution.h"
#include "monitor/estimate/estimate_rows.h"

namespace vitrine::bench {
namespace {

using monitor::EstimateTrack;

struct Step {
  const Impression* answer = nullptr;
  const Event* event = nullptr;
  Micros ts;
  std::size_t number = 0;
};

void AddBars(const std::string& name, const EstimateTrack& track, std::vector<Bar>& bars) {
  const double n = std::max(track.hours, 1.0);
  const double carried = std::max(track.carried_hours, 1.0);
  bars.push_back({.bar = name + ": windows", .value = track.hours, .unit = ""});
  bars.push_back({.bar = name + ": bias", .value = 100 * track.error / n, .unit = "points"});
  bars.push_back(
      {.bar = name + ": mean absolute error", .value = 100 * track.absolute / n, .unit = "points"});
  bars.push_back({.bar = name + ": the same, carried forward",
                  .value = 100 * track.carried_absolute / carried,
                  .unit = "points"});
  bars.push_back({.bar = name + ": in the 95 % interval",
                  .value = 100 * track.covered / n,
                  .unit = "%",
                  .higher_is_better = true});
}

void PrintFigure(const MetricValue& estimate, double came, double carried, EstimateTrack& track) {
  std::printf("  %7.4f [%6.4f %6.4f]  %7.4f  %+7.4f %s", estimate.mean, estimate.low, estimate.high,
              came, estimate.mean - came,
              came >= estimate.low && came <= estimate.high ? "in " : "out");
  if (carried >= 0) {
    std::printf("  %+7.4f", carried - came);
  } else {
    std::printf("  %7s", "");
  }
  track.Add(estimate, came, carried);
}

}  // namespace

Event ClickOn(const Impression& answer, std::size_t place, std::int64_t seconds) {
  Event event;
  event.type = EventType::kClick;
  event.user_id = answer.subject;
  event.ts = {answer.ts.value + seconds * kMicrosPerSecond};
  event.request_id = answer.request_id;
  event.items.push_back({.item_id = answer.items[place].item_id});
  return event;
}

void ReplayEstimates(const std::string& name, const std::vector<Replayed>& log,
                     std::vector<Bar>& bars) {
  std::vector<Step> steps;
  for (const Replayed& one : log) {
    steps.push_back(
        {.answer = &one.answer, .event = nullptr, .ts = one.answer.ts, .number = steps.size()});
    for (const Event& event : one.events) {
      steps.push_back({.answer = nullptr, .event = &event, .ts = event.ts, .number = steps.size()});
    }
  }
  std::sort(steps.begin(), steps.end(), [](const Step& a, const Step& b) {
    return std::tie(a.ts, a.number) < std::tie(b.ts, b.number);
  });
  monitor::AttributionOptions options;
  options.most_waiting = 200'000;
  options.purchase_window = options.click_window;
  monitor::Attribution attribution(options);
  for (const Step& step : steps) {
    if (step.answer != nullptr) {
      attribution.Add(*step.answer);
    } else {
      attribution.Record(*step.event);
    }
  }
  Event last;  // two hours later: all labels are in
  last.ts = {steps.back().ts.value + 2 * 3600 * kMicrosPerSecond};
  attribution.Record(last);

  constexpr std::size_t kTen = 1;  // of the cut-offs 5, 10, 20
  EstimateTrack ctr;
  EstimateTrack ndcg;
  std::printf(
      "\n%s\n%6s %7s  %-43s %-8s  %-44s %s\n%6s %7s  %7s %-15s  %7s  %7s %3s  %7s  %7s %-15s  %7s  "
      "%7s %3s  %7s\n",
      name.c_str(), "", "", "CTR", "", "NDCG@10", "", "window", "answers", "before", "[95 %]",
      "came", "error", "", "carried", "before", "[95 %]", "came", "error", "", "carried");
  int window = 0;
  for (const auto& [key, counts] : attribution.final_hours()) {
    ++window;
    const monitor::HourEstimates* estimates = attribution.estimates().Find(key);
    if (estimates == nullptr || counts.answers < 50) {
      continue;
    }
    const monitor::HourEstimate& click = estimates->labels[0];
    if (static_cast<double>(click.answers) < 0.9 * static_cast<double>(counts.answers)) {
      continue;
    }
    std::printf("%6d %7zu", window, static_cast<std::size_t>(counts.answers));
    PrintFigure(monitor::EstimatedCtr(click), monitor::CountedCtr(counts, monitor::Label::kClick),
                click.ctr_carried, ctr);
    if (counts.labels[0].answers >= 10) {
      PrintFigure(monitor::EstimatedNdcg(click, kTen),
                  monitor::CountedNdcg(counts, monitor::Label::kClick, kTen),
                  click.ndcg_carried[kTen], ndcg);
    }
    std::printf("\n");
  }
  AddBars(name + ", CTR", ctr, bars);
  AddBars(name + ", NDCG@10", ndcg, bars);
}

}  // namespace vitrine::bench
