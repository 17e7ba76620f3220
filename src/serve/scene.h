/// A scene: a place in the shop that asks, and the pipeline that answers it, as a value.
/// Threads: values; SceneBook from any thread.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/guarded.h"
#include "core/status.h"
#include "core/time.h"
#include "serve/predicate.h"

namespace vitrine::serve {

/// What the scene leaves out; a request may override each.
struct SceneFilters {
  bool exclude_bought = true;
  bool exclude_seen = false;
  bool exclude_hidden = true;  ///< items this user hid
  bool exclude_out_of_stock = true;
  /// Items without a catalogue row. While the catalogue is empty nothing is excluded by it.
  bool exclude_unknown = true;
  friend bool operator==(const SceneFilters&, const SceneFilters&) = default;
};

enum class RuleKind : std::uint8_t { kBoost, kHide, kPin };
std::string_view RuleKindName(RuleKind kind);

/// A shopkeeper's word over the model's. Boosts are additive parts of a score, so that explanations
/// still add up: score + add + (factor - 1) * |score|.
struct Rule {
  std::string name;  ///< distinct in its scene; shown in explanations
  RuleKind kind = RuleKind::kBoost;
  ItemPredicate when;
  double add = 0;               ///< boost: in units of the model's score
  double factor = 1;            ///< boost: > 1 raises, < 1 lowers, whatever the score's sign
  int position = 0;             ///< pin: 0-based place of the best matching item
  std::optional<Micros> from;   ///< inclusive
  std::optional<Micros> until;  ///< exclusive
  friend bool operator==(const Rule&, const Rule&) = default;

  [[nodiscard]] bool ActiveAt(Micros now) const {
    return (!from || now >= *from) && (!until || now < *until);
  }
};

/// Limits on likeness inside one answer. Items without a brand (category) are not limited by it.
/// What would break a limit moves down; it is left out only where `n` is reached without it.
struct Spacing {
  int max_per_brand = 0;     ///< 0: no limit
  int max_per_category = 0;  ///< by first level; 0: no limit
  int brand_gap = 0;         ///< places between two items of one brand; 0: none asked
  friend bool operator==(const Spacing&, const Spacing&) = default;
  [[nodiscard]] bool empty() const {
    return max_per_brand == 0 && max_per_category == 0 && brand_gap == 0;
  }
};

enum class DiversityMethod : std::uint8_t {
  kMmr,  ///< maximal marginal relevance: as unlike its nearest neighbour above as may be
  kDpp,  ///< determinantal point process: as unlike all above together
};
std::string_view DiversityMethodName(DiversityMethod method);

/// How much an answer trades score for variety (serve/rerank.h). Likeness is a cosine over what the catalogue
/// says and, where the scene's retriever has item vectors, over those, weighed as below.
struct Diversity {
  DiversityMethod method = DiversityMethod::kMmr;
  double strength = 0;     ///< 0: score alone, 1: variety alone; in [0, 1]
  std::size_t pool = 100;  ///< best items that places are chosen among; more where n is
  double brand = 1;
  double category = 1;  ///< shared levels of category paths
  double tags = 1;
  double vectors = 1;
  friend bool operator==(const Diversity&, const Diversity&) = default;
  [[nodiscard]] bool empty() const { return strength == 0; }
};

/// Places that are kept for new items: of the first p places of an answer at least floor(share * p), for every p.
struct Exposure {
  double share = 0;  ///< in [0, 1]
  int days = 0;      ///< new: in the catalogue for less than so many days
  int impressions =
      0;  ///< and shown fewer times than that since the server's start; 0: however often
  friend bool operator==(const Exposure&, const Exposure&) = default;
  [[nodiscard]] bool empty() const { return share == 0; }
};

enum class FallbackOrder : std::uint8_t { kPopularity, kTrending };
std::string_view FallbackOrderName(FallbackOrder order);

struct Scene {
  std::string name;
  std::string retriever = "champion";  ///< alias of the version that scores the vocabulary
  /// Alias of a version that scores the best `candidates` again, or "remote:NAME" of another server that
  /// does; empty: the retriever's order stands.
  std::string ranker;
  std::size_t candidates = 200;  ///< how many the ranker sees
  SceneFilters filters;
  std::vector<Rule> rules;  ///< in order; pins are placed last
  Spacing spacing;
  Diversity diversity;
  Exposure exposure;
  FallbackOrder fallback = FallbackOrder::kPopularity;
  std::size_t n_default = 10;
  std::size_t n_max = 100;
  int deadline_ms = 200;  ///< where the request has none
  friend bool operator==(const Scene&, const Scene&) = default;
};

/// Errors: kInvalidArgument, names the scene and the field.
Status Validate(const Scene& scene);

/// Most items one answer may have in any scene.
inline constexpr std::size_t kMaxAnswer = 500;
inline constexpr std::size_t kMaxRules = 64;
inline constexpr int kMostNewDays = 3650;

using SceneMap = std::map<std::string, std::shared_ptr<const Scene>, std::less<>>;

/// home, item, cart, search, ad, article.
SceneMap DefaultScenes();

/// The scenes in force. A request holds the scene it started with; a change is seen by the next.
class SceneBook {
 public:
  SceneBook();  ///< DefaultScenes()
  /// Errors: kNotFound, names the scenes there are.
  Result<std::shared_ptr<const Scene>> Find(std::string_view name) const;
  [[nodiscard]] std::shared_ptr<const SceneMap> All() const { return scenes_.Get(); }
  /// Adds or replaces. Errors: kInvalidArgument.
  Status Put(Scene scene);
  /// Errors: kNotFound; kFailedPrecondition (a default scene: put it instead).
  Status Remove(std::string_view name);

 private:
  std::mutex writing_;
  Published<SceneMap> scenes_;
};

}  // namespace vitrine::serve
