/// Port: the lake. Files and the log become raw parts; raw parts become snapshots. Embedded
/// implementation: adapters/duckdb over Parquet.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/progress.h"
#include "core/status.h"
#include "core/time.h"
#include "data/event_log.h"
#include "data/lake_manifest.h"
#include "data/lake_reports.h"
#include "data/mapping.h"
#include "data/snapshot_manifest.h"

namespace vitrine::data {

struct ImportRequest {
  std::vector<std::string> paths;  ///< files, or folders whose files match the mapping's names
  Mapping mapping;
  Micros now;
};

struct CleanRequest {
  Micros as_of;                    ///< "now" of rules about the future
  std::optional<Mapping> mapping;  ///< its rules instead of those that parts were imported with
  bool full = false;               ///< judge every raw part again, not only the new ones
  /// Judge the quarantined rows of the newest snapshot again; those that pass now are added.
  bool replay = false;
};

struct CleanOutcome {
  CleanReport report;
  bool unchanged = false;  ///< nothing new: the newest snapshot stands, and the report is empty
  std::string folder;      ///< of the snapshot
};

/// Records of the log with sequence > after, oldest first, at most `limit`; empty at its end.
using ReadLog =
    std::function<Result<std::vector<LogRecord>>(std::uint64_t after, std::size_t limit)>;

struct LogIngested {
  std::uint64_t records = 0;
  std::uint64_t watermark = 0;  ///< the server may drop the log up to here
  std::uint64_t event_rows = 0, impression_rows = 0, item_rows = 0, user_rows = 0;
  std::uint64_t erased_subjects = 0;
};

/// What stays of the snapshots, beside the newest, which always does.
struct CollectRequest {
  std::size_t newest = 10;
  Micros before;                 ///< whatever was made since then stays
  std::set<std::string> needed;  ///< hashes that somebody refers to: models were fitted on them
  bool remove = true;            ///< false: only says what would go
};

struct Collected {
  std::vector<std::string> snapshots;  ///< ids, oldest first
  std::uint64_t files = 0;  ///< parts that no snapshot that stays shares, and the snapshots' own
  std::uint64_t bytes = 0;
};

/// Each call is one commit: it happens as a whole or not at all, and what was there before stays.
/// One writer at a time, over processes too.
/// Errors of all: kUnavailable (another writer; a file cannot be read), kResourceExhausted (disk
///          full, memory limit), kDataLoss (a damaged part or manifest), kCancelled.
/// Threads: one call at a time.
class Lake {
 public:
  virtual ~Lake() = default;

  /// Adds the files' rows. A file that is there already under the same mapping is left alone; under
  /// another mapping it is replaced. Rejected rows are counted with samples and kept in the part
  /// with their reason.
  /// Errors: kNotFound (no such path, no file of the mapping's names in it), kInvalidArgument (the
  ///         mapping does not fit the file), kFailedPrecondition (an empty or broken file, no row
  ///         accepted).
  virtual Result<ImportReport> Import(const ImportRequest& request, const Progress& progress) = 0;

  /// What Import would say, without keeping anything, and how the files differ from what the newest
  /// snapshot's contract promises.
  virtual Result<ImportReport> Check(const ImportRequest& request, const Progress& progress) = 0;

  /// Appends what the log has after the watermark; part and watermark in one commit. An erasure
  /// takes the subject's rows out of every raw part, and the next Clean, built anew from them, is
  /// the only snapshot that stays.
  virtual Result<LogIngested> Ingest(const ReadLog& read, const Progress& progress) = 0;

  /// Makes the next snapshot, whose parent is the newest one.
  /// Errors: kFailedPrecondition (no parts; nothing is left after cleaning), kInvalidArgument (a rule
  ///         cannot work).
  virtual Result<CleanOutcome> Clean(const CleanRequest& request, const Progress& progress) = 0;

  /// Removes snapshots that nothing needs, and the parts that only they had. Raw parts stay: any snapshot can be made again from
  /// them by the rules that hold then.
  virtual Result<Collected> Collect(const CollectRequest& request) = 0;

  virtual Result<LakeManifest> Manifest() = 0;
  /// `id` empty: the newest. Errors: kNotFound.
  virtual Result<SnapshotManifest> Snapshot(const std::string& id) = 0;
  [[nodiscard]] virtual std::string SnapshotFolder(const std::string& id) const = 0;

  /// Writes user states for the server, a JSON object a line:
  ///   {"subject": "u1", "events": [["item", ts_micros, type, basket], ...],   newest 512, oldest first
  ///    "bought": ["item", ...], "hidden": [...], "attributes": {...}}
  /// Returns how many. Errors: kNotFound (no such snapshot).
  virtual Result<std::uint64_t> WriteStates(const std::string& id, const std::string& path,
                                            const Progress& progress) = 0;
  /// Writes the current catalogue in the words of POST /v1/items, a JSON object a line.
  virtual Result<std::uint64_t> WriteCatalogue(const std::string& id, const std::string& path,
                                               const Progress& progress) = 0;
};

}  // namespace vitrine::data
