// Rollouts on a disk that loses what was not synced: each step is wholly there, with the aliases it moved and its audit
// entry, or wholly not, and what was acknowledged is there.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <utility>

#include "adapters/sqlite/vitrine_db.h"
#include "crash/lossy_sqlite_vfs.h"
#include "crash/power_loss_rounds.h"
#include "rollout/store.h"

namespace vitrine::crash {
namespace {

using registry::VersionRef;
using rollout::Rollout;
using rollout::RolloutState;

registry::AuditEntry Why(const std::string& id) {
  return {
      .time = {1}, .actor = "test", .action = "step", .subject = id, .evidence = "{}", .hash = {}};
}

/// Makes what is missing of the shop: two versions, the first of them champion.
Status Prepare(sqlite::VitrineDb& db) {
  for (const std::uint32_t number : {1U, 2U}) {
    if (!db.GetVersion({"m", number}).ok()) {
      registry::ModelVersion version;
      version.ref.name = "m";
      version.artifact = std::to_string(number);
      RETURN_IF_ERROR(db.CreateVersion(version, Why("m")).status());
    }
  }
  ASSIGN_OR_RETURN(const auto aliases, db.Aliases());
  return aliases.contains("champion")
             ? Status::Ok()
             : db.MoveAliases({{"champion", VersionRef{"m", 1}}}, {}, Why("champion"));
}

/// Steps until the disk dies; what was acknowledged is in `known`, revision by id.
void Use(sqlite::VitrineDb& db, std::mt19937_64& random,
         std::map<std::string, std::uint64_t>& known) {
  while (Prepare(db).ok()) {
    const auto active = db.ActiveRollouts();
    const auto aliases = db.Aliases();
    if (!active.ok() || !aliases.ok()) {
      return;
    }
    const VersionRef champion = aliases->at("champion");
    if (active->empty()) {
      Rollout draft{.alias = "champion",
                    .candidate = {"m", 3 - champion.number},
                    .control = champion,
                    .policy = rollout::DefaultPolicy()};
      const auto made = db.CreateRollout(draft, Why(""));
      if (!made.ok()) {
        return;
      }
      known[made->id] = made->revision;
      continue;
    }
    const Rollout& now = active->front();
    rollout::RolloutChange change{.to = now, .moves = {}, .expected = {}, .why = Why(now.id)};
    if (random() % 3 == 0) {
      change.to.state = RolloutState::kPromoted;
      change.expected = {{"champion", now.control}};
      change.moves = {{"champion", now.candidate}, {"previous", now.control}};
    } else if (random() % 4 == 0) {
      change.to.state = RolloutState::kRolledBack;
    } else {
      ++change.to.stage;
    }
    const auto changed = db.ChangeRollout(std::move(change));
    if (!changed.ok()) {
      return;
    }
    known[changed->id] = changed->revision;
  }
}

/// Empty where everything is of one moment; else what is not.
std::string Differs(sqlite::VitrineDb& db, const std::map<std::string, std::uint64_t>& known) {
  if (const Status chain = db.VerifyAudit(); !chain.ok()) {
    return chain.message();
  }
  std::map<std::string, std::uint64_t> entries;
  const auto audit = db.ListAudit(0, 100'000);
  if (!audit.ok()) {
    return audit.status().message();
  }
  for (const registry::AuditEntry& entry : *audit) {
    ++entries[entry.subject];
  }
  const auto rollouts = db.ListRollouts("", 100'000);
  if (!rollouts.ok()) {
    return rollouts.status().message();
  }
  std::map<std::string, std::uint64_t> revisions;
  VersionRef champion{"m", 1};
  bool before = true;  // the newest promotion is the first of the list
  for (const Rollout& rollout : *rollouts) {
    revisions[rollout.id] = rollout.revision;
    if (entries[rollout.id] != rollout.revision) {
      return rollout.id + " has another number of entries than of changes";
    }
    if (before && rollout.state == RolloutState::kPromoted) {
      champion = rollout.candidate;
      before = false;
    }
  }
  const auto aliases = db.Aliases();
  if (const auto at = aliases->find("champion"); at != aliases->end() && at->second != champion) {
    return "the champion is not the candidate that was promoted last";
  }
  for (const auto& [id, revision] : known) {
    if (revisions[id] < revision) {
      return "a step of " + id + " that was acknowledged is lost";
    }
  }
  return {};
}

std::string Round(std::uint64_t seed, bool honest) {
  std::mt19937_64 random(seed);
  LossySqliteVfs disk(seed);
  disk.set_honest(honest);
  std::map<std::string, std::uint64_t> known;
  for (int life = 0; life < 4; ++life) {
    auto db = sqlite::VitrineDb::Open("rollouts.db", disk.name());
    if (!db.ok()) {
      return db.status().ToString();
    }
    if (const std::string wrong = Differs(**db, known); !wrong.empty()) {
      return wrong;
    }
    disk.DieAfter(1 + static_cast<std::int64_t>(random() % 200));
    Use(**db, random, known);
    db->reset();
    disk.LosePower();
  }
  auto db = sqlite::VitrineDb::Open("rollouts.db", disk.name());
  return db.ok() ? Differs(**db, known) : db.status().ToString();
}

TEST(RolloutPowerLoss, EachStepIsWholeOrNotThere) { ExpectNothingIsLost(Round); }

TEST(RolloutPowerLoss, ADiskThatLiesAboutSyncIsCaught) { ExpectALiarIsCaught(Round); }

}  // namespace
}  // namespace vitrine::crash
