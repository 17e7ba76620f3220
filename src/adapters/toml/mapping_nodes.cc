#include "adapters/toml/mapping_nodes.h"

#include <algorithm>

#include <fmt/ranges.h>

#include "core/nearest_name.h"

namespace vitrine::adapters {
namespace {

using data::FieldBinding;
using data::FieldTest;
using data::TestKind;

constexpr std::array<std::string_view, 12> kTestKeys = {
    "field",   "missing",     "equals",  "in",    "not_in",   "starts_with",
    "matches", "not_matches", "at_most", "below", "at_least", "above"};
constexpr std::array<std::string_view, 7> kBindingKeys = {
    "column", "columns", "value", "strip_suffix", "split", "scale", "optional"};
constexpr std::array<std::string_view, 10> kTimeKeys = {
    "column", "columns",  "value",  "strip_suffix", "split",
    "scale",  "optional", "format", "pattern",      "zone"};

Status ReadBindingTable(const MappingNode& node, FieldBinding& out) {
  RETURN_IF_ERROR(node.Texts("columns", out.columns));
  RETURN_IF_ERROR(node.Texts("column", out.columns));
  RETURN_IF_ERROR(node.Text("value", out.constant));
  RETURN_IF_ERROR(node.Text("strip_suffix", out.strip_suffix));
  RETURN_IF_ERROR(node.Text("split", out.split));
  RETURN_IF_ERROR(node.Number("scale", out.scale));
  return node.Flag("optional", out.optional);
}

}  // namespace

std::string UnknownWord(std::string_view kind, std::string_view word,
                        std::span<const std::string_view> known) {
  const std::vector<std::string> names(known.begin(), known.end());
  std::string near = DidYouMean(word, names);
  return fmt::format("unknown {} '{}'{}", kind, word,
                     near.empty() ? fmt::format("; known: {}", fmt::join(known, ", ")) : near);
}

Status MappingNode::CheckKeys(std::span<const std::string_view> known) const {
  for (const auto& [key, node] : table_) {
    if (std::find(known.begin(), known.end(), key.str()) == known.end()) {
      const toml::source_position& at = key.source().begin;
      return InvalidArgument(fmt::format("{}:{}:{}: {}", origin_, at.line, at.column,
                                         UnknownWord("key", key.str(), known)));
    }
  }
  return Status::Ok();
}

Status MappingNode::Text(std::string_view key, std::string& out) const {
  const toml::node* node = table_.get(key);
  if (node == nullptr) {
    return Status::Ok();
  }
  const auto value = node->value_exact<std::string>();
  if (!value) {
    return Bad(*node, fmt::format("'{}' is a text in quotes", key));
  }
  out = *value;
  return Status::Ok();
}

Status MappingNode::Number(std::string_view key, double& out) const {
  const toml::node* node = table_.get(key);
  if (node == nullptr) {
    return Status::Ok();
  }
  if (!node->is_number()) {
    return Bad(*node, fmt::format("'{}' is a number", key));
  }
  out = node->value<double>().value_or(0);
  return Status::Ok();
}

Status MappingNode::Integer(std::string_view key, std::int64_t& out) const {
  const toml::node* node = table_.get(key);
  if (node == nullptr) {
    return Status::Ok();
  }
  const auto value = node->value_exact<std::int64_t>();
  if (!value || *value < 0) {
    return Bad(*node, fmt::format("'{}' is a whole number, 0 or more", key));
  }
  out = *value;
  return Status::Ok();
}

Status MappingNode::Flag(std::string_view key, bool& out) const {
  const toml::node* node = table_.get(key);
  if (node == nullptr) {
    return Status::Ok();
  }
  const auto value = node->value_exact<bool>();
  if (!value) {
    return Bad(*node, fmt::format("'{}' is true or false", key));
  }
  out = *value;
  return Status::Ok();
}

Status MappingNode::Texts(std::string_view key, std::vector<std::string>& out) const {
  const toml::node* node = table_.get(key);
  if (node == nullptr) {
    return Status::Ok();
  }
  if (const auto text = node->value_exact<std::string>()) {
    out = {*text};
    return Status::Ok();
  }
  const toml::array* array = node->as_array();
  if (array == nullptr || !array->is_homogeneous(toml::node_type::string)) {
    return Bad(*node, fmt::format("'{}' is a text or a list of texts", key));
  }
  out.clear();
  for (const toml::node& element : *array) {
    out.push_back(element.value_exact<std::string>().value_or(std::string()));
  }
  return Status::Ok();
}

Result<MappingNode> MappingNode::Child(std::string_view key) const {
  const toml::node* node = table_.get(key);
  if (node == nullptr || node->as_table() == nullptr) {
    return Bad(node == nullptr ? static_cast<const toml::node&>(table_) : *node,
               fmt::format("'{}' is a table", key));
  }
  return MappingNode(*node->as_table(), origin_);
}

Result<std::vector<MappingNode>> MappingNode::Children(std::string_view key) const {
  std::vector<MappingNode> out;
  const toml::node* node = table_.get(key);
  if (node == nullptr) {
    return out;
  }
  const toml::array* array = node->as_array();
  if (array == nullptr || (!array->empty() && !array->is_homogeneous(toml::node_type::table))) {
    return Bad(*node, fmt::format("'{0}' is a list of tables: [[{0}]]", key));
  }
  for (const toml::node& element : *array) {
    out.emplace_back(*element.as_table(), origin_);
  }
  return out;
}

Result<FieldBinding> ReadBinding(const MappingNode& parent, std::string_view key,
                                 const toml::node& node) {
  FieldBinding out;
  if (const toml::table* table = node.as_table()) {
    const MappingNode child(*table, parent.origin());
    RETURN_IF_ERROR(child.CheckKeys(kBindingKeys));
    RETURN_IF_ERROR(ReadBindingTable(child, out));
  } else {
    RETURN_IF_ERROR(parent.Texts(key, out.columns));
  }
  if (out.columns.empty() && out.constant.empty()) {
    return parent.Bad(node, fmt::format("'{}' names no column and has no value", key));
  }
  return out;
}

Result<data::TimeBinding> ReadTime(const MappingNode& parent, std::string_view key,
                                   const toml::node& node) {
  data::TimeBinding out;
  if (node.as_table() == nullptr) {
    RETURN_IF_ERROR(parent.Texts(key, out.field.columns));
    return out;
  }
  const MappingNode child(*node.as_table(), parent.origin());
  RETURN_IF_ERROR(child.CheckKeys(kTimeKeys));
  RETURN_IF_ERROR(ReadBindingTable(child, out.field));
  RETURN_IF_ERROR(
      child.Choice("format", data::ParseTimeNotation, data::TimeNotationName, 7, out.notation));
  RETURN_IF_ERROR(child.Text("pattern", out.pattern));
  RETURN_IF_ERROR(child.Text("zone", out.zone));
  if (!out.pattern.empty() && !child.has("format")) {
    out.notation = data::TimeNotation::kPattern;
  }
  return out;
}

std::span<const std::string_view> TestKeys() { return kTestKeys; }

namespace {

/// Tests on texts, then on numbers: the key in the file and what it means.
Status ReadTextTest(const MappingNode& node, FieldTest& test, int& tests) {
  static constexpr std::array<std::pair<std::string_view, TestKind>, 6> kTexts = {{
      {"equals", TestKind::kIn},
      {"in", TestKind::kIn},
      {"not_in", TestKind::kNotIn},
      {"starts_with", TestKind::kStartsWith},
      {"matches", TestKind::kMatches},
      {"not_matches", TestKind::kNotMatches},
  }};
  for (const auto& [key, kind] : kTexts) {
    if (node.has(key)) {
      ++tests;
      test.test = kind;
      RETURN_IF_ERROR(node.Texts(key, test.texts));
      const bool many = key == "in" || key == "not_in";
      if (test.texts.empty() || (!many && test.texts.size() != 1)) {
        return node.Bad(fmt::format("'{}' needs {}", key, many ? "at least one text" : "one text"));
      }
    }
  }
  return Status::Ok();
}

}  // namespace

Result<FieldTest> ReadTest(const MappingNode& node, bool& found) {
  static constexpr std::array<std::pair<std::string_view, TestKind>, 4> kNumbers = {{
      {"at_most", TestKind::kAtMost},
      {"below", TestKind::kBelow},
      {"at_least", TestKind::kAtLeast},
      {"above", TestKind::kAbove},
  }};
  FieldTest test;
  int tests = 0;
  RETURN_IF_ERROR(node.Text("field", test.field));
  if (node.has("missing")) {
    bool missing = true;
    ++tests;
    RETURN_IF_ERROR(node.Flag("missing", missing));
    test.test = missing ? TestKind::kMissing : TestKind::kPresent;
  }
  RETURN_IF_ERROR(ReadTextTest(node, test, tests));
  for (const auto& [key, kind] : kNumbers) {
    if (node.has(key)) {
      ++tests;
      test.test = kind;
      RETURN_IF_ERROR(node.Number(key, test.number));
    }
  }
  if (tests > 1) {
    return node.Bad("one test at a time: write two tables for two tests");
  }
  found = tests == 1;
  return test;
}

}  // namespace vitrine::adapters
