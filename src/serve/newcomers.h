/// Which items of the catalogue are new, and how often each was shown.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/guarded.h"
#include "core/time.h"
#include "data/event_log.h"
#include "serve/item_states.h"

namespace vitrine::serve {

/// The newest item of each page of a catalogue, so that a request looks at few pages.
/// Threads: immutable.
class NewestByPage {
 public:
  /// Pages that `earlier` (may be null) knows are not read again.
  static std::shared_ptr<const NewestByPage> Make(std::shared_ptr<const ItemTable> table,
                                                  const NewestByPage* earlier);

  [[nodiscard]] bool IsFor(const ItemTable* table) const { return table_.get() == table; }

  /// f(number, fields) of every item that the shop has had since after `moment`.
  template <typename F>
  void ForEachSince(Micros moment, const F& f) const {
    for (std::size_t p = 0; p < newest_.size(); ++p) {
      if (!(newest_[p] > moment)) {
        continue;
      }
      for (std::size_t i = 0; i < ItemTable::kPage; ++i) {
        const ItemFields* fields = (*table_->pages[p])[i].get();
        if (fields != nullptr && fields->since > moment) {
          f(static_cast<data::ItemNumber>(p * ItemTable::kPage + i), *fields);
        }
      }
    }
  }

 private:
  std::shared_ptr<const ItemTable> table_;
  std::vector<Micros> newest_;  // by page
};

/// Threads: any.
class NewcomerCache {
 public:
  std::shared_ptr<const NewestByPage> Get(const std::shared_ptr<const ItemTable>& table);

 private:
  Published<NewestByPage> newest_;
};

/// How often each item was shown since the program's start.
/// Threads: any, without a lock. Allocates once for 4,096 items.
class ShownCounts {
 public:
  ShownCounts() = default;
  ~ShownCounts();
  ShownCounts(const ShownCounts&) = delete;
  ShownCounts& operator=(const ShownCounts&) = delete;

  void Add(data::ItemNumber number);
  [[nodiscard]] std::uint32_t Of(data::ItemNumber number) const;

 private:
  static constexpr std::size_t kPage = 4096;
  static constexpr std::size_t kPages = 4096;  // items beyond 16 million are not counted
  using Page = std::array<std::atomic<std::uint32_t>, kPage>;
  std::array<std::atomic<Page*>, kPages> pages_{};
};

}  // namespace vitrine::serve
