#include "serve/inference_cache.h"

#include <algorithm>
#include <functional>
#include <string_view>
#include <utility>

namespace vitrine::serve {
namespace {

std::string_view BytesOf(const Tensor& tensor) {
  return {reinterpret_cast<const char*>(tensor.bytes().data()), tensor.bytes().size()};
}

std::uint64_t HashOf(const InferenceTask& task) {
  constexpr std::uint64_t kMix = 0x9e3779b97f4a7c15;
  std::uint64_t hash = std::hash<std::string_view>()(task.model->version());
  for (const Tensor& input : task.inputs) {
    hash = (hash ^ std::hash<std::string_view>()(BytesOf(input))) * kMix;
    hash ^= hash >> 29;
  }
  return hash;
}

bool Same(std::span<const Tensor> a, std::span<const Tensor> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const Tensor& one, const Tensor& other) {
                      return one.dtype() == other.dtype() && one.shape() == other.shape() &&
                             one.name() == other.name() && BytesOf(one) == BytesOf(other);
                    });
}

std::size_t SizeOf(std::span<const Tensor> tensors) {
  std::size_t bytes = 0;
  for (const Tensor& tensor : tensors) {
    bytes += sizeof(Tensor) + tensor.bytes().size() + tensor.name().size() +
             tensor.shape().size() * sizeof(std::int64_t);
  }
  return bytes;
}

/// Of an entry beside its tensors, list and table included.
constexpr std::size_t kEntryBytes = 256;

}  // namespace

InferenceCache::Entries::iterator InferenceCache::Find(Shard& shard, std::uint64_t hash,
                                                       const InferenceTask& task) {
  const auto [begin, end] = shard.by_hash.equal_range(hash);
  for (auto at = begin; at != end; ++at) {
    const Entry& entry = *at->second;
    if (entry.version == task.model->version() && Same(entry.inputs, task.inputs)) {
      return at->second;
    }
  }
  return shard.entries.end();
}

void InferenceCache::Erase(Shard& shard, Entries::iterator entry) {
  const auto [begin, end] = shard.by_hash.equal_range(entry->hash);
  shard.by_hash.erase(
      std::find_if(begin, end, [entry](const auto& at) { return at.second == entry; }));
  shard.bytes -= entry->bytes;
  shard.entries.erase(entry);
}

// Entries that are being computed stay: somebody will come back to them.
void InferenceCache::MakeRoom(Shard& shard, std::size_t bytes) const {
  for (auto at = shard.entries.end();
       at != shard.entries.begin() && shard.bytes + bytes > options_.bytes / kShards;) {
    const auto oldest = std::prev(at);
    if (oldest->outputs != nullptr) {
      Erase(shard, oldest);
    } else {
      at = oldest;
    }
  }
}

InferenceCache::Outcome InferenceCache::Ask(InferenceTask& task, Deadline now) {
  const std::uint64_t hash = HashOf(task);
  Shard& shard = ShardOf(hash);
  std::shared_ptr<const std::vector<Tensor>> outputs;
  {
    const std::scoped_lock lock(shard.mutex);
    auto found = Find(shard, hash, task);
    if (found != shard.entries.end() && found->outputs != nullptr && found->expires <= now) {
      Erase(shard, found);
      found = shard.entries.end();
    }
    if (found == shard.entries.end()) {
      Entry& entry = shard.entries.emplace_front();
      entry.hash = hash;
      entry.version = task.model->version();
      entry.inputs = task.inputs;
      entry.leader = &task;
      entry.bytes = kEntryBytes + SizeOf(entry.inputs);
      shard.bytes += entry.bytes;
      shard.by_hash.emplace(hash, shard.entries.begin());
      task.set_finisher(this);
      return Outcome::kLead;
    }
    shard.entries.splice(shard.entries.begin(), shard.entries, found);
    if (found->outputs == nullptr) {
      found->leader->wanted_by_others = true;
      found->followers.push_back(&task);
      return Outcome::kFollow;
    }
    outputs = found->outputs;
  }
  task.outputs = *outputs;
  task.cached = true;
  return Outcome::kHit;
}

void InferenceCache::OnFinished(InferenceTask& task) {
  const std::uint64_t hash = HashOf(task);
  Shard& shard = ShardOf(hash);
  std::vector<InferenceTask*> followers;
  {
    const std::scoped_lock lock(shard.mutex);
    const auto found = Find(shard, hash, task);
    if (found == shard.entries.end() || found->leader != &task) {
      return;
    }
    followers = std::move(found->followers);
    found->followers.clear();
    const std::size_t more = SizeOf(task.outputs);
    if (task.status.ok() && found->bytes + more <= options_.bytes / kShards) {
      MakeRoom(shard, more);
      found->outputs = std::make_shared<const std::vector<Tensor>>(task.outputs);
      found->expires = task.ended + options_.keep;
      found->leader = nullptr;
      found->bytes += more;
      shard.bytes += more;
    } else {
      Erase(shard, found);
    }
  }
  for (InferenceTask* follower : followers) {
    follower->status = task.status;
    follower->outputs = task.outputs;
    follower->begun = std::max(task.begun, follower->queued);
    follower->ended = std::max(task.ended, follower->queued);
    follower->cached = true;
    follower->Finish();
  }
}

std::size_t InferenceCache::bytes() const {
  std::size_t bytes = 0;
  for (const Shard& shard : shards_) {
    const std::scoped_lock lock(shard.mutex);
    bytes += shard.bytes;
  }
  return bytes;
}

}  // namespace vitrine::serve
