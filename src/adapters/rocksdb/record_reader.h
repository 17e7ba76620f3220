/// Reads the log's records from an open store; shared by the writer's and the secondary's Read.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "adapters/rocksdb/recent_impressions.h"
#include "adapters/rocksdb/store.h"
#include "core/status.h"
#include "data/event_log.h"

namespace vitrine::adapters {

/// Records with after < sequence <= last, oldest first, at most `limit`; impressions whose body has
/// expired, was erased or belongs to a later one of the same request_id are left out. What is in `recent` (by sequence)
/// is not looked up in the store.
/// Errors: kDataLoss (names the record), kUnavailable.
Result<std::vector<data::LogRecord>> ReadRecords(const Store& store,
                                                 std::span<const PlacedImpression> recent,
                                                 std::uint64_t after, std::uint64_t last,
                                                 std::size_t limit);

/// The event with this sequence; none where it was dropped or erased, or is no event.
/// Errors: kDataLoss, kUnavailable.
Result<std::optional<Event>> ReadEvent(const Store& store, std::uint64_t sequence);

}  // namespace vitrine::adapters
