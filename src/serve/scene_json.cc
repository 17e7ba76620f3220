#include "serve/scene_json.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "data/json_fields.h"

namespace vitrine::serve {
namespace {

using Json = nlohmann::ordered_json;
using data::JsonFields;

constexpr int kFormat = 1;

template <typename T>
Json OrNull(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json TimeJson(const std::optional<Micros>& time) {
  return time ? Json(FormatIso(*time)) : Json(nullptr);
}

Json ToJson(const ItemPredicate& when) {
  return {{"items", when.items},
          {"brands", when.brands},
          {"categories", when.categories},
          {"tags", when.tags},
          {"price_min", OrNull(when.price_min)},
          {"price_max", OrNull(when.price_max)}};
}

Json ToJson(const Rule& rule) {
  return {{"name", rule.name},           {"kind", RuleKindName(rule.kind)},
          {"when", ToJson(rule.when)},   {"add", rule.add},
          {"factor", rule.factor},       {"position", rule.position},
          {"from", TimeJson(rule.from)}, {"until", TimeJson(rule.until)}};
}

Json ToJson(const Scene& scene) {
  Json rules = Json::array();
  for (const Rule& rule : scene.rules) {
    rules.push_back(ToJson(rule));
  }
  const SceneFilters& filters = scene.filters;
  return {{"name", scene.name},
          {"retriever", scene.retriever},
          {"ranker", scene.ranker},
          {"candidates", scene.candidates},
          {"filters",
           {{"exclude_bought", filters.exclude_bought},
            {"exclude_seen", filters.exclude_seen},
            {"exclude_hidden", filters.exclude_hidden},
            {"exclude_out_of_stock", filters.exclude_out_of_stock},
            {"exclude_unknown", filters.exclude_unknown}}},
          {"rules", rules},
          {"spacing",
           {{"max_per_brand", scene.spacing.max_per_brand},
            {"max_per_category", scene.spacing.max_per_category},
            {"brand_gap", scene.spacing.brand_gap}}},
          {"diversity",
           {{"method", DiversityMethodName(scene.diversity.method)},
            {"strength", scene.diversity.strength},
            {"pool", scene.diversity.pool},
            {"brand", scene.diversity.brand},
            {"category", scene.diversity.category},
            {"tags", scene.diversity.tags},
            {"vectors", scene.diversity.vectors}}},
          {"exposure",
           {{"share", scene.exposure.share},
            {"days", scene.exposure.days},
            {"impressions", scene.exposure.impressions}}},
          {"fallback", FallbackOrderName(scene.fallback)},
          {"n_default", scene.n_default},
          {"n_max", scene.n_max},
          {"deadline_ms", scene.deadline_ms}};
}

Status ReadPredicate(const Json& json, const std::string& path, ItemPredicate& when) {
  JsonFields fields(json, path);
  fields.Read("items", when.items);
  fields.Read("brands", when.brands);
  fields.Read("categories", when.categories);
  fields.Read("tags", when.tags);
  fields.Read("price_min", when.price_min);
  fields.Read("price_max", when.price_max);
  return fields.Finish();
}

Status ReadRule(const Json& json, const std::string& path, Rule& rule) {
  JsonFields fields(json, path);
  fields.Read("name", rule.name);
  fields.ReadName("kind", rule.kind, {RuleKind::kBoost, RuleKind::kHide, RuleKind::kPin},
                  RuleKindName);
  if (const Json* when = fields.Find("when")) {
    fields.Take(ReadPredicate(*when, fields.PathOf("when"), rule.when));
  }
  fields.Read("add", rule.add);
  fields.Read("factor", rule.factor);
  fields.Read("position", rule.position);
  fields.Read("from", rule.from);
  fields.Read("until", rule.until);
  return fields.Finish();
}

Status ReadFilters(const Json& json, const std::string& path, SceneFilters& filters) {
  JsonFields fields(json, path);
  fields.Read("exclude_bought", filters.exclude_bought);
  fields.Read("exclude_seen", filters.exclude_seen);
  fields.Read("exclude_hidden", filters.exclude_hidden);
  fields.Read("exclude_out_of_stock", filters.exclude_out_of_stock);
  fields.Read("exclude_unknown", filters.exclude_unknown);
  return fields.Finish();
}

Status ReadSpacing(const Json& json, const std::string& path, Spacing& spacing) {
  JsonFields fields(json, path);
  fields.Read("max_per_brand", spacing.max_per_brand);
  fields.Read("max_per_category", spacing.max_per_category);
  fields.Read("brand_gap", spacing.brand_gap);
  return fields.Finish();
}

Status ReadDiversity(const Json& json, const std::string& path, Diversity& diversity) {
  JsonFields fields(json, path);
  fields.ReadName("method", diversity.method, {DiversityMethod::kMmr, DiversityMethod::kDpp},
                  DiversityMethodName);
  fields.Read("strength", diversity.strength);
  fields.Read("pool", diversity.pool);
  fields.Read("brand", diversity.brand);
  fields.Read("category", diversity.category);
  fields.Read("tags", diversity.tags);
  fields.Read("vectors", diversity.vectors);
  return fields.Finish();
}

Status ReadExposure(const Json& json, const std::string& path, Exposure& exposure) {
  JsonFields fields(json, path);
  fields.Read("share", exposure.share);
  fields.Read("days", exposure.days);
  fields.Read("impressions", exposure.impressions);
  return fields.Finish();
}

Result<Scene> ReadScene(const Json& json, const std::string& path) {
  Scene scene;
  JsonFields fields(json, path);
  fields.Read("name", scene.name);
  fields.Read("retriever", scene.retriever);
  fields.Read("ranker", scene.ranker);
  fields.Read("candidates", scene.candidates);
  if (const Json* filters = fields.Find("filters")) {
    fields.Take(ReadFilters(*filters, fields.PathOf("filters"), scene.filters));
  }
  if (const Json* rules = fields.Find("rules")) {
    if (!rules->is_array()) {
      fields.Fail("rules", "is not a list");
    }
    for (std::size_t r = 0; rules->is_array() && r < rules->size(); ++r) {
      const std::string at = fields.PathOf("rules[" + std::to_string(r) + "]");
      fields.Take(ReadRule((*rules)[r], at, scene.rules.emplace_back()));
    }
  }
  if (const Json* spacing = fields.Find("spacing")) {
    fields.Take(ReadSpacing(*spacing, fields.PathOf("spacing"), scene.spacing));
  }
  if (const Json* diversity = fields.Find("diversity")) {
    fields.Take(ReadDiversity(*diversity, fields.PathOf("diversity"), scene.diversity));
  }
  if (const Json* exposure = fields.Find("exposure")) {
    fields.Take(ReadExposure(*exposure, fields.PathOf("exposure"), scene.exposure));
  }
  fields.ReadName("fallback", scene.fallback,
                  {FallbackOrder::kPopularity, FallbackOrder::kTrending}, FallbackOrderName);
  fields.Read("n_default", scene.n_default);
  fields.Read("n_max", scene.n_max);
  fields.Read("deadline_ms", scene.deadline_ms);
  RETURN_IF_ERROR(fields.Finish());
  RETURN_IF_ERROR(Validate(scene));
  return scene;
}

}  // namespace

std::string SceneToJson(const Scene& scene) { return ToJson(scene).dump(2); }

Result<Scene> SceneFromJson(std::string_view json) {
  ASSIGN_OR_RETURN(const Json parsed, data::ParseJson(json));
  return ReadScene(parsed, "scene");
}

std::string ScenesToJson(const SceneMap& scenes) {
  Json list = Json::array();
  for (const auto& [name, scene] : scenes) {
    list.push_back(ToJson(*scene));
  }
  return Json{{"format", kFormat}, {"scenes", list}}.dump(2);
}

Result<SceneMap> ScenesFromJson(std::string_view json) {
  ASSIGN_OR_RETURN(const Json parsed, data::ParseJson(json));
  const bool readable = parsed.is_object() && parsed.contains("format") &&
                        parsed["format"].is_number_integer() && parsed.contains("scenes") &&
                        parsed["scenes"].is_array();
  if (!readable) {
    return InvalidArgument("scenes need a 'format' number and a list 'scenes'");
  }
  if (parsed["format"].get<int>() > kFormat) {
    return FailedPrecondition("these scenes were written by a newer Vitrine (format " +
                              std::to_string(parsed["format"].get<int>()) +
                              "); upgrade to read them");
  }
  SceneMap scenes;
  for (std::size_t i = 0; i < parsed["scenes"].size(); ++i) {
    ASSIGN_OR_RETURN(Scene scene,
                     ReadScene(parsed["scenes"][i], "scenes[" + std::to_string(i) + "]"));
    std::string name = scene.name;
    if (!scenes.emplace(name, std::make_shared<const Scene>(std::move(scene))).second) {
      return InvalidArgument("scene '" + name + "' stands there twice");
    }
  }
  return scenes;
}

std::string RuleToJson(const Rule& rule) { return ToJson(rule).dump(2); }

Result<Rule> RuleFromJson(std::string_view json) {
  ASSIGN_OR_RETURN(const Json parsed, data::ParseJson(json));
  Rule rule;
  RETURN_IF_ERROR(ReadRule(parsed, "rule", rule));
  return rule;
}

Result<ItemPredicate> PredicateFromJson(std::string_view json) {
  ASSIGN_OR_RETURN(const Json parsed, data::ParseJson(json));
  ItemPredicate predicate;
  RETURN_IF_ERROR(ReadPredicate(parsed, "where", predicate));
  return predicate;
}

}  // namespace vitrine::serve
