// The segments of one column, each compared in every other column.
#include <algorithm>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "monitor/offline/frame_drift.h"

namespace vitrine::monitor {
namespace {

struct Counted {
  std::string key;
  double reference = 0;
  double current = 0;
};

/// "[1, 3)", "2", "< 1": what a bin of a number holds.
std::string BinText(const ColumnDrift& column, std::size_t bin) {
  const std::vector<Cut>& cuts = column.cuts;
  if (cuts.empty()) {
    return "all";
  }
  if (bin == 0) {
    return fmt::format("below {:.6g}", cuts[0].value);
  }
  const double from = cuts[bin - 1].value;
  if (bin == cuts.size()) {
    return fmt::format("{} {:.6g}", cuts[bin - 1].above ? "above" : "from", from);
  }
  return fmt::format("{:.6g} to {:.6g}", from, cuts[bin].value);
}

const ColumnDrift* FindColumn(const std::vector<ColumnDrift>& columns, const std::string& name) {
  const auto found = std::find_if(columns.begin(), columns.end(),
                                  [&](const ColumnDrift& c) { return c.column == name; });
  return found == columns.end() ? nullptr : &*found;
}

Grouping GroupingOf(const ColumnDrift& column) {
  return {column.column, column.kind == ColumnKind::kNumber, column.cuts};
}

bool Comparable(const ColumnDrift& column, const std::string& slice) {
  return column.column != slice &&
         (column.kind == ColumnKind::kNumber ||
          (column.kind == ColumnKind::kWord && column.levels <= kMostCrossLevels));
}

/// The largest segments with enough rows on both sides, and the rows of each.
Result<std::vector<Counted>> LargestSegments(FramePair& frames, const ColumnDrift& slice,
                                             double minimum_rows) {
  std::map<std::string, Counted> all;
  const Grouping by = GroupingOf(slice);
  RETURN_IF_ERROR(
      frames.Cross(by, by, [&](FramePair::Group key, FramePair::Group, double r, double c) {
        if (key) {
          Counted& counted = all[std::string(*key)];
          counted.key = *key;
          counted.reference += r;
          counted.current += c;
        }
      }));
  std::vector<Counted> kept;
  for (auto& [key, counted] : all) {
    if (std::min(counted.reference, counted.current) >= minimum_rows) {
      kept.push_back(std::move(counted));
    }
  }
  std::stable_sort(kept.begin(), kept.end(), [](const Counted& a, const Counted& b) {
    return a.reference + a.current > b.reference + b.current;
  });
  kept.resize(std::min(kept.size(), kMostSegments));
  return kept;
}

/// One column's counts in every segment. Numbers: all bins in order, the missing one last.
Status AddColumn(FramePair& frames, const ColumnDrift& slice, const ColumnDrift& column,
                 const std::map<std::string, std::size_t>& places,
                 std::vector<DriftInput>& inputs) {
  const std::size_t first = inputs.size();
  const bool number = column.kind == ColumnKind::kNumber;
  for (std::size_t i = 0; i < places.size(); ++i) {
    DriftInput& input = inputs.emplace_back();
    input.feature = column.column;
    input.ordered = number;
    if (number) {
      input.reference.assign(column.cuts.size() + 2, 0);
      input.current.assign(column.cuts.size() + 2, 0);
    }
  }
  return frames.Cross(GroupingOf(slice), GroupingOf(column),
                      [&](FramePair::Group segment, FramePair::Group group, double r, double c) {
                        const auto place =
                            segment ? places.find(std::string(*segment)) : places.end();
                        if (place == places.end()) {
                          return;
                        }
                        DriftInput& input = inputs[first + place->second];
                        if (number) {
                          const std::size_t bin =
                              group ? std::stoul(std::string(*group)) : input.reference.size() - 1;
                          input.reference[bin] += r;
                          input.current[bin] += c;
                        } else {
                          input.reference.push_back(r);
                          input.current.push_back(c);
                        }
                      });
}

}  // namespace

Result<std::vector<SegmentDrift>> CompareSegments(FramePair& frames, const std::string& slice,
                                                  const std::vector<ColumnDrift>& columns,
                                                  const FrameDriftOptions& options,
                                                  const Progress& progress) {
  const ColumnDrift* by = FindColumn(columns, slice);
  if (by == nullptr || (by->kind != ColumnKind::kNumber && by->kind != ColumnKind::kWord)) {
    return InvalidArgument(
        fmt::format("--slice names '{}', which is no column of numbers or words", slice));
  }
  ASSIGN_OR_RETURN(const std::vector<Counted> kept,
                   LargestSegments(frames, *by, options.drift.minimum_rows));
  std::map<std::string, std::size_t> places;
  std::vector<SegmentDrift> segments;
  for (const Counted& counted : kept) {
    places.emplace(counted.key, segments.size());
    SegmentDrift& segment = segments.emplace_back();
    segment.segment =
        by->kind == ColumnKind::kNumber ? BinText(*by, std::stoul(counted.key)) : counted.key;
    segment.reference_rows = counted.reference;
    segment.current_rows = counted.current;
  }
  std::vector<DriftInput> inputs;
  std::vector<double> weights;
  for (const ColumnDrift& column : columns) {
    if (Comparable(column, slice)) {
      progress.report({"segments", static_cast<double>(weights.size()),
                       static_cast<double>(columns.size()), "columns", column.column});
      RETURN_IF_ERROR(AddColumn(frames, *by, column, places, inputs));
      weights.push_back(column.importance);
    }
  }
  std::vector<DriftVerdict> verdicts = JudgeDrift(inputs, options.drift);
  for (std::size_t i = 0; i < verdicts.size(); ++i) {
    SegmentDrift& segment = segments[i % segments.size()];
    const double weight = weights[i / segments.size()];
    segment.moved += verdicts[i].drifted ? verdicts[i].corrected_psi * weight : 0;
    segment.columns.push_back(std::move(verdicts[i]));
  }
  for (SegmentDrift& segment : segments) {
    std::stable_sort(segment.columns.begin(), segment.columns.end(),
                     [](const DriftVerdict& a, const DriftVerdict& b) {
                       return std::pair(a.drifted, a.corrected_psi) >
                              std::pair(b.drifted, b.corrected_psi);
                     });
  }
  std::stable_sort(segments.begin(), segments.end(),
                   [](const SegmentDrift& a, const SegmentDrift& b) { return a.moved > b.moved; });
  return segments;
}

}  // namespace vitrine::monitor
