/// Binary form of what the event log stores. Versioned in the first byte: a later version reads
/// every earlier one; unknown versions and damaged bytes are kDataLoss, never a crash.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "core/status.h"
#include "data/event_log.h"

namespace vitrine::adapters {

/// Stands in the log for an impression, whose body is stored once, by request_id.
struct ImpressionRef {
  std::string request_id;
};

/// The index is the persisted kind: append only.
using StoredBody = std::variant<Event, Item, User, Impression, data::ItemDeletion,
                                data::UserErasure, ImpressionRef>;

struct StoredRecord {
  Micros received;
  StoredBody body;
};

std::string EncodeEvent(Micros received, const Event& event);
std::string EncodeItem(Micros received, const Item& item);
std::string EncodeUser(Micros received, const User& user);
std::string EncodeDeletion(Micros received, const data::ItemDeletion& deletion);
std::string EncodeErasure(Micros received, const data::UserErasure& erasure);
std::string EncodeImpressionRef(Micros received, std::string_view request_id);
/// Errors: kDataLoss.
Result<StoredRecord> DecodeRecord(std::string_view bytes);

/// Numbered keys sort by number.
std::string SequenceKey(std::uint64_t sequence);
/// Errors: kDataLoss (not eight bytes).
Result<std::uint64_t> SequenceOfKey(std::string_view key);

}  // namespace vitrine::adapters
