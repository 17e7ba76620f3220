/// data/lake/snapshots/<id>/manifest.json: what one immutable snapshot consists of.
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

inline constexpr int kSnapshotFormat = 1;

/// One immutable Parquet file. Its path is relative to the lake's folder (two above the snapshot),
/// so that snapshots share the parts that they have in common.
struct SnapshotPart {
  std::string path;
  std::string kind;  ///< "events", "impressions", "items", "users", "quarantine"
  std::string sha256;
  std::uint64_t rows = 0;
  friend bool operator==(const SnapshotPart&, const SnapshotPart&) = default;
};

/// The cleaned parts are whole facts; returns, replacements and identities among them are applied
/// when they are read, so that a return may come later than its purchase.
struct SnapshotManifest {
  std::string id;      ///< "000001-3f2a9c1d0b7e": number, start of the hash
  std::string hash;    ///< of everything here but id, hash, created and paths
  std::string parent;  ///< id; empty for the first
  Micros created;
  std::vector<std::int64_t> raw_parts;  ///< numbers of the raw parts that it covers
  std::vector<SnapshotPart> parts;
  std::map<std::string, std::vector<Rule>, std::less<>> rules;  ///< by the mapping's hash
  std::uint64_t log_watermark = 0;                              ///< the log is in it up to here
  std::uint64_t rows = 0;                                       ///< rows of events kept
  std::uint64_t impressions = 0;
  std::uint64_t users = 0;  ///< subjects with a kept event
  std::uint64_t items = 0;  ///< items with a kept event
  std::uint64_t catalogue_items = 0;
  std::uint64_t returns = 0, replacements = 0, identities = 0;  ///< rows of these among the events
  Micros window_from, window_to;  ///< first and last time of the kept events
  bool ordinal_time = false;      ///< times are orders, not moments

  /// The hash of the content as it is now.
  [[nodiscard]] std::string ComputeHash() const;
  [[nodiscard]] std::string ToJson() const;
  /// Errors: kDataLoss (not our JSON, or the hash differs), kFailedPrecondition (newer format).
  static Result<SnapshotManifest> Parse(std::string_view text, const std::string& path);
};

}  // namespace vitrine::data
