/// Ready answers to requests that say nothing of their own: popular or trending items of a scene for
/// somebody of whom nothing is known, and what is similar to an item. One is made by the first request that
/// needs it and given to those that follow, for as long as everything it was made from is the same object.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/guarded.h"
#include "core/metrics.h"
#include "core/tensor.h"
#include "core/time.h"
#include "data/event_log.h"
#include "serve/item_states.h"
#include "serve/recommend.h"
#include "serve/rule_matches.h"
#include "serve/scene.h"
#include "serve/served_model.h"

namespace vitrine::serve {

/// What a list holds.
enum class ListKind : std::uint8_t {
  kFallback,  ///< the scene's fallback order
  kCategory,  ///< the same, the category of an item that the model does not know first
  kModel,     ///< the model's answer to one item
};

/// What is asked for.
struct ListKey {
  std::string_view scene;  ///< its name
  ListKind kind = ListKind::kFallback;
  bool similar = false;        ///< asked by Similar: an item is left out
  data::ItemNumber about = 0;  ///< which
  std::size_t n = 0;
  bool treatment = false;  ///< by a rollout's candidate: both versions' lists lie ready
};

/// What an answer is made from beside the key. Each is immutable, and replaced by another object when it
/// changes: scene (rules, filters, spacing), catalogue (stock and hidden items too, see ItemStates),
/// the items that rules match, version. Objects are told apart by their owners.
struct ListBasis {
  const std::shared_ptr<const Scene>& scene;
  const std::shared_ptr<const ItemTable>& table;
  const std::shared_ptr<const RuleMatches>& rules;
  const std::shared_ptr<const ServedModel>& model;
};

/// Immutable once it is kept.
struct AnswerList {
  std::vector<RecommendedItem> items;
  std::vector<data::ItemNumber> numbers;  ///< of the items
  std::vector<double> shown_scores;       ///< kModel: of the items, before rules
  std::vector<Tensor> features;           ///< kModel: what the scores were made from
  Counter* hits = nullptr;                ///< of its scene; null: they are not counted
  /// Moments that it answers for: [from, until). Bounded by the rules' own times and, for trending items,
  /// by how old their order may be.
  Micros from;
  Micros until;
};

/// Threads: any; one short lock a look-up.
class AnswerLists {
 public:
  using List = std::shared_ptr<const AnswerList>;

  /// Metrics (null: none are written): vitrine_answer_lists_total{scene,result}, where result is hit or
  /// miss.
  AnswerLists(const ListOptions& options, MetricRegistry* metrics);

  [[nodiscard]] bool on() const { return options_.bytes > 0; }
  [[nodiscard]] const ListOptions& options() const { return options_; }

  /// Null where there is none for this key, this basis and this moment.
  List Find(const ListKey& key, const ListBasis& basis, Micros as_of);
  /// Replaces what was kept under the key. Least recently used ones make room.
  void Keep(const ListKey& key, const ListBasis& basis, std::shared_ptr<AnswerList> list);
  /// What became of a look-up, which the caller knows: features may differ after all.
  static void CountHit(const AnswerList& list);
  void CountMiss(std::string_view scene);

  [[nodiscard]] std::size_t bytes() const;

 private:
  static constexpr std::size_t kShards = 16;

  /// Weak: a list keeps no version and no catalogue in memory.
  struct Owners {
    std::weak_ptr<const Scene> scene;
    std::weak_ptr<const ItemTable> table;
    std::weak_ptr<const RuleMatches> rules;
    std::weak_ptr<const ServedModel> model;
  };
  struct Entry {
    std::uint64_t hash = 0;
    std::string scene;
    ListKey key;  // its scene: the string above
    Owners owners;
    List list;
    std::size_t bytes = 0;
  };
  using Entries = std::list<Entry>;  // the one asked for last first
  struct Shard {
    mutable std::mutex mutex;
    Entries entries;
    std::unordered_map<std::uint64_t, Entries::iterator>
        by_hash;  // of two with one hash the newer stays
    std::size_t bytes = 0;
  };
  struct Meters {
    Counter* hits = nullptr;
    Counter* misses = nullptr;
  };
  static bool Same(const Owners& owners, const ListBasis& basis);
  Shard& ShardOf(std::uint64_t hash) { return shards_[hash % kShards]; }
  Meters MetersOf(std::string_view scene);

  ListOptions options_;
  MetricRegistry* metrics_;
  std::array<Shard, kShards> shards_;
  Guarded<std::map<std::string, Meters, std::less<>>> meters_;
};

/// The moments around `as_of` in which the same of the scene's rules hold: [from, until).
struct RuleTimes {
  Micros from;
  Micros until;
};
RuleTimes TimesOfRules(const Scene& scene, Micros as_of);

/// True where both are the same bytes of the same types and shapes.
bool SameTensors(std::span<const Tensor> a, std::span<const Tensor> b);

}  // namespace vitrine::serve
