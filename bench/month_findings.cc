#include "bench/month_findings.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <utility>

#include "bench/month.h"

namespace vitrine::bench {
namespace {

using nlohmann::json;
using Plan = MonthPlan;

/// Stretches of days in which nothing happens that was not there before, each a day or more after what did.
constexpr std::array<std::pair<double, double>, 4> kQuiet = {
    std::pair{1.0, Plan::kShift}, std::pair{Plan::kShift + 3, Plan::kCents},
    std::pair{Plan::kCentsEnd + 1.5, Plan::kBots}, std::pair{Plan::kBotsEnd + 1.5, Plan::kSale}};

bool IsOneOf(const std::string& text, std::initializer_list<const char*> texts) {
  return std::any_of(texts.begin(), texts.end(), [&](const char* one) { return text == one; });
}

/// Of contracts the rule that is broken, else what the alert's rule is about.
std::string NameOf(const json& alert) {
  const json& labels = alert.at("labels");
  for (const char* label : {"rule", "feature"}) {
    if (labels.contains(label)) {
      return fmt::format("{} ({})", alert.at("rule").get<std::string>(),
                         labels.at(label).get<std::string>());
    }
  }
  return alert.at("rule").get<std::string>();
}

/// First alert between two days that `about` takes.
template <typename About>
const json* FirstAlert(const json& loop, double from, double until, About about) {
  const json* first = nullptr;
  for (const json& alert : loop.at("alerts")) {
    const double day = alert.at("day");
    if (day > from && day <= until && about(alert) &&
        (first == nullptr || day < first->at("day").get<double>())) {
      first = &alert;
    }
  }
  return first;
}

bool SaysModelIsStale(const json& alert) {
  return IsOneOf(alert.at("rule"), {"fewer-clicks", "fewer-clicks-expected", "feature-drifted",
                                    "explanations-moved"});
}

bool SaysPricesAreWrong(const json& alert) {
  return alert.at("rule") == "contract-broken" &&
         alert.at("labels").value("rule", "").find("price") != std::string::npos;
}

bool SaysRobotsCame(const json& alert) { return alert.at("rule") == "robots"; }

void Saw(MonthFinding& finding, const json* alert, double since) {
  if (alert != nullptr) {
    finding.seen_hours = 24 * (alert->at("day").get<double>() - since);
    finding.cause = NameOf(*alert);
    finding.right_cause = true;
  }
}

/// Days at which the champion changed by itself.
std::vector<double> Promotions(const json& loop) {
  std::vector<double> days;
  for (const json& entry : loop.at("audit")) {
    const std::string action = entry.at("action");
    if ((action == "promote" || action == "rollout.promote") && entry.at("day") > 0.5 &&
        entry.at("actor") != "local") {
      days.push_back(entry.at("day"));
    }
  }
  std::sort(days.begin(), days.end());
  return days;
}

std::size_t Between(const std::vector<double>& days, double from, double until) {
  return static_cast<std::size_t>(std::count_if(
      days.begin(), days.end(), [&](double day) { return day >= from && day < until; }));
}

std::size_t TurnsBetween(const json& loop, double from, double until) {
  std::size_t turns = 0;
  for (const json& job : loop.at("jobs")) {
    turns += job.at("kind") == "retrain" && job.at("day") >= from && job.at("day") < until ? 1 : 0;
  }
  return turns;
}

std::size_t HeldBetween(const json& loop, double from, double until) {
  return static_cast<std::size_t>(std::count_if(
      loop.at("held").begin(), loop.at("held").end(),
      [&](const json& held) { return held.at("day") >= from && held.at("day") <= until; }));
}

MonthFinding OfShift(const json& loop) {
  MonthFinding finding{.event = "tastes turn", .seen_hours = {}, .cause = "", .act = ""};
  Saw(finding, FirstAlert(loop, Plan::kShift, Plan::kShift + 4, SaysModelIsStale), Plan::kShift);
  for (const json& job : loop.at("jobs")) {  // the newest first
    if (job.at("day") > Plan::kShift && job.at("day") < Plan::kShift + 4 &&
        IsOneOf(job.at("actor"), {"trigger:quality", "trigger:drift"})) {
      finding.act = fmt::format("{} trained after {:.0f} h", job.at("actor").get<std::string>(),
                                24 * (job.at("day").get<double>() - Plan::kShift));
    }
  }
  const std::vector<double> promoted = Promotions(loop);
  const auto next = std::upper_bound(promoted.begin(), promoted.end(), Plan::kShift);
  if (next != promoted.end() && *next < Plan::kShift + 4) {
    finding.act += fmt::format("{}served after {:.0f} h", finding.act.empty() ? "" : ", ",
                               24 * (*next - Plan::kShift));
    finding.right_act = true;
  }
  return finding;
}

/// Nothing is learnt from wrong data, nor promoted while they come.
MonthFinding OfFault(const json& loop, const char* event, double from, double until,
                     bool (*about)(const json&)) {
  MonthFinding finding{.event = event, .seen_hours = {}, .cause = "", .act = ""};
  Saw(finding, FirstAlert(loop, from, until + 0.25, about), from);
  const double since = from + finding.seen_hours.value_or(0) / 24;
  const std::size_t turns = TurnsBetween(loop, since, until);
  const std::size_t promoted = Between(Promotions(loop), since, until);
  finding.act = fmt::format("{} turns and {} promotions meanwhile, {} triggers held", turns,
                            promoted, HeldBetween(loop, from, until + 1));
  finding.right_act = finding.seen_hours.has_value() && turns == 0 && promoted == 0;
  return finding;
}

MonthFinding OfBadModel(const json& loop) {
  MonthFinding finding{
      .event = "a bad model is rolled out", .seen_hours = {}, .cause = "", .act = ""};
  if (!loop.contains("pushed")) {
    finding.act = "never begun";
    return finding;
  }
  const std::string id = loop.at("pushed").at("rollout");
  for (const json& rollout : loop.at("rollouts")) {
    if (rollout.at("id") != id) {
      continue;
    }
    const std::string state = rollout.at("state");
    finding.cause = rollout.value("reason", "");
    finding.right_act = state == "rolled_back";
    finding.right_cause = finding.right_act;
    const auto stage = rollout.at("stage").get<std::size_t>();
    const std::string kind = rollout.at("policy").at("stages").at(stage).at("kind");
    finding.act = fmt::format("{} in stage {} ({})", state, stage + 1, kind);
  }
  for (const json& entry : loop.at("audit")) {
    if (entry.at("subject") == id && entry.at("action") == "rollout.roll_back") {
      finding.seen_hours =
          24 * (entry.at("day").get<double>() - loop.at("pushed").at("day").get<double>());
    }
  }
  return finding;
}

MonthFinding OfSale(const json& loop) {
  MonthFinding finding{.event = "a sale", .seen_hours = {}, .cause = "declared", .act = ""};
  finding.right_cause = true;
  std::size_t told = 0;
  for (const json& alert : loop.at("alerts")) {
    told += alert.at("day") > Plan::kSale && alert.at("day") <= Plan::kSaleEnd &&
                    alert.value("quiet_by", "").empty()
                ? 1
                : 0;
  }
  const std::size_t promoted = Between(Promotions(loop), Plan::kSale + 0.01, Plan::kSaleEnd);
  const std::size_t turns = TurnsBetween(loop, Plan::kSale + 0.01, Plan::kSaleEnd);
  finding.act =
      fmt::format("{} alerts told, {} turns and {} promotions meanwhile, {} triggers held", told,
                  turns, promoted, HeldBetween(loop, Plan::kSale, Plan::kSaleEnd + 0.1));
  finding.right_act = told == 0 && turns == 0 && promoted == 0;
  return finding;
}

struct Sums {
  double visits = 0;
  double shown = 0;
  double clicks = 0;
  double revenue = 0;
  double pushed = 0;
  [[nodiscard]] double ctr() const { return shown == 0 ? 0 : clicks / shown; }
  [[nodiscard]] double revenue_a_visit() const { return visits == 0 ? 0 : revenue / visits; }
};

Sums SumOf(const json& world, double from, double until) {
  Sums sums;
  const json& days = world.at("days");
  for (auto day = static_cast<std::size_t>(from);
       day < static_cast<std::size_t>(until) && day < days.size(); ++day) {
    sums.visits += days[day].at("visits").get<double>();
    sums.shown += days[day].at("shown").get<double>();
    sums.clicks += days[day].at("clicks").get<double>();
    sums.revenue += days[day].at("revenue").get<double>();
    sums.pushed += days[day].at("pushed").get<double>();
  }
  return sums;
}

constexpr int kQualityHours = 6;  // alerts.quality_minutes of the month's shop

/// Clicks a place that the simulation expected in the hours before `day`; 0 where nothing was shown.
double ExpectedRate(const json& loop, double day) {
  const json& hours = loop.at("hours");
  const int end = static_cast<int>(std::lround((day + kWarmUpDays) * 24));
  double shown = 0;
  double expected = 0;
  for (int hour = std::max(0, end - kQualityHours);
       hour < end && hour < static_cast<int>(hours.size()); ++hour) {
    shown += hours[static_cast<std::size_t>(hour)].at("shown").get<double>();
    expected += hours[static_cast<std::size_t>(hour)].at("expected").get<double>();
  }
  return shown == 0 ? 0 : expected / shown;
}

/// By how much clicks had truly changed against the same hours a week before; none where the alert is about something else.
std::optional<double> TrueChange(const json& loop, const json& alert) {
  if (!IsOneOf(alert.at("signal"), {"quality.ctr", "quality.scene_ctr"})) {
    return std::nullopt;
  }
  const double then = ExpectedRate(loop, alert.at("day").get<double>() - 7);
  return then == 0 ? std::nullopt : std::optional(ExpectedRate(loop, alert.at("day")) / then - 1);
}

void CountFalseAlarms(const json& loop, MonthFindings& found) {
  double days = 0;
  std::size_t alarms = 0;
  for (const auto& [from, until] : kQuiet) {
    days += until - from;
    for (const json& alert : loop.at("alerts")) {
      if (alert.at("day") <= from || alert.at("day") > until) {
        continue;
      }
      const std::optional<double> change = TrueChange(loop, alert);
      const bool right = change && *change <= alert.at("bound").get<double>() / 2;
      ++alarms;
      (right ? found.aged_names : found.false_alarm_names)
          .push_back(fmt::format(
              "{} on day {:.1f}{}", NameOf(alert), alert.at("day").get<double>(),
              change ? fmt::format(" (clicks had truly changed by {:+.0f} %)", 100 * *change)
                     : ""));
    }
  }
  found.false_alarms = static_cast<double>(alarms) / (days / 7);
}

}  // namespace

MonthFindings FindingsOf(const json& loop, const json& twin, const json& oracle) {
  MonthFindings found;
  found.events.push_back(OfShift(loop));
  found.events.push_back(
      OfFault(loop, "prices come in cents", Plan::kCents, Plan::kCentsEnd, SaysPricesAreWrong));
  found.events.push_back(OfBadModel(loop));
  found.events.push_back(
      OfFault(loop, "robots push products", Plan::kBots, Plan::kBotsEnd, SaysRobotsCame));
  const Sums before = SumOf(loop, Plan::kBots - 3, Plan::kBots);
  const Sums after = SumOf(loop, Plan::kBotsEnd + 0.5, Plan::kSale);
  found.events.back().act +=
      fmt::format("; pushed products take {:.2f} % of places, before {:.2f} %",
                  100 * after.pushed / std::max(1.0, after.shown),
                  100 * before.pushed / std::max(1.0, before.shown));
  found.events.push_back(OfSale(loop));
  CountFalseAlarms(loop, found);
  found.turns = TurnsBetween(loop, 0.01, 100);
  found.promotions = Promotions(loop).size();
  const double last = static_cast<double>(loop.at("days").size());
  found.ctr_before = SumOf(loop, 0, Plan::kShift).ctr();
  const auto of = [&](const json& world) { return SumOf(world, Plan::kShift + 1, last); };
  found.ctr = of(loop).ctr();
  found.twin_ctr = of(twin).ctr();
  found.oracle_ctr = of(oracle).ctr();
  found.revenue = of(loop).revenue_a_visit();
  found.twin_revenue = of(twin).revenue_a_visit();
  found.oracle_revenue = of(oracle).revenue_a_visit();
  for (const json& entry : loop.at("audit")) {
    found.hands += entry.at("day") > 0.01 && entry.at("actor") == "local" &&
                           !IsOneOf(entry.at("action"), {"rollout.start", "quiet_time.create"})
                       ? 1
                       : 0;
  }
  return found;
}

}  // namespace vitrine::bench
