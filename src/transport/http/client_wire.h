/// HTTP/1.1 as text, as far as the clients share it. Internal. Threads: pure functions.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "transport/http/client.h"

namespace vitrine::http {

/// One request as it goes over the wire.
struct WireRequest {
  std::string_view method = "GET";
  std::string_view target = "/";
  std::string_view body;
};

/// Appends it. A body's length is always said; `api_key` is left out where it is empty.
void AppendRequest(const WireRequest& request, const Endpoint& endpoint, std::string_view api_key,
                   const HeaderList& headers, std::string& out);

/// Without blanks at both ends.
std::string_view TrimBlanks(std::string_view text);
/// The number that the text begins with; none where it begins with none, or with one too large.
std::optional<std::size_t> LeadingNumber(std::string_view text, int base);

}  // namespace vitrine::http
