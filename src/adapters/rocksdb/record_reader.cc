#include "adapters/rocksdb/record_reader.h"

#include <algorithm>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include <fmt/format.h>
#include <rocksdb/db.h>

#include "adapters/rocksdb/impression_codec.h"
#include "adapters/rocksdb/record_codec.h"

namespace vitrine::adapters {
namespace {

/// The record as readers see it; none for an impression that is not there any more.
Result<std::optional<data::LogRecord>> Resolve(const Store& store, std::uint64_t sequence,
                                               StoredRecord stored) {
  data::LogRecord record{sequence, stored.received, {}};
  if (auto* reference = std::get_if<ImpressionRef>(&stored.body)) {
    ASSIGN_OR_RETURN(const auto bytes, store.Get(Family::kImpressions, reference->request_id));
    if (!bytes) {
      return std::optional<data::LogRecord>();
    }
    ASSIGN_OR_RETURN(StoredImpression impression, DecodeImpression(*bytes));
    if (impression.sequence != sequence) {
      return std::optional<data::LogRecord>();
    }
    record.body = std::move(impression.impression);
    return std::optional<data::LogRecord>(std::move(record));
  }
  std::visit(
      [&record](auto&& body) {
        if constexpr (!std::is_same_v<std::decay_t<decltype(body)>, ImpressionRef>) {
          record.body = std::forward<decltype(body)>(body);
        }
      },
      std::move(stored.body));
  return std::optional<data::LogRecord>(std::move(record));
}

}  // namespace

Result<std::vector<data::LogRecord>> ReadRecords(const Store& store,
                                                 std::span<const PlacedImpression> recent,
                                                 std::uint64_t after, std::uint64_t last,
                                                 std::size_t limit) {
  std::vector<data::LogRecord> records;
  if (after >= last) {
    return records;
  }
  records.reserve(std::min<std::uint64_t>(limit, last - after));
  const auto iterator = store.NewIterator(Family::kLog);
  const std::string first = SequenceKey(after + 1);
  for (iterator->Seek(SliceOf(first)); iterator->Valid() && records.size() < limit;
       iterator->Next()) {
    ASSIGN_OR_RETURN(const std::uint64_t sequence, SequenceOfKey(ViewOf(iterator->key())));
    if (sequence > last) {
      break;
    }
    while (!recent.empty() && recent.front().sequence < sequence) {
      recent = recent.subspan(1);
    }
    if (!recent.empty() && recent.front().sequence == sequence) {
      ASSIGN_OR_RETURN(Impression impression, DecodeImpressionBody(recent.front().posted->body));
      records.push_back({sequence, recent.front().received, std::move(impression)});
      continue;
    }
    auto decoded = DecodeRecord(ViewOf(iterator->value()));
    if (!decoded.ok()) {
      return decoded.status().WithContext(fmt::format("record {}", sequence));
    }
    auto resolved = Resolve(store, sequence, std::move(decoded).value());
    if (!resolved.ok()) {
      return resolved.status().WithContext(fmt::format("record {}", sequence));
    }
    if (std::optional<data::LogRecord>& record = *resolved; record.has_value()) {
      records.push_back(std::move(*record));
    }
  }
  RETURN_IF_ERROR(store.Translate(iterator->status()));
  return records;
}

Result<std::optional<Event>> ReadEvent(const Store& store, std::uint64_t sequence) {
  ASSIGN_OR_RETURN(const auto bytes, store.Get(Family::kLog, SequenceKey(sequence)));
  if (!bytes) {
    return std::optional<Event>();
  }
  ASSIGN_OR_RETURN(StoredRecord stored, DecodeRecord(*bytes));
  Event* event = std::get_if<Event>(&stored.body);
  return event == nullptr ? std::optional<Event>() : std::optional<Event>(std::move(*event));
}

}  // namespace vitrine::adapters
