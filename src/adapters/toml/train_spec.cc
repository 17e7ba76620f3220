#include "adapters/toml/train_spec.h"

#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <toml++/toml.h>

#include "adapters/toml/mapping_nodes.h"
#include "core/nearest_name.h"

namespace vitrine::adapters {
namespace {
using train::TrainSpec;

constexpr std::array<std::string_view, 14> kKeys = {
    "name",         "algorithm",      "seed",       "events",       "memory_limit_mb",
    "data_licence", "half_life_days", "warm_start", "validation_k", "validation_cases",
    "parameters",   "weights",        "feature",    "member"};
constexpr std::array<std::string_view, 3> kMemberKeys = {"name", "algorithm", "parameters"};

Status ReadParameters(const MappingNode& root,
                      std::map<std::string, train::ParameterValue>& parameters) {
  if (!root.has("parameters")) {
    return Status::Ok();
  }
  ASSIGN_OR_RETURN(const MappingNode table, root.Child("parameters"));
  for (const auto& [key, node] : table.table()) {
    const std::string name(key.str());
    if (const auto flag = node.value_exact<bool>()) {
      parameters[name] = *flag;
    } else if (const auto whole = node.value_exact<std::int64_t>()) {
      parameters[name] = *whole;
    } else if (const auto number = node.value_exact<double>()) {
      parameters[name] = *number;
    } else if (const auto word = node.value_exact<std::string>()) {
      parameters[name] = *word;
    } else {
      return table.Bad(node,
                       fmt::format("parameter '{}' is a number, a text, true or false", name));
    }
  }
  return Status::Ok();
}

/// An option's value the way FeatureDef keeps it: text.
Result<std::string> OptionText(const MappingNode& table, std::string_view key,
                               const toml::node& node) {
  if (const auto text = node.value_exact<std::string>()) {
    return *text;
  }
  if (const auto flag = node.value_exact<bool>()) {
    return std::string(*flag ? "true" : "false");
  }
  if (const auto whole = node.value_exact<std::int64_t>()) {
    return fmt::format("{}", *whole);
  }
  if (const auto number = node.value_exact<double>()) {
    return fmt::format("{}", *number);
  }
  return table.Bad(node, fmt::format("option '{}' is a number, a text, true or false", key));
}

Status ReadFeature(const MappingNode& table, TrainSpec& spec) {
  data::FeatureDef def;
  RETURN_IF_ERROR(table.Text("name", def.name));
  RETURN_IF_ERROR(table.Text("op", def.op));
  RETURN_IF_ERROR(table.Text("source", def.source));
  if (def.name.empty() || def.op.empty()) {
    return table.Bad("a feature needs a name and an op");
  }
  for (const auto& [key, node] : table.table()) {
    if (key.str() == "name" || key.str() == "op" || key.str() == "source") {
      continue;
    }
    ASSIGN_OR_RETURN(def.options[std::string(key.str())], OptionText(table, key.str(), node));
  }
  spec.features.push_back(std::move(def));
  return Status::Ok();
}

std::vector<std::string_view> EventNames() {
  std::vector<std::string_view> names;
  for (int t = 0; t < kEventTypes; ++t) {
    names.push_back(EventName(static_cast<EventType>(t)));
  }
  return names;
}

Status ReadEvents(const MappingNode& root, TrainSpec& spec) {
  std::vector<std::string> names;
  RETURN_IF_ERROR(root.Texts("events", names));
  for (const std::string& name : names) {
    const std::optional<EventType> type = ParseEventType(name);
    if (!type) {
      return root.Bad(*root.table().get("events"), UnknownWord("event", name, EventNames()));
    }
    spec.events.insert(*type);
  }
  return Status::Ok();
}

Status ReadWeights(const MappingNode& root, TrainSpec& spec) {
  if (!root.has("weights")) {
    return Status::Ok();
  }
  ASSIGN_OR_RETURN(const MappingNode table, root.Child("weights"));
  for (const auto& [key, node] : table.table()) {
    const std::optional<EventType> type = ParseEventType(key.str());
    if (!type) {
      return table.Bad(node, UnknownWord("event", std::string(key.str()), EventNames()));
    }
    const std::optional<double> weight = node.value<double>();
    if (!node.is_number() || !weight) {
      return table.Bad(node, fmt::format("the weight of {} is a number", EventName(*type)));
    }
    spec.weights.by_event[*type] = *weight;
  }
  return Status::Ok();
}

Status ReadMember(const MappingNode& table, TrainSpec& spec) {
  RETURN_IF_ERROR(table.CheckKeys(kMemberKeys));
  train::MemberSpec member;
  RETURN_IF_ERROR(table.Text("name", member.name));
  RETURN_IF_ERROR(table.Text("algorithm", member.algorithm));
  if (member.algorithm.empty()) {
    return table.Bad("a member needs an algorithm; `vitrine-trainer models` lists them");
  }
  RETURN_IF_ERROR(ReadParameters(table, member.parameters));
  spec.members.push_back(std::move(member));
  return Status::Ok();
}

Result<TrainSpec> ReadRoot(const MappingNode& root) {
  TrainSpec spec;
  RETURN_IF_ERROR(root.CheckKeys(kKeys));
  RETURN_IF_ERROR(root.Text("name", spec.name));
  RETURN_IF_ERROR(root.Text("algorithm", spec.algorithm));
  RETURN_IF_ERROR(root.Text("data_licence", spec.data_licence));
  RETURN_IF_ERROR(root.Text("warm_start", spec.warm_start));
  auto seed = static_cast<std::int64_t>(spec.seed);
  std::int64_t limit = 0;
  std::int64_t k = spec.validation_k;
  std::int64_t cases = 0;
  RETURN_IF_ERROR(root.Integer("seed", seed));
  RETURN_IF_ERROR(root.Integer("memory_limit_mb", limit));
  RETURN_IF_ERROR(root.Integer("validation_k", k));
  RETURN_IF_ERROR(root.Integer("validation_cases", cases));
  spec.seed = static_cast<std::uint64_t>(seed);
  spec.memory_limit_mb = static_cast<std::uint64_t>(limit);
  spec.validation_k = static_cast<int>(std::min<std::int64_t>(k, 1'000'000));
  spec.validation_cases = static_cast<std::uint64_t>(cases);
  RETURN_IF_ERROR(ReadEvents(root, spec));
  RETURN_IF_ERROR(ReadWeights(root, spec));
  RETURN_IF_ERROR(root.Number("half_life_days", spec.weights.half_life_days));
  RETURN_IF_ERROR(ReadParameters(root, spec.parameters));
  ASSIGN_OR_RETURN(const std::vector<MappingNode> features, root.Children("feature"));
  for (const MappingNode& feature : features) {
    RETURN_IF_ERROR(ReadFeature(feature, spec));
  }
  ASSIGN_OR_RETURN(const std::vector<MappingNode> members, root.Children("member"));
  for (const MappingNode& member : members) {
    RETURN_IF_ERROR(ReadMember(member, spec));
  }
  const Status checked = train::CheckTrainSpec(spec);
  return checked.ok() ? Result<TrainSpec>(std::move(spec)) : checked.WithContext(root.origin());
}
}  // namespace

Result<TrainSpec> ParseTrainSpec(std::string_view text, const std::string& origin) {
  try {
    const toml::table table = toml::parse(text, origin);
    return ReadRoot(MappingNode(table, origin));
  } catch (const toml::parse_error& e) {
    const toml::source_position& at = e.source().begin;
    return InvalidArgument(
        fmt::format("{}:{}:{}: {}", origin, at.line, at.column, e.description()));
  }
}

Result<TrainSpec> ReadTrainSpec(const std::string& path_or_name) {
  ASSIGN_OR_RETURN(const std::string text,
                   ReadTextOrReady("train spec", path_or_name, ReadySpecs()));
  return ParseTrainSpec(text, path_or_name);
}

Result<std::string> ReadTextOrReady(std::string_view what, const std::string& path_or_name,
                                    std::span<const ReadyText> ready) {
  std::vector<std::string> names;
  for (const ReadyText& r : ready) {
    if (r.name == path_or_name) {
      return std::string(r.text);
    }
    names.emplace_back(r.name);
  }
  std::error_code ignored;
  std::ifstream file(path_or_name, std::ios::binary);
  if (file && !std::filesystem::is_directory(path_or_name, ignored)) {
    return std::string{std::istreambuf_iterator<char>(file), {}};
  }
  const std::string hint = DidYouMean(path_or_name, names);
  return NotFound(fmt::format("there is no {} '{}': neither a file nor a ready one{}", what,
                              path_or_name,
                              hint.empty() ? fmt::format(" ({})", fmt::join(names, ", ")) : hint));
}

}  // namespace vitrine::adapters
