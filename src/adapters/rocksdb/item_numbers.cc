#include "adapters/rocksdb/item_numbers.h"

#include <algorithm>
#include <cstring>
#include <mutex>

namespace vitrine::adapters {
namespace {
constexpr std::size_t kChunkBytes = std::size_t{64} * 1024;
constexpr std::size_t kFirstSlots = 1024;
}  // namespace

std::size_t ItemNumbers::SlotOf(std::string_view id) const {
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t i = std::hash<std::string_view>{}(id)&mask;; i = (i + 1) & mask) {
    if (slots_[i] == 0 || ids_[slots_[i] - 1] == id) {
      return i;
    }
  }
}

void ItemNumbers::Grow() {
  slots_.assign(std::max(kFirstSlots, slots_.size() * 2), 0);
  for (std::uint32_t number = 0; number < ids_.size(); ++number) {
    slots_[SlotOf(ids_[number])] = number + 1;
  }
}

std::string_view ItemNumbers::Keep(std::string_view id) {
  if (id.size() > chunk_left_) {
    chunk_left_ = std::max(kChunkBytes, id.size());
    chunks_.push_back(std::make_unique<char[]>(chunk_left_));
  }
  // Filled from the back, so that what is left is all there is to remember.
  chunk_left_ -= id.size();
  char* place = chunks_.back().get() + chunk_left_;
  std::memcpy(place, id.data(), id.size());
  return {place, id.size()};
}

data::ItemNumber ItemNumbers::Intern(std::string_view id) {
  if (const auto known = Find(id)) {
    return *known;
  }
  const std::unique_lock lock(mutex_);
  if (ids_.size() * 4 >= slots_.size() * 3) {
    Grow();
  }
  std::uint32_t& slot = slots_[SlotOf(id)];
  if (slot == 0) {
    ids_.push_back(Keep(id));
    slot = static_cast<std::uint32_t>(ids_.size());
  }
  return slot - 1;
}

std::optional<data::ItemNumber> ItemNumbers::Find(std::string_view id) const {
  const std::shared_lock lock(mutex_);
  if (slots_.empty()) {
    return std::nullopt;
  }
  const std::uint32_t slot = slots_[SlotOf(id)];
  return slot == 0 ? std::nullopt : std::optional<data::ItemNumber>(slot - 1);
}

std::string_view ItemNumbers::Id(data::ItemNumber number) const {
  const std::shared_lock lock(mutex_);
  return number < ids_.size() ? ids_[number] : std::string_view();
}

std::size_t ItemNumbers::size() const {
  const std::shared_lock lock(mutex_);
  return ids_.size();
}

std::vector<std::pair<data::ItemNumber, std::string_view>> ItemNumbers::Unsaved() const {
  const std::shared_lock lock(mutex_);
  std::vector<std::pair<data::ItemNumber, std::string_view>> unsaved;
  for (data::ItemNumber number = saved_; number < ids_.size(); ++number) {
    unsaved.emplace_back(number, ids_[number]);
  }
  return unsaved;
}

void ItemNumbers::MarkSaved(data::ItemNumber end) {
  const std::unique_lock lock(mutex_);
  saved_ = std::max(saved_, end);
}

}  // namespace vitrine::adapters
