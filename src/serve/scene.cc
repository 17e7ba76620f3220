#include "serve/scene.h"

#include <cmath>
#include <set>

#include "serve/outside_rankers.h"

namespace vitrine::serve {
namespace {

constexpr std::size_t kMaxNameBytes = 64;
constexpr double kMostWeight = 1000;

Status Wrong(const Scene& scene, const std::string& what) {
  return InvalidArgument("scene '" + scene.name + "': " + what);
}

Status CheckRule(const Scene& scene, const Rule& rule) {
  const std::string name = "rule '" + rule.name + "': ";
  if (rule.name.empty() || rule.name.size() > kMaxNameBytes) {
    return Wrong(scene, "a rule needs a name of 1 to 64 bytes");
  }
  if (!std::isfinite(rule.add) || !std::isfinite(rule.factor) || rule.factor < 0) {
    return Wrong(scene, name + "'add' must be a number and 'factor' a number of 0 or more");
  }
  if (rule.kind == RuleKind::kBoost && rule.add == 0 && rule.factor == 1) {
    return Wrong(scene, name + "a boost needs 'add' or 'factor'");
  }
  if (rule.kind == RuleKind::kPin &&
      (rule.position < 0 || static_cast<std::size_t>(rule.position) >= kMaxAnswer)) {
    return Wrong(scene, name + "'position' must be 0 to " + std::to_string(kMaxAnswer - 1));
  }
  if (rule.when.empty()) {
    return Wrong(scene, name + "'when' must name items, brands, categories, tags or a price");
  }
  if (rule.from && rule.until && !(*rule.from < *rule.until)) {
    return Wrong(scene, name + "'from' must lie before 'until'");
  }
  return Status::Ok();
}

bool IsShare(double value) { return value >= 0 && value <= 1; }

Status CheckDiversity(const Scene& scene) {
  const Diversity& diversity = scene.diversity;
  if (!IsShare(diversity.strength)) {
    return Wrong(scene, "'diversity.strength' must be 0 (by score alone) to 1 (variety alone)");
  }
  if (diversity.pool == 0 || diversity.pool > kMaxAnswer) {
    return Wrong(scene, "'diversity.pool' must be 1 to " + std::to_string(kMaxAnswer));
  }
  double sum = 0;
  for (const double weight :
       {diversity.brand, diversity.category, diversity.tags, diversity.vectors}) {
    if (!(weight >= 0) || weight > kMostWeight) {
      return Wrong(scene, "'diversity' weighs brand, category, tags and vectors by 0 to 1000");
    }
    sum += weight;
  }
  if (!diversity.empty() && sum == 0) {
    return Wrong(scene,
                 "'diversity' weighs nothing; give brand, category, tags or vectors a weight "
                 "above 0, or 'strength' 0");
  }
  return Status::Ok();
}

Status CheckExposure(const Scene& scene) {
  const Exposure& exposure = scene.exposure;
  if (!IsShare(exposure.share)) {
    return Wrong(scene, "'exposure.share' must be 0 to 1");
  }
  if (exposure.days < 0 || exposure.days > kMostNewDays) {
    return Wrong(scene, "'exposure.days' must be 0 to " + std::to_string(kMostNewDays));
  }
  if (exposure.impressions < 0) {
    return Wrong(scene, "'exposure.impressions' must be 0 (however often) or more");
  }
  if (!exposure.empty() && exposure.days == 0) {
    return Wrong(scene,
                 "'exposure.days' must say how many days an item of the catalogue is new, where "
                 "'share' is above 0");
  }
  return Status::Ok();
}

Scene Named(std::string name) {
  Scene scene;
  scene.name = std::move(name);
  return scene;
}

std::string NamesOf(const SceneMap& scenes) {
  std::string names;
  for (const auto& [name, scene] : scenes) {
    names += (names.empty() ? "" : ", ") + name;
  }
  return names;
}

}  // namespace

std::string_view RuleKindName(RuleKind kind) {
  switch (kind) {
    case RuleKind::kBoost:
      return "boost";
    case RuleKind::kHide:
      return "hide";
    case RuleKind::kPin:
      return "pin";
  }
  return "unknown";
}

std::string_view DiversityMethodName(DiversityMethod method) {
  return method == DiversityMethod::kDpp ? "dpp" : "mmr";
}

std::string_view FallbackOrderName(FallbackOrder order) {
  return order == FallbackOrder::kTrending ? "trending" : "popularity";
}

Status Validate(const Scene& scene) {
  if (scene.name.empty() || scene.name.size() > kMaxNameBytes) {
    return Wrong(scene, "'name' must have 1 to 64 bytes");
  }
  if (scene.retriever.empty()) {
    return Wrong(scene, "'retriever' must name an alias, such as champion");
  }
  if (OutsideRankers::Names(scene.retriever)) {
    return Wrong(scene, "'retriever' must name an alias; another server (" + scene.retriever +
                            ") can only be its 'ranker'");
  }
  if (scene.n_max == 0 || scene.n_max > kMaxAnswer) {
    return Wrong(scene, "'n_max' must be 1 to " + std::to_string(kMaxAnswer));
  }
  if (scene.n_default == 0 || scene.n_default > scene.n_max) {
    return Wrong(scene, "'n_default' must be 1 to n_max, which is " + std::to_string(scene.n_max));
  }
  if (!scene.ranker.empty() && scene.candidates < scene.n_max) {
    return Wrong(scene, "'candidates' must be n_max or more where there is a ranker");
  }
  if (scene.deadline_ms <= 0) {
    return Wrong(scene, "'deadline_ms' must be above 0");
  }
  if (scene.spacing.max_per_brand < 0 || scene.spacing.max_per_category < 0 ||
      scene.spacing.brand_gap < 0) {
    return Wrong(scene, "'spacing' takes counts of 0 or more");
  }
  RETURN_IF_ERROR(CheckDiversity(scene));
  RETURN_IF_ERROR(CheckExposure(scene));
  if (scene.rules.size() > kMaxRules) {
    return Wrong(scene, "at most " + std::to_string(kMaxRules) + " rules");
  }
  std::set<std::string_view> names;
  for (const Rule& rule : scene.rules) {
    RETURN_IF_ERROR(CheckRule(scene, rule));
    if (!names.insert(rule.name).second) {
      return Wrong(scene, "two rules are named '" + rule.name + "'");
    }
  }
  return Status::Ok();
}

SceneMap DefaultScenes() {
  SceneMap scenes;
  const auto add = [&scenes](Scene scene) {
    std::string name = scene.name;
    scenes.emplace(std::move(name), std::make_shared<const Scene>(std::move(scene)));
  };
  add(Named("home"));

  Scene item = Named("item");  // beside one product: what was bought may be bought again elsewhere
  item.filters.exclude_bought = false;
  add(item);

  Scene cart = Named("cart");
  cart.filters.exclude_seen = true;  // what stands in the cart is the history
  cart.n_default = 5;
  cart.n_max = 50;
  add(cart);

  Scene search = Named("search");  // the query rules: a bought item is still an answer
  search.filters.exclude_bought = false;
  search.filters.exclude_out_of_stock = false;
  search.n_default = 20;
  add(search);

  Scene ad = Named("ad");
  ad.spacing.max_per_brand = 2;
  ad.n_default = 3;
  ad.n_max = 50;
  ad.deadline_ms = 50;
  add(ad);

  Scene article = Named("article");  // nothing is bought, nothing runs out
  article.filters.exclude_bought = false;
  article.filters.exclude_seen = true;
  article.filters.exclude_out_of_stock = false;
  add(article);
  return scenes;
}

SceneBook::SceneBook() : scenes_(std::make_shared<const SceneMap>(DefaultScenes())) {}

Result<std::shared_ptr<const Scene>> SceneBook::Find(std::string_view name) const {
  const std::shared_ptr<const SceneMap> scenes = scenes_.Get();
  const auto found = scenes->find(name);
  if (found == scenes->end()) {
    return NotFound("no scene '" + std::string(name) + "'; there are " + NamesOf(*scenes));
  }
  return found->second;
}

Status SceneBook::Put(Scene scene) {
  RETURN_IF_ERROR(Validate(scene));
  const std::scoped_lock lock(writing_);
  auto next = std::make_shared<SceneMap>(*scenes_.Get());
  std::string name = scene.name;
  (*next)[std::move(name)] = std::make_shared<const Scene>(std::move(scene));
  scenes_.Publish(std::move(next));
  return Status::Ok();
}

Status SceneBook::Remove(std::string_view name) {
  const std::scoped_lock lock(writing_);
  const std::shared_ptr<const SceneMap> now = scenes_.Get();
  if (!now->contains(name)) {
    return NotFound("no scene '" + std::string(name) + "'; there are " + NamesOf(*now));
  }
  if (DefaultScenes().contains(name)) {
    return FailedPrecondition("scene '" + std::string(name) +
                              "' comes with the product; change it instead of removing it");
  }
  auto next = std::make_shared<SceneMap>(*now);
  next->erase(next->find(name));
  scenes_.Publish(std::move(next));
  return Status::Ok();
}

}  // namespace vitrine::serve
