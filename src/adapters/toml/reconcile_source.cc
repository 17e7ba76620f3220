#include "adapters/toml/reconcile_source.h"

#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <fmt/format.h>

#include "adapters/toml/mapping_nodes.h"
#include "core/event.h"

namespace vitrine::adapters {
namespace {

using data::ReconcileKey;
using data::ReconcileSource;

/// A column's name in the file, and ours.
struct Bound {
  std::string_view key;
  std::string_view field;
};
constexpr std::array kBound = {Bound{"item", "item_id"}, Bound{"amount", "price"},
                               Bound{"price", "price"}, Bound{"quantity", "quantity"}};

Status ReadColumns(const MappingNode& root, ReconcileSource& out, data::Source& source) {
  if (!root.has("columns")) {
    return root.Bad("[columns] says which columns hold id, time, amount, and perhaps item");
  }
  ASSIGN_OR_RETURN(const MappingNode node, root.Child("columns"));
  static constexpr std::array<std::string_view, 6> kKnown = {"id",     "time",  "item",
                                                             "amount", "price", "quantity"};
  RETURN_IF_ERROR(node.CheckKeys(kKnown));
  for (const char* needed : {"id", "time"}) {
    if (!node.has(needed)) {
      return node.Bad(fmt::format("[columns] lacks '{}'", needed));
    }
  }
  if (node.has("amount") == node.has("price") || (node.has("amount") && node.has("quantity"))) {
    return node.Bad("[columns] has either 'amount', or 'price' with or without 'quantity'");
  }
  if (out.key == ReconcileKey::kOrderItem && !node.has("item")) {
    return node.Bad("key \"order_item\" needs the column 'item'");
  }
  ASSIGN_OR_RETURN(source.time, ReadTime(node, "time", *node.table().get("time")));
  ASSIGN_OR_RETURN(data::FieldBinding id, ReadBinding(node, "id", *node.table().get("id")));
  source.fields.emplace(out.key == ReconcileKey::kEvent ? "event_id" : "order_id", std::move(id));
  for (const Bound& bound : kBound) {
    if (const toml::node* value = node.table().get(bound.key); value != nullptr) {
      ASSIGN_OR_RETURN(data::FieldBinding binding, ReadBinding(node, bound.key, *value));
      source.fields.emplace(std::string(bound.field), std::move(binding));
    }
  }
  return Status::Ok();
}

Status ReadWhere(const MappingNode& root, data::Source& source) {
  ASSIGN_OR_RETURN(const std::vector<MappingNode> tests, root.Children("where"));
  for (const MappingNode& child : tests) {
    RETURN_IF_ERROR(child.CheckKeys(TestKeys()));
    bool found = false;
    ASSIGN_OR_RETURN(data::FieldTest test, ReadTest(child, found));
    if (!found || test.field.empty()) {
      return child.Bad("where needs `field` (a column of the export) and a test");
    }
    source.where.push_back(std::move(test));
  }
  return Status::Ok();
}

Status ReadTolerance(const MappingNode& root, ReconcileSource& out) {
  if (!root.has("tolerance")) {
    return Status::Ok();
  }
  ASSIGN_OR_RETURN(const MappingNode node, root.Child("tolerance"));
  static constexpr std::array<std::string_view, 3> kKnown = {"rows", "amount", "difference"};
  RETURN_IF_ERROR(node.CheckKeys(kKnown));
  RETURN_IF_ERROR(node.Number("rows", out.rows_tolerance));
  RETURN_IF_ERROR(node.Number("amount", out.amount_tolerance));
  RETURN_IF_ERROR(node.Number("difference", out.difference));
  if (!(out.rows_tolerance >= 0 && out.rows_tolerance <= 1 && out.amount_tolerance >= 0 &&
        out.amount_tolerance <= 1 && out.difference >= 0)) {
    return node.Bad("rows and amount are shares of 0 to 1, difference is 0 or more");
  }
  return Status::Ok();
}

Result<ReconcileSource> Read(const MappingNode& root, const std::filesystem::path& folder) {
  static constexpr std::array<std::string_view, 9> kKnown = {
      "name", "paths", "format", "delimiter", "key", "event", "columns", "where", "tolerance"};
  RETURN_IF_ERROR(root.CheckKeys(kKnown));
  ReconcileSource out;
  data::Source source;
  RETURN_IF_ERROR(root.Text("name", out.name));
  RETURN_IF_ERROR(root.Texts("paths", out.paths));
  if (out.name.empty() || out.paths.empty()) {
    return root.Bad("a source needs `name` and `paths`");
  }
  for (std::string& path : out.paths) {
    path = (folder / path).lexically_normal().string();  // an absolute one stays as it is
  }
  RETURN_IF_ERROR(root.Choice("key", data::ParseReconcileKey, data::ReconcileKeyName, 3, out.key));
  RETURN_IF_ERROR(root.Text("event", out.event));
  if (!ParseEventType(out.event)) {
    return root.Bad(fmt::format("'{}' is no event of ours", out.event));
  }
  RETURN_IF_ERROR(
      root.Choice("format", data::ParseFileFormat, data::FileFormatName, 4, source.format));
  source.delimiter = source.format == data::FileFormat::kTsv ? "\t" : ",";
  RETURN_IF_ERROR(root.Text("delimiter", source.delimiter));
  source.default_event = out.event;
  RETURN_IF_ERROR(ReadColumns(root, out, source));
  RETURN_IF_ERROR(ReadWhere(root, source));
  RETURN_IF_ERROR(ReadTolerance(root, out));
  out.mapping.name = out.name;
  out.mapping.sources.push_back(std::move(source));
  return out;
}

}  // namespace

Result<ReconcileSource> LoadReconcileSource(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) {
    return NotFound(fmt::format("the source {} cannot be read", path));
  }
  try {
    const toml::table table = toml::parse(text.str(), path);
    ASSIGN_OR_RETURN(ReconcileSource out,
                     Read(MappingNode(table, path), std::filesystem::path(path).parent_path()));
    out.mapping.text = text.str();
    return out;
  } catch (const toml::parse_error& error) {
    const toml::source_position& at = error.source().begin;
    return InvalidArgument(
        fmt::format("{}:{}:{}: {}", path, at.line, at.column, error.description()));
  }
}

}  // namespace vitrine::adapters
