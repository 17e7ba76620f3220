// What every store of rollouts promises, on the fake and on SQLite.
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "adapters/memory/memory_rollouts.h"
#include "adapters/sqlite/vitrine_db.h"
#include "registry/registry.h"

namespace vitrine::contract {
namespace {

using registry::VersionRef;
using rollout::Rollout;
using rollout::RolloutState;

/// A store in a shop with two versions, of which the first is the champion.
class Shop {
 public:
  virtual ~Shop() = default;
  virtual rollout::RolloutStore& store() = 0;
  virtual std::map<std::string, VersionRef> Aliases() = 0;
  virtual std::size_t AuditEntries() = 0;
  virtual void Move(const VersionRef& champion) = 0;
  virtual void Reopen() {}
};

class MemoryShop final : public Shop {
 public:
  MemoryShop() {
    store_.AddVersion({"m", 1});
    store_.AddVersion({"m", 2});
    store_.SetAlias("champion", {"m", 1});
  }
  rollout::RolloutStore& store() override { return store_; }
  std::map<std::string, VersionRef> Aliases() override { return store_.aliases(); }
  std::size_t AuditEntries() override { return store_.audit().size(); }
  void Move(const VersionRef& champion) override { store_.SetAlias("champion", champion); }

 private:
  adapters::MemoryRollouts store_;
};

class SqliteShop final : public Shop {
 public:
  SqliteShop() {
    std::filesystem::remove(path_);
    Reopen();
    for (const char* artifact : {"a", "b"}) {
      registry::ModelVersion version;
      version.ref.name = "m";
      version.artifact = artifact;
      EXPECT_TRUE(db_->CreateVersion(version, {}).ok());
    }
    Move({"m", 1});
    before_ = db_->ListAudit(0, 100)->size();
  }
  ~SqliteShop() override {
    EXPECT_TRUE(db_->VerifyAudit().ok());
    db_.reset();
    std::filesystem::remove(path_);
  }
  rollout::RolloutStore& store() override { return *db_; }
  std::map<std::string, VersionRef> Aliases() override { return db_->Aliases().value(); }
  std::size_t AuditEntries() override { return db_->ListAudit(0, 1000)->size() - before_; }
  void Move(const VersionRef& champion) override {
    EXPECT_TRUE(db_->MoveAliases({{"champion", champion}}, {}, {}).ok());
    ++before_;
  }
  void Reopen() override {
    db_.reset();
    db_ = std::move(sqlite::VitrineDb::Open(path_).value());
  }

 private:
  std::string path_ = testing::TempDir() + "rollout_store_test.db";
  std::unique_ptr<sqlite::VitrineDb> db_;
  std::size_t before_ = 0;
};

using MakeShop = std::unique_ptr<Shop> (*)();

class RolloutStoreContract : public testing::TestWithParam<MakeShop> {
 protected:
  static Rollout Draft(const std::string& alias = "champion") {
    Rollout rollout{.alias = alias, .scene = "home", .candidate = {"m", 2}, .control = {"m", 1}};
    rollout.policy = rollout::DefaultPolicy();
    rollout.salt = "salt";
    rollout.actor = "me";
    rollout.reason = "to see";
    rollout.started = {5};
    rollout.entered = {6};
    return rollout;
  }
  static registry::AuditEntry Why(std::string action) {
    return {.time = {1},
            .actor = "me",
            .action = std::move(action),
            .subject = {},
            .evidence = "{}",
            .hash = {}};
  }
  std::unique_ptr<Shop> shop_ = GetParam()();
};

TEST_P(RolloutStoreContract, WhatIsMadeIsThereAgain) {
  Rollout draft = Draft();
  const Rollout made = shop_->store().CreateRollout(draft, Why("start")).value();
  EXPECT_EQ(made.id, "rollout-000001");
  EXPECT_EQ(made.revision, 1U);
  shop_->Reopen();
  EXPECT_EQ(shop_->store().GetRollout(made.id).value(), made);
  draft.id = made.id;
  draft.revision = 1;
  EXPECT_EQ(made, draft);
  EXPECT_EQ(shop_->AuditEntries(), 1U);
}

TEST_P(RolloutStoreContract, OneOfAnAliasAtATime) {
  const Rollout first = shop_->store().CreateRollout(Draft(), Why("start")).value();
  const auto second = shop_->store().CreateRollout(Draft(), Why("start"));
  EXPECT_EQ(second.status().code(), Code::kAlreadyExists);
  EXPECT_NE(second.status().message().find(first.id), std::string::npos);
  EXPECT_EQ(shop_->AuditEntries(), 1U) << "what was refused leaves no entry";
  EXPECT_TRUE(shop_->store().CreateRollout(Draft("other"), Why("start")).ok());
  rollout::RolloutChange end{.to = first, .moves = {}, .expected = {}, .why = Why("roll_back")};
  end.to.state = RolloutState::kRolledBack;
  ASSERT_TRUE(shop_->store().ChangeRollout(end).ok());
  EXPECT_EQ(shop_->store().CreateRollout(Draft(), Why("start"))->id, "rollout-000003");
}

TEST_P(RolloutStoreContract, ATurnBeginsOne) {
  Rollout draft = Draft();
  draft.job = "job-000007";
  const Rollout first = shop_->store().CreateRollout(draft, Why("start")).value();
  EXPECT_EQ(first.job, "job-000007");
  rollout::RolloutChange end{.to = first, .moves = {}, .expected = {}, .why = Why("roll_back")};
  end.to.state = RolloutState::kRolledBack;
  const Rollout ended = shop_->store().ChangeRollout(end).value();
  shop_->Reopen();
  const auto again = shop_->store().CreateRollout(draft, Why("start"));
  EXPECT_EQ(again.status().code(), Code::kAlreadyExists)
      << "it has ended, and was begun all the same";
  EXPECT_NE(again.status().message().find(first.id), std::string::npos);
  EXPECT_EQ(shop_->store().RolloutOfJob("job-000007").value(), ended);
  EXPECT_EQ(shop_->store().RolloutOfJob("job-000008").value(), std::nullopt);
  // Those that no turn began are nobody's.
  EXPECT_TRUE(shop_->store().CreateRollout(Draft(), Why("start")).ok());
  EXPECT_EQ(shop_->store().RolloutOfJob("").value(), std::nullopt);
}

TEST_P(RolloutStoreContract, ApprovalsAreKept) {
  Rollout draft = Draft();
  draft.policy.approval = true;
  const Rollout made = shop_->store().CreateRollout(draft, Why("start")).value();
  EXPECT_TRUE(made.NeedsApproval());
  rollout::RolloutChange change{.to = made, .moves = {}, .expected = {}, .why = Why("approve")};
  change.to.approvals.push_back({"bob", "\"good\", he says", {9}});
  const Rollout now = shop_->store().ChangeRollout(change).value();
  shop_->Reopen();
  const Rollout again = shop_->store().GetRollout(made.id).value();
  EXPECT_EQ(again, now);
  EXPECT_EQ(again.approvals, change.to.approvals);
  EXPECT_FALSE(again.NeedsApproval());
  EXPECT_EQ(again.state, RolloutState::kRunning);
}

TEST_P(RolloutStoreContract, APromotionMovesAliasesWithItsEntry) {
  const Rollout made = shop_->store().CreateRollout(Draft(), Why("start")).value();
  rollout::RolloutChange change{
      .to = made,
      .moves = {{"champion", VersionRef{"m", 2}}, {"previous", VersionRef{"m", 1}}},
      .expected = {{"champion", VersionRef{"m", 1}}},
      .why = Why("promote")};
  change.to.state = RolloutState::kPromoted;
  change.to.stage = 3;
  change.to.reason = "good";
  change.to.entered = {7};
  change.to.ended = {8};
  const Rollout now = shop_->store().ChangeRollout(change).value();
  shop_->Reopen();
  EXPECT_EQ(shop_->store().GetRollout(made.id).value(), now);
  EXPECT_EQ(now.state, RolloutState::kPromoted);
  EXPECT_EQ(now.stage, 3U);
  EXPECT_EQ(now.reason, "good");
  EXPECT_EQ(now.ended.value, 8);
  EXPECT_EQ(now.revision, 2U);
  EXPECT_EQ(shop_->Aliases().at("champion"), (VersionRef{"m", 2}));
  EXPECT_EQ(shop_->Aliases().at("previous"), (VersionRef{"m", 1}));
  EXPECT_EQ(shop_->AuditEntries(), 2U);
  EXPECT_TRUE(shop_->store().ActiveRollouts()->empty());
}

TEST_P(RolloutStoreContract, WhatIsRefusedChangesNothing) {
  const Rollout made = shop_->store().CreateRollout(Draft(), Why("start")).value();
  rollout::RolloutChange change{.to = made,
                                .moves = {{"champion", VersionRef{"m", 2}}},
                                .expected = {{"champion", VersionRef{"m", 2}}},
                                .why = Why("promote")};
  change.to.state = RolloutState::kPromoted;
  EXPECT_EQ(shop_->store().ChangeRollout(change).status().code(), Code::kAborted) << "alias";
  change.expected = {};
  change.to.revision = 9;
  EXPECT_EQ(shop_->store().ChangeRollout(change).status().code(), Code::kAborted) << "revision";
  change.to.revision = made.revision;
  change.moves = {{"previous", VersionRef{"m", 1}}, {"champion", VersionRef{"m", 7}}};
  EXPECT_EQ(shop_->store().ChangeRollout(change).status().code(), Code::kNotFound) << "version";
  change.to.id = "rollout-000009";
  EXPECT_EQ(shop_->store().ChangeRollout(change).status().code(), Code::kNotFound) << "rollout";
  EXPECT_EQ(shop_->store().GetRollout(made.id).value(), made);
  EXPECT_EQ(shop_->Aliases(), (std::map<std::string, VersionRef>{{"champion", {"m", 1}}}));
  EXPECT_EQ(shop_->AuditEntries(), 1U);
  EXPECT_EQ(shop_->store().CreateRollout({}, Why("start")).status().code(), Code::kNotFound);
}

TEST_P(RolloutStoreContract, ListsAreNewestFirstAndInPages) {
  for (const char* alias : {"a", "b", "c"}) {
    ASSERT_TRUE(shop_->store().CreateRollout(Draft(alias), Why("start")).ok());
  }
  const auto page = shop_->store().ListRollouts("", 2).value();
  ASSERT_EQ(page.size(), 2U);
  EXPECT_EQ(page[0].alias, "c");
  EXPECT_EQ(shop_->store().ListRollouts(page[1].id, 2)->front().alias, "a");
  EXPECT_EQ(shop_->store().ListRollouts("x", 2).status().code(), Code::kNotFound);
  EXPECT_EQ(shop_->store().ActiveRollouts()->front().alias, "a");
}

INSTANTIATE_TEST_SUITE_P(Memory, RolloutStoreContract,
                         testing::Values([]() -> std::unique_ptr<Shop> {
                           return std::make_unique<MemoryShop>();
                         }));
INSTANTIATE_TEST_SUITE_P(Sqlite, RolloutStoreContract,
                         testing::Values([]() -> std::unique_ptr<Shop> {
                           return std::make_unique<SqliteShop>();
                         }));

}  // namespace
}  // namespace vitrine::contract
