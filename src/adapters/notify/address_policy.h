/// Which addresses a channel may connect to. What a name stands for is somebody else's to say, and the machines
/// around this one trust it: a channel reaches the public Internet, and of private networks what the settings allow.
/// Threads: a value.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"

namespace vitrine::adapters {

/// 16 bytes in network order; IPv4 as ::ffff:a.b.c.d.
using IpAddress = std::array<std::uint8_t, 16>;

/// None where the text is no numeric address.
std::optional<IpAddress> ParseIpAddress(std::string_view text);
std::string IpAddressText(const IpAddress& address);

enum class AddressKind : std::uint8_t {
  kPublic,
  kPrivate,  ///< loopback, RFC 1918, unique local, carrier-grade NAT
  kReserved,  ///< link-local, multicast, unspecified, documentation, and tunnels to what is not public
  kMetadata,  ///< where a cloud gives credentials to its machines: never allowed
};
/// Source: IANA's registries of special-purpose addresses, IPv4 and IPv6.
AddressKind KindOf(const IpAddress& address);

class AddressPolicy {
 public:
  /// Allows public addresses only.
  AddressPolicy() = default;

  /// "true": private ones too; "false" or nothing: none; else networks as "10.1.0.0/16" or single addresses.
  /// Errors: kInvalidArgument (names the word).
  static Result<AddressPolicy> Parse(const std::vector<std::string>& words);

  /// `encrypted`: without it only private addresses that are allowed will do, so that nothing crosses the Internet in
  /// the open. Errors: kPermissionDenied (says what the address is, and which setting would allow it).
  [[nodiscard]] Status Check(const IpAddress& address, bool encrypted) const;

 private:
  struct Network {
    IpAddress first{};
    int bits = 128;
  };
  [[nodiscard]] bool Listed(const IpAddress& address) const;

  bool private_ = false;
  std::vector<Network> networks_;
};

}  // namespace vitrine::adapters
