#include "monitor/objectives/objective_watch.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include <fmt/format.h>

namespace vitrine::monitor {
namespace {

using nlohmann::json;
using std::chrono::hours;
using std::chrono::minutes;

constexpr minutes kWindows[] = {minutes(5), minutes(30), hours(1), hours(6), ErrorBudget::kLongest};

double Bad(const GoodOfAll& counts) { return static_cast<double>(counts.all - counts.good); }

/// Both windows burn at least so fast.
Signal BurnOf(const char* name, const ServiceObjective& objective, const GoodOfAll& longer,
              const GoodOfAll& shorter) {
  return {name,
          {{"objective", objective.name}},
          std::min(BurnRate(longer, objective.target), BurnRate(shorter, objective.target)),
          Bad(longer)};
}

/// What a budget is of: another promise has another budget.
json PromiseOf(const ServiceObjective& objective) {
  return {objective.target, objective.seconds.value_or(0), objective.scene};
}

std::string NameOf(minutes window) {
  return window < hours(1)    ? fmt::format("{}m", window.count())
         : window < hours(24) ? fmt::format("{}h", window.count() / 60)
                              : fmt::format("{}d", window.count() / (60 * 24));
}

}  // namespace

std::vector<ServiceObjective> DefaultObjectives() {
  return {{.name = "served", .target = 0.999, .seconds = std::nullopt, .scene = ""},
          {.name = "fast", .target = 0.99, .seconds = 0.1, .scene = ""}};
}

ObjectiveWatch::ObjectiveWatch(std::vector<ServiceObjective> objectives) {
  for (ServiceObjective& objective : objectives) {
    watched_.push_back({std::move(objective), ErrorBudget()});
  }
}

std::vector<Signal> ObjectiveWatch::Look(Micros now, const ServiceReport& answers,
                                         const GoodOfAll& requests) {
  std::vector<Signal> signals;
  const std::scoped_lock lock(mutex_);
  for (auto& [objective, budget] : watched_) {
    budget.Count(now, objective.seconds ? AnswersInTime(answers, objective) : requests);
    const auto within = [&counted = budget, now](minutes window) {
      return counted.Within(now, window);
    };
    const GoodOfAll all = within(ErrorBudget::kLongest);
    if (all.all == 0) {
      continue;
    }
    signals.push_back(
        BurnOf("objective.fast_burn", objective, within(hours(1)), within(minutes(5))));
    signals.push_back(
        BurnOf("objective.slow_burn", objective, within(hours(6)), within(minutes(30))));
    signals.push_back({"objective.spent",
                       {{"objective", objective.name}},
                       BurnRate(all, objective.target),
                       Bad(all)});
  }
  return signals;
}

std::vector<ObjectiveReport> ObjectiveWatch::Report(Micros now) const {
  std::vector<ObjectiveReport> reports;
  const std::scoped_lock lock(mutex_);
  for (const auto& [objective, budget] : watched_) {
    ObjectiveReport& report = reports.emplace_back();
    report.objective = objective;
    for (const minutes window : kWindows) {
      const GoodOfAll counts = budget.Within(now, window);
      report.windows.push_back({window, counts, BurnRate(counts, objective.target)});
    }
    report.spent = report.windows.back().burn_rate;
  }
  return reports;
}

std::string ObjectiveWatch::Save() const {
  json objectives = json::object();
  const std::scoped_lock lock(mutex_);
  for (const auto& [objective, budget] : watched_) {
    objectives[objective.name] = {{"promise", PromiseOf(objective)}, {"minutes", budget.Save()}};
  }
  return json({{"objectives", objectives}}).dump();
}

Status ObjectiveWatch::Load(std::string_view saved) {
  try {
    const json objectives = json::parse(saved).at("objectives");
    const std::scoped_lock lock(mutex_);
    std::vector<Watched> read = watched_;
    for (auto& [objective, budget] : read) {
      const auto found = objectives.find(objective.name);
      if (found != objectives.end() && found->at("promise") == PromiseOf(objective)) {
        budget.Load(found->at("minutes"));
      }
    }
    watched_ = std::move(read);
    return Status::Ok();
  } catch (const json::exception& e) {
    return InvalidArgument(fmt::format("the kept error budgets are broken: {}", e.what()));
  }
}

std::string ToJson(const std::vector<ObjectiveReport>& reports) {
  json objectives = json::array();
  for (const ObjectiveReport& report : reports) {
    json windows = json::array();
    for (const ObjectiveWindow& window : report.windows) {
      windows.push_back({{"window", NameOf(window.window)},
                         {"good", window.counts.good},
                         {"all", window.counts.all},
                         {"burn_rate", window.burn_rate}});
    }
    objectives.push_back(
        {{"objective", report.objective.name},
         {"target", report.objective.target},
         {"seconds", report.objective.seconds ? json(*report.objective.seconds) : json(nullptr)},
         {"scene", report.objective.scene},
         {"spent", report.spent},
         {"windows", std::move(windows)}});
  }
  return json({{"objectives", std::move(objectives)}})
      .dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace vitrine::monitor
