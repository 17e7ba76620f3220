#include "adapters/rocksdb/subject_state.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <tuple>

#include "adapters/rocksdb/byte_codec.h"

namespace vitrine::adapters {
namespace {

using data::ItemNumber;

constexpr std::uint8_t kVersion = 1;

/// FNV-1a and a finaliser: stable over builds, as it is persisted.
std::uint64_t HashOrder(std::string_view order_id) {
  std::uint64_t hash = 0xCBF29CE484222325;
  for (const char c : order_id) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3;
  }
  hash ^= hash >> 32;
  return hash * 0xD6E8FEB86659FD93;
}

/// Impressions would push out what the shopper did; searches and identify name no item.
bool IsKept(EventType type) {
  return type != EventType::kImpression && type != EventType::kReturn && NeedsItem(type);
}

std::vector<ItemNumber> SortedDistinct(std::vector<ItemNumber> items) {
  std::sort(items.begin(), items.end());
  items.erase(std::unique(items.begin(), items.end()), items.end());
  return items;
}

/// Numbers baskets by their first appearance: a small open-addressing table, as at most
/// kMaxStateEvents keys come.
class BasketNumbers {
 public:
  explicit BasketNumbers(std::uint32_t first) : next_(first) {}

  std::uint32_t Of(BasketKind kind, std::uint64_t key) {
    const std::uint64_t mixed = (key + static_cast<std::uint64_t>(kind)) * 0x9E3779B97F4A7C15;
    for (std::size_t i = mixed >> 54;; i = (i + 1) % slots_.size()) {
      Slot& slot = slots_.at(i);
      if (!slot.used) {
        slot = {key, next_++, kind, true};
      }
      if (slot.key == key && slot.kind == kind) {
        return slot.number;
      }
    }
  }

 private:
  struct Slot {
    std::uint64_t key = 0;
    std::uint32_t number = 0;
    BasketKind kind = BasketKind::kMoment;
    bool used = false;
  };
  static_assert(data::kMaxStateEvents < 1024);
  std::array<Slot, 1024> slots_{};
  std::uint32_t next_;
};

}  // namespace

SubjectState SubjectState::FromLoaded(const data::UserState& loaded) {
  SubjectState state;
  std::vector<ItemNumber> purchased;
  for (const data::StateEvent& event : loaded.events) {
    state.entries_.push_back(
        {event.item, event.type, BasketKind::kLoaded, event.ts.value, event.basket, 0});
    if (event.type == EventType::kPurchase) {
      state.trades_.push_back({event.item, false, 0, 1, event.ts.value, 0});
      purchased.push_back(event.item);
    }
  }
  std::stable_sort(state.entries_.begin(), state.entries_.end(),
                   [](const Entry& a, const Entry& b) { return a.ts < b.ts; });
  state.Trim();
  purchased = SortedDistinct(std::move(purchased));
  for (const ItemNumber item : loaded.bought) {
    if (!std::binary_search(purchased.begin(), purchased.end(), item)) {
      state.trades_.push_back({item, false, 0, 1, 0, 0});
    }
  }
  for (const ItemNumber item : loaded.hidden) {
    state.hidden_.push_back({item, 0});
  }
  if (!state.entries_.empty()) {
    state.first_basket_ = static_cast<std::uint32_t>(state.entries_.front().basket);
  }
  return state;
}

void SubjectState::Insert(const Entry& entry) {
  const auto later = [](const Entry& a, const Entry& b) {
    return std::tie(a.ts, a.sequence) < std::tie(b.ts, b.sequence);
  };
  entries_.insert(std::upper_bound(entries_.begin(), entries_.end(), entry, later), entry);
}

void SubjectState::Trim() {
  if (entries_.size() > data::kMaxStateEvents) {
    entries_.erase(entries_.begin(), entries_.end() - data::kMaxStateEvents);
  }
}

void SubjectState::Add(const Event& event, std::span<const ItemNumber> numbers,
                       std::uint64_t sequence) {
  const bool has_order = !event.order_id.empty();
  const std::uint64_t order = has_order ? HashOrder(event.order_id) : 0;
  const bool trade = event.type == EventType::kPurchase || event.type == EventType::kReturn;
  const double sign = event.type == EventType::kReturn ? -1 : 1;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (IsKept(event.type)) {
      Insert({numbers[i], event.type, has_order ? BasketKind::kOrder : BasketKind::kMoment,
              event.ts.value, order, sequence});
    }
    if (trade) {
      const double quantity = event.items[i].quantity > 0 ? event.items[i].quantity : 1;
      trades_.push_back({numbers[i], has_order, order, sign * quantity, event.ts.value, sequence});
    }
    if (event.type == EventType::kHide) {
      hidden_.push_back({numbers[i], sequence});
    }
  }
  Trim();
}

bool SubjectState::TakeBack(std::uint64_t sequence) {
  const auto same = [sequence](const auto& x) { return x.sequence == sequence; };
  return std::erase_if(entries_, same) + std::erase_if(trades_, same) +
             std::erase_if(hidden_, same) !=
         0;
}

void SubjectState::TakeBackLoaded(const Event& event, std::span<const ItemNumber> numbers) {
  const auto erase_one = [](auto& from, auto&& matches) {
    if (const auto found = std::find_if(from.begin(), from.end(), matches); found != from.end()) {
      from.erase(found);
    }
  };
  for (const ItemNumber item : numbers) {
    const auto loaded = [&](const auto& x) {
      return x.sequence == 0 && x.item == item && x.ts == event.ts.value;
    };
    erase_one(entries_, [&](const Entry& x) { return loaded(x) && x.type == event.type; });
    if (event.type == EventType::kPurchase) {
      erase_one(trades_, loaded);
    }
    if (event.type == EventType::kHide) {
      erase_one(hidden_, [&](const Hidden& x) { return x.sequence == 0 && x.item == item; });
    }
  }
}

void SubjectState::Merge(SubjectState other) {
  for (const Entry& entry : other.entries_) {
    Insert(entry);
  }
  Trim();
  trades_.insert(trades_.end(), other.trades_.begin(), other.trades_.end());
  std::stable_sort(trades_.begin(), trades_.end(),
                   [](const Trade& a, const Trade& b) { return a.sequence < b.sequence; });
  hidden_.insert(hidden_.end(), other.hidden_.begin(), other.hidden_.end());
  for (const std::string& id : other.anonymous_ids_) {
    AddAnonymousId(id);
  }
}

void SubjectState::AddAnonymousId(std::string_view id) {
  if (std::find(anonymous_ids_.begin(), anonymous_ids_.end(), id) == anonymous_ids_.end()) {
    anonymous_ids_.emplace_back(id);
  }
}

std::vector<double> SubjectState::Remaining() const {
  std::vector<double> remaining(trades_.size());
  for (std::size_t i = 0; i < trades_.size(); ++i) {
    remaining[i] = std::max(trades_[i].quantity, 0.0);
  }
  for (const Trade& taken : trades_) {
    double left = -taken.quantity;
    if (left <= 0) {
      continue;
    }
    // First the purchases of the same order; one whose order is not known takes what is left.
    for (const bool exact : {true, false}) {
      for (std::size_t i = trades_.size(); i-- > 0 && left > 0;) {
        const Trade& bought = trades_[i];
        const bool same_order = taken.has_order && bought.has_order && bought.order == taken.order;
        const bool unknown_order = !taken.has_order || !bought.has_order;
        if (bought.item == taken.item && (exact ? same_order : unknown_order)) {
          const double part = std::min(left, remaining[i]);
          remaining[i] -= part;
          left -= part;
        }
      }
    }
  }
  return remaining;
}

std::vector<SubjectState::Mark> SubjectState::WhollyReturned(
    std::span<const double> remaining) const {
  std::vector<Mark> returned;
  std::vector<Mark> kept;
  for (std::size_t i = 0; i < trades_.size(); ++i) {
    if (trades_[i].quantity > 0) {
      const Mark mark{trades_[i].sequence, trades_[i].item, trades_[i].ts};
      (remaining[i] > 0 ? kept : returned).push_back(mark);
    }
  }
  std::sort(kept.begin(), kept.end());
  // An event may name an item twice: it stays while a piece of either is kept.
  std::erase_if(returned, [&kept](const Mark& mark) {
    return std::binary_search(kept.begin(), kept.end(), mark);
  });
  std::sort(returned.begin(), returned.end());
  return returned;
}

data::UserState SubjectState::View() const {
  data::UserState view;
  const std::vector<double> remaining = Remaining();
  const std::vector<Mark> returned = WhollyReturned(remaining);
  BasketNumbers baskets(first_basket_);
  view.events.reserve(entries_.size());
  for (const Entry& entry : entries_) {
    if (entry.type == EventType::kPurchase &&
        std::binary_search(returned.begin(), returned.end(),
                           Mark{entry.sequence, entry.item, entry.ts})) {
      continue;
    }
    const bool moment = entry.basket_kind == BasketKind::kMoment;
    const std::uint64_t key = moment ? static_cast<std::uint64_t>(entry.ts) : entry.basket;
    view.events.push_back({entry.item, {entry.ts}, entry.type, baskets.Of(entry.basket_kind, key)});
  }
  for (std::size_t i = 0; i < trades_.size(); ++i) {
    if (remaining[i] > 0) {
      view.bought.push_back(trades_[i].item);
    }
  }
  view.bought = SortedDistinct(std::move(view.bought));
  for (const Hidden& hidden : hidden_) {
    view.hidden.push_back(hidden.item);
  }
  view.hidden = SortedDistinct(std::move(view.hidden));
  return view;
}

std::string SubjectState::Encode() const {
  ByteWriter out;
  out.Byte(kVersion);
  out.Varint(first_basket_);
  out.Varint(entries_.size());
  std::uint64_t before = 0;
  for (const Entry& entry : entries_) {
    out.Byte(static_cast<std::uint8_t>(static_cast<unsigned>(entry.type) |
                                       static_cast<unsigned>(entry.basket_kind) << 4U));
    out.Varint(entry.item);
    out.Signed(static_cast<std::int64_t>(static_cast<std::uint64_t>(entry.ts) - before));
    before = static_cast<std::uint64_t>(entry.ts);
    if (entry.basket_kind == BasketKind::kOrder) {
      out.Fixed64(entry.basket);
    } else if (entry.basket_kind == BasketKind::kLoaded) {
      out.Varint(entry.basket);
    }
    out.Varint(entry.sequence);
  }
  out.Varint(trades_.size());
  for (const Trade& trade : trades_) {
    out.Varint(trade.item);
    out.Byte(trade.has_order ? 1 : 0);
    if (trade.has_order) {
      out.Fixed64(trade.order);
    }
    out.Double(trade.quantity);
    out.Signed(trade.ts);
    out.Varint(trade.sequence);
  }
  out.Varint(hidden_.size());
  for (const Hidden& hidden : hidden_) {
    out.Varint(hidden.item);
    out.Varint(hidden.sequence);
  }
  out.Varint(anonymous_ids_.size());
  for (const std::string& id : anonymous_ids_) {
    out.Text(id);
  }
  return out.Take();
}

Result<SubjectState> SubjectState::Decode(std::string_view bytes) {
  ByteReader in(bytes);
  if (in.Byte() != kVersion) {
    in.Fail();
  }
  SubjectState state;
  state.first_basket_ = in.Varint32();
  const std::size_t entries = in.Count();
  std::uint64_t before = 0;  // unsigned: damaged bytes may overflow
  for (std::size_t i = 0; i < entries && in.ok(); ++i) {
    Entry& entry = state.entries_.emplace_back();
    const unsigned kinds = in.Byte();
    if ((kinds & 0xFU) >= kEventTypes || kinds >> 4U > 2 || i >= data::kMaxStateEvents) {
      in.Fail();
      break;
    }
    entry.type = static_cast<EventType>(kinds & 0xFU);
    entry.basket_kind = static_cast<BasketKind>(kinds >> 4U);
    entry.item = in.Varint32();
    before += static_cast<std::uint64_t>(in.Signed());
    entry.ts = static_cast<std::int64_t>(before);
    if (entry.basket_kind == BasketKind::kOrder) {
      entry.basket = in.Fixed64();
    } else if (entry.basket_kind == BasketKind::kLoaded) {
      entry.basket = in.Varint();
    }
    entry.sequence = in.Varint();
  }
  const std::size_t trades = in.Count();
  for (std::size_t i = 0; i < trades && in.ok(); ++i) {
    Trade& trade = state.trades_.emplace_back();
    trade.item = in.Varint32();
    trade.has_order = in.Byte() != 0;
    trade.order = trade.has_order ? in.Fixed64() : 0;
    trade.quantity = in.Double();
    trade.ts = in.Signed();
    trade.sequence = in.Varint();
  }
  const std::size_t hidden = in.Count();
  for (std::size_t i = 0; i < hidden && in.ok(); ++i) {
    Hidden& entry = state.hidden_.emplace_back();
    entry.item = in.Varint32();
    entry.sequence = in.Varint();
  }
  const std::size_t ids = in.Count();
  for (std::size_t i = 0; i < ids && in.ok(); ++i) {
    state.anonymous_ids_.emplace_back(in.Text());
  }
  RETURN_IF_ERROR(in.Finish("a user's state"));
  return state;
}

}  // namespace vitrine::adapters
