/// What may be shown now: availability bits and catalogue fields of every item, kept current by the
/// log's listener, so that an item taken down is gone from the next answer.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "core/guarded.h"
#include "core/status.h"
#include "data/event_log.h"
#include "serve/item_space.h"
#include "serve/predicate.h"

namespace vitrine::serve {

enum class Blocked : std::uint8_t {
  kDown,  ///< hidden by the shop, or deleted
  kOutOfStock,
  kUncatalogued,  ///< no catalogue row (a deleted item is kDown instead)
};
inline constexpr std::size_t kBlockedKinds = 3;

/// Bit sets of blocked items over one space; bit i of word i / 64 is item index i.
/// Threads: reads from any thread while ItemStates writes.
class StateView {
 public:
  explicit StateView(std::shared_ptr<const ItemSpace> space);
  [[nodiscard]] std::size_t words() const { return words_; }
  /// Ors the bits of `kind` into `skip`. Precondition: skip.size() >= words().
  void OrInto(Blocked kind, std::span<std::uint64_t> skip) const;
  [[nodiscard]] bool Test(Blocked kind, ItemIndex index) const;

 private:
  friend class ItemStates;
  void Set(Blocked kind, ItemIndex index, bool on);
  std::shared_ptr<const ItemSpace> space_;
  std::size_t words_;
  std::array<std::unique_ptr<std::atomic<std::uint64_t>[]>, kBlockedKinds> bits_;
};

/// Catalogue fields by item number, immutable; a reader holds one for the length of a request.
class ItemTable {
 public:
  static constexpr std::size_t kPage = 256;
  using Page = std::array<std::shared_ptr<const ItemFields>, kPage>;
  /// Null where the catalogue does not know the item.
  [[nodiscard]] const ItemFields* Find(data::ItemNumber number) const {
    const std::size_t page = number / kPage;
    return page < pages.size() && pages[page] ? (*pages[page])[number % kPage].get() : nullptr;
  }
  std::vector<std::shared_ptr<const Page>> pages;  ///< null: no item of the page has a row
  std::size_t rows = 0;
};

/// Threads: every method from any thread.
class ItemStates {
 public:
  explicit ItemStates(data::EventLog& log);

  /// Reads the current catalogue. Call after the listener is set: rows that arrive meanwhile win.
  /// Errors: those of EventLog::ListItems.
  Status LoadCatalogue();
  /// Takes a catalogue row or a deletion from the log's listener; ignores other records.
  void Apply(const data::LogRecord& record);

  [[nodiscard]] std::shared_ptr<const ItemTable> Table() const { return table_.Get(); }
  [[nodiscard]] bool IsBlocked(data::ItemNumber number, Blocked kind) const;
  /// A view over a space, kept current for as long as somebody holds it.
  [[nodiscard]] std::shared_ptr<const StateView> View(std::shared_ptr<const ItemSpace> space) const;

 private:
  struct State {
    Micros valid_from;
    std::optional<Micros> since;  // the earliest row that was seen; kept over a deletion
    bool present = false;         // has a row
    bool from_log = false;        // came by the listener: a loaded row never replaces it
    std::uint8_t blocked = 1U << static_cast<unsigned>(Blocked::kUncatalogued);  // bit per Blocked
  };
  class Edit;
  void Put(const Item& item, bool from_log, Edit& edit);
  void Drop(const data::ItemDeletion& deletion, Edit& edit);
  void Show(data::ItemNumber number, const State& state);
  Result<data::ItemNumber> NumberOf(std::string_view id);
  State& StateOf(data::ItemNumber number);

  data::EventLog& log_;
  mutable std::mutex mutex_;  // guards states_ and views_, orders writes of table_
  std::vector<State> states_;
  mutable std::vector<std::weak_ptr<StateView>> views_;
  Published<ItemTable> table_;
};

}  // namespace vitrine::serve
