/// Which items a scene's rules speak of, kept between requests: when catalogue rows change, only the
/// pages they stand on are looked at again.
/// Threads: RuleMatches is immutable; RuleCache from any thread.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/guarded.h"
#include "data/event_log.h"
#include "serve/item_states.h"
#include "serve/scene.h"

namespace vitrine::serve {

class RuleMatches {
 public:
  /// `earlier` may be null; what it knows of unchanged pages is taken over.
  static std::shared_ptr<const RuleMatches> Make(std::shared_ptr<const Scene> scene,
                                                 std::shared_ptr<const ItemTable> table,
                                                 const data::EventLog& log,
                                                 const RuleMatches* earlier);

  [[nodiscard]] bool IsFor(const Scene* scene, const ItemTable* table) const {
    return scene_.get() == scene && table_.get() == table;
  }
  /// Numbers of the items that rule `r` of the scene matches.
  [[nodiscard]] std::span<const data::ItemNumber> Of(std::size_t r) const { return matches_[r]; }

 private:
  using Numbers = std::vector<data::ItemNumber>;
  struct PageMatches {
    std::shared_ptr<const ItemTable::Page> page;
    std::vector<Numbers> by_rule;
  };
  static std::shared_ptr<const PageMatches> LookAt(const Scene& scene, const ItemTable& table,
                                                   std::size_t page);

  std::shared_ptr<const Scene> scene_;
  std::shared_ptr<const ItemTable> table_;
  std::vector<std::shared_ptr<const PageMatches>> pages_;
  std::vector<Numbers> matches_;
};

class RuleCache {
 public:
  std::shared_ptr<const RuleMatches> Get(const std::shared_ptr<const Scene>& scene,
                                         const std::shared_ptr<const ItemTable>& table,
                                         const data::EventLog& log);

 private:
  Guarded<std::map<std::string, std::shared_ptr<const RuleMatches>, std::less<>>> by_scene_;
};

}  // namespace vitrine::serve
