// Rollouts: each step in one transaction with the aliases it moves and its audit entry.
#include <fmt/format.h>

#include <utility>

#include "adapters/sqlite/vitrine_db.h"

namespace vitrine::sqlite {
namespace {

using rollout::Rollout;

constexpr std::int64_t kLastState = static_cast<std::int64_t>(rollout::RolloutState::kRolledBack);

Result<Rollout> ReadRollout(const Statement& row) {
  Rollout out;
  out.id = rollout::RolloutId(row.Integer(0));
  out.alias = row.Text(1);
  out.scene = row.Text(2);
  out.candidate = {row.Text(3), static_cast<std::uint32_t>(row.Integer(4))};
  out.control = {row.Text(5), static_cast<std::uint32_t>(row.Integer(6))};
  auto policy = rollout::PolicyFromJson(row.Text(7));
  auto approvals = rollout::ApprovalsFromJson(row.Text(18));
  const std::int64_t state = row.Integer(9);
  if (!policy.ok() || !approvals.ok() || state < 0 || state > kLastState) {
    return DataLoss(fmt::format("{} in vitrine.db cannot be understood: {}", out.id,
                                !policy.ok()      ? policy.status().message()
                                : !approvals.ok() ? approvals.status().message()
                                                  : "its state"));
  }
  out.approvals = *std::move(approvals);
  out.policy = std::move(*policy);
  out.stage = static_cast<std::size_t>(row.Integer(8));
  out.state = static_cast<rollout::RolloutState>(state);
  out.salt = row.Text(10);
  out.actor = row.Text(11);
  out.reason = row.Text(12);
  out.revision = static_cast<std::uint64_t>(row.Integer(13));
  out.started = {row.Integer(14)};
  out.entered = {row.Integer(15)};
  out.ended = {row.Integer(16)};
  out.job = row.Text(17);
  return out;
}

Result<std::vector<Rollout>> ReadAll(Statement& query) {
  std::vector<Rollout> out;
  for (;;) {
    ASSIGN_OR_RETURN(const bool row, query.Step());
    if (!row) {
      return out;
    }
    ASSIGN_OR_RETURN(out.emplace_back(), ReadRollout(query));
  }
}

void BindAll(Statement& insert, std::int64_t number, const Rollout& rollout) {
  insert.Bind(1, number)
      .Bind(2, rollout.alias)
      .Bind(3, rollout.scene)
      .Bind(4, rollout.candidate.name)
      .Bind(5, std::int64_t{rollout.candidate.number})
      .Bind(6, rollout.control.name)
      .Bind(7, std::int64_t{rollout.control.number})
      .Bind(8, rollout::PolicyToJson(rollout.policy))
      .Bind(9, static_cast<std::int64_t>(rollout.stage))
      .Bind(10, static_cast<std::int64_t>(rollout.state))
      .Bind(11, rollout.salt)
      .Bind(12, rollout.actor)
      .Bind(13, rollout.reason)
      .Bind(14, static_cast<std::int64_t>(rollout.revision))
      .Bind(15, rollout.started.value)
      .Bind(16, rollout.entered.value)
      .Bind(17, rollout.ended.value)
      .Bind(18, rollout.job)
      .Bind(19, rollout::ApprovalsToJson(rollout.approvals));
}

}  // namespace

Result<Rollout> VitrineDb::CreateRollout(Rollout rollout, registry::AuditEntry why) {
  RETURN_IF_ERROR(GetVersion(rollout.candidate).status());
  RETURN_IF_ERROR(GetVersion(rollout.control).status());
  const std::scoped_lock lock(mutex_);
  ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(db_));
  {
    ASSIGN_OR_RETURN(Statement active,
                     db_.Prepare("SELECT number FROM rollout WHERE alias = ?1 AND state <= 1"));
    active.Bind(1, rollout.alias);
    ASSIGN_OR_RETURN(const bool found, active.Step());
    if (found) {
      const std::string id = rollout::RolloutId(active.Integer(0));
      return AlreadyExists(
          fmt::format("{} of alias '{}' goes on; end it first: vitrine rollout rollback {}", id,
                      rollout.alias, id));
    }
  }
  if (!rollout.job.empty()) {
    ASSIGN_OR_RETURN(const std::optional<Rollout> begun, RolloutOfJobLocked(rollout.job));
    if (begun) {
      return AlreadyExists(fmt::format("{} began {} already", rollout.job, begun->id));
    }
  }
  std::int64_t number = 0;
  {
    ASSIGN_OR_RETURN(Statement next,
                     db_.Prepare("SELECT coalesce(max(number), 0) + 1 FROM rollout"));
    ASSIGN_OR_RETURN(const bool row, next.Step());
    CHECK(row);
    number = next.Integer(0);
  }
  rollout.id = rollout::RolloutId(number);
  rollout.revision = 1;
  {
    ASSIGN_OR_RETURN(Statement insert,
                     db_.Prepare("INSERT INTO rollout VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,"
                                 "?12,?13,?14,?15,?16,?17,?18,?19)"));
    BindAll(insert, number, rollout);
    RETURN_IF_ERROR(insert.Run());
  }
  why.subject = rollout.id;
  RETURN_IF_ERROR(AppendAuditLocked(std::move(why)));
  RETURN_IF_ERROR(transaction.Commit());
  return rollout;
}

Result<Rollout> VitrineDb::ChangeRollout(rollout::RolloutChange change) {
  const Rollout& to = change.to;
  ASSIGN_OR_RETURN(const std::int64_t number, rollout::RolloutNumber(to.id));
  const std::scoped_lock lock(mutex_);
  ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(db_));
  ASSIGN_OR_RETURN(Rollout now, GetRolloutLocked(number));
  if (now.revision != to.revision) {
    return Status{Code::kAborted, fmt::format("{} was changed meanwhile; look at it with: "
                                              "vitrine rollout show {}",
                                              to.id, to.id)};
  }
  RETURN_IF_ERROR(MoveAliasesLocked(change.moves, change.expected));
  now.stage = to.stage;
  now.state = to.state;
  now.reason = to.reason;
  now.entered = to.entered;
  now.ended = to.ended;
  now.approvals = to.approvals;
  ++now.revision;
  {
    ASSIGN_OR_RETURN(Statement update,
                     db_.Prepare("UPDATE rollout SET stage = ?2, state = ?3, reason = ?4, "
                                 "entered = ?5, ended = ?6, revision = ?7, approvals = ?8 "
                                 "WHERE number = ?1"));
    update.Bind(1, number)
        .Bind(2, static_cast<std::int64_t>(now.stage))
        .Bind(3, static_cast<std::int64_t>(now.state))
        .Bind(4, now.reason)
        .Bind(5, now.entered.value)
        .Bind(6, now.ended.value)
        .Bind(7, static_cast<std::int64_t>(now.revision))
        .Bind(8, rollout::ApprovalsToJson(now.approvals));
    RETURN_IF_ERROR(update.Run());
  }
  RETURN_IF_ERROR(AppendAuditLocked(std::move(change.why)));
  RETURN_IF_ERROR(transaction.Commit());
  return now;
}

Result<Rollout> VitrineDb::GetRolloutLocked(std::int64_t number) const {
  ASSIGN_OR_RETURN(Statement query, db_.Prepare("SELECT * FROM rollout WHERE number = ?1"));
  query.Bind(1, number);
  ASSIGN_OR_RETURN(const bool row, query.Step());
  if (!row) {
    return NotFound(fmt::format("no rollout {}; see them with: vitrine rollout list",
                                rollout::RolloutId(number)));
  }
  return ReadRollout(query);
}

Result<Rollout> VitrineDb::GetRollout(std::string_view id) const {
  ASSIGN_OR_RETURN(const std::int64_t number, rollout::RolloutNumber(id));
  const std::scoped_lock lock(mutex_);
  return GetRolloutLocked(number);
}

Result<std::optional<Rollout>> VitrineDb::RolloutOfJobLocked(std::string_view job) const {
  ASSIGN_OR_RETURN(Statement query, db_.Prepare("SELECT * FROM rollout WHERE job = ?1"));
  query.Bind(1, job);
  ASSIGN_OR_RETURN(const bool row, query.Step());
  if (!row || job.empty()) {
    return std::optional<Rollout>();
  }
  ASSIGN_OR_RETURN(Rollout found, ReadRollout(query));
  return std::optional(std::move(found));
}

Result<std::optional<Rollout>> VitrineDb::RolloutOfJob(std::string_view job) const {
  const std::scoped_lock lock(mutex_);
  return RolloutOfJobLocked(job);
}

Result<std::vector<Rollout>> VitrineDb::ListRollouts(std::string_view cursor,
                                                     std::size_t limit) const {
  std::int64_t before = INT64_MAX;
  if (!cursor.empty()) {
    ASSIGN_OR_RETURN(before, rollout::RolloutNumber(cursor));
  }
  const std::scoped_lock lock(mutex_);
  ASSIGN_OR_RETURN(Statement query, db_.Prepare("SELECT * FROM rollout WHERE number < ?1 "
                                                "ORDER BY number DESC LIMIT ?2"));
  query.Bind(1, before).Bind(2, static_cast<std::int64_t>(limit));
  return ReadAll(query);
}

Result<std::vector<Rollout>> VitrineDb::ActiveRollouts() const {
  const std::scoped_lock lock(mutex_);
  ASSIGN_OR_RETURN(Statement query,
                   db_.Prepare("SELECT * FROM rollout WHERE state <= 1 ORDER BY number"));
  return ReadAll(query);
}

}  // namespace vitrine::sqlite
