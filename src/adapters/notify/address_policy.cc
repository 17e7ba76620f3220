#include "adapters/notify/address_policy.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace vitrine::adapters {
namespace {

struct Special {
  std::string_view network;
  int bits;  // of the text's own family
  AddressKind kind;
};

// First match counts.
constexpr Special kSpecial[] = {
    {"169.254.0.0", 16, AddressKind::kMetadata},  // link-local: each cloud picks its own of these
    {"192.0.0.192", 32, AddressKind::kMetadata},
    {"100.100.100.200", 32, AddressKind::kMetadata},
    {"168.63.129.16", 32, AddressKind::kMetadata},
    {"fd00:ec2::", 32, AddressKind::kMetadata},
    {"fd20:ce::254", 128, AddressKind::kMetadata},
    {"127.0.0.0", 8, AddressKind::kPrivate},
    {"10.0.0.0", 8, AddressKind::kPrivate},
    {"172.16.0.0", 12, AddressKind::kPrivate},
    {"192.168.0.0", 16, AddressKind::kPrivate},
    {"100.64.0.0", 10, AddressKind::kPrivate},
    {"::1", 128, AddressKind::kPrivate},
    {"fc00::", 7, AddressKind::kPrivate},
    {"fec0::", 10, AddressKind::kPrivate},
    {"0.0.0.0", 8, AddressKind::kReserved},
    {"192.0.0.0", 24, AddressKind::kReserved},
    {"192.0.2.0", 24, AddressKind::kReserved},
    {"192.88.99.0", 24, AddressKind::kReserved},
    {"198.18.0.0", 15, AddressKind::kReserved},
    {"198.51.100.0", 24, AddressKind::kReserved},
    {"203.0.113.0", 24, AddressKind::kReserved},
    {"224.0.0.0", 4, AddressKind::kReserved},
    {"240.0.0.0", 4, AddressKind::kReserved},
    {"::", 96, AddressKind::kReserved},
    {"64:ff9b:1::", 48, AddressKind::kReserved},
    {"100::", 64, AddressKind::kReserved},
    {"2001::", 23, AddressKind::kReserved},
    {"2001:db8::", 32, AddressKind::kReserved},
    {"fe80::", 10, AddressKind::kReserved},
    {"ff00::", 8, AddressKind::kReserved},
};

bool IsV4(const IpAddress& address) {
  constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  return std::equal(kMapped.begin(), kMapped.end(), address.begin());
}

bool Within(const IpAddress& address, const IpAddress& network, int bits) {
  const auto bytes = static_cast<std::size_t>(bits / 8);
  if (!std::equal(address.begin(), address.begin() + static_cast<std::ptrdiff_t>(bytes),
                  network.begin())) {
    return false;
  }
  const int rest = bits % 8;
  return rest == 0 || (address[bytes] >> (8 - rest)) == (network[bytes] >> (8 - rest));
}

IpAddress MappedV4(const std::uint8_t* four) {
  IpAddress address{};
  address[10] = address[11] = 0xff;
  std::copy(four, four + 4, address.begin() + 12);
  return address;
}

std::string_view WordFor(AddressKind kind) {
  switch (kind) {
    case AddressKind::kPublic:
      return "a public address";
    case AddressKind::kPrivate:
      return "a private or loopback address";
    case AddressKind::kReserved:
      return "a link-local or reserved address";
    case AddressKind::kMetadata:
      return "a metadata service of a cloud or another link-local address";
  }
  return "a reserved address";
}

}  // namespace

std::optional<IpAddress> ParseIpAddress(std::string_view text) {
  const std::string copy(text);
  std::array<std::uint8_t, 4> four{};
  if (inet_pton(AF_INET, copy.c_str(), four.data()) == 1) {
    return MappedV4(four.data());
  }
  IpAddress address{};
  if (inet_pton(AF_INET6, copy.c_str(), address.data()) == 1) {
    return address;
  }
  return std::nullopt;
}

std::string IpAddressText(const IpAddress& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const bool v4 = IsV4(address);
  inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? address.data() + 12 : address.data(), text.data(),
            text.size());
  return text.data();
}

AddressKind KindOf(const IpAddress& address) {
  for (const Special& special : kSpecial) {
    const std::optional<IpAddress> network = ParseIpAddress(special.network);
    const bool v4 = special.network.find('.') != std::string_view::npos;
    if (network.has_value() && v4 == IsV4(address) &&
        Within(address, *network, special.bits + (v4 ? 96 : 0))) {
      return special.kind;
    }
  }
  // 6to4 and NAT64 carry an IPv4 address, which is what is reached in the end.
  const bool six_to_four = address[0] == 0x20 && address[1] == 0x02;
  constexpr std::array<std::uint8_t, 12> kNat64 = {0, 0x64, 0xff, 0x9b};
  const bool nat64 = std::equal(kNat64.begin(), kNat64.end(), address.begin());
  if (six_to_four || nat64) {
    const AddressKind inner = KindOf(MappedV4(address.data() + (six_to_four ? 2 : 12)));
    return inner == AddressKind::kPrivate ? AddressKind::kReserved : inner;
  }
  return AddressKind::kPublic;
}

Result<AddressPolicy> AddressPolicy::Parse(const std::vector<std::string>& words) {
  AddressPolicy policy;
  for (const std::string& word : words) {
    if (word == "true" || word == "false") {
      policy.private_ = word == "true";
      continue;
    }
    const std::size_t slash = std::min(word.find('/'), word.size());
    const std::optional<IpAddress> first = ParseIpAddress(std::string_view(word).substr(0, slash));
    const int most = word.find(':') == std::string::npos ? 32 : 128;
    int bits = most;
    const char* end = word.data() + word.size();
    bool good = first.has_value();
    if (good && slash < word.size()) {
      const auto [at, error] = std::from_chars(word.data() + slash + 1, end, bits);
      good = error == std::errc() && at == end && bits >= 0 && bits <= most;
    }
    if (!good || !first.has_value()) {
      return InvalidArgument(
          fmt::format("'{}' is neither true, false, nor a network such as 10.0.0.0/8", word));
    }
    policy.networks_.push_back({.first = *first, .bits = bits + 128 - most});
  }
  return policy;
}

bool AddressPolicy::Listed(const IpAddress& address) const {
  return std::any_of(networks_.begin(), networks_.end(), [&address](const Network& network) {
    return Within(address, network.first, network.bits);
  });
}

Status AddressPolicy::Check(const IpAddress& address, bool encrypted) const {
  const AddressKind kind = KindOf(address);
  if (kind == AddressKind::kPublic) {
    return encrypted ? Status::Ok()
                     : PermissionDenied(fmt::format(
                           "{} is a public address, and the channel is not encrypted; use https, "
                           "or TLS for mail",
                           IpAddressText(address)));
  }
  const bool allowed = kind != AddressKind::kMetadata &&
                       (Listed(address) || (private_ && kind == AddressKind::kPrivate));
  if (allowed) {
    return Status::Ok();
  }
  return PermissionDenied(
      fmt::format("the channel leads to {}, {}{}", IpAddressText(address), WordFor(kind),
                  kind == AddressKind::kMetadata
                      ? ", which is never allowed"
                      : "; where that is meant, allow it by the setting alerts.allow_private"));
}

}  // namespace vitrine::adapters
