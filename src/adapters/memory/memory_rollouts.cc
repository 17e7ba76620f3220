#include "adapters/memory/memory_rollouts.h"

#include <algorithm>
#include <utility>

namespace vitrine::adapters {

using rollout::Rollout;

Status MemoryRollouts::CheckVersion(const registry::VersionRef& ref) const {
  const bool known = std::find(versions_.begin(), versions_.end(), ref) != versions_.end();
  return known ? Status::Ok() : NotFound("no model version " + ref.ToString());
}

void MemoryRollouts::Append(registry::AuditEntry why) {
  why.number = audit_.size() + 1;
  why.hash = registry::AuditHash(audit_.empty() ? "" : audit_.back().hash, why);
  audit_.push_back(std::move(why));
}

Result<Rollout> MemoryRollouts::CreateRollout(Rollout rollout, registry::AuditEntry why) {
  const std::scoped_lock lock(mutex_);
  RETURN_IF_ERROR(CheckVersion(rollout.candidate));
  RETURN_IF_ERROR(CheckVersion(rollout.control));
  for (const auto& [number, other] : rollouts_) {
    if (other.active() && other.alias == rollout.alias) {
      return AlreadyExists(other.id + " of alias '" + rollout.alias + "' goes on");
    }
    if (!rollout.job.empty() && other.job == rollout.job) {
      return AlreadyExists(rollout.job + " began " + other.id + " already");
    }
  }
  const std::int64_t number = rollouts_.empty() ? 1 : rollouts_.rbegin()->first + 1;
  rollout.id = rollout::RolloutId(number);
  rollout.revision = 1;
  rollouts_[number] = rollout;
  why.subject = rollout.id;
  Append(std::move(why));
  return rollout;
}

Result<Rollout> MemoryRollouts::ChangeRollout(rollout::RolloutChange change) {
  ASSIGN_OR_RETURN(const std::int64_t number, rollout::RolloutNumber(change.to.id));
  const std::scoped_lock lock(mutex_);
  const auto found = rollouts_.find(number);
  if (found == rollouts_.end()) {
    return NotFound("no rollout " + change.to.id);
  }
  Rollout& now = found->second;
  if (now.revision != change.to.revision) {
    return Status{Code::kAborted, now.id + " was changed meanwhile"};
  }
  for (const auto& [alias, ref] : change.expected) {
    const auto at = aliases_.find(alias);
    if ((at == aliases_.end() ? std::nullopt : std::optional(at->second)) != ref) {
      return Status{Code::kAborted, "alias " + alias + " was moved meanwhile"};
    }
  }
  for (const registry::AliasMove& move : change.moves) {
    if (move.to) {
      RETURN_IF_ERROR(CheckVersion(*move.to));
    }
  }
  for (const registry::AliasMove& move : change.moves) {
    if (move.to) {
      aliases_[move.alias] = *move.to;
    } else {
      aliases_.erase(move.alias);
    }
  }
  now.stage = change.to.stage;
  now.state = change.to.state;
  now.reason = change.to.reason;
  now.entered = change.to.entered;
  now.ended = change.to.ended;
  now.approvals = change.to.approvals;
  ++now.revision;
  Append(std::move(change.why));
  return now;
}

Result<Rollout> MemoryRollouts::GetRollout(std::string_view id) const {
  ASSIGN_OR_RETURN(const std::int64_t number, rollout::RolloutNumber(id));
  const std::scoped_lock lock(mutex_);
  const auto found = rollouts_.find(number);
  return found == rollouts_.end() ? Result<Rollout>(NotFound("no rollout " + std::string(id)))
                                  : Result<Rollout>(found->second);
}

Result<std::optional<Rollout>> MemoryRollouts::RolloutOfJob(std::string_view job) const {
  const std::scoped_lock lock(mutex_);
  for (const auto& [number, rollout] : rollouts_) {
    if (!job.empty() && rollout.job == job) {
      return std::optional(rollout);
    }
  }
  return std::optional<Rollout>();
}

Result<std::vector<Rollout>> MemoryRollouts::ListRollouts(std::string_view cursor,
                                                          std::size_t limit) const {
  std::int64_t before = INT64_MAX;
  if (!cursor.empty()) {
    ASSIGN_OR_RETURN(before, rollout::RolloutNumber(cursor));
  }
  const std::scoped_lock lock(mutex_);
  std::vector<Rollout> out;
  for (auto at = rollouts_.rbegin(); at != rollouts_.rend() && out.size() < limit; ++at) {
    if (at->first < before) {
      out.push_back(at->second);
    }
  }
  return out;
}

Result<std::vector<Rollout>> MemoryRollouts::ActiveRollouts() const {
  const std::scoped_lock lock(mutex_);
  std::vector<Rollout> out;
  for (const auto& [number, rollout] : rollouts_) {
    if (rollout.active()) {
      out.push_back(rollout);
    }
  }
  return out;
}

}  // namespace vitrine::adapters
