#include "monitor/alerts/signal_history.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <nlohmann/json.hpp>

namespace vitrine::monitor {
namespace {

using nlohmann::json;

/// In standard errors. A look is taken every minute and a shopper's clicks come together: three are passed by chance some
/// times a week.
constexpr double kBeyondChance = 4;

}  // namespace

bool MayBeChance(const Signal& now, const SignalThen& then) {
  const SignalDef* def = FindSignal(now.name);
  if (def == nullptr || def->unit != "share" || now.rows <= 0 || then.rows <= 0) {
    return false;
  }
  const double share = (now.value * now.rows + then.value * then.rows) / (now.rows + then.rows);
  const double variance = share * (1 - share) * (1 / now.rows + 1 / then.rows);
  const double difference = now.value - then.value;
  return share >= 0 && share <= 1 &&
         difference * difference <= kBeyondChance * kBeyondChance * variance;
}

void SignalHistory::Add(std::string_view series, Micros now, double value, double rows) {
  if (!std::isfinite(value)) {
    return;
  }
  auto found = series_.find(series);
  if (found == series_.end()) {
    if (series_.size() >= kMostSeries) {
      return;
    }
    found = series_.emplace(series, std::deque<Step>()).first;
  }
  std::deque<Step>& steps = found->second;
  const std::int64_t step = now.value / kStep;
  if (steps.empty() || steps.back().step < step) {
    steps.push_back({.step = step, .sum = 0, .weight = 0});
  } else if (steps.back().step > step) {
    return;  // the clock went back: the newer means stand
  }
  const double weight = std::max(rows, 1.0);
  steps.back().sum += static_cast<float>(value * weight);
  steps.back().weight += static_cast<float>(weight);
  ++steps.back().looks;
}

std::optional<SignalThen> SignalHistory::At(std::string_view series, Micros then) const {
  const auto found = series_.find(series);
  if (found == series_.end()) {
    return std::nullopt;
  }
  const std::int64_t middle = then.value / kStep;
  double sum = 0;
  double weight = 0;
  double looks = 0;
  const auto& steps = found->second;
  auto at =
      std::lower_bound(steps.begin(), steps.end(), middle - 1,
                       [](const Step& step, std::int64_t first) { return step.step < first; });
  for (; at != steps.end() && at->step <= middle + 1; ++at) {
    sum += at->sum;
    weight += at->weight;
    looks += at->looks;
  }
  return weight > 0 ? std::optional(SignalThen{sum / weight, weight / looks}) : std::nullopt;
}

void SignalHistory::Trim(Micros now) {
  const std::int64_t oldest = (now.value - kKeep) / kStep;
  for (auto at = series_.begin(); at != series_.end();) {
    std::deque<Step>& steps = at->second;
    while (!steps.empty() && steps.front().step < oldest) {
      steps.pop_front();
    }
    at = steps.empty() ? series_.erase(at) : std::next(at);
  }
}

std::string SignalHistory::ToJson() const {
  json out = json::object();
  for (const auto& [name, steps] : series_) {
    json list = json::array();
    for (const Step& step : steps) {
      list.push_back({step.step, step.sum, step.weight, step.looks});
    }
    out[name] = std::move(list);
  }
  return out.dump();
}

Status SignalHistory::Load(std::string_view text) {
  const json all = json::parse(text, nullptr, false);
  if (!all.is_object()) {
    return DataLoss("the history of signals is not what was written");
  }
  std::map<std::string, std::deque<Step>, std::less<>> series;
  for (const auto& [name, list] : all.items()) {
    std::deque<Step>& steps = series[name];
    for (const json& step : list) {
      // Of an earlier release: without looks.
      const bool fits = step.is_array() && (step.size() == 3 || step.size() == 4) &&
                        step[0].is_number_integer() && step[1].is_number() && step[2].is_number() &&
                        (step.size() == 3 || (step[3].is_number_unsigned() && step[3] > 0));
      if (!fits || (!steps.empty() && steps.back().step >= step[0].get<std::int64_t>())) {
        return DataLoss("the history of signals is not what was written");
      }
      steps.push_back({.step = step[0].get<std::int64_t>(),
                       .sum = step[1].get<float>(),
                       .weight = step[2].get<float>(),
                       .looks = step.size() == 4 ? step[3].get<std::uint32_t>() : 1});
    }
  }
  series_ = std::move(series);
  return Status::Ok();
}

}  // namespace vitrine::monitor
