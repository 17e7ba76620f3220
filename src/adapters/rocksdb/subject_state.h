/// What the log remembers of one user or anonymous visitor, and how events change it. Richer than
/// data::UserState, which is computed from it: every entry knows the sequence of its event, so that
/// returns, replacements and erasure can be applied whenever they come.
/// Threads: a value.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "core/status.h"
#include "data/event_log.h"

namespace vitrine::adapters {

/// What makes two entries one basket. Persisted numbers.
enum class BasketKind : std::uint8_t {
  kMoment = 0,  ///< no order_id: the same ts
  kOrder = 1,   ///< the same order_id (its hash)
  kLoaded = 2,  ///< the number that a loaded state gave
};

class SubjectState {
 public:
  /// From a snapshot: the entries have sequence 0.
  static SubjectState FromLoaded(const data::UserState& loaded);

  /// Applies an event of this subject. `numbers` are its items' numbers, in their order.
  void Add(const Event& event, std::span<const data::ItemNumber> numbers, std::uint64_t sequence);
  /// Takes back what the event with this sequence did; true where it had done anything.
  bool TakeBack(std::uint64_t sequence);
  /// Takes back an event that a loaded state contains, found by item, type and time.
  void TakeBackLoaded(const Event& event, std::span<const data::ItemNumber> numbers);
  /// Takes over everything of an anonymous visitor.
  void Merge(SubjectState other);
  /// Ids of visitors that were identified as this user; erased with it.
  void AddAnonymousId(std::string_view id);
  [[nodiscard]] const std::vector<std::string>& anonymous_ids() const { return anonymous_ids_; }

  /// As serving sees it, without attributes.
  [[nodiscard]] data::UserState View() const;

  [[nodiscard]] std::string Encode() const;
  /// Errors: kDataLoss.
  static Result<SubjectState> Decode(std::string_view bytes);

 private:
  struct Entry {
    data::ItemNumber item = 0;
    EventType type = EventType::kView;
    BasketKind basket_kind = BasketKind::kMoment;
    std::int64_t ts = 0;
    std::uint64_t basket = 0;  ///< order hash or loaded number
    std::uint64_t sequence = 0;
  };
  /// A purchase, or a return (negative quantity).
  struct Trade {
    data::ItemNumber item = 0;
    bool has_order = false;
    std::uint64_t order = 0;
    double quantity = 1;
    std::int64_t ts = 0;
    std::uint64_t sequence = 0;
  };
  struct Hidden {
    data::ItemNumber item = 0;
    std::uint64_t sequence = 0;
  };

  void Insert(const Entry& entry);
  void Trim();
  /// Pieces left of each trade after returns; 0 for returns.
  [[nodiscard]] std::vector<double> Remaining() const;
  /// Sorted (sequence, item, ts) of purchases that were wholly returned.
  using Mark = std::tuple<std::uint64_t, data::ItemNumber, std::int64_t>;
  [[nodiscard]] std::vector<Mark> WhollyReturned(std::span<const double> remaining) const;

  std::vector<Entry> entries_;  // by ts, then sequence
  std::vector<Trade> trades_;   // by sequence
  std::vector<Hidden> hidden_;
  std::vector<std::string> anonymous_ids_;
  std::uint32_t first_basket_ = 0;
};

}  // namespace vitrine::adapters
