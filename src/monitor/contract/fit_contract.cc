// How far windows stray, from how they did.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "monitor/contract/learn_contract.h"
#include "monitor/statistics/special_functions.h"
#include "monitor/statistics/tails.h"

namespace vitrine::monitor {
namespace {

constexpr double kLeastExpected =
    5;  ///< rows of an hour from which its logarithm is worth something
constexpr std::size_t kHoursOfDay = 24;
constexpr double kThirds =
    3;  ///< of a rule's chance: straying, the estimate, the window's own rows

/// A factor that says nothing any more: what few days leave open may be beyond what a number holds.
constexpr double kMostWay = 40;

double Held(double way) { return std::min(way, kMostWay); }

using Windows = std::vector<ContractWindow>;

/// Chance left for one side of one part of a rule's tolerance.
double SideChance(double rule_alpha) { return rule_alpha / (2 * kThirds); }

/// Sums over the windows of one rule that have rows.
struct Pooled {
  double windows = 0, rows = 0, hits = 0, sum = 0, squares = 0, rows_squared = 0;
  void Add(const RuleCounts& counts) {
    if (counts.rows > 0) {
      ++windows;
      rows += counts.rows;
      rows_squared += counts.rows * counts.rows;
      hits += counts.hits;
      sum += counts.sum;
      squares += counts.squares;
    }
  }
};

Pooled Pool(const Windows& windows, std::size_t rule) {
  Pooled out;
  for (const ContractWindow& window : windows) {
    out.Add(window.rules[rule]);
  }
  return out;
}

/// The variance between windows that their rows do not explain, by the method of moments (DerSimonian and
/// Laird 1986): `within` is the variance of one row.
double Between(const Windows& windows, std::size_t rule, const Pooled& pooled, double mean,
               double within, bool share) {
  double q = 0;
  for (const ContractWindow& window : windows) {
    const RuleCounts& counts = window.rules[rule];
    if (counts.rows > 0) {
      const double own = (share ? counts.hits : counts.sum) / counts.rows;
      q += counts.rows * (own - mean) * (own - mean);
    }
  }
  const double weight = pooled.rows - pooled.rows_squared / pooled.rows;
  return weight <= 0 ? 0 : std::max(0.0, (q - (pooled.windows - 1) * within) / weight);
}

/// Rows of a usual window: the mean of a row's window.
double UsualRows(const Pooled& pooled) { return pooled.rows_squared / pooled.rows; }

double Angle(double share) { return std::asin(std::sqrt(std::clamp(share, 0.0, 1.0))); }
double ShareAt(double angle) {
  const double s = std::sin(std::clamp(angle, 0.0, std::numbers::pi / 2));
  return s * s;
}

std::optional<Tolerance> FitShare(const Windows& windows, std::size_t index, double degrees,
                                  double chance, ContractRule& rule) {
  Pooled pooled = Pool(windows, index);
  if (pooled.windows < kLeastWindows) {
    return std::nullopt;
  }
  double hits = pooled.hits;
  if (rule.kind == ContractKind::kValues && !rule.Pinned("values")) {
    hits = std::min(pooled.rows, std::ceil(rule.expected * pooled.rows));
  } else {
    rule.expected = hits / pooled.rows;
  }
  const double share = hits / pooled.rows;
  const double within = share * (1 - share);
  const double between = Between(windows, index, pooled, pooled.hits / pooled.rows, within, true);
  // On the angle's scale a share's spread does not depend on the share.
  const double spread = within > 0 ? std::sqrt(between / (4 * within)) : 0;
  const double way = StudentAbove(chance, degrees) * spread * std::sqrt(1 + 1 / pooled.windows);
  return Tolerance{.low = ShareAt(Angle(ShareAtLeast(hits, pooled.rows, chance)) - way),
                   .high = ShareAt(Angle(ShareAtMost(hits, pooled.rows, chance)) + way),
                   .rows = UsualRows(pooled)};
}

std::optional<Tolerance> FitMean(const Windows& windows, std::size_t index, double degrees,
                                 double chance, ContractRule& rule) {
  const Pooled pooled = Pool(windows, index);
  if (pooled.windows < kLeastWindows || pooled.rows <= pooled.windows) {
    return std::nullopt;
  }
  const double mean = pooled.sum / pooled.rows;
  double inside = pooled.squares;
  for (const ContractWindow& window : windows) {
    const RuleCounts& counts = window.rules[index];
    inside -= counts.rows > 0 ? counts.sum * counts.sum / counts.rows : 0;
  }
  const double within = std::max(0.0, inside / (pooled.rows - pooled.windows));
  const double between = Between(windows, index, pooled, mean, within, false);
  rule.expected = std::exp(mean);
  rule.deviation = std::sqrt(within);
  const double way = Held(StudentAbove(chance, degrees) *
                          std::sqrt(between * (1 + 1 / pooled.windows) + within / pooled.rows));
  return Tolerance{
      .low = std::exp(mean - way), .high = std::exp(mean + way), .rows = UsualRows(pooled)};
}

/// What the hours of a week bring, and how many windows each number rests on. Four weeks give every hour its
/// own mean; less give each weekday its day and all the same hours of the day; less than two, the hours of a day.
void FitPattern(const Windows& hours, std::size_t index, std::size_t days, ContractRule& rule) {
  std::vector<double> week(kHoursOfWeek), seen(kHoursOfWeek);
  std::vector<double> clock(kHoursOfDay), weekday(kHoursOfWeek / kHoursOfDay);
  double all = 0;
  for (const ContractWindow& hour : hours) {
    const std::size_t at = HourOfWeek(hour.from);
    const double rows = hour.rules[index].rows;
    week[at] += rows;
    seen[at] += 1;
    clock[at % kHoursOfDay] += rows;
    weekday[at / kHoursOfDay] += rows;
    all += rows;
  }
  rule.expected = all / static_cast<double>(hours.size()) * kHoursOfDay;
  rule.repeats = std::floor(static_cast<double>(days) / 7);
  const bool own = days >= 28;
  const bool weekly = days >= 14;
  if (!weekly) {
    rule.repeats = static_cast<double>(days);
  }
  rule.pattern.assign(kHoursOfWeek, 0);
  for (std::size_t at = 0; at < kHoursOfWeek && all > 0; ++at) {
    const double hour = clock[at % kHoursOfDay] / all;
    double of_day = 0;  // hours of this weekday that were there, as days
    for (std::size_t h = 0; h < kHoursOfDay; ++h) {
      of_day += seen[at / kHoursOfDay * kHoursOfDay + h] / kHoursOfDay;
    }
    rule.pattern[at] = own      ? week[at] / seen[at]
                       : weekly ? weekday[at / kHoursOfDay] / of_day * hour
                                : rule.expected * hour;
  }
}

/// Factor to what the pattern expects, from how windows differed from it: by their logarithms, or, where that is
/// tighter, as a Gamma factor, since a few windows without a row make logarithms of any width.
std::optional<Tolerance> FitVolume(const Windows& windows, std::size_t index, Grain grain,
                                   double cells, double degrees, double chance,
                                   const ContractRule& rule) {
  double n = 0, logs = 0, log_squares = 0, ratios = 0, ratio_squares = 0, sampling = 0;
  for (const ContractWindow& window : windows) {
    const double expected = ExpectedRows(rule, grain, window.from);
    if (expected >= kLeastExpected) {
      constexpr double kHalf = 0.5;  // a window without rows has no logarithm
      const double rows = window.rules[index].rows;
      const double log = std::log((rows + kHalf) / (expected + kHalf));
      ++n;
      logs += log;
      log_squares += log * log;
      ratios += rows / expected;
      ratio_squares += rows / expected * rows / expected;
      sampling += 1 / expected;
    }
  }
  if (n <= cells + 1) {
    return std::nullopt;
  }
  const auto between = [&](double sum, double squares) {
    return std::max(0.0, (squares - sum * sum / n) / (n - cells) - sampling / n) *
           (1 + 1 / rule.repeats);
  };
  const double student = StudentAbove(chance, degrees);
  const double way = Held(student * std::sqrt(between(logs, log_squares)));
  Tolerance out{.low = std::exp(-way), .high = std::exp(way), .rows = 0};
  // As uncertain as Student's t makes the normal.
  const double wider = student / -NormalQuantile(chance);
  const double variance = between(ratios, ratio_squares) * wider * wider;
  if (variance > 0) {
    const double shape = 1 / variance;
    out.low = std::max(out.low, GammaAbove(1 - chance, shape) / shape);
    out.high = std::min(out.high, GammaAbove(chance, shape) / shape);
  }
  return out;
}

std::optional<Tolerance> FitSilence(const Windows& days, std::size_t index, double chance,
                                    ContractRule& rule) {
  double n = 0, sum = 0, squares = 0;
  for (const ContractWindow& day : days) {
    if (const double gap = day.rules[index].longest; gap > 0) {
      ++n;
      sum += std::log(gap);
      squares += std::log(gap) * std::log(gap);
    }
  }
  if (n < kLeastWindows) {
    return std::nullopt;
  }
  const double mean = sum / n;
  const double deviation = std::sqrt(std::max(0.0, (squares - sum * mean) / (n - 1)));
  rule.expected = std::exp(mean);
  const double way = Held(StudentAbove(chance, n - 1) * deviation * std::sqrt(1 + 1 / n));
  return Tolerance{.low = 0, .high = std::exp(mean + way), .rows = 0};
}

/// Numbers of a pattern that were estimated at this grain.
double Cells(std::size_t days, Grain grain) {
  const bool weekly = days >= 14;
  if (grain == Grain::kDay) {
    return weekly ? 7 : 1;
  }
  return days >= 28 ? kHoursOfWeek : weekly ? kHoursOfDay + 6 : kHoursOfDay;
}

void FitRule(const Windows& hours, const Windows& days, std::size_t index, double rule_alpha,
             ContractRule& rule) {
  const double chance = SideChance(rule_alpha);
  const auto day_count = days.size();
  // Hours of one day are alike, so their spread is known no better than the days'.
  const double degrees = static_cast<double>(day_count) - 1;
  if (rule.kind == ContractKind::kVolume) {
    if (!rule.Pinned("pattern")) {
      FitPattern(hours, index, day_count, rule);
    }
    for (const Grain grain : {Grain::kHour, Grain::kDay}) {
      const double cells = Cells(day_count, grain);
      const double left = grain == Grain::kDay ? static_cast<double>(day_count) - cells : degrees;
      auto fitted =
          FitVolume(grain == Grain::kDay ? days : hours, index, grain, cells, left, chance, rule);
      (grain == Grain::kDay ? rule.day : rule.hour) = fitted;
    }
  } else if (rule.kind == ContractKind::kSilence) {
    rule.day = FitSilence(days, index, chance, rule);
  } else if (rule.kind == ContractKind::kMean) {
    rule.hour = FitMean(hours, index, degrees, chance, rule);
    rule.day = FitMean(days, index, degrees, chance, rule);
  } else {
    rule.hour = FitShare(hours, index, degrees, chance, rule);
    rule.day = FitShare(days, index, degrees, chance, rule);
  }
}

}  // namespace

Status FitContract(const Windows& hours, DataContract& contract) {
  Windows days;
  for (ContractWindow& day : DaysOf(hours)) {
    if (day.whole) {
      days.push_back(std::move(day));
    }
  }
  if (days.size() < kLeastDays) {
    return FailedPrecondition(fmt::format(
        "a contract is learned from {} whole days or more, to know how days differ; there are {}. "
        "Collect for longer, or name a longer range",
        kLeastDays, days.size()));
  }
  Windows whole;
  for (const ContractWindow& hour : hours) {
    if (hour.from >= days.front().from &&
        hour.from.value < days.back().from.value + kMicrosPerDay) {
      whole.push_back(hour);
    }
  }
  contract.learned.days = days.size();
  contract.learned.hours = whole.size();
  const double rule_alpha =
      contract.alpha / static_cast<double>(std::max<std::size_t>(contract.rules.size(), 1));
  const DataContract before = contract;
  for (std::size_t r = 0; r < contract.rules.size(); ++r) {
    if (contract.rules[r].origin == "learned") {
      FitRule(whole, days, r, rule_alpha, contract.rules[r]);
    }
  }
  KeepPinned(before, contract);
  return Status::Ok();
}

}  // namespace vitrine::monitor
