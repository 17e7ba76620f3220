#include "monitor/contract/judge_contract.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "monitor/statistics/special_functions.h"
#include "monitor/statistics/tails.h"

namespace vitrine::monitor {
namespace {

/// Means of fewer values are not near enough to normal.
constexpr double kLeastValues = 5;
/// Two sides, and a third of the chance: the other two thirds are in the tolerance.
constexpr double kSides = 6;

struct Verdict {
  double seen = 0;
  double low = 0;
  double high = 0;
  double chance = 1;
};

/// How much longer the way to a bound is in a window of fewer rows than usual.
double Stretch(const Tolerance& tolerance, double rows) {
  return tolerance.rows > rows && rows > 0 ? std::sqrt(tolerance.rows / rows) : 1;
}

double Angle(double share) { return std::asin(std::sqrt(std::clamp(share, 0.0, 1.0))); }
double ShareAt(double angle) {
  const double s = std::sin(std::clamp(angle, 0.0, std::numbers::pi / 2));
  return s * s;
}

bool Fixed(const ContractRule& rule, Grain grain, const char* side) {
  return rule.origin == "person" || rule.Pinned(std::string(GrainName(grain)) + side);
}

Verdict JudgeShare(const ContractRule& rule, const Tolerance& tolerance, Grain grain,
                   const RuleCounts& counts) {
  Verdict out{.seen = counts.hits / counts.rows, .low = tolerance.low, .high = tolerance.high};
  const double middle = Angle(rule.expected);
  const double stretch = Stretch(tolerance, counts.rows);
  if (!Fixed(rule, grain, ".low")) {
    out.low = ShareAt(middle + std::min(0.0, Angle(out.low) - middle) * stretch);
  }
  if (!Fixed(rule, grain, ".high")) {
    out.high = ShareAt(middle + std::max(0.0, Angle(out.high) - middle) * stretch);
  }
  if (out.seen > out.high) {
    out.chance = BinomialAtLeast(counts.hits, counts.rows, out.high);
  } else if (out.seen < out.low) {
    out.chance = BinomialAtMost(counts.hits, counts.rows, out.low);
  }
  return out;
}

Verdict JudgeMean(const ContractRule& rule, const Tolerance& tolerance, Grain grain,
                  const RuleCounts& counts) {
  const double mean = counts.sum / counts.rows;
  Verdict out{.seen = std::exp(mean), .low = tolerance.low, .high = tolerance.high};
  const double stretch = Stretch(tolerance, counts.rows);
  const auto stretched = [&](double bound) {
    return rule.expected * std::pow(bound / rule.expected, stretch);
  };
  if (!Fixed(rule, grain, ".low")) {
    out.low = stretched(out.low);
  }
  if (!Fixed(rule, grain, ".high")) {
    out.high = stretched(out.high);
  }
  const double error = rule.deviation / std::sqrt(counts.rows);
  if (out.seen > out.high) {
    out.chance = error > 0 ? NormalBelow((std::log(out.high) - mean) / error) : 0;
  } else if (out.seen < out.low) {
    out.chance = error > 0 && out.low > 0 ? NormalBelow((mean - std::log(out.low)) / error) : 0;
  }
  return out;
}

/// Rows of a pattern's number rest on `repeats` windows, so the expectation is a Gamma variable and the count a
/// negative binomial one; where a person wrote the pattern, it is what it is.
Verdict JudgeVolume(const ContractRule& rule, const Tolerance& tolerance, double expected,
                    double rows) {
  Verdict out{.seen = rows, .low = tolerance.low * expected, .high = tolerance.high * expected};
  const bool exact = rule.Pinned("pattern") || rule.origin == "person" || rule.repeats <= 0;
  const double total = expected * rule.repeats;
  if (rows > out.high) {
    const double share = tolerance.high / (rule.repeats + tolerance.high);
    out.chance = exact ? PoissonAtLeast(rows, out.high) : BetaBelow(share, rows, total + 1);
  } else if (rows < out.low) {
    const double share = tolerance.low / (rule.repeats + tolerance.low);
    out.chance = exact        ? PoissonAtMost(rows, out.low)
                 : total <= 0 ? 1
                              : 1 - BetaBelow(share, rows + 1, total);
  }
  return out;
}

std::optional<Verdict> JudgeRule(const ContractRule& rule, const Tolerance& tolerance,
                                 const RuleCounts& counts, const ContractWindow& window,
                                 const JudgeOptions& options) {
  const bool whole = window.whole && !options.partial;
  if (rule.kind == ContractKind::kVolume) {
    return whole
               ? std::optional(JudgeVolume(
                     rule, tolerance, ExpectedRows(rule, options.grain, window.from), counts.rows))
               : std::nullopt;
  }
  if (rule.kind == ContractKind::kSilence) {
    Verdict out{.seen = counts.longest, .low = 0, .high = tolerance.high};
    out.chance = out.seen > out.high ? 0 : 1;
    return whole ? std::optional(out) : std::nullopt;
  }
  if (counts.rows <= 0) {
    return std::nullopt;
  }
  if (rule.kind == ContractKind::kMean) {
    return counts.rows < kLeastValues
               ? std::nullopt
               : std::optional(JudgeMean(rule, tolerance, options.grain, counts));
  }
  return JudgeShare(rule, tolerance, options.grain, counts);
}

}  // namespace

Judged JudgeWindow(const DataContract& contract, const ContractWindow& window,
                   const JudgeOptions& options) {
  Judged out;
  out.rules.resize(contract.rules.size());
  const double least = contract.RuleAlpha(options.grain) / options.looks / kSides;
  for (std::size_t r = 0; r < contract.rules.size() && r < window.rules.size(); ++r) {
    const ContractRule& rule = contract.rules[r];
    const std::optional<Tolerance>& tolerance = rule.Of(options.grain);
    if (!rule.enabled || !tolerance.has_value()) {
      continue;
    }
    const RuleCounts& counts = window.rules[r];
    const auto verdict = JudgeRule(rule, *tolerance, counts, window, options);
    if (!verdict.has_value()) {
      continue;
    }
    out.rules[r] = verdict->chance < least;
    if (verdict->chance >= least) {
      continue;
    }
    const bool volume = rule.kind == ContractKind::kVolume;
    out.findings.push_back(
        {.rule = rule.id,
         .kind = rule.kind,
         .event = rule.event,
         .field = rule.field,
         .grain = options.grain,
         .window = window.from,
         .expected = volume ? ExpectedRows(rule, options.grain, window.from) : rule.expected,
         .low = verdict->low,
         .high = verdict->high,
         .seen = verdict->seen,
         .rows = counts.rows,
         .count = IsShare(rule.kind) ? counts.hits : counts.rows,
         .chance = verdict->chance,
         .example = r < window.examples.size() ? window.examples[r] : Example()});
  }
  std::stable_sort(
      out.findings.begin(), out.findings.end(),
      [](const ContractFinding& a, const ContractFinding& b) { return a.chance < b.chance; });
  return out;
}

std::vector<std::string> CompareColumns(const DataContract& contract, const std::string& source,
                                        const std::vector<data::SourceColumn>& now) {
  std::vector<std::string> out;
  const auto before = contract.columns.find(source);
  if (before == contract.columns.end()) {
    return out;
  }
  const auto find = [](const std::vector<data::SourceColumn>& list, const std::string& name) {
    return std::find_if(list.begin(), list.end(),
                        [&name](const data::SourceColumn& column) { return column.name == name; });
  };
  for (const data::SourceColumn& was : before->second) {
    const auto is = find(now, was.name);
    if (is == now.end()) {
      out.push_back(source + ": the column '" + was.name + "' is gone");
    } else if (!was.type.empty() && !is->type.empty() && is->type != was.type) {
      out.push_back(source + ": the column '" + was.name + "' was " + was.type + " and is " +
                    is->type);
    }
  }
  for (const data::SourceColumn& is : now) {
    if (find(before->second, is.name) == before->second.end()) {
      out.push_back(source + ": the column '" + is.name + "' is new");
    }
  }
  return out;
}

}  // namespace vitrine::monitor
