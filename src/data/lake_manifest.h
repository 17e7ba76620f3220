/// data/lake/manifest.json: which raw parts the lake has, how far the log is read, and which
/// snapshots were made. It is replaced by one rename; what it does not name does not exist.
/// Threads: values.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "core/time.h"
#include "data/rules.h"

namespace vitrine::data {

inline constexpr int kLakeFormat = 1;

struct SourceColumn {
  std::string name;
  std::string type;
  friend bool operator==(const SourceColumn&, const SourceColumn&) = default;
};

struct CountedReason {
  std::string reason;
  std::uint64_t rows = 0;
  std::vector<std::string> samples;
  friend bool operator==(const CountedReason&, const CountedReason&) = default;
};

/// One immutable Parquet file of raw rows. Paths are relative to the lake's folder.
struct LakePart {
  std::int64_t number = 0;  ///< rises; rows of equal time keep this order
  std::string path;         ///< "parts/raw-000001-events.parquet"
  std::string kind;         ///< "events", "impressions", "items" or "users"
  std::string sha256;
  std::uint64_t rows = 0;      ///< rejected and ignored rows included
  std::uint64_t rejected = 0;  ///< of the rows in the part: values that are none
  std::uint64_t broken = 0;    ///< rows that could not even be read; not in the part
  std::uint64_t ignored = 0;   ///< events that the mapping leaves out by name
  std::vector<CountedReason> reasons;
  std::string source;  ///< file it came from, or "log"
  std::string source_sha256;
  std::string mapping;       ///< name
  std::string mapping_hash;  ///< key of LakeManifest::mappings
  std::string time_taken;    ///< "iso8601, as in ...": how times were read
  std::vector<SourceColumn> columns;
  bool ordinal = false;
  std::uint64_t log_first = 0, log_last = 0;  ///< sequence numbers, of parts from the log
  friend bool operator==(const LakePart&, const LakePart&) = default;
};

struct MappingRecord {
  std::string name;
  std::string text;
  std::vector<Rule> rules;
  friend bool operator==(const MappingRecord&, const MappingRecord&) = default;
};

struct LakeManifest {
  std::int64_t next_part = 1;
  std::uint64_t log_watermark = 0;  ///< the log is in the lake up to here
  std::vector<LakePart> parts;      ///< by number
  std::map<std::string, MappingRecord, std::less<>> mappings;
  std::vector<std::string> snapshots;  ///< ids, oldest first
  /// A subject was erased from the raw parts: the next snapshot is the only one that stays.
  bool erasure_pending = false;

  [[nodiscard]] std::string ToJson() const;
  /// Errors: kDataLoss (not our JSON; `path` names the file), kFailedPrecondition (newer format).
  static Result<LakeManifest> Parse(std::string_view text, const std::string& path);
};

}  // namespace vitrine::data
