/// EvalReport: what one model is worth on one set of cases, with everything a later paired
/// comparison needs. Threads: values; pure functions.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/artifact.h"
#include "core/status.h"
#include "evaluate/protocol.h"
#include "evaluate/split.h"

namespace vitrine::evaluate {

/// Where the targets of one case stood.
struct CaseResult {
  std::uint32_t relevant = 0;        ///< targets, those outside the vocabulary included
  std::uint64_t slices = 0;          ///< bit s: EvalReport::slice_names[s] holds
  std::vector<std::uint32_t> ranks;  ///< 0-based places of targets among the first max(ks), rising
  friend bool operator==(const CaseResult&, const CaseResult&) = default;
};

/// What was said of one labelled row, and what happened.
struct LabelledResult {
  std::uint32_t group = 0;  ///< whose row it is: what intervals resample
  std::uint8_t label = 0;
  std::uint64_t slices = 0;
  double probability = 0;
  friend bool operator==(const LabelledResult&, const LabelledResult&) = default;
};

/// Means over the cases of one slice; keys are "ndcg@10", of labelled rows "auc".
struct SliceReport {
  std::string name;  ///< "all", or a slice of the protocol
  std::uint64_t cases = 0;
  std::map<std::string, MetricValue> metrics;
};

/// Over all lists of the evaluation together.
struct CatalogueReport {
  int k = 0;
  double coverage = 0;  ///< share of the vocabulary that stands in a list
  double novelty = 0;   ///< bits, see catalogue_metrics.h
  double gini = 0;
};

struct EvalReport {
  std::string model;  ///< for people: "sasrec:3", "popularity"
  std::string snapshot;
  std::string protocol;
  Part part = Part::kTest;
  HistoryRule history = HistoryRule::kFiltered;
  std::vector<int> ks;
  std::string cases_hash;             ///< reports of equal hash judge the same cases in one order
  std::uint64_t vocabulary_size = 0;  ///< items that can be recommended
  std::uint64_t targets = 0;
  std::uint64_t unknown_targets = 0;       ///< targets outside the vocabulary: misses
  double seconds = 0;                      ///< wall time of scoring and ranking
  std::vector<SliceReport> slices;         ///< "all" first
  std::vector<CatalogueReport> catalogue;  ///< one per k
  std::vector<std::string> slice_names;
  std::vector<CaseResult> rows;  ///< one per case, in the holdout's order
  /// Of a labelled protocol: one per row, and `rows`, `ks` and `catalogue` are empty.
  std::vector<LabelledResult> labelled;

  /// Cases or labelled rows that were judged.
  [[nodiscard]] std::size_t judged() const { return rows.size() + labelled.size(); }
  /// The labelled rows of a slice. Errors: kNotFound (no such slice).
  [[nodiscard]] Result<std::vector<LabelledResult>> LabelledOf(std::string_view slice) const;

  /// Null where the slice or metric is not there.
  [[nodiscard]] const MetricValue* Find(std::string_view slice, std::string_view metric) const;
};

/// "ndcg@10" -> metric and k; false for anything else.
bool ParseMetricName(std::string_view name, std::size_t& metric, int& k);

/// One value of `metric` per row of the report, of the named slice only ("all": every row).
/// Errors: kNotFound (no such slice), kInvalidArgument (no metric of that name: lists them; k above
///         the largest evaluated).
Result<std::vector<double>> CaseValues(const EvalReport& report, std::string_view slice,
                                       std::string_view metric);

/// Everything that a manifest keeps: "ndcg@10" over all, "not_same_day/ndcg@10" by slice,
/// "coverage@10" and the like without an interval (low and high equal the value).
std::map<std::string, MetricValue> ManifestMetrics(const EvalReport& report);

/// One JSON object; `with_rows` adds the rows a paired comparison needs (a few bytes a case).
std::string ToJson(const EvalReport& report, bool with_rows);
/// Errors: kInvalidArgument (names what is missing), kFailedPrecondition (newer format).
Result<EvalReport> ParseEvalReport(std::string_view json);

}  // namespace vitrine::evaluate
