/// Two frames compared: every column, decided together; what matters most; the segment that moved
/// most; and, where a label is named, whether rows or answers changed.
/// Threads: one caller per FramePair.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/progress.h"
#include "core/status.h"
#include "monitor/offline/column_drift.h"
#include "monitor/offline/frame_pair.h"
#include "monitor/statistics/concept_drift.h"
#include "monitor/statistics/drift_verdict.h"

namespace vitrine::monitor {

struct FrameDriftOptions {
  DriftOptions drift;
  std::map<std::string, double> importance;  ///< by column; those not named weigh 0. Empty: all 1
  std::string slice;                         ///< a column whose segments are compared; empty: none
  std::string label;                         ///< 0 / more than 0, or false / true; empty: none
  std::string score;                         ///< the strata of `label`: the model's score
};

/// Rows of one level (or bin) of the slice column.
struct SegmentDrift {
  std::string segment;
  double reference_rows = 0;
  double current_rows = 0;
  double moved = 0;  ///< sum over its drifted columns of corrected PSI x importance
  std::vector<DriftVerdict> columns;  ///< decided together over all segments, most moved first
};

struct FrameDriftReport {
  double reference_rows = 0;
  double current_rows = 0;
  std::vector<ColumnDrift> columns;   ///< drifted ones first, then by corrected PSI x importance
  std::vector<std::string> left_out;  ///< columns that were not compared, and why
  std::size_t judged = 0;
  std::size_t drifted = 0;
  double alpha = 0;  ///< of the whole report
  std::string slice;
  std::vector<SegmentDrift> segments;  ///< most moved first
  std::string label;
  std::string score;
  ConceptReport concept_report;  ///< where `label` is not empty
};

/// Errors: kInvalidArgument (an option names a column that is not there: says which there are), and
///         those of FramePair.
Result<FrameDriftReport> CompareFrames(FramePair& frames, const FrameDriftOptions& options,
                                       const Progress& progress);

inline constexpr std::size_t kMostSegments = 30;       ///< the largest ones are compared
inline constexpr std::size_t kMostCrossLevels = 5000;  ///< words with more are no part of segments

/// The segments of `slice` in every measured column but itself; most moved first. Fewer rows than
/// options.drift.minimum_rows on a side: left out.
Result<std::vector<SegmentDrift>> CompareSegments(FramePair& frames, const std::string& slice,
                                                  const std::vector<ColumnDrift>& columns,
                                                  const FrameDriftOptions& options,
                                                  const Progress& progress);

std::string ToJson(const FrameDriftReport& report);
/// A table for people, in English. Ends with a line break.
std::string ToText(const FrameDriftReport& report);

}  // namespace vitrine::monitor
