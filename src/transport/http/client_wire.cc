#include "transport/http/client_wire.h"

#include <charconv>

namespace vitrine::http {

void AppendRequest(const WireRequest& request, const Endpoint& endpoint, std::string_view api_key,
                   const HeaderList& headers, std::string& out) {
  const auto [method, target, body] = request;
  out.append(method).append(" ").append(target).append(" HTTP/1.1\r\nHost: ");
  out.append(endpoint.unix_path.empty() ? endpoint.host : "localhost").append("\r\n");
  if (!api_key.empty()) {
    out.append("Authorization: Bearer ").append(api_key).append("\r\n");
  }
  for (const auto& [name, value] : headers) {
    out.append(name).append(": ").append(value).append("\r\n");
  }
  if (!body.empty() || method == "POST" || method == "PUT" || method == "PATCH") {
    out.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n");
  }
  out.append("\r\n").append(body);
}

std::string_view TrimBlanks(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::optional<std::size_t> LeadingNumber(std::string_view text, int base) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end == text.data()) {
    return std::nullopt;
  }
  return value;
}

}  // namespace vitrine::http
