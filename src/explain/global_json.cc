#include <nlohmann/json.hpp>

#include "explain/global_attributions.h"

namespace vitrine::explain {
namespace {

using Json = nlohmann::ordered_json;

Json Of(const SegmentImportance& segment) {
  Json json = {{"segment", segment.segment}, {"answers", segment.answers}, {"base", segment.base}};
  for (const auto& [family, shares] : segment.families) {
    Json& rows = json[std::string(FamilyName(family))];
    rows = Json::array();
    for (const Importance& one : shares) {
      rows.push_back({{"feature", one.feature}, {"mean", one.mean}, {"share", one.share}});
    }
  }
  return json;
}

SegmentImportance SegmentFrom(const Json& json) {
  SegmentImportance segment;
  segment.segment = json.at("segment").get<std::string>();
  segment.answers = json.at("answers").get<std::uint64_t>();
  segment.base = json.at("base").get<double>();
  for (std::size_t f = 0; f < kFamilies; ++f) {
    const auto family = static_cast<Family>(f);
    const auto rows = json.find(std::string(FamilyName(family)));
    if (rows == json.end()) {
      continue;
    }
    std::vector<Importance>& shares = segment.families[family];
    for (const Json& row : *rows) {
      shares.push_back({.feature = row.at("feature").get<std::string>(),
                        .mean = row.at("mean").get<double>(),
                        .share = row.at("share").get<double>()});
    }
  }
  return segment;
}

}  // namespace

std::string ToJson(const GlobalReport& report) {
  Json json = {{"version", report.version},    {"source", report.source},
               {"made_us", report.made.value}, {"answers", report.answers},
               {"exact", report.exact},        {"segments", Json::array()}};
  for (const SegmentImportance& segment : report.segments) {
    json["segments"].push_back(Of(segment));
  }
  return json.dump();
}

std::string ToJson(const GlobalComparison& comparison) {
  Json json = {{"ndcg", comparison.ndcg},
               {"bound", kSameAttributions},
               {"agrees", comparison.agrees()},
               {"parts", Json::array()}};
  for (const FamilyComparison& part : comparison.parts) {
    Json changes = Json::array();
    for (const ImportanceChange& change : part.changes) {
      changes.push_back(
          {{"feature", change.feature}, {"before", change.before}, {"now", change.now}});
    }
    json["parts"].push_back({{"segment", part.segment},
                             {"family", FamilyName(part.family)},
                             {"answers", part.answers},
                             {"ndcg", part.ndcg},
                             {"changes", std::move(changes)}});
  }
  return json.dump();
}

Result<GlobalReport> ParseGlobalReport(std::string_view text) {
  try {
    const Json json = Json::parse(text);
    GlobalReport report{.version = json.at("version").get<std::string>(),
                        .source = json.at("source").get<std::string>(),
                        .made = Micros{json.at("made_us").get<std::int64_t>()},
                        .answers = json.at("answers").get<std::uint64_t>(),
                        .exact = json.at("exact").get<std::uint64_t>(),
                        .segments = {}};
    for (const Json& segment : json.at("segments")) {
      report.segments.push_back(SegmentFrom(segment));
    }
    return report;
  } catch (const Json::exception& error) {
    return DataLoss(std::string("not a report of attributions: ") + error.what());
  }
}

}  // namespace vitrine::explain
