#include "adapters/sqlite/vitrine_db.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <filesystem>
#include <fstream>

#include "registry/registry.h"

namespace vitrine::sqlite {
namespace {

using registry::VersionRef;

/// Takes every folder for itself; the hash is the path.
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

class VitrineDbTest : public testing::Test {
 protected:
  VitrineDbTest() { std::filesystem::remove(path_); }
  ~VitrineDbTest() override {
    db_.reset();
    std::filesystem::remove(path_);
  }
  void Open() {
    db_.reset();
    auto opened = VitrineDb::Open(path_);
    ASSERT_TRUE(opened.ok()) << opened.status().ToString();
    db_ = std::move(*opened);
  }
  void SetUp() override { Open(); }

  VersionRef Add(const std::string& name, const std::string& folder) {
    registry::Registry registry(*db_, artifacts_);
    Manifest manifest;
    manifest.name = name;
    const auto version = registry.Register(folder, manifest, "{}", "{}", {.actor = "test"});
    EXPECT_TRUE(version.ok()) << version.status().ToString();
    return version.ok() ? version->ref : VersionRef{};
  }

  std::string path_ = testing::TempDir() + "vitrine_db_test.db";
  AnyArtifacts artifacts_;
  std::unique_ptr<VitrineDb> db_;
};

TEST_F(VitrineDbTest, NumbersRisePerName) {
  EXPECT_EQ(Add("a", "x").number, 1U);
  EXPECT_EQ(Add("a", "y").number, 2U);
  EXPECT_EQ(Add("b", "x").number, 1U);
  registry::Registry registry(*db_, artifacts_);
  Manifest manifest;
  manifest.name = "a";
  EXPECT_EQ(registry.Register("x", manifest, "", "", {}).status().code(), Code::kAlreadyExists);
}

TEST_F(VitrineDbTest, PromoteAndRollbackMoveBothAliases) {
  registry::Registry registry(*db_, artifacts_);
  const VersionRef one = Add("a", "x");
  const VersionRef two = Add("a", "y");
  EXPECT_EQ(registry.Rollback({}).status().code(), Code::kFailedPrecondition);
  ASSERT_TRUE(registry.Promote(one, {.actor = "me"}).ok());
  ASSERT_TRUE(registry.Promote(two, {.actor = "me"}).ok());
  EXPECT_EQ(registry.Find("champion")->ref, two);
  EXPECT_EQ(registry.Find("previous")->ref, one);
  Open();  // it is on disk
  registry::Registry again(*db_, artifacts_);
  EXPECT_EQ(again.Rollback({.actor = "me"}).value(), one);
  EXPECT_EQ(again.Find("previous")->ref, two);
  EXPECT_EQ(again.Promote({"a", 9}, {}).code(), Code::kNotFound);
  EXPECT_EQ(again.Find("champion")->ref, one) << "a failed promotion changes nothing";
}

TEST_F(VitrineDbTest, AMoveThatExpectsAnotherChampionIsRefused) {
  const VersionRef one = Add("a", "x");
  const Status refused =
      db_->MoveAliases({{"champion", one}}, {{"champion", VersionRef{"a", 7}}}, {});
  EXPECT_EQ(refused.code(), Code::kAborted);
  EXPECT_TRUE(db_->Aliases()->empty());
}

TEST_F(VitrineDbTest, AuditChainShowsTampering) {
  registry::Registry registry(*db_, artifacts_);
  ASSERT_TRUE(registry.Promote(Add("a", "x"), {.actor = "me", .evidence = R"({"why":1})"}).ok());
  ASSERT_TRUE(db_->VerifyAudit().ok());
  EXPECT_EQ(db_->ListAudit(0, 1)->front().action, "promote");
  db_.reset();
  sqlite3* raw = nullptr;
  ASSERT_EQ(sqlite3_open(path_.c_str(), &raw), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(raw, "UPDATE audit SET actor = 'you' WHERE number = 1", nullptr, nullptr,
                         nullptr),
            SQLITE_OK);
  sqlite3_close(raw);
  Open();
  EXPECT_EQ(db_->VerifyAudit().code(), Code::kDataLoss);
}

TEST_F(VitrineDbTest, ListsArePaged) {
  for (const char* folder : {"1", "2", "3"}) {
    Add("a", folder);
  }
  const auto first = db_->ListVersions("a", "", 2);
  ASSERT_EQ(first->size(), 2U);
  EXPECT_EQ(first->front().ref.number, 3U);
  const auto rest = db_->ListVersions("a", first->back().ref.ToString(), 2);
  ASSERT_EQ(rest->size(), 1U);
  EXPECT_EQ(rest->front().ref.number, 1U);
  EXPECT_EQ(db_->ListVersions("a", "a:99", 2).status().code(), Code::kInvalidArgument);
}

TEST_F(VitrineDbTest, KeysAreFoundByHashUntilRevoked) {
  ASSERT_TRUE(db_->CreateKey({.id = "k1", .name = "shop", .hash = "h", .scope = "serve"},
                             {.action = "key.create"})
                  .ok());
  const auto find = [this](std::string_view hash) {
    return db_->FindKeyByHash(hash).value().value_or(registry::ApiKey());
  };
  EXPECT_EQ(find("h").scope, "serve");
  EXPECT_FALSE(find("h").revoked);
  EXPECT_FALSE(db_->FindKeyByHash("g").value().has_value());
  ASSERT_TRUE(db_->RevokeKey("k1", {.action = "key.revoke"}).ok());
  EXPECT_TRUE(find("h").revoked);
  EXPECT_EQ(db_->RevokeKey("k2", {}).code(), Code::kNotFound);
}

TEST_F(VitrineDbTest, JobsRoundTrip) {
  auto job = db_->CreateJob({.kind = "retrain", .spec = "{}", .created = {5}});
  ASSERT_TRUE(job.ok());
  EXPECT_EQ(job->id, "job-000001");
  job->state = loop::JobState::kFailed;
  job->error = "no rows";
  ASSERT_TRUE(db_->UpdateJob(*job).ok());
  EXPECT_EQ(db_->GetJob(job->id)->error, "no rows");
  EXPECT_EQ(db_->ListJobs("", 10)->size(), 1U);
  EXPECT_EQ(db_->GetJob("job-9").status().code(), Code::kNotFound);
  EXPECT_EQ(db_->GetJob("x").status().code(), Code::kInvalidArgument);
}

TEST_F(VitrineDbTest, ADamagedFileIsNamedWithTheCure) {
  db_.reset();
  std::ofstream(path_, std::ios::trunc) << std::string(8192, 'x');
  const auto opened = VitrineDb::Open(path_);
  EXPECT_EQ(opened.status().code(), Code::kDataLoss);
  EXPECT_NE(opened.status().message().find("vitrine restore"), std::string::npos);
}

TEST_F(VitrineDbTest, ANewerFormatIsRefused) {
  db_.reset();
  sqlite3* raw = nullptr;
  ASSERT_EQ(sqlite3_open(path_.c_str(), &raw), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(raw, "PRAGMA user_version = 99", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(raw);
  EXPECT_EQ(VitrineDb::Open(path_).status().code(), Code::kFailedPrecondition);
}

TEST_F(VitrineDbTest, RolloutsOfFormat2AreReadAndGoOn) {
  rollout::Rollout draft{.alias = "champion", .candidate = Add("a", "x"), .control = Add("a", "y")};
  draft.policy = rollout::DefaultPolicy();
  const rollout::Rollout made = db_->CreateRollout(draft, {}).value();
  db_.reset();
  sqlite3* raw = nullptr;
  ASSERT_EQ(sqlite3_open(path_.c_str(), &raw), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(raw,
                         "DROP INDEX rollout_job; ALTER TABLE rollout DROP COLUMN job;"
                         "ALTER TABLE rollout DROP COLUMN approvals; PRAGMA user_version = 2",
                         nullptr, nullptr, nullptr),
            SQLITE_OK)
      << sqlite3_errmsg(raw);
  sqlite3_close(raw);
  Open();
  EXPECT_EQ(db_->ActiveRollouts().value(), std::vector{made});
  rollout::RolloutChange change{.to = made, .moves = {}, .expected = {}, .why = {}};
  change.to.approvals.push_back({"bob", "", {9}});
  EXPECT_EQ(db_->ChangeRollout(change)->approvals, change.to.approvals);
}

TEST_F(VitrineDbTest, BackupOpensAndHoldsTheSame) {
  Add("a", "x");
  const std::string copy = path_ + ".copy";
  std::filesystem::remove(copy);
  ASSERT_TRUE(db_->BackUp(copy).ok());
  auto restored = VitrineDb::Open(copy);
  EXPECT_EQ((*restored)->ListVersions("", "", 10)->size(), 1U);
  EXPECT_TRUE((*restored)->IntegrityCheck().ok());
  std::filesystem::remove(copy);
}

}  // namespace
}  // namespace vitrine::sqlite
