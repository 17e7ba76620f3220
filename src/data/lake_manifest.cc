#include "data/lake_manifest.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "data/rules_json.h"

namespace vitrine::data {

using nlohmann::json;

namespace {

json ReasonsToJson(const std::vector<CountedReason>& reasons) {
  json out = json::array();
  for (const CountedReason& reason : reasons) {
    out.push_back({{"reason", reason.reason}, {"rows", reason.rows}, {"samples", reason.samples}});
  }
  return out;
}

json PartToJson(const LakePart& part) {
  json columns = json::array();
  for (const SourceColumn& column : part.columns) {
    columns.push_back({{"name", column.name}, {"type", column.type}});
  }
  return {{"number", part.number},
          {"path", part.path},
          {"kind", part.kind},
          {"sha256", part.sha256},
          {"rows", part.rows},
          {"rejected", part.rejected},
          {"broken", part.broken},
          {"ignored", part.ignored},
          {"reasons", ReasonsToJson(part.reasons)},
          {"source", part.source},
          {"source_sha256", part.source_sha256},
          {"mapping", part.mapping},
          {"mapping_hash", part.mapping_hash},
          {"time_taken", part.time_taken},
          {"columns", columns},
          {"ordinal", part.ordinal},
          {"log_first", part.log_first},
          {"log_last", part.log_last}};
}

LakePart PartFromJson(const json& one) {
  LakePart part;
  part.number = one.at("number");
  part.path = one.at("path");
  part.kind = one.at("kind");
  part.sha256 = one.at("sha256");
  part.rows = one.at("rows");
  part.rejected = one.at("rejected");
  part.broken = one.at("broken");
  part.ignored = one.at("ignored");
  for (const json& reason : one.at("reasons")) {
    part.reasons.push_back({reason.at("reason"), reason.at("rows"), reason.at("samples")});
  }
  part.source = one.at("source");
  part.source_sha256 = one.at("source_sha256");
  part.mapping = one.at("mapping");
  part.mapping_hash = one.at("mapping_hash");
  part.time_taken = one.at("time_taken");
  for (const json& column : one.at("columns")) {
    part.columns.push_back({column.at("name"), column.at("type")});
  }
  part.ordinal = one.at("ordinal");
  part.log_first = one.at("log_first");
  part.log_last = one.at("log_last");
  return part;
}

}  // namespace

std::string LakeManifest::ToJson() const {
  json out = {{"format", kLakeFormat},
              {"next_part", next_part},
              {"log_watermark", log_watermark},
              {"parts", json::array()},
              {"mappings", json::object()},
              {"snapshots", snapshots},
              {"erasure_pending", erasure_pending}};
  for (const LakePart& part : parts) {
    out["parts"].push_back(PartToJson(part));
  }
  for (const auto& [hash, mapping] : mappings) {
    out["mappings"][hash] = {
        {"name", mapping.name}, {"text", mapping.text}, {"rules", RulesToJson(mapping.rules)}};
  }
  return out.dump(1) + "\n";
}

Result<LakeManifest> LakeManifest::Parse(std::string_view text, const std::string& path) {
  LakeManifest out;
  try {
    const json root = json::parse(text);
    if (const int format = root.at("format"); format > kLakeFormat) {
      return FailedPrecondition(fmt::format(
          "{} has format {}, this program reads up to {}; use the newer version that wrote it",
          path, format, kLakeFormat));
    }
    out.next_part = root.at("next_part");
    out.log_watermark = root.at("log_watermark");
    out.snapshots = root.at("snapshots").get<std::vector<std::string>>();
    out.erasure_pending = root.value("erasure_pending", false);
    for (const json& part : root.at("parts")) {
      out.parts.push_back(PartFromJson(part));
    }
    for (const auto& [hash, mapping] : root.at("mappings").items()) {
      ASSIGN_OR_RETURN(std::vector<Rule> rules, RulesFromJson(mapping.at("rules")));
      out.mappings[hash] = {mapping.at("name"), mapping.at("text"), std::move(rules)};
    }
  } catch (const json::exception& error) {
    return DataLoss(
        fmt::format("{} is damaged ({}); restore it from a backup, or import the files "
                    "again into a new data directory",
                    path, error.what()));
  }
  return out;
}

}  // namespace vitrine::data
