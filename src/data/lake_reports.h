/// What an import and a cleaning run tell: counts of everything that was read, taken, refused and
/// removed, with samples, as JSON for programs and as text for people.
/// Threads: values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "core/time.h"
#include "data/lake_manifest.h"

namespace vitrine::data {

struct ImportedFile {
  std::string path;
  std::string table;  ///< "events", "items", "users"
  std::string sha256;
  std::uint64_t bytes = 0;
  std::uint64_t rows_read = 0;  ///< = accepted + rejected + ignored
  std::uint64_t accepted = 0;
  std::uint64_t rejected = 0;  ///< broken rows and values that are none
  std::uint64_t ignored = 0;   ///< events that the mapping leaves out by name
  std::vector<CountedReason> reasons;
  std::string time_taken;
  bool already_there = false;     ///< the same file under the same mapping: nothing was done
  bool replaced_earlier = false;  ///< the same file was there under another mapping
};

struct ImportReport {
  std::string mapping;
  std::vector<ImportedFile> files;
  double seconds = 0;
  bool dry_run = false;  ///< a check: nothing was written
  /// Of a check: how the files differ from the newest snapshot's contract.
  std::vector<std::string> contract_changes;

  [[nodiscard]] std::uint64_t Accepted() const;
  [[nodiscard]] std::string ToJson() const;
  [[nodiscard]] std::string ToText() const;
};

struct RuleCount {
  std::string name;
  std::string what;  ///< Describe(rule)
  std::string action;
  std::uint64_t matched = 0;         ///< over all rows read, whatever other rules say
  std::uint64_t removed = 0;         ///< rows that this rule was the first to remove
  std::uint64_t changed = 0;         ///< rows that it filled
  std::string note;                  ///< why it was not applied, or how
  std::vector<std::string> samples;  ///< JSON objects
};

struct CleanReport {
  std::string snapshot;
  std::string parent;
  Micros as_of;
  bool full = false;  ///< everything was read again
  std::uint64_t parts_read = 0;
  std::uint64_t rows_read = 0;  ///< in this run; rejected rows are not among them
  std::uint64_t kept = 0;
  std::uint64_t removed = 0;
  std::vector<RuleCount> rules;
  std::vector<std::string> schema_changes;
  std::uint64_t total_rows = 0, total_users = 0, total_items = 0, total_catalogue = 0;
  std::uint64_t total_impressions = 0;
  std::uint64_t net_rows = 0;  ///< after returns and replacements
  std::uint64_t returns = 0, replacements = 0, identities = 0;
  Micros window_from, window_to;
  bool ordinal_time = false;
  double seconds = 0;

  [[nodiscard]] std::string ToJson() const;
  [[nodiscard]] std::string ToText() const;
};

/// "541,909".
std::string Grouped(std::uint64_t number);

}  // namespace vitrine::data
