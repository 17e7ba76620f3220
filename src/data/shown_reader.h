/// Port: how the trainer reads what a snapshot says was shown, and what may have followed. Implemented by
/// adapters/duckdb.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "core/event.h"
#include "core/progress.h"
#include "core/status.h"
#include "core/time.h"
#include "data/event_log.h"

namespace vitrine::data {

/// What feedback::JoinLabels takes. Subjects are those of Interactions: identities are applied. Returns,
/// replacements and repeats are not: they stand among the records.
struct ShownLog {
  /// Answers (Impression) by time, then Events as they came; `sequence` is 1, 2, 3, ... `received` is the
  /// record's own time. A place that nobody says stands between two others has no item_id.
  std::vector<LogRecord> records;
  std::uint64_t answers = 0;
  std::uint64_t left_out = 0;  ///< rows of an answer at a place from kMostPlaces on
  Micros as_of;                ///< the newest time that the snapshot knows
};

/// Places of an answer that are read.
inline constexpr std::int64_t kMostPlaces = 1000;

class ShownReader {
 public:
  virtual ~ShownReader() = default;

  /// `events`: types that may have followed.
  /// Answers of the log, and of imported files whose rows are events of type impression: rows of one
  /// request_id, else of one subject, moment and scene (nobody's: of one row of the file), at `position`,
  /// else in the order of the rows.
  /// Errors: kNotFound (no such snapshot), kFailedPrecondition (no answer: says where answers come
  ///         from; times that are only an order), kDataLoss (a part's hash differs), kResourceExhausted,
  ///         kCancelled.
  /// Memory: the whole result: an Impression an answer, without the history that its model saw, and an Event
  ///         for each that may have followed.
  virtual Result<ShownLog> ReadShown(const std::string& snapshot_dir,
                                     const std::set<EventType>& events,
                                     const Progress& progress) = 0;
};

}  // namespace vitrine::data
