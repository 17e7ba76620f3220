/// Port: two frames of rows, reference and current, that are compared column by column. Embedded
/// implementation: adapters/duckdb/duck_frame_pair.h over files and snapshots.
/// Errors of all reads: kCancelled, kResourceExhausted (memory limit, disk full), kUnavailable (a
///         file cannot be read), kInvalidArgument (a value cannot be taken as the column's kind).
/// Threads: one call at a time.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"

namespace vitrine::monitor {

enum class FrameSide { kReference, kCurrent };

enum class ColumnKind {
  kNumber,  ///< ordered; times are seconds since 1970
  kWord,    ///< levels
  kText,    ///< compared by n-grams
  kVector,  ///< embeddings: lists of numbers of one length
};

/// "number", "word", "text", "vector".
std::string_view KindName(ColumnKind kind);

struct FrameColumn {
  std::string name;
  ColumnKind kind = ColumnKind::kNumber;
};

/// One distinct value and how often it stands on each side.
struct ValueCounts {
  double value = 0;
  double reference = 0;
  double current = 0;
};

/// A border between two bins of numbers.
struct Cut {
  double value = 0;
  bool above = false;  ///< the value itself lies below the border, else above it
};

/// The finite values of a number column, ascending. What is null, NaN or infinite is missing.
class SortedNumbers {
 public:
  using OnValues = std::function<void(std::span<const ValueCounts>)>;
  virtual ~SortedNumbers() = default;
  [[nodiscard]] virtual double values(FrameSide side) const = 0;
  /// Distinct values ascending, in pieces; may be called again.
  [[nodiscard]] virtual Status Visit(const OnValues& visit) = 0;
  /// Rows between ascending cuts, cuts + 1 bins; `value` of a bin is not set.
  [[nodiscard]] virtual Status CountBins(const std::vector<Cut>& cuts,
                                         std::vector<ValueCounts>& bins) = 0;
};

/// How rows are grouped by a column: by bins of a number between its cuts, or by its levels.
struct Grouping {
  std::string column;
  bool number = false;
  std::vector<Cut> cuts;
};

class FramePair {
 public:
  /// `group`: the bin's number from 0 or the level; none where it is missing.
  using Group = std::optional<std::string_view>;
  using OnLevel = std::function<void(Group level, double reference, double current)>;
  using OnCross = std::function<void(Group a, Group b, double reference, double current)>;

  virtual ~FramePair() = default;
  /// What both frames have, in the reference's order.
  [[nodiscard]] virtual const std::vector<FrameColumn>& columns() const = 0;
  /// Columns that were left out and why, for people.
  [[nodiscard]] virtual const std::vector<std::string>& left_out() const = 0;
  [[nodiscard]] virtual double rows(FrameSide side) const = 0;

  virtual Result<std::unique_ptr<SortedNumbers>> Numbers(const std::string& column) = 0;
  /// Levels by falling number of rows of both sides.
  virtual Status Levels(const std::string& column, const OnLevel& visit) = 0;
  /// Rows of both groups together; a call per pair that stands anywhere.
  virtual Status Cross(const Grouping& a, const Grouping& b, const OnCross& visit) = 0;
  /// At most `most` rows drawn from the side, the same ones at every call; missing ones left out, and
  /// what stands behind the first 2,000 characters.
  virtual Result<std::vector<std::string>> Texts(const std::string& column, FrameSide side,
                                                 std::size_t most) = 0;
  /// Shapes: [rows, width], row-major; `width` is that of the first row, and rows of another width
  /// are an error (kInvalidArgument).
  virtual Result<std::vector<float>> Vectors(const std::string& column, FrameSide side,
                                             std::size_t most, std::size_t& width) = 0;
};

}  // namespace vitrine::monitor
