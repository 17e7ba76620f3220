/// The gate between a candidate and traffic: pure functions from two reports to a verdict that says
/// why, in sentences.
#pragma once

#include <string>
#include <vector>

#include "core/artifact.h"
#include "evaluate/bootstrap.h"
#include "evaluate/report.h"

namespace vitrine::evaluate {

struct GateRule {
  std::string metric = "ndcg@10";
  /// The candidate may be worse by this share of the champion's mean, no more: the lower end of the
  /// paired interval must stay above -margin * mean (of a loss, the upper end below margin * mean).
  double margin = 0.02;
  /// Only a candidate that is better (lower end above 0) passes.
  bool must_improve = false;
  /// Slices that must not lose more than guard_margin of the champion's mean on them.
  std::vector<std::string> guard_slices;
  double guard_margin = 0.05;
  /// Fewer cases decide nothing: the candidate stays out.
  std::uint64_t minimum_cases = 200;
  /// A guard slice with fewer cases is not judged (and the verdict says so).
  std::uint64_t minimum_slice_cases = 50;
  BootstrapOptions bootstrap;
};

/// One comparison that the verdict rests on.
struct GateCheck {
  std::string slice;
  std::string metric;
  double candidate = 0;
  double champion = 0;
  MetricValue difference;  ///< candidate - champion
  double allowed = 0;      ///< the lowest value that the interval's lower end may take
  std::uint64_t cases = 0;
  bool pass = false;
};

struct GateVerdict {
  bool pass = false;
  std::vector<std::string> reasons;  ///< sentences; the deciding ones first
  std::vector<GateCheck> checks;
};

/// `floor`, where given, is a counting baseline (popularity) that a candidate must beat when there
/// is no champion; `champion` null: the first version of a model.
/// Never fails: what cannot be compared is a failed verdict with its reason.
GateVerdict Judge(const EvalReport& candidate, const EvalReport* champion, const EvalReport* floor,
                  const GateRule& rule);

/// {"pass":..,"reasons":[..],"checks":[..]}
std::string ToJson(const GateVerdict& verdict);

}  // namespace vitrine::evaluate
