#include "adapters/rocksdb/user_state_cache.h"

#include <utility>

namespace vitrine::adapters {
namespace {

/// What containers take beside what they hold: nodes of the list and of the table, control block, allocator.
constexpr std::size_t kEntryOverhead = 256;
constexpr std::size_t kAttributeOverhead = 96;

std::size_t BytesOf(const Attribute& attribute) {
  if (const auto* text = std::get_if<std::string>(&attribute)) {
    return text->capacity();
  }
  std::size_t bytes = 0;
  if (const auto* words = std::get_if<std::vector<std::string>>(&attribute)) {
    for (const std::string& word : *words) {
      bytes += sizeof(word) + word.capacity();
    }
  }
  return bytes;
}

std::size_t BytesOf(std::string_view subject, const SubjectRecord& record) {
  const data::UserState& view = record.view;
  std::size_t bytes = kEntryOverhead + sizeof(record) + subject.size() + record.alias.capacity() +
                      view.events.capacity() * sizeof(data::StateEvent) +
                      (view.bought.capacity() + view.hidden.capacity()) * sizeof(data::ItemNumber);
  for (const auto& [name, attribute] : view.attributes) {
    bytes += kAttributeOverhead + name.capacity() + BytesOf(attribute);
  }
  return bytes;
}

}  // namespace

UserStateCache::UserStateCache(std::size_t bytes, MetricRegistry* metrics)
    : most_of_a_shard_(bytes / kShards) {
  if (metrics == nullptr || !on()) {
    return;
  }
  constexpr std::string_view kLookups = "vitrine_user_cache_lookups_total";
  constexpr std::string_view kHelp = "Look-ups of user states.";
  hits_ = &metrics->GetCounter(kLookups, kHelp, {{"result", "hit"}});
  misses_ = &metrics->GetCounter(kLookups, kHelp, {{"result", "miss"}});
  evictions_ = &metrics->GetCounter("vitrine_user_cache_evictions_total",
                                    "User states that made room for others.");
  held_ = &metrics->GetGauge("vitrine_user_cache_bytes", "Memory of the user states kept.");
}

UserStateCache::Record UserStateCache::Find(std::string_view subject, Moment& moment) {
  if (!on()) {
    return nullptr;
  }
  Record record;
  {
    Shard& shard = ShardOf(subject);
    const std::scoped_lock lock(shard.mutex);
    moment.drops = shard.drops;
    if (const auto found = shard.by_subject.find(subject); found != shard.by_subject.end()) {
      shard.entries.splice(shard.entries.begin(), shard.entries, found->second);
      record = found->second->record;
    }
  }
  if (Counter* counter = record != nullptr ? hits_ : misses_; counter != nullptr) {
    counter->Add();
  }
  return record;
}

void UserStateCache::Keep(std::string_view subject, const Record& record, Moment moment) {
  const std::size_t bytes = on() ? BytesOf(subject, *record) : 0;
  if (bytes == 0 || bytes > most_of_a_shard_) {
    return;
  }
  std::size_t evicted = 0;
  std::size_t freed = 0;
  Entries gone;  // die outside the lock
  {
    Shard& shard = ShardOf(subject);
    const std::scoped_lock lock(shard.mutex);
    if (shard.drops != moment.drops || shard.by_subject.contains(subject)) {
      return;
    }
    while (shard.bytes + bytes > most_of_a_shard_) {
      const auto last = std::prev(shard.entries.end());
      shard.by_subject.erase(last->subject);
      shard.bytes -= last->bytes;
      freed += last->bytes;
      ++evicted;
      gone.splice(gone.begin(), shard.entries, last);
    }
    shard.entries.push_front({std::string(subject), record, bytes});
    shard.by_subject.emplace(shard.entries.front().subject, shard.entries.begin());
    shard.bytes += bytes;
  }
  if (held_ != nullptr) {
    evictions_->Add(evicted);
    held_->Add(static_cast<double>(bytes) - static_cast<double>(freed));
  }
}

void UserStateCache::Erase(Shard& shard, Entries::iterator entry) {
  shard.bytes -= entry->bytes;
  shard.by_subject.erase(entry->subject);
  shard.entries.erase(entry);
}

void UserStateCache::Drop(std::string_view subject) {
  if (!on()) {
    return;
  }
  std::size_t freed = 0;
  {
    Shard& shard = ShardOf(subject);
    const std::scoped_lock lock(shard.mutex);
    ++shard.drops;
    if (const auto found = shard.by_subject.find(subject); found != shard.by_subject.end()) {
      freed = found->second->bytes;
      Erase(shard, found->second);
    }
  }
  if (held_ != nullptr && freed > 0) {
    held_->Add(-static_cast<double>(freed));
  }
}

void UserStateCache::DropAll() {
  for (Shard& shard : shards_) {
    Entries gone;
    std::size_t freed = 0;
    {
      const std::scoped_lock lock(shard.mutex);
      ++shard.drops;
      shard.by_subject.clear();
      gone.swap(shard.entries);
      freed = std::exchange(shard.bytes, 0);
    }
    if (held_ != nullptr && freed > 0) {
      held_->Add(-static_cast<double>(freed));
    }
  }
}

std::size_t UserStateCache::bytes() const {
  std::size_t bytes = 0;
  for (const Shard& shard : shards_) {
    const std::scoped_lock lock(shard.mutex);
    bytes += shard.bytes;
  }
  return bytes;
}

}  // namespace vitrine::adapters
