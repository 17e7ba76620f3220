#include "serve/newcomers.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace vitrine::serve {
namespace {

constexpr Micros kNever{std::numeric_limits<std::int64_t>::min()};

Micros NewestOf(const ItemTable::Page* page) {
  Micros newest = kNever;
  for (std::size_t i = 0; page != nullptr && i < ItemTable::kPage; ++i) {
    const ItemFields* fields = (*page)[i].get();
    newest = fields == nullptr ? newest : std::max(newest, fields->since);
  }
  return newest;
}

}  // namespace

std::shared_ptr<const NewestByPage> NewestByPage::Make(std::shared_ptr<const ItemTable> table,
                                                       const NewestByPage* earlier) {
  auto made = std::make_shared<NewestByPage>();
  made->table_ = std::move(table);
  const auto& pages = made->table_->pages;
  made->newest_.reserve(pages.size());
  for (std::size_t p = 0; p < pages.size(); ++p) {
    const bool known =
        earlier != nullptr && p < earlier->newest_.size() && earlier->table_->pages[p] == pages[p];
    made->newest_.push_back(known ? earlier->newest_[p] : NewestOf(pages[p].get()));
  }
  return made;
}

std::shared_ptr<const NewestByPage> NewcomerCache::Get(
    const std::shared_ptr<const ItemTable>& table) {
  std::shared_ptr<const NewestByPage> known = newest_.Get();
  if (known == nullptr || !known->IsFor(table.get())) {
    std::shared_ptr<const NewestByPage> made = NewestByPage::Make(table, known.get());
    newest_.Publish(made);
    return made;
  }
  return known;
}

ShownCounts::~ShownCounts() {
  for (const std::atomic<Page*>& page : pages_) {
    delete page.load(std::memory_order_acquire);
  }
}

void ShownCounts::Add(data::ItemNumber number) {
  if (number / kPage >= kPages) {
    return;
  }
  std::atomic<Page*>& place = pages_[number / kPage];
  Page* page = place.load(std::memory_order_acquire);
  if (page == nullptr) {
    auto made = std::make_unique<Page>();
    // Whoever comes first; the others count in its page.
    if (place.compare_exchange_strong(page, made.get(), std::memory_order_acq_rel)) {
      page = made.release();
    }
  }
  (*page)[number % kPage].fetch_add(1, std::memory_order_relaxed);
}

std::uint32_t ShownCounts::Of(data::ItemNumber number) const {
  const Page* page =
      number / kPage < kPages ? pages_[number / kPage].load(std::memory_order_acquire) : nullptr;
  return page == nullptr ? 0 : (*page)[number % kPage].load(std::memory_order_relaxed);
}

}  // namespace vitrine::serve
