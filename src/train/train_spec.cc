#include "train/train_spec.h"

#include <cctype>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace vitrine::train {
namespace {
using Json = nlohmann::ordered_json;

Json ValueJson(const ParameterValue& value) {
  return std::visit([](const auto& v) { return Json(v); }, value);
}

Json MembersJson(const std::vector<MemberSpec>& members) {
  Json list = Json::array();
  for (const MemberSpec& member : members) {
    Json json = {{"name", member.name}, {"algorithm", member.algorithm}};
    json["parameters"] = Json::object();
    for (const auto& [name, value] : member.parameters) {
      json["parameters"][name] = ValueJson(value);
    }
    list.push_back(std::move(json));
  }
  return list;
}

bool IsNameLetter(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.';
}
}  // namespace

Status CheckTrainSpec(const TrainSpec& spec) {
  if (spec.algorithm.empty()) {
    return InvalidArgument("algorithm is missing; `vitrine-trainer models` lists them");
  }
  const std::string& name = spec.model_name();
  if (name.size() > 64 || name.front() == '.') {
    return InvalidArgument(
        fmt::format("name '{}' is no model name: at most 64 letters, digits, "
                    "'-', '_' and '.', not starting with '.'",
                    name));
  }
  for (const char c : name) {
    if (!IsNameLetter(c)) {
      return InvalidArgument(
          fmt::format("name '{}' holds '{}'; a model name has letters, digits, "
                      "'-', '_' and '.'",
                      name, c));
    }
  }
  if (spec.validation_k < 1 || spec.validation_k > 1000) {
    return InvalidArgument(
        fmt::format("validation_k is {}; it must be from 1 to 1000", spec.validation_k));
  }
  return CheckExampleWeights(spec.weights);
}

std::string TrainSpecToJson(const TrainSpec& spec, const Parameters& parameters,
                            const Chosen& chosen, std::string_view fitted_on) {
  Json json = {{"name", spec.model_name()}, {"algorithm", spec.algorithm}, {"seed", spec.seed}};
  json["parameters"] = Json::object();
  for (const auto& [name, value] : parameters.values()) {
    json["parameters"][name] = ValueJson(value);
  }
  if (!spec.members.empty()) {
    json["members"] = MembersJson(spec.members);
  }
  json["events"] = Json::array();
  for (const EventType type : spec.events) {
    json["events"].push_back(EventName(type));
  }
  if (!spec.weights.plain()) {
    json["weights"] = Json::object();
    for (const auto& [type, weight] : spec.weights.by_event) {
      json["weights"][std::string(EventName(type))] = weight;
    }
    json["half_life_days"] = spec.weights.half_life_days;
  }
  json["features"] = Json::array();
  for (const data::FeatureDef& def : spec.features) {
    Json feature = {{"name", def.name}, {"op", def.op}, {"source", def.source}};
    feature["options"] = Json(def.options);
    json["features"].push_back(std::move(feature));
  }
  json["validation_k"] = spec.validation_k;
  json["validation_cases"] = spec.validation_cases;
  if (!spec.warm_start.empty()) {
    json["warm_start"] = spec.warm_start;
  }
  json["fitted_on"] = fitted_on;
  json["chosen"] = Json(chosen);
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<Chosen> ChosenOf(std::string_view train_spec_json) {
  const Json json = Json::parse(train_spec_json, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) {
    return InvalidArgument("the train spec in the manifest is no JSON object");
  }
  Chosen chosen;
  const auto at = json.find("chosen");
  if (at == json.end()) {
    return chosen;
  }
  if (!at->is_object()) {
    return InvalidArgument("chosen in the manifest's train spec is no object");
  }
  for (const auto& [name, value] : at->items()) {
    if (!value.is_number()) {
      return InvalidArgument(
          fmt::format("chosen.{} in the manifest's train spec is no number", name));
    }
    chosen[name] = value.get<double>();
  }
  return chosen;
}

}  // namespace vitrine::train
