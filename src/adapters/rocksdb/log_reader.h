/// Reads the event log of a data directory beside the server that writes it (or without one), as a
/// RocksDB secondary: nothing in the directory is changed. For the lake.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/status.h"
#include "data/event_log.h"

namespace vitrine::adapters {

/// Threads: one at a time.
class RocksEventLogReader {
 public:
  /// `directory` is data/log. A private scratch directory is made below the system's temporary
  /// directory and removed at the end.
  /// Errors: kNotFound (no event log there), kFailedPrecondition (a newer format), kUnavailable
  ///         (the writer changed files meanwhile again and again; ask once more), kDataLoss.
  static Result<std::unique_ptr<RocksEventLogReader>> Open(const std::string& directory);
  ~RocksEventLogReader();
  RocksEventLogReader(const RocksEventLogReader&) = delete;
  RocksEventLogReader& operator=(const RocksEventLogReader&) = delete;

  /// Sees what the writer has written since Open or the last call.
  Status TryCatchUpWithPrimary();

  /// Records with sequence > after, oldest first, at most `limit`. Only what is on disk for good is
  /// seen: a watermark made from it never runs ahead of what a crash of the writer leaves. Erased
  /// and dropped records are missing from the sequence.
  /// Errors: kDataLoss (names the record), kUnavailable.
  Result<std::vector<data::LogRecord>> Read(std::uint64_t after, std::size_t limit) const;
  /// Of the last record that Read can give; 0 for an empty log.
  [[nodiscard]] Result<std::uint64_t> LastSequence() const;
  /// Records up to and including this one were dropped from the log: they are in the lake.
  [[nodiscard]] Result<std::uint64_t> DroppedThrough() const;

 private:
  struct Impl;
  explicit RocksEventLogReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace vitrine::adapters
