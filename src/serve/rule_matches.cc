#include "serve/rule_matches.h"

#include <utility>

namespace vitrine::serve {

std::shared_ptr<const RuleMatches::PageMatches> RuleMatches::LookAt(const Scene& scene,
                                                                    const ItemTable& table,
                                                                    std::size_t page) {
  auto matches = std::make_shared<PageMatches>();
  matches->page = table.pages[page];
  matches->by_rule.resize(scene.rules.size());
  for (std::size_t i = 0; matches->page != nullptr && i < ItemTable::kPage; ++i) {
    const ItemFields* fields = (*matches->page)[i].get();
    if (fields == nullptr) {
      continue;
    }
    for (std::size_t r = 0; r < scene.rules.size(); ++r) {
      if (scene.rules[r].when.Matches(fields->id, fields)) {
        matches->by_rule[r].push_back(static_cast<data::ItemNumber>(page * ItemTable::kPage + i));
      }
    }
  }
  return matches;
}

std::shared_ptr<const RuleMatches> RuleMatches::Make(std::shared_ptr<const Scene> scene,
                                                     std::shared_ptr<const ItemTable> table,
                                                     const data::EventLog& log,
                                                     const RuleMatches* earlier) {
  auto made = std::make_shared<RuleMatches>();
  const bool same_scene = earlier != nullptr && earlier->scene_ == scene;
  made->scene_ = std::move(scene);
  made->table_ = std::move(table);
  made->matches_.resize(made->scene_->rules.size());
  made->pages_.resize(made->table_->pages.size());
  for (std::size_t p = 0; p < made->pages_.size(); ++p) {
    const bool kept = same_scene && p < earlier->pages_.size() &&
                      earlier->pages_[p]->page == made->table_->pages[p];
    made->pages_[p] = kept ? earlier->pages_[p] : LookAt(*made->scene_, *made->table_, p);
    for (std::size_t r = 0; r < made->matches_.size(); ++r) {
      const Numbers& found = made->pages_[p]->by_rule[r];
      made->matches_[r].insert(made->matches_[r].end(), found.begin(), found.end());
    }
  }
  // Items that a rule names need no catalogue row.
  for (std::size_t r = 0; r < made->matches_.size(); ++r) {
    for (const std::string& id : made->scene_->rules[r].when.items) {
      const auto number = log.FindItem(id);
      if (number && made->table_->Find(*number) == nullptr &&
          made->scene_->rules[r].when.Matches(id, nullptr)) {
        made->matches_[r].push_back(*number);
      }
    }
  }
  return made;
}

std::shared_ptr<const RuleMatches> RuleCache::Get(const std::shared_ptr<const Scene>& scene,
                                                  const std::shared_ptr<const ItemTable>& table,
                                                  const data::EventLog& log) {
  std::shared_ptr<const RuleMatches> known = by_scene_.With([&](const auto& cache) {
    const auto found = cache.find(scene->name);
    return found == cache.end() ? nullptr : found->second;
  });
  if (known != nullptr && known->IsFor(scene.get(), table.get())) {
    return known;
  }
  std::shared_ptr<const RuleMatches> made = RuleMatches::Make(scene, table, log, known.get());
  by_scene_.With([&](auto& cache) { cache[scene->name] = made; });
  return made;
}

}  // namespace vitrine::serve
