/// Scenes as JSON: the body of /v1/scenes and the file that keeps them. Field names are the structs'
/// own; times are ISO 8601 UTC or integer microseconds. Unknown fields are refused by name.
#pragma once

#include <string>
#include <string_view>

#include "core/status.h"
#include "serve/scene.h"

namespace vitrine::serve {

/// One scene, two spaces of indent; fields that hold their default are written too.
std::string SceneToJson(const Scene& scene);
/// Errors: kInvalidArgument, names the field; the scene is validated.
Result<Scene> SceneFromJson(std::string_view json);

/// {"format": 1, "scenes": [...]}, scenes in name order.
std::string ScenesToJson(const SceneMap& scenes);
/// Errors: kInvalidArgument; kFailedPrecondition (a newer format).
Result<SceneMap> ScenesFromJson(std::string_view json);

/// One rule, as it stands in a scene's list. Rules are checked against each other by Validate.
std::string RuleToJson(const Rule& rule);
/// Errors: kInvalidArgument, names the field.
Result<Rule> RuleFromJson(std::string_view json);

/// One predicate, as in rules and in a request's filter.where.
Result<ItemPredicate> PredicateFromJson(std::string_view json);

}  // namespace vitrine::serve
