#include <fmt/format.h>

#include "core/sha256.h"
#include "registry/ports.h"

namespace vitrine::registry {

std::string AuditHash(std::string_view previous_hash, const AuditEntry& entry) {
  // Every field with its length before it, so that moving bytes between fields changes the hash.
  Sha256 hash;
  const auto add = [&hash](std::string_view field) {
    hash.Update(fmt::format("{}:", field.size()));
    hash.Update(field);
  };
  add(previous_hash);
  add(fmt::format("{}", entry.number));
  add(fmt::format("{}", entry.time.value));
  add(entry.actor);
  add(entry.action);
  add(entry.subject);
  add(entry.evidence);
  return hash.Finish();
}

}  // namespace vitrine::registry
