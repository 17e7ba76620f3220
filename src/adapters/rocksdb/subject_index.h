/// The index from a subject to its records in the log: what a user did, for export and erasure.
/// Threads: values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/status.h"
#include "core/time.h"

namespace vitrine::adapters {

/// Persisted numbers.
enum class SubjectEntryKind : std::uint8_t { kEvent = 0, kUser = 1, kImpression = 2 };

struct SubjectEntry {
  std::string subject;
  std::uint64_t sequence = 0;
  SubjectEntryKind kind = SubjectEntryKind::kEvent;
  std::string request_id;  ///< of an impression
  Micros received;         ///< of an impression
};

/// Every key of a subject starts with its prefix and ends with the sequence.
std::string SubjectPrefix(std::string_view subject);
std::string SubjectKey(std::string_view subject, std::uint64_t sequence);
std::string EncodeSubjectValue(const SubjectEntry& entry);
/// Errors: kDataLoss.
Result<SubjectEntry> ParseSubjectEntry(std::string_view key, std::string_view value);

}  // namespace vitrine::adapters
