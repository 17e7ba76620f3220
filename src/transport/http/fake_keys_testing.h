/// API keys that live in memory, for tests.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "registry/ports.h"
#include "transport/http/auth.h"

namespace vitrine::http {

class FakeKeys : public registry::KeyStore {
 public:
  /// Makes a key of this scope and returns its secret.
  std::string Add(const std::string& scope) {
    const std::string secret = NewApiKey();
    registry::ApiKey key;
    key.id = "id-" + std::to_string(keys.size());
    key.name = "key-" + scope;
    key.hash = KeyHash(secret);
    key.scope = scope;
    keys[key.hash] = key;
    return secret;
  }

  Status CreateKey(const registry::ApiKey& key, registry::AuditEntry) override {
    keys[key.hash] = key;
    return Status::Ok();
  }
  Result<std::vector<registry::ApiKey>> ListKeys() const override {
    std::vector<registry::ApiKey> all;
    for (const auto& [hash, key] : keys) {
      all.push_back(key);
    }
    return all;
  }
  Result<std::optional<registry::ApiKey>> FindKeyByHash(std::string_view hash) const override {
    if (!failure.ok()) {
      return failure;
    }
    const auto found = keys.find(hash);
    return found == keys.end() ? std::optional<registry::ApiKey>() : found->second;
  }
  Status RevokeKey(std::string_view id, registry::AuditEntry) override {
    for (auto& [hash, key] : keys) {
      key.revoked = key.revoked || key.id == id;
    }
    return Status::Ok();
  }

  std::map<std::string, registry::ApiKey, std::less<>> keys;
  Status failure;
};

}  // namespace vitrine::http
