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
/// The same in two parts. What does not depend on the place in the log is made where the impression is, so
/// that bytes go to the writer, and not dozens of texts that two threads copy and free.
std::string EncodeImpressionBody(const Impression& impression);
std::string EncodeImpressionHead(std::uint64_t sequence, Micros received);
/// Errors: kDataLoss.
Result<StoredImpression> DecodeImpression(std::string_view bytes);
/// Errors: kDataLoss.
Result<Impression> DecodeImpressionBody(std::string_view bytes);
/// Only when it was received, for retention; kDataLoss where even that cannot be read.
Result<Micros> ImpressionReceived(std::string_view bytes);

}  // namespace vitrine::adapters
