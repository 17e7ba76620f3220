/// gzip and deflate of bodies. Threads: functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/status.h"

namespace vitrine::http {

enum class ContentCoding : std::uint8_t { kIdentity, kGzip, kDeflate };

/// Of a Content-Encoding header; none where it is one that is not spoken.
std::optional<ContentCoding> ContentCodingOf(std::string_view header);
/// What an Accept-Encoding header asks for, of what is spoken; identity where it asks for nothing.
ContentCoding AcceptedCoding(std::string_view header);
/// "gzip", "deflate"; empty for identity.
std::string_view ContentCodingName(ContentCoding coding);

/// Replaces `out`, with `padding` readable bytes behind its end.
/// Errors: kInvalidArgument (not that coding, or cut off), kOutOfRange (more than `limit` bytes).
Status Decode(ContentCoding coding, std::string_view body, std::size_t limit, std::size_t padding,
              std::string& out);
/// Errors: kInternal.
Status Encode(ContentCoding coding, std::string_view body, std::string& out);

}  // namespace vitrine::http
