#include "adapters/toml/mapping.h"

#include <algorithm>
#include <fstream>
#include <sstream>

#include <fmt/ranges.h>

#include "adapters/toml/mapping_nodes.h"
#include "core/nearest_name.h"

namespace vitrine::adapters {
namespace {

using data::Bindings;
using data::Mapping;
using data::Rule;
using data::RuleKind;
using data::Source;
using data::TableKind;

std::optional<data::Versions> ParseVersions(std::string_view name) {
  return name == "all"      ? std::optional(data::Versions::kAll)
         : name == "change" ? std::optional(data::Versions::kChange)
         : name == "last"   ? std::optional(data::Versions::kLast)
                            : std::nullopt;
}
std::string_view VersionsName(data::Versions versions) {
  static constexpr std::array<std::string_view, 3> kNames = {"all", "change", "last"};
  return kNames.at(static_cast<std::size_t>(versions));
}

/// Fields of a table; the time field is taken apart by itself.
Status ReadFields(const MappingNode& source, std::string_view key, TableKind table, Bindings& out,
                  data::TimeBinding* time) {
  if (!source.has(key)) {
    return Status::Ok();
  }
  ASSIGN_OR_RETURN(const MappingNode node, source.Child(key));
  const std::string_view time_field = table == TableKind::kEvents ? "ts" : "valid_from";
  std::vector<std::string_view> known(data::FieldNames(table).begin(),
                                      data::FieldNames(table).end());
  known.push_back(time_field);
  for (const auto& [name, value] : node.table()) {
    if (std::find(known.begin(), known.end(), name.str()) == known.end()) {
      return node.Bad(value, UnknownWord("field", name.str(), known));
    }
    if (name.str() == time_field) {
      if (time == nullptr) {
        return node.Bad(value, fmt::format("'{}' stands in [fields]", time_field));
      }
      ASSIGN_OR_RETURN(*time, ReadTime(node, name.str(), value));
      continue;
    }
    ASSIGN_OR_RETURN(data::FieldBinding binding, ReadBinding(node, name.str(), value));
    out.emplace(std::string(name.str()), std::move(binding));
  }
  return Status::Ok();
}

Status ReadAttributes(const MappingNode& node, Source& out) {
  const toml::node* attributes = node.table().get("attributes");
  if (attributes == nullptr) {
    return Status::Ok();
  }
  if (attributes->value_exact<std::string>() == "*") {
    out.all_attributes = true;
    return Status::Ok();
  }
  if (attributes->as_table() == nullptr) {
    return node.Bad(*attributes, "'attributes' is \"*\" or a table: name = \"column\"");
  }
  const MappingNode child(*attributes->as_table(), node.origin());
  for (const auto& [name, value] : child.table()) {
    ASSIGN_OR_RETURN(data::FieldBinding binding, ReadBinding(child, name.str(), value));
    out.attributes.emplace(std::string(name.str()), std::move(binding));
  }
  return Status::Ok();
}

Status ReadEventWhen(const MappingNode& node, Source& out) {
  ASSIGN_OR_RETURN(const std::vector<MappingNode> children, node.Children("event_when"));
  for (const MappingNode& child : children) {
    std::vector<std::string_view> keys(TestKeys().begin(), TestKeys().end());
    keys.push_back("event");
    RETURN_IF_ERROR(child.CheckKeys(keys));
    data::EventWhen when;
    bool found = false;
    ASSIGN_OR_RETURN(when.test, ReadTest(child, found));
    RETURN_IF_ERROR(child.Text("event", when.event));
    if (!found || !data::IsEventField(when.test.field) || when.event.empty()) {
      return child.Bad("event_when needs `field`, a test and `event`");
    }
    out.event_when.push_back(std::move(when));
  }
  return Status::Ok();
}

Status ReadWhere(const MappingNode& node, Source& out) {
  ASSIGN_OR_RETURN(const std::vector<MappingNode> children, node.Children("where"));
  for (const MappingNode& child : children) {
    RETURN_IF_ERROR(child.CheckKeys(TestKeys()));
    bool found = false;
    ASSIGN_OR_RETURN(data::FieldTest test, ReadTest(child, found));
    if (!found || test.field.empty()) {
      return child.Bad("where needs `field` (a column of the file) and a test");
    }
    out.where.push_back(std::move(test));
  }
  return Status::Ok();
}

Status ReadFormat(const MappingNode& node, Source& out) {
  RETURN_IF_ERROR(
      node.Choice("format", data::ParseFileFormat, data::FileFormatName, 5, out.format));
  if (out.format == data::FileFormat::kTsv) {
    out.delimiter = "\t";
  } else if (out.format == data::FileFormat::kSequences) {
    out.delimiter = " ";
    out.time.notation = data::TimeNotation::kSequence;
  }
  RETURN_IF_ERROR(node.Text("delimiter", out.delimiter));
  RETURN_IF_ERROR(node.Text("quote", out.quote));
  RETURN_IF_ERROR(node.Flag("typed_header", out.typed_header));
  auto bytes = static_cast<std::int64_t>(out.max_line_bytes);
  RETURN_IF_ERROR(node.Integer("max_line_bytes", bytes));
  out.max_line_bytes = static_cast<std::size_t>(bytes);
  if (out.delimiter.size() != 1 || out.quote.size() > 1) {
    return node.Bad("`delimiter` is one character; `quote` is one or empty");
  }
  if (bytes < 64 || bytes > (std::int64_t{256} << 20)) {
    return node.Bad("`max_line_bytes` lies between 64 and 268435456 (256 MiB)");
  }
  return Status::Ok();
}

Result<Source> ReadSource(const MappingNode& node, TableKind table) {
  static constexpr std::array<std::string_view, 16> kKeys = {
      "files",          "optional",   "format",        "delimiter",  "quote", "typed_header",
      "max_line_bytes", "fields",     "default_event", "event_when", "list",  "list_fields",
      "where",          "attributes", "versions",      "description"};
  RETURN_IF_ERROR(node.CheckKeys(kKeys));
  Source out;
  out.table = table;
  RETURN_IF_ERROR(node.Texts("files", out.files));
  RETURN_IF_ERROR(node.Flag("optional", out.optional));
  RETURN_IF_ERROR(ReadFormat(node, out));
  RETURN_IF_ERROR(ReadFields(node, "fields", table, out.fields, &out.time));
  RETURN_IF_ERROR(node.Text("default_event", out.default_event));
  RETURN_IF_ERROR(ReadEventWhen(node, out));
  RETURN_IF_ERROR(node.Text("list", out.list));
  RETURN_IF_ERROR(ReadFields(node, "list_fields", table, out.list_fields, nullptr));
  RETURN_IF_ERROR(ReadWhere(node, out));
  RETURN_IF_ERROR(ReadAttributes(node, out));
  RETURN_IF_ERROR(node.Choice("versions", ParseVersions, VersionsName, 3, out.versions));
  if (out.list.empty() != out.list_fields.empty()) {
    return node.Bad("`list` and [list_fields] belong together");
  }
  return out;
}

Result<Rule> ReadRule(const MappingNode& node) {
  std::vector<std::string_view> keys(TestKeys().begin(), TestKeys().end());
  for (const std::string_view key : {"name", "kind", "action", "value", "window_seconds",
                                     "threshold", "low", "high", "by", "per_hour", "per_day"}) {
    keys.push_back(key);
  }
  RETURN_IF_ERROR(node.CheckKeys(keys));
  Rule rule;
  bool found = false;
  RETURN_IF_ERROR(node.Text("name", rule.name));
  if (rule.name.empty()) {
    return node.Bad("a rule needs a `name`");
  }
  // A default rule that is named again starts from what it was.
  for (const Rule& known : data::DefaultRules()) {
    if (known.name == rule.name) {
      rule = known;
    }
  }
  RETURN_IF_ERROR(node.Choice("kind", data::ParseRuleKind, data::RuleKindName, 14, rule.kind));
  RETURN_IF_ERROR(
      node.Choice("action", data::ParseRuleAction, data::RuleActionName, 5, rule.action));
  ASSIGN_OR_RETURN(rule.test, ReadTest(node, found));
  if (rule.kind == RuleKind::kWhere && !found) {
    return node.Bad(
        fmt::format("rule '{}' needs a test (such as at_most = 0) or a `kind`", rule.name));
  }
  if (rule.kind != RuleKind::kWhere && found) {
    return node.Bad(fmt::format("rule '{}' of kind '{}' takes no test", rule.name,
                                data::RuleKindName(rule.kind)));
  }
  RETURN_IF_ERROR(node.Text("field", rule.field));
  RETURN_IF_ERROR(node.Text("value", rule.value));
  RETURN_IF_ERROR(node.Number("window_seconds", rule.window_seconds));
  RETURN_IF_ERROR(node.Number("threshold", rule.threshold));
  RETURN_IF_ERROR(node.Number("low", rule.low));
  RETURN_IF_ERROR(node.Number("high", rule.high));
  RETURN_IF_ERROR(node.Text("by", rule.by));
  RETURN_IF_ERROR(node.Integer("per_hour", rule.per_hour));
  RETURN_IF_ERROR(node.Integer("per_day", rule.per_day));
  return rule;
}

Status ReadRules(const MappingNode& root, Mapping& out) {
  bool with_defaults = true;
  RETURN_IF_ERROR(root.Flag("default_rules", with_defaults));
  ASSIGN_OR_RETURN(const std::vector<MappingNode> children, root.Children("rules"));
  std::vector<Rule> own;
  for (const MappingNode& child : children) {
    ASSIGN_OR_RETURN(Rule rule, ReadRule(child));
    own.push_back(std::move(rule));
  }
  Result<std::vector<Rule>> rules =
      data::CompleteRules(std::move(own), with_defaults, out.ordinal_time());
  if (!rules.ok()) {
    return rules.status().WithContext(root.origin());
  }
  out.rules = std::move(rules).value();
  return Status::Ok();
}

Result<Mapping> ReadMapping(const MappingNode& root) {
  static constexpr std::array<std::string_view, 8> kKeys = {
      "name", "description", "default_rules", "event_names", "events", "items", "users", "rules"};
  RETURN_IF_ERROR(root.CheckKeys(kKeys));
  Mapping out;
  RETURN_IF_ERROR(root.Text("name", out.name));
  RETURN_IF_ERROR(root.Text("description", out.description));
  if (out.name.empty()) {
    return root.Bad("a mapping needs a `name`");
  }
  for (const TableKind table : {TableKind::kEvents, TableKind::kItems, TableKind::kUsers}) {
    ASSIGN_OR_RETURN(const std::vector<MappingNode> nodes,
                     root.Children(data::TableKindName(table)));
    for (const MappingNode& node : nodes) {
      ASSIGN_OR_RETURN(Source source, ReadSource(node, table));
      out.sources.push_back(std::move(source));
    }
  }
  if (root.has("event_names")) {
    ASSIGN_OR_RETURN(const MappingNode names, root.Child("event_names"));
    for (const auto& [name, value] : names.table()) {
      std::string event;
      RETURN_IF_ERROR(names.Text(name.str(), event));
      out.event_names.emplace(std::string(name.str()), std::move(event));
    }
  }
  RETURN_IF_ERROR(ReadRules(root, out));
  const Status checked = data::ValidateMapping(out);
  return checked.ok() ? Result<Mapping>(std::move(out)) : checked.WithContext(root.origin());
}

}  // namespace

Result<Mapping> ParseMapping(std::string_view text, const std::string& origin) {
  try {
    const toml::table table = toml::parse(text, origin);
    ASSIGN_OR_RETURN(Mapping mapping, ReadMapping(MappingNode(table, origin)));
    mapping.text = std::string(text);
    return mapping;
  } catch (const toml::parse_error& error) {
    const toml::source_position& at = error.source().begin;
    return InvalidArgument(
        fmt::format("{}:{}:{}: {}", origin, at.line, at.column, error.description()));
  }
}

Result<Mapping> LoadMapping(const std::string& name_or_path) {
  std::vector<std::string> names;
  for (const ReadyMapping& ready : ReadyMappings()) {
    if (ready.name == name_or_path) {
      return ParseMapping(ready.text, "mapping " + name_or_path);
    }
    names.emplace_back(ready.name);
  }
  std::ifstream file(name_or_path, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) {
    return NotFound(
        fmt::format("mapping '{}' is neither a ready one ({}) nor a file that can be read{}",
                    name_or_path, fmt::join(names, ", "), DidYouMean(name_or_path, names)));
  }
  return ParseMapping(text.str(), name_or_path);
}

}  // namespace vitrine::adapters
