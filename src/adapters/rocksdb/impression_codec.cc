#include "adapters/rocksdb/impression_codec.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "adapters/rocksdb/byte_codec.h"

namespace vitrine::adapters {
namespace {

// 1: without rollout and arm. 2: without what is interleaved.
constexpr std::uint8_t kVersion = 3;

// Bytes of an ordinary impression's parts; one that is larger grows.
constexpr std::size_t kUsualTexts = 192;
constexpr std::size_t kUsualItem = 48;
constexpr std::size_t kUsualEvent = 32;

// What a damaged count may ask for at once.
constexpr std::size_t kMostReserved = 512;

void PutShown(ByteWriter& out, const Impression& impression) {
  out.Varint(impression.items.size());
  for (const ShownItem& item : impression.items) {
    out.Text(item.item_id);
    out.Double(item.score);
    out.Text(item.source);
  }
  out.Varint(impression.history.size());
  for (const SeenEvent& event : impression.history) {
    out.Text(event.item_id);
    out.Signed(event.ts.value);
    out.Byte(static_cast<std::uint8_t>(event.type));
    out.Varint(event.basket);
  }
}

void GetShown(ByteReader& in, Impression& impression) {
  const std::size_t items = in.Count();
  impression.items.reserve(std::min(items, kMostReserved));
  for (std::size_t i = 0; i < items && in.ok(); ++i) {
    ShownItem& item = impression.items.emplace_back();
    item.item_id = in.Text();
    item.score = in.Double();
    item.source = in.Text();
  }
  const std::size_t events = in.Count();
  impression.history.reserve(std::min(events, kMostReserved));
  for (std::size_t i = 0; i < events && in.ok(); ++i) {
    SeenEvent& event = impression.history.emplace_back();
    event.item_id = in.Text();
    event.ts = {in.Signed()};
    const std::uint8_t type = in.Byte();
    if (type >= kEventTypes) {
      in.Fail();
      return;
    }
    event.type = static_cast<EventType>(type);
    event.basket = in.Varint32();
  }
}

/// The texts of an impression in their persisted order.
template <typename I>
auto ImpressionTextsOf(I& impression) {
  return std::array{&impression.request_id, &impression.subject, &impression.scene,
                    &impression.route,      &impression.model,   &impression.fallback,
                    &impression.query};
}

Status CheckVersion(std::uint8_t version) {
  if (version == 0 || version > kVersion) {
    return DataLoss(
        fmt::format("an impression in the event log has the unknown version {}", version));
  }
  return Status::Ok();
}

}  // namespace

std::string EncodeImpressionHead(std::uint64_t sequence, Micros received) {
  ByteWriter out;
  out.Byte(kVersion);
  out.Signed(received.value);
  out.Varint(sequence);
  return out.Take();
}

std::string EncodeImpressionBody(const Impression& impression) {
  ByteWriter out;
  out.Reserve(kUsualTexts + impression.items.size() * kUsualItem +
              impression.history.size() * kUsualEvent);
  out.Signed(impression.ts.value);
  for (const std::string* text : ImpressionTextsOf(impression)) {
    out.Text(*text);
  }
  out.Byte(impression.personalised ? 1 : 0);
  out.Double(impression.seconds);
  PutShown(out, impression);
  out.Text(impression.rollout);
  out.Text(impression.arm);
  out.Text(impression.candidate);
  if (impression.interleaved()) {
    for (const ShownItem& item : impression.items) {
      out.Byte(static_cast<std::uint8_t>(item.team));
    }
  }
  return out.Take();
}

std::string EncodeImpression(const StoredImpression& stored) {
  return EncodeImpressionHead(stored.sequence, stored.received) +
         EncodeImpressionBody(stored.impression);
}

namespace {

void GetTeams(ByteReader& in, Impression& impression) {
  if (!impression.interleaved()) {
    return;
  }
  for (ShownItem& item : impression.items) {
    const std::uint8_t team = in.Byte();
    if (team >= kTeams) {
      in.Fail();
      return;
    }
    item.team = static_cast<Team>(team);
  }
}

Impression GetBody(ByteReader& in, std::uint8_t version) {
  Impression impression;
  impression.ts = {in.Signed()};
  for (std::string* text : ImpressionTextsOf(impression)) {
    *text = in.Text();
  }
  impression.personalised = in.Byte() != 0;
  impression.seconds = in.Double();
  GetShown(in, impression);
  if (version >= 2) {
    impression.rollout = in.Text();
    impression.arm = in.Text();
  }
  if (version >= 3) {
    impression.candidate = in.Text();
    GetTeams(in, impression);
  }
  return impression;
}

}  // namespace

Result<StoredImpression> DecodeImpression(std::string_view bytes) {
  ByteReader in(bytes);
  const std::uint8_t version = in.Byte();
  RETURN_IF_ERROR(CheckVersion(version));
  StoredImpression stored;
  stored.received = {in.Signed()};
  stored.sequence = in.Varint();
  stored.impression = GetBody(in, version);
  RETURN_IF_ERROR(in.Finish("an impression"));
  return stored;
}

Result<Impression> DecodeImpressionBody(std::string_view bytes) {
  ByteReader in(bytes);
  Impression impression = GetBody(in, kVersion);
  RETURN_IF_ERROR(in.Finish("an impression"));
  return impression;
}

Result<Micros> ImpressionReceived(std::string_view bytes) {
  ByteReader in(bytes);
  RETURN_IF_ERROR(CheckVersion(in.Byte()));
  const Micros received{in.Signed()};
  if (!in.ok()) {
    return in.Finish("an impression");
  }
  return received;
}

}  // namespace vitrine::adapters
