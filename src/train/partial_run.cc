#include "train/partial_run.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "graph/whole_file.h"

namespace vitrine::train {
namespace {
namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

Json MapJson(const std::map<std::string, double>& values) { return Json(values); }

std::optional<std::map<std::string, double>> ReadMap(const Json& json, const char* field) {
  const auto at = json.find(field);
  if (at == json.end() || !at->is_object()) {
    return std::nullopt;
  }
  std::map<std::string, double> values;
  for (const auto& [name, value] : at->items()) {
    if (!value.is_number()) {
      return std::nullopt;
    }
    values[name] = value.get<double>();
  }
  return values;
}

/// Nothing where any field is missing: a selection that cannot be read is made again.
std::optional<Selection> ReadSelection(const Json& run) {
  const auto at = run.find("selection");
  if (at == run.end() || !at->is_object()) {
    return std::nullopt;
  }
  Selection selection;
  const auto chosen = ReadMap(*at, "chosen");
  const auto notes = ReadMap(*at, "notes");
  const auto value = ReadMap(*at, "validation");
  if (!chosen || !notes || !value || !value->contains("mean") || !value->contains("low") ||
      !value->contains("high") || !value->contains("best")) {
    return std::nullopt;
  }
  selection.outcome = {*chosen, value->at("best"), *notes};
  selection.validation = {value->at("mean"), value->at("low"), value->at("high")};
  return selection;
}
}  // namespace

Status CheckNothingStands(const std::string& out) {
  if (fs::exists(out)) {
    return AlreadyExists(fmt::format(
        "{} stands already; an artifact is never changed. Choose another --out or remove it", out));
  }
  return Status::Ok();
}

Result<PartialRun> PartialRun::Open(const std::string& out, const std::string& fingerprint) {
  PartialRun run;
  fs::path target = fs::path(out).lexically_normal();
  if (!target.has_filename()) {
    target = target.parent_path();
  }
  run.folder_ = target.string() + ".partial";
  run.fingerprint_ = fingerprint;
  const fs::path state = fs::path(run.folder_) / "run.json";
  std::ifstream file(state, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_object() && json.value("fingerprint", Json()) == Json(fingerprint)) {
    run.resumed_ = true;
    run.selection_ = ReadSelection(json);
    return run;
  }
  std::error_code error;
  fs::remove_all(run.folder_, error);
  fs::create_directories(run.folder_, error);
  if (error) {
    return Unavailable(fmt::format("cannot write {}: {}; free space or choose another --out",
                                   run.folder_, error.message()));
  }
  RETURN_IF_ERROR(
      graph::WriteWholeFile(state.string(), Json{{"fingerprint", fingerprint}}.dump() + "\n"));
  return run;
}

std::string PartialRun::CheckpointOf(std::string_view fit) const {
  return (fs::path(folder_) / fmt::format("{}.state", fit)).string();
}

Status PartialRun::SaveSelection(const Selection& selection) {
  const MetricValue& v = selection.validation;
  const Json json = {
      {"fingerprint", fingerprint_},
      {"selection",
       {{"chosen", MapJson(selection.outcome.chosen)},
        {"notes", MapJson(selection.outcome.notes)},
        {"validation",
         {{"mean", v.mean}, {"low", v.low}, {"high", v.high}, {"best", selection.outcome.best}}}}}};
  selection_ = selection;
  return graph::WriteWholeFile((fs::path(folder_) / "run.json").string(), json.dump() + "\n");
}

void PartialRun::Remove() const {
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

}  // namespace vitrine::train
