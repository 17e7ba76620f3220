#include "serve/answer_lists.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace vitrine::serve {
namespace {

/// Scenes come and go; what exceeds this is counted as "other".
constexpr std::size_t kMostScenes = 256;
constexpr std::string_view kOther = "other";
/// Nodes of the list and of the table, control blocks, allocator.
constexpr std::size_t kEntryOverhead = 384;

std::uint64_t Mix(std::uint64_t hash, std::uint64_t value) {
  hash = (hash ^ value) * 0x9E3779B97F4A7C15;
  return hash ^ (hash >> 29);
}

std::uint64_t HashOf(const ListKey& key) {
  std::uint64_t hash = std::hash<std::string_view>()(key.scene);
  hash = Mix(hash, static_cast<std::uint64_t>(key.kind) * 2 + (key.similar ? 1 : 0));
  hash = Mix(hash, key.about);
  return Mix(hash, key.n * 2 + (key.treatment ? 1 : 0));
}

bool SameKey(const ListKey& a, const ListKey& b) {
  return a.kind == b.kind && a.similar == b.similar && a.about == b.about && a.n == b.n &&
         a.treatment == b.treatment && a.scene == b.scene;
}

template <typename T>
bool OwnedBy(const std::weak_ptr<T>& owner, const std::shared_ptr<T>& object) {
  return !owner.owner_before(object) && !object.owner_before(owner);
}

std::size_t BytesOf(const AnswerList& list) {
  std::size_t bytes = kEntryOverhead + sizeof(list) + list.shown_scores.capacity() * sizeof(double);
  for (const RecommendedItem& item : list.items) {
    bytes += sizeof(item) + item.item_id.capacity() + item.source.capacity();
  }
  for (const Tensor& tensor : list.features) {
    bytes += sizeof(tensor) + tensor.bytes().size() + tensor.name().capacity() +
             tensor.shape().capacity() * sizeof(std::int64_t);
  }
  return bytes;
}

}  // namespace

bool AnswerLists::Same(const Owners& owners, const ListBasis& basis) {
  return OwnedBy(owners.scene, basis.scene) && OwnedBy(owners.table, basis.table) &&
         OwnedBy(owners.rules, basis.rules) && OwnedBy(owners.model, basis.model);
}

AnswerLists::AnswerLists(const ListOptions& options, MetricRegistry* metrics)
    : options_(options), metrics_(metrics) {}

AnswerLists::List AnswerLists::Find(const ListKey& key, const ListBasis& basis, Micros as_of) {
  const std::uint64_t hash = HashOf(key);
  Shard& shard = ShardOf(hash);
  const std::scoped_lock lock(shard.mutex);
  const auto found = shard.by_hash.find(hash);
  if (found == shard.by_hash.end()) {
    return nullptr;
  }
  const Entry& entry = *found->second;
  const bool fits = SameKey(entry.key, key) && Same(entry.owners, basis) &&
                    entry.list->from <= as_of && as_of < entry.list->until;
  if (!fits) {
    return nullptr;
  }
  shard.entries.splice(shard.entries.begin(), shard.entries, found->second);
  return entry.list;
}

void AnswerLists::Keep(const ListKey& key, const ListBasis& basis,
                       std::shared_ptr<AnswerList> list) {
  const std::size_t bytes = BytesOf(*list) + key.scene.size();
  const std::size_t most = options_.bytes / kShards;
  if (bytes > most) {
    return;
  }
  list->hits = MetersOf(key.scene).hits;
  Entries gone;  // die outside the lock
  const std::uint64_t hash = HashOf(key);
  Shard& shard = ShardOf(hash);
  const std::scoped_lock lock(shard.mutex);
  const auto leave = [&](Entries::iterator entry) {
    shard.by_hash.erase(entry->hash);
    shard.bytes -= entry->bytes;
    gone.splice(gone.begin(), shard.entries, entry);
  };
  if (const auto found = shard.by_hash.find(hash); found != shard.by_hash.end()) {
    leave(found->second);
  }
  while (shard.bytes + bytes > most) {
    leave(std::prev(shard.entries.end()));
  }
  Entry& entry = shard.entries.emplace_front();
  entry.hash = hash;
  entry.scene = key.scene;
  entry.key = key;
  entry.key.scene = entry.scene;
  entry.owners = {basis.scene, basis.table, basis.rules, basis.model};
  entry.list = std::move(list);
  entry.bytes = bytes;
  shard.by_hash.emplace(hash, shard.entries.begin());
  shard.bytes += bytes;
}

AnswerLists::Meters AnswerLists::MetersOf(std::string_view scene) {
  if (metrics_ == nullptr) {
    return {};
  }
  return meters_.With([&](auto& by_scene) {
    auto found = by_scene.find(scene);
    if (found == by_scene.end()) {
      const std::string label(by_scene.size() < kMostScenes ? scene : kOther);
      found = by_scene.try_emplace(label).first;
    }
    if (found->second.hits == nullptr) {
      const auto counter = [&](const char* result) {
        return &metrics_->GetCounter("vitrine_answer_lists_total",
                                     "Requests that a ready list could answer.",
                                     {{"scene", found->first}, {"result", result}});
      };
      found->second = {counter("hit"), counter("miss")};
    }
    return found->second;
  });
}

void AnswerLists::CountHit(const AnswerList& list) {
  if (list.hits != nullptr) {
    list.hits->Add();
  }
}

void AnswerLists::CountMiss(std::string_view scene) {
  if (Counter* misses = MetersOf(scene).misses; misses != nullptr) {
    misses->Add();
  }
}

std::size_t AnswerLists::bytes() const {
  std::size_t bytes = 0;
  for (const Shard& shard : shards_) {
    const std::scoped_lock lock(shard.mutex);
    bytes += shard.bytes;
  }
  return bytes;
}

RuleTimes TimesOfRules(const Scene& scene, Micros as_of) {
  using Limits = std::numeric_limits<std::int64_t>;
  RuleTimes times{{Limits::min()}, {Limits::max()}};
  for (const Rule& rule : scene.rules) {
    for (const std::optional<Micros>& change : {rule.from, rule.until}) {
      if (change && *change <= as_of) {
        times.from = std::max(times.from, *change);
      } else if (change) {
        times.until = std::min(times.until, *change);
      }
    }
  }
  return times;
}

bool SameTensors(std::span<const Tensor> a, std::span<const Tensor> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Tensor& x, const Tensor& y) {
    const auto& left = x.bytes();
    const auto& right = y.bytes();
    return x.dtype() == y.dtype() && x.shape() == y.shape() && x.name() == y.name() &&
           std::equal(left.begin(), left.end(), right.begin(), right.end());
  });
}

}  // namespace vitrine::serve
