/// Rows of a sample that is drawn by the hash of what they are about, in bounded memory: all of them while there is room,
/// then a half by their hash, a quarter, and so on. Who is in it is always in it, and what is counted of those who are is
/// exact, so that means over the sample are those of all but for chance.
/// Source: Gibbons, "Distinct sampling for highly-accurate answers to distinct values queries", VLDB 2001
/// Threads: one caller at a time.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace vitrine::monitor {

/// `Row` is a value with `std::uint64_t key` (never 0) and `std::uint64_t sampled_by`, the hash that decides.
template <typename Row>
class HashSample {
 public:
  explicit HashSample(std::size_t capacity) : capacity_(capacity), slots_(2 * capacity, kEmpty) {
    rows_.reserve(capacity);
  }

  /// The row of a key; a new one where there is none. Null where `sampled_by` is not in the sample. Until the next call.
  Row* Get(std::uint64_t key, std::uint64_t sampled_by) {
    if (!Chosen(sampled_by)) {
      return nullptr;
    }
    std::size_t slot = SlotOf(key);
    if (slots_[slot] != kEmpty) {
      return &rows_[slots_[slot]];
    }
    while (rows_.size() == capacity_) {
      ++level_;
      Keep([this](const Row& row) { return Chosen(row.sampled_by); });
    }
    if (!Chosen(sampled_by)) {
      return nullptr;
    }
    slot = SlotOf(key);
    slots_[slot] = static_cast<std::uint32_t>(rows_.size());
    Row& row = rows_.emplace_back();
    row.key = key;
    row.sampled_by = sampled_by;
    return &row;
  }
  [[nodiscard]] const Row* Find(std::uint64_t key) const {
    const std::uint32_t at = slots_[SlotOf(key)];
    return at == kEmpty ? nullptr : &rows_[at];
  }

  template <typename Wanted>
  void Keep(Wanted&& wanted) {
    std::erase_if(rows_, [&](const Row& row) { return !wanted(row); });
    Index();
  }
  /// Empty, and all are chosen again.
  void Clear() {
    level_ = 0;
    rows_.clear();
    Index();
  }

  [[nodiscard]] const std::vector<Row>& rows() const { return rows_; }
  /// A row stands for so many.
  [[nodiscard]] double weight() const { return static_cast<double>(std::uint64_t{1} << level_); }
  [[nodiscard]] unsigned level() const { return level_; }
  void Restore(unsigned level, std::vector<Row> rows) {
    level_ = std::min(level, 40U);
    rows_ = std::move(rows);
    if (rows_.size() > capacity_) {
      rows_.resize(capacity_);
    }
    rows_.reserve(capacity_);
    Index();
  }

 private:
  static constexpr std::uint32_t kEmpty = UINT32_MAX;
  [[nodiscard]] bool Chosen(std::uint64_t sampled_by) const {
    return level_ == 0 || (sampled_by >> (64 - level_)) == 0;
  }
  [[nodiscard]] std::size_t SlotOf(std::uint64_t key) const {
    std::size_t slot = key % slots_.size();
    while (slots_[slot] != kEmpty && rows_[slots_[slot]].key != key) {
      slot = slot + 1 == slots_.size() ? 0 : slot + 1;
    }
    return slot;
  }
  void Index() {
    std::fill(slots_.begin(), slots_.end(), kEmpty);
    for (std::size_t at = 0; at < rows_.size(); ++at) {
      slots_[SlotOf(rows_[at].key)] = static_cast<std::uint32_t>(at);
    }
  }

  std::size_t capacity_;
  unsigned level_ = 0;
  std::vector<Row> rows_;
  std::vector<std::uint32_t> slots_;  ///< open addressing
};

}  // namespace vitrine::monitor
