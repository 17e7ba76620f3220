/// Item ids and their numbers, all in memory (about 22 bytes an item beside the id itself), so that
/// serving maps them without touching the disk. Which of them are on disk is remembered.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "data/event_log.h"

namespace vitrine::adapters {

/// Threads: every method from any thread; look-ups share the lock.
class ItemNumbers {
 public:
  /// The number of `id`, made where it is new.
  data::ItemNumber Intern(std::string_view id);
  [[nodiscard]] std::optional<data::ItemNumber> Find(std::string_view id) const;
  /// Empty for a number never given. The view lives as long as this object.
  [[nodiscard]] std::string_view Id(data::ItemNumber number) const;
  [[nodiscard]] std::size_t size() const;

  /// What is not on disk yet, in number order.
  [[nodiscard]] std::vector<std::pair<data::ItemNumber, std::string_view>> Unsaved() const;
  /// Numbers below `end` are on disk.
  void MarkSaved(data::ItemNumber end);

 private:
  /// The slot of `id`, or the free one where it would go. Precondition: slots_ is not full.
  [[nodiscard]] std::size_t SlotOf(std::string_view id) const;
  void Grow();
  std::string_view Keep(std::string_view id);

  mutable std::shared_mutex mutex_;
  std::vector<std::string_view> ids_;  // into chunks_
  std::vector<std::uint32_t> slots_;   // number + 1; 0 is free; a power of two
  std::vector<std::unique_ptr<char[]>> chunks_;
  std::size_t chunk_left_ = 0;
  data::ItemNumber saved_ = 0;
};

}  // namespace vitrine::adapters
