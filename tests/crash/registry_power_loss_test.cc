// Registry and audit log on a disk that loses what was not synced: what was acknowledged is there,
// what was not is wholly there or wholly not, the aliases name versions that exist, the audit chain
// holds.
#include <gtest/gtest.h>

#include <optional>
#include <random>
#include <string>
#include <utility>

#include "adapters/sqlite/vitrine_db.h"
#include "crash/lossy_sqlite_vfs.h"
#include "crash/power_loss_rounds.h"
#include "registry/registry.h"

namespace vitrine::crash {
namespace {

using registry::VersionRef;

class AnyArtifacts final : public registry::ArtifactStore {
 public:
  Result<std::string> Put(const std::string& folder) override { return folder; }
  Result<std::string> Path(std::string_view hash) const override { return std::string(hash); }
  Result<std::vector<registry::StoredArtifact>> List() const override {
    return std::vector<registry::StoredArtifact>();
  }
  Status Remove(std::string_view /*hash*/) override { return Status::Ok(); }
  Status Purge() override { return Status::Ok(); }
};

/// What was answered with OK so far.
struct Acknowledged {
  std::uint32_t versions = 0;
  std::optional<VersionRef> champion;
  std::optional<VersionRef> previous;
  std::optional<VersionRef> tried;  ///< champion of a promotion that was not answered
};

void Use(sqlite::VitrineDb& db, std::mt19937_64& random, Acknowledged& known) {
  AnyArtifacts artifacts;
  registry::Registry registry(db, artifacts);
  for (int step = 0; step < 40; ++step) {
    if (known.versions == 0 || random() % 2 == 0) {
      Manifest manifest;
      manifest.name = "m";
      const auto made = registry.Register("a" + std::to_string(random()), manifest,
                                          std::string(random() % 9000, 'r'), "{}", {"test"});
      if (!made.ok()) {
        return;
      }
      known.versions = made->ref.number;
    } else {
      const VersionRef ref{"m", 1 + static_cast<std::uint32_t>(random() % known.versions)};
      if (ref == known.champion) {
        continue;
      }
      known.tried = ref;
      if (!registry.Promote(ref, {"test"}).ok()) {
        return;
      }
      known.previous = std::exchange(known.champion, ref);
      known.tried.reset();
    }
  }
}

/// Empty where everything is as it must be; else what is not.
std::string Differs(sqlite::VitrineDb& db, const Acknowledged& known) {
  if (const Status whole = db.IntegrityCheck(); !whole.ok()) {
    return whole.message();
  }
  if (const Status chain = db.VerifyAudit(); !chain.ok()) {
    return chain.message();
  }
  for (std::uint32_t number = 1; number <= known.versions; ++number) {
    if (!db.GetVersion({"m", number}).ok()) {
      return "version " + std::to_string(number) + " is lost";
    }
  }
  const auto aliases = db.Aliases();
  if (!aliases.ok()) {
    return aliases.status().message();
  }
  std::optional<VersionRef> champion;
  if (const auto it = aliases->find("champion"); it != aliases->end()) {
    champion = it->second;
  }
  if (champion != known.champion && !(known.tried && champion == known.tried)) {
    return "the champion is not the one that was acknowledged";
  }
  if (champion && !db.GetVersion(*champion).ok()) {
    return "the champion names no version";
  }
  return {};
}

/// One life, one power loss, one look; what differs.
std::string Round(std::uint64_t seed, bool honest) {
  std::mt19937_64 random(seed);
  LossySqliteVfs disk(seed);
  disk.set_honest(honest);
  Acknowledged known;
  for (int life = 0; life < 3; ++life) {
    auto db = sqlite::VitrineDb::Open("registry.db", disk.name());
    if (!db.ok()) {
      return db.status().ToString();
    }
    if (const std::string wrong = Differs(**db, known); !wrong.empty()) {
      return wrong;
    }
    const auto aliases = (*db)->Aliases();
    const auto at = aliases->find("champion");
    known.champion = at == aliases->end() ? std::nullopt : std::optional(at->second);
    known.tried.reset();
    const auto listed = (*db)->ListVersions("m", "", 1);
    known.versions = listed->empty() ? 0 : listed->front().ref.number;
    disk.DieAfter(1 + static_cast<std::int64_t>(random() % 160));
    Use(**db, random, known);
    db->reset();
    disk.LosePower();
  }
  auto db = sqlite::VitrineDb::Open("registry.db", disk.name());
  return db.ok() ? Differs(**db, known) : db.status().ToString();
}

TEST(RegistryPowerLoss, WhatWasAcknowledgedIsThere) { ExpectNothingIsLost(Round); }

TEST(RegistryPowerLoss, ADiskThatLiesAboutSyncIsCaught) { ExpectALiarIsCaught(Round); }

}  // namespace
}  // namespace vitrine::crash
