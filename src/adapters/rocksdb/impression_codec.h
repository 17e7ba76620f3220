/// Binary form of an impression, stored by request_id. Versioned in the first byte like records.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/impression.h"
#include "core/status.h"
#include "core/time.h"

namespace vitrine::adapters {

/// An impression is stored with the sequence of its place in the log, so that a place that a later
/// impression of the same request_id took over is known.
struct StoredImpression {
  std::uint64_t sequence = 0;
  Micros received;
  Impression impression;
};
std::string EncodeImpression(const StoredImpression& stored);
/// Errors: kDataLoss.
Result<StoredImpression> DecodeImpression(std::string_view bytes);
/// Only when it was received, for retention; kDataLoss where even that cannot be read.
Result<Micros> ImpressionReceived(std::string_view bytes);

}  // namespace vitrine::adapters
