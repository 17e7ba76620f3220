/// Who asks, and what they may do: API keys and the one place that checks them.
/// A key is "vit_" + 43 base62 digits (32 random bytes) + 6 base62 digits of their CRC-32, so that
/// scanners and we can tell a key from noise without asking the store. Only its SHA-256 is stored.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/guarded.h"
#include "core/status.h"
#include "registry/ports.h"
#include "transport/http/message.h"
#include "transport/http/server.h"

namespace vitrine::http {

/// What a route asks for; one bit each.
enum class Permission : unsigned {
  kPublic = 0,   ///< nobody is asked
  kIngest = 1,   ///< send events, items, users, impressions
  kServe = 2,    ///< recommendations, search, catalogue reads
  kOperate = 4,  ///< models, scenes, jobs, monitors
  kAdmin = 8,    ///< users' data, keys, importing models
};
inline constexpr unsigned kAllPermissions = 15;
std::string_view PermissionName(Permission permission);

/// Bits of a key's scope: names separated by commas ("ingest,serve"); `admin` holds all others.
/// Errors: kInvalidArgument, names the scopes there are.
Result<unsigned> ParseScope(std::string_view scope);

/// A new key from the system's random source. Show it once; keep KeyHash of it.
std::string NewApiKey();
/// True where the text has a key's shape and its checksum fits.
bool IsApiKey(std::string_view text);
/// What is stored and looked up.
std::string KeyHash(std::string_view key);

struct Principal {
  std::string name;
  unsigned permissions = 0;
  [[nodiscard]] bool May(Permission wanted) const {
    const auto bit = static_cast<unsigned>(wanted);
    return (permissions & bit) == bit;
  }
};

/// Why a key that is good may not do this: names the scope it would need.
std::string ScopeNeeded(Permission permission);

/// What a caller shows of itself, whatever the protocol that carries it.
struct Credentials {
  std::optional<std::string_view> authorization;  ///< "Bearer KEY"; none where it was not sent
  std::string_view api_key;
  Peer::Kind peer = Peer::Kind::kTcp;
};

/// Whether callers on the network need a key. Whoever reaches the Unix socket owns the data
/// directory and needs none.
enum class AuthMode : unsigned char {
  kKeys,  ///< every TCP caller
  kOpen,  ///< callers from this machine need none; only for loopback listeners
};

/// Settles the mode of a server: keys where they are asked for or where others can reach a
/// listener, else open.
/// Errors: kFailedPrecondition (keys are needed and there is none: says how to make one).
Result<AuthMode> DecideAuth(bool require_keys, const std::vector<Listener>& listeners,
                            bool keys_exist);

/// Threads: any. A key that was found is trusted for a second before the store is asked again, so
/// a revocation holds after that.
class Authorizer {
 public:
  /// `keys` may be null in mode kOpen; it must outlive the authorizer.
  Authorizer(AuthMode mode, const registry::KeyStore* keys) : mode_(mode), keys_(keys) {}

  /// Reads `Authorization: Bearer KEY` or `X-API-Key: KEY`. A key that is sent must be good, also
  /// where none is asked for.
  /// Errors: kUnauthenticated (none, or not a valid one: never says which part was wrong),
  ///         kUnavailable (the store cannot be read).
  Result<Principal> Check(const Request& request) const;
  /// The same for any protocol.
  Result<Principal> Check(const Credentials& credentials) const;

 private:
  struct Trusted {
    Principal principal;
    std::chrono::steady_clock::time_point until;
  };
  using TrustedKeys = std::map<std::string, Trusted, std::less<>>;
  Result<Principal> CheckKey(std::string_view key) const;

  AuthMode mode_;
  const registry::KeyStore* keys_;
  mutable Guarded<TrustedKeys> trusted_;
};

}  // namespace vitrine::http
