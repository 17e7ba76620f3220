/// Text that is mostly numbers, made small for a file: about half of it is left.
/// Threads: functions.
#pragma once

#include <string>
#include <string_view>

#include "core/status.h"

namespace vitrine::sqlite {

/// Shorter texts are kept as they are.
inline constexpr std::size_t kLeastPacked = 256;

/// The size (4 bytes, little-endian), then zlib's stream. Precondition: below 4 GiB.
std::string Pack(std::string_view text);

/// Errors: kDataLoss (not what Pack made).
Result<std::string> Unpack(std::string_view packed);

}  // namespace vitrine::sqlite
