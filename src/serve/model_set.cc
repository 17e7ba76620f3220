#include "serve/model_set.h"

#include <algorithm>
#include <chrono>
#include <new>
#include <utility>

namespace vitrine::serve {

ModelSet::ModelSet(LoadModel load)
    : load_(std::move(load)),
      tables_(std::make_shared<const Tables>()),
      owner_([this](const std::stop_token& stop) { Run(stop); }) {}

ModelSet::~ModelSet() {
  owner_.request_stop();
  owner_.join();
}

std::shared_ptr<const ServedModel> ModelSet::Get(std::string_view alias) const {
  const std::shared_ptr<const Tables> tables = tables_.Get();
  const auto found = tables->by_alias.find(alias);
  return found == tables->by_alias.end() ? nullptr : found->second;
}

std::shared_ptr<const Servable> ModelSet::Find(std::string_view version) const {
  const std::shared_ptr<const Tables> tables = tables_.Get();
  const auto found = tables->by_version.find(version);
  return found == tables->by_version.end() ? nullptr : found->second.servable;
}

std::shared_ptr<const ServedModel> ModelSet::FindModel(std::string_view version) const {
  const std::shared_ptr<const Tables> tables = tables_.Get();
  const auto found = tables->by_version.find(version);
  return found == tables->by_version.end() ? nullptr : found->second.model;
}

std::shared_ptr<const Servable> ModelSet::Newest(std::string_view name) const {
  const std::shared_ptr<const Tables> tables = tables_.Get();
  const std::string prefix = std::string(name) + ":";
  std::shared_ptr<const Servable> newest;
  std::string_view newest_number;
  for (auto at = tables->by_version.lower_bound(prefix);
       at != tables->by_version.end() && at->first.starts_with(prefix); ++at) {
    if (at->second.aside) {
      continue;
    }
    // Numbers without leading zeros: the longer one is the larger one.
    const std::string_view number = std::string_view(at->first).substr(prefix.size());
    if (std::pair(number.size(), number) > std::pair(newest_number.size(), newest_number)) {
      newest = at->second.servable;
      newest_number = number;
    }
  }
  return newest;
}

void ModelSet::SetDesired(DesiredModels desired) {
  {
    const std::scoped_lock lock(mutex_);
    const bool set_aside = desired.aside != desired_.aside;
    desired_ = std::move(desired);
    std::erase_if(entries_,
                  [](const auto& entry) { return entry.second.state == VersionState::kFailed; });
    DoQuickActions();
    if (set_aside) {
      Publish(aliases_);
    }
  }
  changed_.notify_all();
}

Status ModelSet::Failure(const std::function<bool(const std::string&)>& counts) const {
  for (const auto& [version, entry] : entries_) {
    if (entry.state == VersionState::kFailed && counts(version)) {
      return FailedPrecondition("version " + version + " cannot be served: " + entry.error);
    }
  }
  return Status::Ok();
}

std::string ModelSet::Missing() const {
  std::string missing;
  for (const auto& [alias, version] : desired_.aliases) {
    const auto now = aliases_.find(alias);
    if (now == aliases_.end() || now->second != version) {
      missing += (missing.empty() ? "" : ", ") + alias + " -> " + version;
    }
  }
  return missing;
}

Status ModelSet::WaitUntilReached(Deadline deadline) const {
  std::unique_lock lock(mutex_);
  const auto any = [](const std::string&) { return true; };
  // A load under way leaves nothing else to do, and is still not the end.
  const auto idle = [&] {
    for (const auto& [version, entry] : entries_) {
      if (entry.state == VersionState::kLoading) {
        return false;
      }
    }
    return !Failure(any).ok() || !NextAction(desired_, Actual()).has_value();
  };
  if (!changed_.wait_until(lock, deadline, idle)) {
    const std::string missing = Missing();
    return DeadlineExceeded("still loading: " + (missing.empty() ? "unaliased versions" : missing));
  }
  return Failure(any);
}

Status ModelSet::WaitUntilServing(Deadline deadline) const {
  std::unique_lock lock(mutex_);
  const auto aliased = [this](const std::string& version) {
    return std::any_of(desired_.aliases.begin(), desired_.aliases.end(),
                       [&](const auto& alias) { return alias.second == version; });
  };
  if (!changed_.wait_until(lock, deadline,
                           [&] { return Missing().empty() || !Failure(aliased).ok(); })) {
    return DeadlineExceeded("still loading: " + Missing());
  }
  return Failure(aliased);
}

std::vector<VersionStatus> ModelSet::Versions() const {
  const std::scoped_lock lock(mutex_);
  std::vector<VersionStatus> versions;
  for (const auto& [version, entry] : entries_) {
    VersionStatus status{version, entry.state, entry.error, {}, entry.load_seconds, {}};
    if (entry.loaded.model != nullptr && entry.loaded.model->dense() != nullptr) {
      if (const auto retrieval = entry.loaded.model->dense()->retrieval(); retrieval != nullptr) {
        status.retrieval = *retrieval;
      }
    }
    for (const auto& [alias, target] : aliases_) {
      if (target == version) {
        status.aliases.push_back(alias);
      }
    }
    versions.push_back(std::move(status));
  }
  return versions;
}

ActualModels ModelSet::Actual() const {
  ActualModels actual;
  actual.aliases = aliases_;
  for (const auto& [version, entry] : entries_) {
    actual.versions[version] = entry.state;
  }
  return actual;
}

// Does what needs no load; returns the load that comes next, if any.
std::optional<ModelAction> ModelSet::DoQuickActions() {
  for (;;) {
    std::optional<ModelAction> action = NextAction(desired_, Actual());
    if (!action || action->kind == ModelAction::Kind::kLoad) {
      return action;
    }
    if (action->kind == ModelAction::Kind::kRetire) {
      entries_.erase(action->version);
      Publish(aliases_);
    } else {
      Publish(action->aliases);
    }
  }
}

void ModelSet::Publish(const Aliases& aliases) {
  aliases_ = aliases;
  auto next = std::make_shared<Tables>();
  for (auto& [version, entry] : entries_) {
    if (entry.loaded.servable != nullptr) {
      Loaded& loaded = next->by_version[version] = entry.loaded;
      loaded.aside = desired_.aside.contains(version);
      entry.state = VersionState::kWarm;
    }
  }
  for (const auto& [alias, version] : aliases_) {
    Entry& entry = entries_.find(version)->second;
    entry.state = VersionState::kServing;
    next->by_alias[alias] = entry.loaded.model;
  }
  tables_.Publish(std::move(next));
}

void ModelSet::Run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    const std::optional<ModelAction> load = DoQuickActions();
    changed_.notify_all();
    if (load) {
      Load(load->version, lock);
      continue;
    }
    changed_.wait(lock, stop, [this] { return NextAction(desired_, Actual()).has_value(); });
  }
}

void ModelSet::Load(const std::string& version, std::unique_lock<std::mutex>& lock) {
  entries_[version].state = VersionState::kLoading;
  const auto folder = desired_.folders.find(version);
  const bool known = folder != desired_.folders.end();
  const std::string path = known ? folder->second : "";
  lock.unlock();
  const auto start = std::chrono::steady_clock::now();
  // Files of any size meet here what memory is left: running out of it costs this version, not the server.
  Result<std::shared_ptr<const Servable>> servable =
      InvalidArgument("no artifact folder is known for it");
  try {
    servable = known ? load_(version, path) : std::move(servable);
  } catch (const std::bad_alloc&) {
    servable = ResourceExhausted(
        "there is not enough memory to load it; unload a model first, or give the server more");
  }
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  lock.lock();
  Entry& entry = entries_[version];
  entry.load_seconds = taken.count();
  if (servable.ok()) {
    entry.loaded = {.servable = *servable,
                    .model = std::dynamic_pointer_cast<const ServedModel>(*servable)};
    entry.state = VersionState::kWarm;
    Publish(aliases_);  // loaded versions can be named by requests for explanation
  } else {
    entry.state = VersionState::kFailed;
    entry.error = servable.status().ToString();
  }
}

}  // namespace vitrine::serve
