#include "adapters/notify/signatures.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>

namespace vitrine::adapters {
namespace {

const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

constexpr std::string_view kWebhookSecret = "whsec_";

}  // namespace

std::string HmacSha256(std::string_view key, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned int size = 0;
  // An empty key must still be an address: a null one means "the key of the call before".
  const std::string_view given = key.data() == nullptr ? std::string_view("") : key;
  HMAC(EVP_sha256(), given.data(), static_cast<int>(given.size()), Bytes(text), text.size(),
       out.data(), &size);
  return {reinterpret_cast<const char*>(out.data()), size};
}

std::string Base64(std::string_view bytes) {
  std::string out(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), Bytes(bytes),
                                   static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(size));
  return out;
}

std::string FromBase64(std::string_view text) {
  if (text.empty() || text.size() % 4 != 0) {
    return {};
  }
  std::string out(text.size() / 4 * 3, '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()), Bytes(text),
                                   static_cast<int>(text.size()));
  if (size < 0) {
    return {};
  }
  const auto padding = static_cast<std::size_t>(
      std::count(text.end() - std::min<std::ptrdiff_t>(2, std::ssize(text)), text.end(), '='));
  out.resize(static_cast<std::size_t>(size) - padding);
  return out;
}

std::string UrlEncoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

std::string DingTalkQuery(std::int64_t milliseconds, std::string_view secret) {
  const std::string sign = Base64(HmacSha256(secret, fmt::format("{}\n{}", milliseconds, secret)));
  return fmt::format("timestamp={}&sign={}", milliseconds, UrlEncoded(sign));
}

std::string FeishuSign(std::int64_t seconds, std::string_view secret) {
  return Base64(HmacSha256(fmt::format("{}\n{}", seconds, secret), ""));
}

std::string WebhookSignature(std::string_view id, std::int64_t seconds, std::string_view body,
                             std::string_view secret) {
  const std::string key = secret.starts_with(kWebhookSecret)
                              ? FromBase64(secret.substr(kWebhookSecret.size()))
                              : std::string(secret);
  return "v1," + Base64(HmacSha256(key, fmt::format("{}.{}.{}", id, seconds, body)));
}

}  // namespace vitrine::adapters
