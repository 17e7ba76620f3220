#include "search/live_catalogue.h"

#include <algorithm>
#include <utility>
#include <variant>

namespace vitrine::search {

LiveCatalogue::LiveCatalogue(data::EventLog& log)
    : log_(log), builder_([this](const std::stop_token& stop) { Run(stop); }) {}

LiveCatalogue::~LiveCatalogue() = default;

Status LiveCatalogue::Load() {
  std::vector<Item> items;
  std::string cursor;
  constexpr std::size_t kPage = 1000;
  for (;;) {
    ASSIGN_OR_RETURN(std::vector<Item> page, log_.ListItems(cursor, kPage));
    if (page.empty()) {
      break;
    }
    cursor = page.back().id;
    std::move(page.begin(), page.end(), std::back_inserter(items));
  }
  ASSIGN_OR_RETURN(auto base, CatalogueIndex::Build(items));
  // Rows that were applied while the catalogue was read stand in changes_ and win there.
  const auto before = indexes_.Get();
  Indexes next = before ? *before : Indexes{};
  next.base = std::move(base);
  indexes_.Publish(std::make_shared<const Indexes>(std::move(next)));
  return Status::Ok();
}

void LiveCatalogue::Apply(const data::LogRecord& record) {
  const std::scoped_lock lock(mutex_);
  if (const auto* item = std::get_if<Item>(&record.body)) {
    Item& known = changes_[item->id];
    if (known.id.empty() || known.valid_from <= item->valid_from) {
      known = *item;
    }
  } else if (const auto* deletion = std::get_if<data::ItemDeletion>(&record.body)) {
    Item& gone = changes_[deletion->id];
    gone = {};
    gone.id = deletion->id;
    gone.hidden = true;
  } else {
    return;
  }
  ++applied_;
  changed_.notify_all();
}

Status LiveCatalogue::WaitUntilIndexed(Deadline deadline) const {
  std::unique_lock lock(mutex_);
  const std::uint64_t wanted = applied_;
  return changed_.wait_until(lock, deadline, [&] { return indexed_ >= wanted; })
             ? Status::Ok()
             : DeadlineExceeded("the search index has not caught up with the catalogue yet");
}

void LiveCatalogue::Run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (!changed_.wait(lock, stop, [this] { return indexed_ < applied_; })) {
      return;
    }
    const std::uint64_t reached = applied_;
    const std::map<std::string, Item> changed = changes_;
    lock.unlock();
    // A catalogue beyond 2^32 postings cannot be indexed; the old index goes on answering.
    const bool built = Rebuild(changed).ok();
    const bool merge = built && changed.size() > kMerge && Load().ok();
    lock.lock();
    if (merge) {
      // What changed meanwhile stays in the small index.
      for (const auto& [id, item] : changed) {
        const auto it = changes_.find(id);
        if (it != changes_.end() && it->second == item) {
          changes_.erase(it);
        }
      }
      const std::map<std::string, Item> left = changes_;
      lock.unlock();
      static_cast<void>(Rebuild(left));
      lock.lock();
    }
    indexed_ = reached;
    changed_.notify_all();
  }
}

Status LiveCatalogue::Rebuild(const std::map<std::string, Item>& changed) {
  std::vector<Item> items;
  Indexes next;
  for (const auto& [id, item] : changed) {
    next.changed.insert(id);
    if (!item.hidden) {
      items.push_back(item);
    }
  }
  if (const auto now = indexes_.Get()) {
    next.base = now->base;
  }
  ASSIGN_OR_RETURN(next.changes, CatalogueIndex::Build(items, next.base.get()));
  indexes_.Publish(std::make_shared<const Indexes>(std::move(next)));
  return Status::Ok();
}

std::vector<LiveCatalogue::Found> LiveCatalogue::Search(
    std::string_view query, std::size_t n, const std::function<bool(std::string_view)>& skip,
    bool explain) const {
  std::vector<Found> found;
  const auto indexes = indexes_.Get();
  if (!indexes) {
    return found;
  }
  const auto add = [&found](const std::vector<ItemHit>& hits) {
    for (const ItemHit& hit : hits) {
      found.push_back({std::string(hit.item_id), hit.score, hit.terms});
    }
  };
  if (indexes->base) {
    add(indexes->base->Search(
        query, n,
        [&](std::string_view id) { return indexes->changed.contains(id) || (skip && skip(id)); },
        explain));
  }
  if (indexes->changes) {
    add(indexes->changes->Search(query, n, skip, explain));
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const Found& a, const Found& b) { return a.score > b.score; });
  found.resize(std::min(n, found.size()));
  return found;
}

std::size_t LiveCatalogue::Indexes::items() const {
  const std::size_t found_in_changes = changes ? changes->size() : 0;
  if (!base) {
    return found_in_changes;
  }
  const auto shadowed = std::count_if(changed.begin(), changed.end(),
                                      [this](const std::string& id) { return base->Contains(id); });
  return base->size() - static_cast<std::size_t>(shadowed) + found_in_changes;
}

std::size_t LiveCatalogue::items() const {
  const auto indexes = indexes_.Get();
  if (!indexes) {
    return 0;
  }
  return indexes->items();
}

}  // namespace vitrine::search
