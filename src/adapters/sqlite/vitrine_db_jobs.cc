// The keys and jobs half of VitrineDb.
#include <fmt/format.h>

#include <charconv>
#include <utility>

#include "adapters/sqlite/vitrine_db.h"

namespace vitrine::sqlite {
namespace {

registry::ApiKey ReadKey(const Statement& row) {
  return {.id = row.Text(0),
          .name = row.Text(1),
          .hash = row.Text(2),
          .scope = row.Text(3),
          .created = {row.Integer(4)},
          .expires = {row.Integer(5)},
          .last_used = {row.Integer(6)},
          .revoked = row.Integer(7) != 0};
}

loop::Job ReadJob(const Statement& row) {
  return {.id = fmt::format("job-{:06}", row.Integer(0)),
          .kind = row.Text(1),
          .spec = row.Text(2),
          .state = static_cast<loop::JobState>(row.Integer(3)),
          .attempts = static_cast<std::uint32_t>(row.Integer(4)),
          .progress = row.Text(5),
          .result = row.Text(6),
          .error = row.Text(7),
          .actor = row.Text(8),
          .created = {row.Integer(9)},
          .started = {row.Integer(10)},
          .finished = {row.Integer(11)}};
}

Result<std::int64_t> JobNumber(std::string_view id) {
  std::int64_t number = 0;
  if (id.starts_with("job-")) {
    const auto [end, error] = std::from_chars(id.data() + 4, id.data() + id.size(), number);
    if (error == std::errc() && end == id.data() + id.size() && number > 0) {
      return number;
    }
  }
  return InvalidArgument(fmt::format("'{}' is not a job id; see them with: vitrine job list", id));
}

}  // namespace

Status VitrineDb::CreateKey(const registry::ApiKey& key, registry::AuditEntry why) {
  const std::scoped_lock lock(mutex_);
  ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(db_));
  ASSIGN_OR_RETURN(Statement insert,
                   db_.Prepare("INSERT INTO api_key VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"));
  RETURN_IF_ERROR(insert.Bind(1, key.id)
                      .Bind(2, key.name)
                      .Bind(3, key.hash)
                      .Bind(4, key.scope)
                      .Bind(5, key.created.value)
                      .Bind(6, key.expires.value)
                      .Bind(7, key.last_used.value)
                      .Bind(8, std::int64_t{key.revoked ? 1 : 0})
                      .Run());
  RETURN_IF_ERROR(AppendAuditLocked(std::move(why)));
  return transaction.Commit();
}

Result<std::vector<registry::ApiKey>> VitrineDb::ListKeys() const {
  const std::scoped_lock lock(mutex_);
  ASSIGN_OR_RETURN(Statement query, db_.Prepare("SELECT * FROM api_key ORDER BY created, id"));
  std::vector<registry::ApiKey> out;
  for (;;) {
    ASSIGN_OR_RETURN(const bool row, query.Step());
    if (!row) {
      return out;
    }
    out.push_back(ReadKey(query));
  }
}

Result<std::optional<registry::ApiKey>> VitrineDb::FindKeyByHash(std::string_view hash) const {
  const std::scoped_lock lock(mutex_);
  ASSIGN_OR_RETURN(Statement query, db_.Prepare("SELECT * FROM api_key WHERE hash = ?1"));
  query.Bind(1, hash);
  ASSIGN_OR_RETURN(const bool row, query.Step());
  return row ? std::optional(ReadKey(query)) : std::nullopt;
}

Status VitrineDb::RevokeKey(std::string_view id, registry::AuditEntry why) {
  const std::scoped_lock lock(mutex_);
  ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(db_));
  ASSIGN_OR_RETURN(Statement update, db_.Prepare("UPDATE api_key SET revoked = 1 WHERE id = ?1"));
  RETURN_IF_ERROR(update.Bind(1, id).Run());
  if (db_.Changes() == 0) {
    return NotFound(fmt::format("no API key {}; see them with: vitrine key list", id));
  }
  RETURN_IF_ERROR(AppendAuditLocked(std::move(why)));
  return transaction.Commit();
}

Result<loop::Job> VitrineDb::CreateJob(loop::Job job) {
  const std::scoped_lock lock(mutex_);
  ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(db_));
  std::int64_t number = 0;
  {
    ASSIGN_OR_RETURN(Statement next, db_.Prepare("SELECT coalesce(max(number), 0) + 1 FROM job"));
    ASSIGN_OR_RETURN(const bool row, next.Step());
    CHECK(row);
    number = next.Integer(0);
  }
  job.id = fmt::format("job-{:06}", number);
  ASSIGN_OR_RETURN(Statement insert,
                   db_.Prepare("INSERT INTO job VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12)"));
  RETURN_IF_ERROR(insert.Bind(1, number)
                      .Bind(2, job.kind)
                      .Bind(3, job.spec)
                      .Bind(4, static_cast<std::int64_t>(job.state))
                      .Bind(5, std::int64_t{job.attempts})
                      .Bind(6, job.progress)
                      .Bind(7, job.result)
                      .Bind(8, job.error)
                      .Bind(9, job.actor)
                      .Bind(10, job.created.value)
                      .Bind(11, job.started.value)
                      .Bind(12, job.finished.value)
                      .Run());
  RETURN_IF_ERROR(transaction.Commit());
  return job;
}

Status VitrineDb::UpdateJob(const loop::Job& job) {
  ASSIGN_OR_RETURN(const std::int64_t number, JobNumber(job.id));
  const std::scoped_lock lock(mutex_);
  ASSIGN_OR_RETURN(Statement update,
                   db_.Prepare("UPDATE job SET state = ?2, attempts = ?3, progress = ?4, "
                               "result = ?5, error = ?6, started = ?7, finished = ?8 "
                               "WHERE number = ?1"));
  RETURN_IF_ERROR(update.Bind(1, number)
                      .Bind(2, static_cast<std::int64_t>(job.state))
                      .Bind(3, std::int64_t{job.attempts})
                      .Bind(4, job.progress)
                      .Bind(5, job.result)
                      .Bind(6, job.error)
                      .Bind(7, job.started.value)
                      .Bind(8, job.finished.value)
                      .Run());
  return db_.Changes() == 1 ? Status::Ok() : NotFound(fmt::format("no job {}", job.id));
}

Result<loop::Job> VitrineDb::GetJob(std::string_view id) const {
  ASSIGN_OR_RETURN(const std::int64_t number, JobNumber(id));
  const std::scoped_lock lock(mutex_);
  ASSIGN_OR_RETURN(Statement query, db_.Prepare("SELECT * FROM job WHERE number = ?1"));
  query.Bind(1, number);
  ASSIGN_OR_RETURN(const bool row, query.Step());
  if (!row) {
    return NotFound(fmt::format("no job {}; see them with: vitrine job list", id));
  }
  return ReadJob(query);
}

Result<std::vector<loop::Job>> VitrineDb::ListJobs(std::string_view cursor,
                                                   std::size_t limit) const {
  std::int64_t before = INT64_MAX;
  if (!cursor.empty()) {
    ASSIGN_OR_RETURN(before, JobNumber(cursor));
  }
  const std::scoped_lock lock(mutex_);
  ASSIGN_OR_RETURN(Statement query, db_.Prepare("SELECT * FROM job WHERE number < ?1 "
                                                "ORDER BY number DESC LIMIT ?2"));
  query.Bind(1, before).Bind(2, static_cast<std::int64_t>(limit));
  std::vector<loop::Job> out;
  for (;;) {
    ASSIGN_OR_RETURN(const bool row, query.Step());
    if (!row) {
      return out;
    }
    out.push_back(ReadJob(query));
  }
}

}  // namespace vitrine::sqlite
