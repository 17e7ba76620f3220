#include "transport/http/request_id.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <random>

namespace vitrine::http {
namespace {

constexpr std::size_t kMaxOffered = 128;

bool Sane(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         std::string_view("._:/+=@-").find(c) != std::string_view::npos;
}

void AppendHex(std::string& out, std::uint64_t value, std::size_t width) {
  char buffer[16];
  const auto [end, error] = std::to_chars(buffer, buffer + sizeof(buffer), value, 16);
  const auto digits = static_cast<std::size_t>(end - buffer);
  out.append(width > digits ? width - digits : 0, '0').append(buffer, digits);
}

}  // namespace

void MakeRequestId(std::string& out) {
  thread_local const std::uint64_t prefix = [] {
    std::random_device device;
    return (std::uint64_t{device()} << 32) | device();
  }();
  thread_local std::uint64_t counter = 0;
  out.clear();
  AppendHex(out, prefix, 16);
  out.push_back('-');
  AppendHex(out, ++counter, 1);
}

void TakeRequestId(std::string_view offered, std::string& out) {
  if (offered.empty() || offered.size() > kMaxOffered ||
      !std::all_of(offered.begin(), offered.end(), Sane)) {
    MakeRequestId(out);
    return;
  }
  out.assign(offered);
}

}  // namespace vitrine::http
