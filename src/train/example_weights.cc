#include "train/example_weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace vitrine::train {
namespace {

constexpr double kMost = 1000;

/// What snapshots are read for: see data/interactions.h.
bool IsExample(EventType type) {
  return NeedsItem(type) && type != EventType::kImpression && type != EventType::kReturn;
}

int ExampleTypes() {
  int types = 0;
  for (int t = 0; t < kEventTypes; ++t) {
    types += IsExample(static_cast<EventType>(t)) ? 1 : 0;
  }
  return types;
}

/// Takes `amount` from what the newest of the first `events` with this item weigh.
void TakeBack(const History& history, std::size_t events, ItemIndex item, double amount,
              std::vector<double>& weights) {
  for (std::size_t e = events; e-- > 0 && amount > 0;) {
    if (history[e].item == item) {
      const double taken = std::min(amount, weights[e]);
      weights[e] -= taken;
      amount -= taken;
    }
  }
}

}  // namespace

bool ExampleWeights::plain() const {
  return half_life_days == 0 && std::all_of(by_event.begin(), by_event.end(),
                                            [](const auto& entry) { return entry.second == 1; });
}

Status CheckExampleWeights(const ExampleWeights& weights) {
  double most = 0;
  int named = 0;
  for (const auto& [type, weight] : weights.by_event) {
    if (type == EventType::kReturn) {
      return InvalidArgument(
          "weights.return has nothing to weigh: a return takes its purchase back before anything "
          "is "
          "learnt; take it out");
    }
    if (!IsExample(type)) {
      return InvalidArgument(fmt::format(
          "weights.{} has nothing to weigh: such events are never learnt from; take it out",
          EventName(type)));
    }
    if (!std::isfinite(weight) || std::fabs(weight) > kMost) {
      return InvalidArgument(fmt::format("weights.{} is {}; it must be a number from -{} to {}",
                                         EventName(type), weight, kMost, kMost));
    }
    most = std::max(most, weight);
    ++named;
  }
  if (most <= 0 && named == ExampleTypes()) {
    return InvalidArgument("weights leaves nothing to learn from: give an event a weight above 0");
  }
  if (!(weights.half_life_days >= 0) || !std::isfinite(weights.half_life_days)) {
    return InvalidArgument(
        fmt::format("half_life_days is {}; it must be 0 (examples do not age) or a number of days",
                    weights.half_life_days));
  }
  return Status::Ok();
}

std::vector<float> WeightsOf(const History& history, const ExampleWeights& weights, Micros newest) {
  std::vector<double> exact(history.size(), 1);
  for (std::size_t e = 0; e < history.size(); ++e) {
    const auto named = weights.by_event.find(history[e].type);
    const double weight = named == weights.by_event.end() ? 1 : named->second;
    exact[e] = std::max(weight, 0.0);
    if (weight < 0) {
      TakeBack(history, e, history[e].item, -weight, exact);
    }
  }
  if (weights.half_life_days > 0) {
    for (std::size_t e = 0; e < history.size(); ++e) {
      const double days =
          static_cast<double>(newest.value - history[e].ts.value) / double{kMicrosPerDay};
      exact[e] *= std::pow(0.5, days / weights.half_life_days);
    }
  }
  return {exact.begin(), exact.end()};
}

}  // namespace vitrine::train
