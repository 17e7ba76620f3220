#include "adapters/sqlite/vitrine_db.h"

#include <fmt/format.h>

#include <utility>

namespace vitrine::sqlite {
namespace {

constexpr std::int64_t kFormat = 4;

constexpr const char* kSchema = R"sql(
CREATE TABLE version (
  name TEXT NOT NULL, number INTEGER NOT NULL, artifact TEXT NOT NULL, kind TEXT NOT NULL,
  algorithm TEXT NOT NULL, snapshot TEXT NOT NULL, code_version TEXT NOT NULL,
  seed INTEGER NOT NULL, train_spec TEXT NOT NULL, parent TEXT NOT NULL, report TEXT NOT NULL,
  probe TEXT NOT NULL, created_by TEXT NOT NULL, created INTEGER NOT NULL,
  PRIMARY KEY (name, number), UNIQUE (name, artifact)) STRICT;
CREATE INDEX version_created ON version (created DESC, name, number);
CREATE TABLE alias (
  alias TEXT PRIMARY KEY, name TEXT NOT NULL, number INTEGER NOT NULL,
  FOREIGN KEY (name, number) REFERENCES version (name, number)) STRICT;
CREATE TABLE audit (
  number INTEGER PRIMARY KEY, time INTEGER NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL,
  subject TEXT NOT NULL, evidence TEXT NOT NULL, hash TEXT NOT NULL) STRICT;
CREATE TABLE api_key (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, hash TEXT NOT NULL UNIQUE, scope TEXT NOT NULL,
  created INTEGER NOT NULL, expires INTEGER NOT NULL, last_used INTEGER NOT NULL,
  revoked INTEGER NOT NULL) STRICT;
CREATE TABLE job (
  number INTEGER PRIMARY KEY, kind TEXT NOT NULL, spec TEXT NOT NULL, state INTEGER NOT NULL,
  attempts INTEGER NOT NULL, progress TEXT NOT NULL, result TEXT NOT NULL, error TEXT NOT NULL,
  actor TEXT NOT NULL, created INTEGER NOT NULL, started INTEGER NOT NULL,
  finished INTEGER NOT NULL) STRICT;
)sql";

// Format 2. One rollout of an alias at a time, said by the index, so that no race can make two.
constexpr const char* kRollouts = R"sql(
CREATE TABLE rollout (
  number INTEGER PRIMARY KEY, alias TEXT NOT NULL, scene TEXT NOT NULL,
  candidate_name TEXT NOT NULL, candidate_number INTEGER NOT NULL,
  control_name TEXT NOT NULL, control_number INTEGER NOT NULL, policy TEXT NOT NULL,
  stage INTEGER NOT NULL, state INTEGER NOT NULL, salt TEXT NOT NULL, actor TEXT NOT NULL,
  reason TEXT NOT NULL, revision INTEGER NOT NULL, started INTEGER NOT NULL,
  entered INTEGER NOT NULL, ended INTEGER NOT NULL,
  FOREIGN KEY (candidate_name, candidate_number) REFERENCES version (name, number),
  FOREIGN KEY (control_name, control_number) REFERENCES version (name, number)) STRICT;
CREATE UNIQUE INDEX rollout_active ON rollout (alias) WHERE state <= 1;
)sql";

// Format 3. A turn of the loop begins one rollout, however often it is started again, said by the index.
constexpr const char* kTurnsOfRollouts = R"sql(
ALTER TABLE rollout ADD COLUMN job TEXT NOT NULL DEFAULT '';
CREATE UNIQUE INDEX rollout_job ON rollout (job) WHERE job <> '';
)sql";

// Format 4. Who gave their word for a rollout, as JSON.
constexpr const char* kApprovals = R"sql(
ALTER TABLE rollout ADD COLUMN approvals TEXT NOT NULL DEFAULT '[]';
)sql";

constexpr std::string_view kVersionColumns =
    "name, number, artifact, kind, algorithm, snapshot, code_version, seed, train_spec, parent, "
    "report, probe, created_by, created";

registry::ModelVersion ReadVersion(const Statement& row) {
  return {.ref = {row.Text(0), static_cast<std::uint32_t>(row.Integer(1))},
          .artifact = row.Text(2),
          .kind = row.Text(3),
          .algorithm = row.Text(4),
          .snapshot = row.Text(5),
          .code_version = row.Text(6),
          .seed = static_cast<std::uint64_t>(row.Integer(7)),
          .train_spec = row.Text(8),
          .parent = row.Text(9),
          .report = row.Text(10),
          .probe = row.Text(11),
          .created_by = row.Text(12),
          .created = {row.Integer(13)}};
}

registry::AuditEntry ReadAudit(const Statement& row) {
  return {.number = static_cast<std::uint64_t>(row.Integer(0)),
          .time = {row.Integer(1)},
          .actor = row.Text(2),
          .action = row.Text(3),
          .subject = row.Text(4),
          .evidence = row.Text(5),
          .hash = row.Text(6)};
}

}  // namespace

Result<std::unique_ptr<VitrineDb>> VitrineDb::Open(const std::string& path, const char* vfs) {
  ASSIGN_OR_RETURN(Database db, Database::Open(path, vfs));
  std::unique_ptr<VitrineDb> opened(new VitrineDb(std::move(db)));
  RETURN_IF_ERROR(opened->Migrate());
  return opened;
}

Status VitrineDb::Migrate() {
  ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(db_));
  std::int64_t format = 0;
  {
    ASSIGN_OR_RETURN(Statement version, db_.Prepare("PRAGMA user_version"));
    ASSIGN_OR_RETURN(const bool row, version.Step());
    CHECK(row);
    format = version.Integer(0);
    if (format > kFormat) {
      return FailedPrecondition(fmt::format(
          "vitrine.db has format {}, this program reads up to {}: it was written by a newer "
          "Vitrine; install that version or restore a backup",
          format, kFormat));
    }
    if (format == kFormat) {
      return Status::Ok();
    }
  }
  if (format < 1) {
    RETURN_IF_ERROR(db_.Execute(kSchema));
  }
  if (format < 2) {
    RETURN_IF_ERROR(db_.Execute(kRollouts));
  }
  if (format < 3) {
    RETURN_IF_ERROR(db_.Execute(kTurnsOfRollouts));
  }
  RETURN_IF_ERROR(db_.Execute(kApprovals));
  RETURN_IF_ERROR(db_.Execute(fmt::format("PRAGMA user_version = {}", kFormat)));
  return transaction.Commit();
}

Result<registry::ModelVersion> VitrineDb::CreateVersion(registry::ModelVersion version,
                                                        registry::AuditEntry why) {
  const std::scoped_lock lock(mutex_);
  ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(db_));
  {
    ASSIGN_OR_RETURN(Statement same,
                     db_.Prepare("SELECT number FROM version WHERE name = ?1 AND artifact = ?2"));
    same.Bind(1, version.ref.name).Bind(2, version.artifact);
    ASSIGN_OR_RETURN(const bool found, same.Step());
    if (found) {
      return AlreadyExists(
          fmt::format("this very artifact is already {}:{}", version.ref.name, same.Integer(0)));
    }
  }
  {
    ASSIGN_OR_RETURN(
        Statement next,
        db_.Prepare("SELECT coalesce(max(number), 0) + 1 FROM version WHERE name = ?1"));
    next.Bind(1, version.ref.name);
    ASSIGN_OR_RETURN(const bool row, next.Step());
    CHECK(row);
    version.ref.number = static_cast<std::uint32_t>(next.Integer(0));
  }
  ASSIGN_OR_RETURN(Statement insert,
                   db_.Prepare(fmt::format("INSERT INTO version ({}) VALUES "
                                           "(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14)",
                                           kVersionColumns)));
  insert.Bind(1, version.ref.name)
      .Bind(2, std::int64_t{version.ref.number})
      .Bind(3, version.artifact)
      .Bind(4, version.kind)
      .Bind(5, version.algorithm)
      .Bind(6, version.snapshot)
      .Bind(7, version.code_version)
      .Bind(8, static_cast<std::int64_t>(version.seed))
      .Bind(9, version.train_spec)
      .Bind(10, version.parent)
      .Bind(11, version.report)
      .Bind(12, version.probe)
      .Bind(13, version.created_by)
      .Bind(14, version.created.value);
  RETURN_IF_ERROR(insert.Run());
  why.subject = version.ref.ToString();
  RETURN_IF_ERROR(AppendAuditLocked(std::move(why)));
  RETURN_IF_ERROR(transaction.Commit());
  return version;
}

Result<registry::ModelVersion> VitrineDb::GetVersion(const registry::VersionRef& ref) const {
  const std::scoped_lock lock(mutex_);
  ASSIGN_OR_RETURN(Statement query,
                   db_.Prepare(fmt::format("SELECT {} FROM version WHERE name = ?1 AND number = ?2",
                                           kVersionColumns)));
  query.Bind(1, ref.name).Bind(2, std::int64_t{ref.number});
  ASSIGN_OR_RETURN(const bool row, query.Step());
  if (!row) {
    return NotFound(
        fmt::format("no model version {}; see them with: vitrine model list", ref.ToString()));
  }
  return ReadVersion(query);
}

Result<std::vector<registry::ModelVersion>> VitrineDb::ListVersions(std::string_view name,
                                                                    std::string_view cursor,
                                                                    std::size_t limit) const {
  std::int64_t rowid = INT64_MAX;
  const std::scoped_lock lock(mutex_);
  if (!cursor.empty()) {
    ASSIGN_OR_RETURN(const registry::VersionRef ref, registry::VersionRef::Parse(cursor));
    ASSIGN_OR_RETURN(Statement place,
                     db_.Prepare("SELECT rowid FROM version WHERE name = ?1 AND number = ?2"));
    place.Bind(1, ref.name).Bind(2, std::int64_t{ref.number});
    ASSIGN_OR_RETURN(const bool row, place.Step());
    if (!row) {
      return InvalidArgument(fmt::format("cursor '{}' names no version", cursor));
    }
    rowid = place.Integer(0);
  }
  ASSIGN_OR_RETURN(
      Statement query,
      db_.Prepare(fmt::format("SELECT {} FROM version WHERE (?1 = '' OR name = ?1) AND rowid < ?2 "
                              "ORDER BY rowid DESC LIMIT ?3",
                              kVersionColumns)));
  query.Bind(1, name).Bind(2, rowid).Bind(3, static_cast<std::int64_t>(limit));
  std::vector<registry::ModelVersion> out;
  for (;;) {
    ASSIGN_OR_RETURN(const bool row, query.Step());
    if (!row) {
      return out;
    }
    out.push_back(ReadVersion(query));
  }
}

Result<std::map<std::string, registry::VersionRef>> VitrineDb::AliasesLocked() const {
  ASSIGN_OR_RETURN(Statement query, db_.Prepare("SELECT alias, name, number FROM alias"));
  std::map<std::string, registry::VersionRef> out;
  for (;;) {
    ASSIGN_OR_RETURN(const bool row, query.Step());
    if (!row) {
      return out;
    }
    out[query.Text(0)] = {query.Text(1), static_cast<std::uint32_t>(query.Integer(2))};
  }
}

Result<std::map<std::string, registry::VersionRef>> VitrineDb::Aliases() const {
  const std::scoped_lock lock(mutex_);
  return AliasesLocked();
}

Status VitrineDb::MoveAliasesLocked(
    const std::vector<registry::AliasMove>& moves,
    const std::map<std::string, std::optional<registry::VersionRef>>& expected) {
  ASSIGN_OR_RETURN(const auto now, AliasesLocked());
  for (const auto& [alias, ref] : expected) {
    const auto it = now.find(alias);
    if ((it == now.end() ? std::nullopt : std::optional(it->second)) != ref) {
      return {Code::kAborted,
              fmt::format("alias {} was moved to {} meanwhile; look at it with: "
                          "vitrine model list, and decide again",
                          alias, it == now.end() ? "nothing" : it->second.ToString())};
    }
  }
  for (const registry::AliasMove& move : moves) {
    if (!move.to) {
      ASSIGN_OR_RETURN(Statement remove, db_.Prepare("DELETE FROM alias WHERE alias = ?1"));
      RETURN_IF_ERROR(remove.Bind(1, move.alias).Run());
      continue;
    }
    ASSIGN_OR_RETURN(Statement put,
                     db_.Prepare("INSERT INTO alias SELECT ?1, name, number FROM version "
                                 "WHERE name = ?2 AND number = ?3 "
                                 "ON CONFLICT (alias) DO UPDATE SET name = excluded.name, "
                                 "number = excluded.number"));
    put.Bind(1, move.alias).Bind(2, move.to->name).Bind(3, std::int64_t{move.to->number});
    RETURN_IF_ERROR(put.Run());
    if (db_.Changes() == 0) {
      return NotFound(fmt::format("no model version {}; see them with: vitrine model list",
                                  move.to->ToString()));
    }
  }
  return Status::Ok();
}

Status VitrineDb::MoveAliases(
    const std::vector<registry::AliasMove>& moves,
    const std::map<std::string, std::optional<registry::VersionRef>>& expected,
    registry::AuditEntry why) {
  const std::scoped_lock lock(mutex_);
  ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(db_));
  RETURN_IF_ERROR(MoveAliasesLocked(moves, expected));
  RETURN_IF_ERROR(AppendAuditLocked(std::move(why)));
  return transaction.Commit();
}

Status VitrineDb::AppendAuditLocked(registry::AuditEntry entry) {
  std::string previous;
  {
    ASSIGN_OR_RETURN(Statement last,
                     db_.Prepare("SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1"));
    ASSIGN_OR_RETURN(const bool row, last.Step());
    entry.number = row ? static_cast<std::uint64_t>(last.Integer(0)) + 1 : 1;
    previous = row ? last.Text(1) : "";
  }
  entry.hash = registry::AuditHash(previous, entry);
  ASSIGN_OR_RETURN(Statement insert,
                   db_.Prepare("INSERT INTO audit VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"));
  return insert.Bind(1, static_cast<std::int64_t>(entry.number))
      .Bind(2, entry.time.value)
      .Bind(3, entry.actor)
      .Bind(4, entry.action)
      .Bind(5, entry.subject)
      .Bind(6, entry.evidence)
      .Bind(7, entry.hash)
      .Run();
}

Status VitrineDb::AppendAudit(registry::AuditEntry entry) {
  const std::scoped_lock lock(mutex_);
  ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(db_));
  RETURN_IF_ERROR(AppendAuditLocked(std::move(entry)));
  return transaction.Commit();
}

Result<std::vector<registry::AuditEntry>> VitrineDb::ListAudit(std::uint64_t before,
                                                               std::size_t limit) const {
  const std::scoped_lock lock(mutex_);
  ASSIGN_OR_RETURN(Statement query, db_.Prepare("SELECT * FROM audit WHERE ?1 = 0 OR number < ?1 "
                                                "ORDER BY number DESC LIMIT ?2"));
  query.Bind(1, static_cast<std::int64_t>(before)).Bind(2, static_cast<std::int64_t>(limit));
  std::vector<registry::AuditEntry> out;
  for (;;) {
    ASSIGN_OR_RETURN(const bool row, query.Step());
    if (!row) {
      return out;
    }
    out.push_back(ReadAudit(query));
  }
}

Status VitrineDb::VerifyAudit() const {
  const std::scoped_lock lock(mutex_);
  ASSIGN_OR_RETURN(Statement query, db_.Prepare("SELECT * FROM audit ORDER BY number"));
  std::string previous;
  for (std::uint64_t number = 1;; ++number) {
    ASSIGN_OR_RETURN(const bool row, query.Step());
    if (!row) {
      return Status::Ok();
    }
    const registry::AuditEntry entry = ReadAudit(query);
    if (entry.number != number || registry::AuditHash(previous, entry) != entry.hash) {
      return DataLoss(fmt::format(
          "audit log: entry {} does not fit the one before it: a line was changed or removed",
          number));
    }
    previous = entry.hash;
  }
}

Status VitrineDb::IntegrityCheck() const {
  const std::scoped_lock lock(mutex_);
  return db_.IntegrityCheck();
}

Status VitrineDb::BackUp(const std::string& path) const {
  const std::scoped_lock lock(mutex_);
  return db_.BackUp(path);
}

}  // namespace vitrine::sqlite
