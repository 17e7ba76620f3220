#include "monitor/offline/frame_drift.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "core/nearest_name.h"

namespace vitrine::monitor {
namespace {

/// The column's place. Errors: kInvalidArgument.
Result<std::size_t> Find(const std::vector<ColumnDrift>& columns, const std::string& name,
                         std::string_view option) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].column == name) {
      return i;
    }
    names.push_back(columns[i].column);
  }
  return InvalidArgument(fmt::format("{} names '{}', which is no column of both frames{}", option,
                                     name, DidYouMean(name, names)));
}

Grouping GroupingOf(const ColumnDrift& column) {
  return {column.column, column.kind == ColumnKind::kNumber, column.cuts};
}

bool IsTrue(std::string_view level) {
  return level == "true" || level == "1" || level == "t" || level == "yes";
}

/// Rows and positives of each stratum of the score.
Result<ConceptReport> CompareLabel(FramePair& frames, const std::vector<ColumnDrift>& columns,
                                   const FrameDriftOptions& options) {
  if (options.score.empty()) {
    return InvalidArgument(
        "--label needs --score COLUMN: the model's score (or any column) whose strata the label is "
        "compared within");
  }
  ASSIGN_OR_RETURN(const std::size_t label, Find(columns, options.label, "--label"));
  ASSIGN_OR_RETURN(const std::size_t score, Find(columns, options.score, "--score"));
  Grouping positive = GroupingOf(columns[label]);
  positive.cuts = {{0, true}};
  std::map<std::string, LabelStratum> strata;
  RETURN_IF_ERROR(
      frames.Cross(GroupingOf(columns[score]), positive,
                   [&](FramePair::Group stratum, FramePair::Group answer, double r, double c) {
                     if (!answer) {
                       return;  // not labelled yet
                     }
                     LabelStratum& s = strata[std::string(stratum.value_or("missing"))];
                     const bool hit = IsTrue(*answer);
                     s.reference_rows += r;
                     s.current_rows += c;
                     s.reference_positives += hit ? r : 0;
                     s.current_positives += hit ? c : 0;
                   }));
  std::vector<LabelStratum> list;
  double positives = 0;
  for (auto& [name, stratum] : strata) {
    stratum.name = name;
    positives += stratum.reference_positives + stratum.current_positives;
    list.push_back(std::move(stratum));
  }
  if (positives == 0) {
    return InvalidArgument(fmt::format(
        "--label names '{}', which is never above 0, 'true', 't', 'yes' or '1'", options.label));
  }
  return CompareLabels(std::move(list), {.alpha = options.drift.alpha,
                                         .minimum_effect = options.drift.minimum_effect});
}

void Decide(const FrameDriftOptions& options, FrameDriftReport& report) {
  std::vector<DriftVerdict> verdicts;
  for (const ColumnDrift& column : report.columns) {
    verdicts.push_back(column.verdict);
  }
  DecideTogether(verdicts, options.drift);
  for (std::size_t i = 0; i < verdicts.size(); ++i) {
    report.columns[i].verdict = verdicts[i];
    report.judged += verdicts[i].judged ? 1 : 0;
    report.drifted += verdicts[i].drifted ? 1 : 0;
  }
}

}  // namespace

Result<FrameDriftReport> CompareFrames(FramePair& frames, const FrameDriftOptions& options,
                                       const Progress& progress) {
  FrameDriftReport report;
  report.reference_rows = frames.rows(FrameSide::kReference);
  report.current_rows = frames.rows(FrameSide::kCurrent);
  report.left_out = frames.left_out();
  report.alpha = options.drift.alpha;
  const auto total = static_cast<double>(frames.columns().size());
  for (const FrameColumn& column : frames.columns()) {
    if (progress.cancelled()) {
      return Cancelled("stopped on request; nothing was changed");
    }
    progress.report(
        {"compare", static_cast<double>(report.columns.size()), total, "columns", column.name});
    ASSIGN_OR_RETURN(ColumnDrift measured, MeasureColumn(frames, column, options.drift));
    const auto weight = options.importance.find(column.name);
    measured.importance = options.importance.empty()           ? 1
                          : weight == options.importance.end() ? 0
                                                               : weight->second;
    measured.weighted = measured.verdict.corrected_psi * measured.importance;
    report.columns.push_back(std::move(measured));
  }
  for (const auto& [name, weight] : options.importance) {
    RETURN_IF_ERROR(Find(report.columns, name, "--importance").status());
  }
  Decide(options, report);
  if (!options.label.empty()) {
    report.label = options.label;
    report.score = options.score;
    ASSIGN_OR_RETURN(report.concept_report, CompareLabel(frames, report.columns, options));
  }
  if (!options.slice.empty()) {
    report.slice = options.slice;
    RETURN_IF_ERROR(Find(report.columns, options.slice, "--slice").status());
    ASSIGN_OR_RETURN(report.segments,
                     CompareSegments(frames, options.slice, report.columns, options, progress));
  }
  std::stable_sort(report.columns.begin(), report.columns.end(),
                   [](const ColumnDrift& a, const ColumnDrift& b) {
                     return std::tuple(a.verdict.drifted, a.weighted, a.verdict.corrected_psi) >
                            std::tuple(b.verdict.drifted, b.weighted, b.verdict.corrected_psi);
                   });
  return report;
}

}  // namespace vitrine::monitor
