#include "data/snapshot_manifest.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/sha256.h"
#include "data/rules_json.h"

namespace vitrine::data {

using nlohmann::json;

namespace {

/// The hash leaves paths out: a part is its content, and quarantine lies in a folder that is named
/// after the hash.
json ContentToJson(const SnapshotManifest& manifest, bool with_paths) {
  json parts = json::array();
  for (const SnapshotPart& part : manifest.parts) {
    json one = {{"kind", part.kind}, {"sha256", part.sha256}, {"rows", part.rows}};
    if (with_paths) {
      one["path"] = part.path;
    }
    parts.push_back(std::move(one));
  }
  json rules = json::object();
  for (const auto& [hash, list] : manifest.rules) {
    rules[hash] = RulesToJson(list);
  }
  return {{"format", kSnapshotFormat},
          {"parent", manifest.parent},
          {"raw_parts", manifest.raw_parts},
          {"parts", parts},
          {"rules", rules},
          {"log_watermark", manifest.log_watermark},
          {"rows", manifest.rows},
          {"impressions", manifest.impressions},
          {"users", manifest.users},
          {"items", manifest.items},
          {"catalogue_items", manifest.catalogue_items},
          {"returns", manifest.returns},
          {"replacements", manifest.replacements},
          {"identities", manifest.identities},
          {"window_from", manifest.window_from.value},
          {"window_to", manifest.window_to.value},
          {"ordinal_time", manifest.ordinal_time}};
}

Result<SnapshotManifest> FromJson(const json& root) {
  SnapshotManifest out;
  out.id = root.at("id");
  out.hash = root.at("hash");
  out.created.value = root.at("created");
  out.parent = root.at("parent");
  out.raw_parts = root.at("raw_parts").get<std::vector<std::int64_t>>();
  for (const json& part : root.at("parts")) {
    out.parts.push_back({part.at("path"), part.at("kind"), part.at("sha256"), part.at("rows")});
  }
  for (const auto& [hash, list] : root.at("rules").items()) {
    ASSIGN_OR_RETURN(out.rules[hash], RulesFromJson(list));
  }
  out.log_watermark = root.at("log_watermark");
  out.rows = root.at("rows");
  out.impressions = root.at("impressions");
  out.users = root.at("users");
  out.items = root.at("items");
  out.catalogue_items = root.at("catalogue_items");
  out.returns = root.at("returns");
  out.replacements = root.at("replacements");
  out.identities = root.at("identities");
  out.window_from.value = root.at("window_from");
  out.window_to.value = root.at("window_to");
  out.ordinal_time = root.at("ordinal_time");
  return out;
}

Status Damaged(const std::string& path, std::string_view why) {
  return DataLoss(
      fmt::format("{} is damaged ({}); restore it from a backup, or make a new snapshot "
                  "with `clean --full`",
                  path, why));
}

}  // namespace

std::string SnapshotManifest::ComputeHash() const {
  return Sha256Hex(ContentToJson(*this, false).dump());
}

std::string SnapshotManifest::ToJson() const {
  json out = ContentToJson(*this, true);
  out["id"] = id;
  out["hash"] = hash;
  out["created"] = created.value;
  return out.dump(1) + "\n";
}

Result<SnapshotManifest> SnapshotManifest::Parse(std::string_view text, const std::string& path) {
  try {
    const json root = json::parse(text);
    if (const int format = root.at("format"); format > kSnapshotFormat) {
      return FailedPrecondition(fmt::format(
          "{} has format {}, this program reads up to {}; use the newer version that wrote it",
          path, format, kSnapshotFormat));
    }
    ASSIGN_OR_RETURN(SnapshotManifest out, FromJson(root));
    if (out.ComputeHash() != out.hash) {
      return Damaged(path, "its content does not have the hash that it names");
    }
    return out;
  } catch (const json::exception& error) {
    return Damaged(path, error.what());
  }
}

}  // namespace vitrine::data
