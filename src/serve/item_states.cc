#include "serve/item_states.h"

#include <algorithm>
#include <map>
#include <utility>

namespace vitrine::serve {
namespace {

constexpr std::size_t kLoadBatch = 1000;

constexpr std::uint8_t BitOf(Blocked kind) {
  return static_cast<std::uint8_t>(1U << static_cast<unsigned>(kind));
}

constexpr std::array kKinds = {Blocked::kDown, Blocked::kOutOfStock, Blocked::kUncatalogued};
static_assert(kKinds.size() == kBlockedKinds);

}  // namespace

StateView::StateView(std::shared_ptr<const ItemSpace> space)
    : space_(std::move(space)), words_((space_->width() + 63) / 64) {
  for (auto& words : bits_) {
    words = std::make_unique<std::atomic<std::uint64_t>[]>(words_);
  }
}

void StateView::OrInto(Blocked kind, std::span<std::uint64_t> skip) const {
  const auto& words = bits_[static_cast<std::size_t>(kind)];
  for (std::size_t w = 0; w < words_; ++w) {
    skip[w] |= words[w].load(std::memory_order_relaxed);
  }
}

bool StateView::Test(Blocked kind, ItemIndex index) const {
  const auto& words = bits_[static_cast<std::size_t>(kind)];
  return ((words[index / 64].load(std::memory_order_relaxed) >> (index % 64)) & 1U) != 0;
}

void StateView::Set(Blocked kind, ItemIndex index, bool on) {
  auto& word = bits_[static_cast<std::size_t>(kind)][index / 64];
  const std::uint64_t bit = std::uint64_t{1} << (index % 64);
  if (on) {
    word.fetch_or(bit, std::memory_order_relaxed);
  } else {
    word.fetch_and(~bit, std::memory_order_relaxed);
  }
}

// Changes of one batch: pages are copied once, and the table is published at the end.
class ItemStates::Edit {
 public:
  explicit Edit(const std::shared_ptr<const ItemTable>& from)
      : next_(from == nullptr ? std::make_shared<ItemTable>()
                              : std::make_shared<ItemTable>(*from)) {}

  void Set(data::ItemNumber number, std::shared_ptr<const ItemFields> fields) {
    const std::size_t at = number / ItemTable::kPage;
    if (at >= next_->pages.size()) {
      next_->pages.resize(at + 1);
    }
    std::shared_ptr<ItemTable::Page>& page = open_[at];
    if (page == nullptr) {
      page = next_->pages[at] == nullptr ? std::make_shared<ItemTable::Page>()
                                         : std::make_shared<ItemTable::Page>(*next_->pages[at]);
      next_->pages[at] = page;
    }
    std::shared_ptr<const ItemFields>& place = (*page)[number % ItemTable::kPage];
    next_->rows += fields != nullptr ? 1U : 0U;
    next_->rows -= place != nullptr ? 1U : 0U;
    place = std::move(fields);
  }

  [[nodiscard]] bool changed() const { return !open_.empty(); }
  std::shared_ptr<const ItemTable> Finish() { return std::move(next_); }

 private:
  std::shared_ptr<ItemTable> next_;
  std::map<std::size_t, std::shared_ptr<ItemTable::Page>> open_;
};

ItemStates::ItemStates(data::EventLog& log)
    : log_(log), table_(std::make_shared<const ItemTable>()) {}

Status ItemStates::LoadCatalogue() {
  std::string cursor;
  for (;;) {
    ASSIGN_OR_RETURN(const std::vector<Item> items, log_.ListItems(cursor, kLoadBatch));
    if (items.empty()) {
      return Status::Ok();
    }
    {
      const std::scoped_lock lock(mutex_);
      Edit edit(table_.Get());
      for (const Item& item : items) {
        Put(item, /*from_log=*/false, edit);
      }
      if (edit.changed()) {
        table_.Publish(edit.Finish());
      }
    }
    if (items.size() < kLoadBatch) {
      return Status::Ok();
    }
    cursor = items.back().id;
  }
}

void ItemStates::Apply(const data::LogRecord& record) {
  const auto* item = std::get_if<Item>(&record.body);
  const auto* deletion = std::get_if<data::ItemDeletion>(&record.body);
  if (item == nullptr && deletion == nullptr) {
    return;
  }
  const std::scoped_lock lock(mutex_);
  Edit edit(table_.Get());
  if (item != nullptr) {
    Put(*item, /*from_log=*/true, edit);
  } else {
    Drop(*deletion, edit);
  }
  if (edit.changed()) {
    table_.Publish(edit.Finish());
  }
}

Result<data::ItemNumber> ItemStates::NumberOf(std::string_view id) {
  if (const auto number = log_.FindItem(id)) {
    return *number;
  }
  return log_.InternItem(id);
}

ItemStates::State& ItemStates::StateOf(data::ItemNumber number) {
  if (number >= states_.size()) {
    states_.resize(std::max<std::size_t>(number + std::size_t{1}, states_.size() * 3 / 2));
  }
  return states_[number];
}

void ItemStates::Put(const Item& item, bool from_log, Edit& edit) {
  const auto number = NumberOf(item.id);
  if (!number.ok()) {
    return;  // an item without a number is in no vocabulary and no state: it cannot be shown
  }
  State& state = StateOf(*number);
  state.since = std::min(state.since.value_or(item.valid_from), item.valid_from);
  const bool deleted = !state.present && (state.blocked & BitOf(Blocked::kDown)) != 0;
  const bool older = state.present && item.valid_from < state.valid_from;
  const bool overtaken = state.from_log && (deleted || item.valid_from <= state.valid_from);
  if (older || (!from_log && overtaken)) {
    return;
  }
  state.present = true;
  state.from_log = from_log;
  state.valid_from = item.valid_from;
  state.blocked = 0;
  if (item.hidden) {
    state.blocked |= BitOf(Blocked::kDown);
  }
  if (!item.in_stock()) {
    state.blocked |= BitOf(Blocked::kOutOfStock);
  }
  ItemFields fields = FieldsOf(item);
  fields.since = AvailableFrom(item).value_or(*state.since);
  edit.Set(*number, std::make_shared<const ItemFields>(std::move(fields)));
  Show(*number, state);
}

void ItemStates::Drop(const data::ItemDeletion& deletion, Edit& edit) {
  const auto number = NumberOf(deletion.id);
  if (!number.ok()) {
    return;
  }
  State& state = StateOf(*number);
  state.present = false;
  state.from_log = true;
  state.valid_from = deletion.ts;
  state.blocked = BitOf(Blocked::kDown);
  edit.Set(*number, nullptr);
  Show(*number, state);
}

void ItemStates::Show(data::ItemNumber number, const State& state) {
  std::erase_if(views_, [&](const std::weak_ptr<StateView>& weak) {
    const std::shared_ptr<StateView> view = weak.lock();
    if (view == nullptr) {
      return true;
    }
    const ItemIndex index = view->space_->IndexOf(number);
    if (index != kUnknownItem) {
      for (const Blocked kind : kKinds) {
        view->Set(kind, index, (state.blocked & BitOf(kind)) != 0);
      }
    }
    return false;
  });
}

bool ItemStates::IsBlocked(data::ItemNumber number, Blocked kind) const {
  const std::scoped_lock lock(mutex_);
  const State state = number < states_.size() ? states_[number] : State{};
  return (state.blocked & BitOf(kind)) != 0;
}

std::shared_ptr<const StateView> ItemStates::View(std::shared_ptr<const ItemSpace> space) const {
  const auto view = std::make_shared<StateView>(std::move(space));
  const ItemSpace& items = *view->space_;
  const std::scoped_lock lock(mutex_);
  for (ItemIndex index = kFirstItem; index < items.width(); ++index) {
    const data::ItemNumber number = items.NumberOf(index);
    const State state = number < states_.size() ? states_[number] : State{};
    for (const Blocked kind : kKinds) {
      if ((state.blocked & BitOf(kind)) != 0) {
        view->Set(kind, index, true);
      }
    }
  }
  views_.push_back(view);
  return view;
}

}  // namespace vitrine::serve
