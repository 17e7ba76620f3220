#include "adapters/duckdb/item_rows.h"

#include <nlohmann/json.hpp>

#include "adapters/duckdb/snapshot_view.h"
#include "data/attributes_json.h"

namespace vitrine::duckdb {

using nlohmann::json;

namespace {

void ReadVectors(std::string_view text, Item& item) {
  const json parsed = json::parse(text, nullptr, false);
  if (!parsed.is_object()) {
    return;
  }
  for (const auto& [name, values] : parsed.items()) {
    if (values.is_array()) {
      std::vector<float>& out = item.vectors[name];
      for (const json& value : values) {
        out.push_back(value.is_number() ? value.get<float>() : 0.0F);
      }
    }
  }
}

}  // namespace

Result<std::vector<Item>> ReadCurrentItems(Database& database, const std::string& lake_root,
                                           const data::SnapshotManifest& manifest) {
  std::vector<Item> out;
  bool found = false;
  RETURN_IF_ERROR(MakeItemsView(database, lake_root, manifest, found));
  if (!found) {
    return out;
  }
  ASSIGN_OR_RETURN(
      Rows rows,
      database.Query("SELECT id, valid_from, title, description, brand, categories, price, "
                     "currency, coalesce(stock, -1.0), tags, image_url, (hidden OR "
                     "deleted)::BIGINT, vectors, attributes FROM current_items ORDER BY id"));
  while (true) {
    ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) {
      return out;
    }
    for (std::size_t row = 0; row < rows.size(); ++row) {
      Item& item = out.emplace_back();
      item.id = rows.Text(0, row);
      item.valid_from.value = rows.Integer(1, row);
      item.title = rows.Text(2, row);
      item.description = rows.Text(3, row);
      item.brand = rows.Text(4, row);
      item.categories = rows.Texts(5, row);
      item.price = rows.Number(6, row);
      item.currency = rows.Text(7, row);
      item.stock = rows.Number(8, row);
      item.tags = rows.Texts(9, row);
      item.image_url = rows.Text(10, row);
      item.hidden = rows.Integer(11, row) != 0;
      ReadVectors(rows.Text(12, row), item);
      item.attributes = data::AttributesFromJson(rows.Text(13, row));
    }
  }
}

}  // namespace vitrine::duckdb
