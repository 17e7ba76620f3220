#include "transport/http/auth.h"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <optional>

#include "core/check.h"
#include "core/sha256.h"
#include "core/time.h"

namespace vitrine::http {
namespace {

constexpr std::string_view kPrefix = "vit_";
constexpr std::size_t kSecretBytes = 32;
constexpr std::size_t kSecretDigits = 43;   // 62^43 > 2^256
constexpr std::size_t kChecksumDigits = 6;  // 62^6 > 2^32
constexpr std::string_view kDigits =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
constexpr std::chrono::seconds kTrust{1};
constexpr std::size_t kMaxTrusted = 1024;

// CRC-32 of IEEE 802.3, bit by bit: a checksum of 47 bytes needs no table.
std::uint32_t Crc32(std::string_view text) {
  std::uint32_t crc = 0xFFFFFFFFU;
  for (const char c : text) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc >> 1) ^ ((crc & 1U) != 0 ? 0xEDB88320U : 0U);
    }
  }
  return ~crc;
}

std::string Checksum(std::string_view body) {
  std::uint32_t value = Crc32(body);
  std::string digits(kChecksumDigits, '0');
  for (std::size_t i = kChecksumDigits; i-- > 0; value /= 62) {
    digits[i] = kDigits[value % 62];
  }
  return digits;
}

// A big-endian number of many bytes in base 62, by long division.
std::string Base62(std::array<unsigned char, kSecretBytes> bytes) {
  std::string digits(kSecretDigits, '0');
  for (std::size_t i = kSecretDigits; i-- > 0;) {
    unsigned remainder = 0;
    for (unsigned char& byte : bytes) {
      const unsigned value = remainder * 256 + byte;
      byte = static_cast<unsigned char>(value / 62);
      remainder = value % 62;
    }
    digits[i] = kDigits[remainder];
  }
  return digits;
}

std::string_view KeyOf(const Credentials& credentials) {
  const std::string_view bearer = credentials.authorization.value_or("");
  if (bearer.size() > 7 && EqualNoCase(bearer.substr(0, 7), "Bearer ")) {
    return bearer.substr(7);
  }
  return credentials.api_key;
}

bool IsLoopback(const Listener& listener) {
  return listener.kind == Listener::Kind::kUnix || listener.address.starts_with("127.") ||
         listener.address == "::1";
}

Status BadKey() { return Unauthenticated("This API key is not valid here."); }

}  // namespace

std::string_view PermissionName(Permission permission) {
  switch (permission) {
    case Permission::kPublic:
      return "public";
    case Permission::kIngest:
      return "ingest";
    case Permission::kServe:
      return "serve";
    case Permission::kOperate:
      return "operate";
    case Permission::kAdmin:
      return "admin";
  }
  return "";
}

std::string ScopeNeeded(Permission permission) {
  return "This key may not do that: the scope '" + std::string(PermissionName(permission)) +
         "' is needed.";
}

Result<unsigned> ParseScope(std::string_view scope) {
  unsigned bits = 0;
  while (!scope.empty()) {
    const std::size_t comma = scope.find(',');
    const std::string_view name = scope.substr(0, comma);
    scope = comma == std::string_view::npos ? std::string_view() : scope.substr(comma + 1);
    unsigned bit = 0;
    for (const Permission p : {Permission::kIngest, Permission::kServe, Permission::kOperate}) {
      bit = name == PermissionName(p) ? static_cast<unsigned>(p) : bit;
    }
    bit = name == PermissionName(Permission::kAdmin) ? kAllPermissions : bit;
    if (bit == 0) {
      return InvalidArgument("'" + std::string(name) +
                             "' is not a scope; there are ingest, serve, operate and admin");
    }
    bits |= bit;
  }
  if (bits == 0) {
    return InvalidArgument("a key needs a scope: ingest, serve, operate or admin");
  }
  return bits;
}

std::string NewApiKey() {
  std::array<unsigned char, kSecretBytes> bytes{};
  std::size_t filled = 0;
  while (filled < bytes.size()) {
    const ssize_t got = ::getrandom(bytes.data() + filled, bytes.size() - filled, 0);
    CHECK(got > 0 || errno == EINTR);
    filled += got > 0 ? static_cast<std::size_t>(got) : 0;
  }
  const std::string body = std::string(kPrefix) + Base62(bytes);
  return body + Checksum(body);
}

bool IsApiKey(std::string_view text) {
  if (text.size() != kPrefix.size() + kSecretDigits + kChecksumDigits ||
      !text.starts_with(kPrefix)) {
    return false;
  }
  const std::string_view digits = text.substr(kPrefix.size());
  return digits.find_first_not_of(kDigits) == std::string_view::npos &&
         text.ends_with(Checksum(text.substr(0, text.size() - kChecksumDigits)));
}

std::string KeyHash(std::string_view key) { return Sha256Hex(key); }

Result<AuthMode> DecideAuth(bool require_keys, const std::vector<Listener>& listeners,
                            bool keys_exist) {
  const auto exposed = std::find_if_not(listeners.begin(), listeners.end(), IsLoopback);
  if (!require_keys && exposed == listeners.end()) {
    return AuthMode::kOpen;
  }
  if (keys_exist) {
    return AuthMode::kKeys;
  }
  static constexpr std::string_view kCure =
      "Make one with 'vitrine key create --scope admin', then start again";
  if (exposed != listeners.end()) {
    return FailedPrecondition(ListenerName(*exposed) +
                              " can be reached by others, so every caller needs an API key, and "
                              "there is none. " +
                              std::string(kCure) +
                              "; or listen on this machine only: " + std::string(exposed->setting) +
                              " = 127.0.0.1:" + std::to_string(exposed->port));
  }
  return FailedPrecondition("server.require_keys is set and there is no API key. " +
                            std::string(kCure));
}

Result<Principal> Authorizer::Check(const Request& request) const {
  Credentials credentials{
      .authorization = {}, .api_key = request.header("X-API-Key"), .peer = request.peer().kind};
  if (request.HasHeader("Authorization")) {
    credentials.authorization = request.header("Authorization");
  }
  return Check(credentials);
}

Result<Principal> Authorizer::Check(const Credentials& credentials) const {
  const std::string_view key = KeyOf(credentials);
  if (!key.empty()) {
    return CheckKey(key);
  }
  if (credentials.authorization) {
    return BadKey();
  }
  const bool local = credentials.peer == Peer::Kind::kUnix ||
                     (mode_ == AuthMode::kOpen && credentials.peer == Peer::Kind::kLoopback);
  if (local) {
    return Principal{"local", kAllPermissions};
  }
  return Unauthenticated(
      "This server asks for an API key: send it as 'Authorization: Bearer KEY'.");
}

Result<Principal> Authorizer::CheckKey(std::string_view key) const {
  if (!IsApiKey(key) || keys_ == nullptr) {
    return BadKey();
  }
  const std::string hash = KeyHash(key);
  const auto now = std::chrono::steady_clock::now();
  const auto trusted = trusted_.With([&](const TrustedKeys& keys) -> std::optional<Principal> {
    const auto found = keys.find(hash);
    if (found == keys.end() || found->second.until < now) {
      return std::nullopt;
    }
    return found->second.principal;
  });
  if (trusted) {
    return *trusted;
  }
  const auto found = keys_->FindKeyByHash(hash);
  if (!found.ok()) {
    return Unavailable("the store of API keys cannot be read");
  }
  const std::optional<registry::ApiKey>& stored = *found;
  if (!stored || stored->revoked || (stored->expires.value != 0 && stored->expires < Now())) {
    return BadKey();
  }
  ASSIGN_OR_RETURN(const unsigned permissions, ParseScope(stored->scope));
  Principal principal{stored->name.empty() ? stored->id : stored->name, permissions};
  trusted_.With([&](TrustedKeys& keys) {
    if (keys.size() >= kMaxTrusted) {
      keys.clear();
    }
    keys[hash] = {principal, now + kTrust};
  });
  return principal;
}

}  // namespace vitrine::http
