// The job of kind `explain`.
#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "adapters/files/durable.h"
#include "apps/vitrine/explaining.h"

namespace vitrine::apps {
namespace {

using nlohmann::json;

constexpr std::int64_t kMostCases = 5000;

struct ExplainRequest {
  std::string version = std::string(registry::kChampion);
  std::int64_t cases = 200;
};

Result<ExplainRequest> RequestOf(std::string_view spec) {
  const json given = spec.empty() ? json::object() : json::parse(spec, nullptr, false);
  if (!given.is_object()) {
    return InvalidArgument("the spec of an explain job is a JSON object");
  }
  ExplainRequest request;
  for (const auto& [name, value] : given.items()) {
    if (name == "version" && value.is_string()) {
      request.version = value.get<std::string>();
    } else if (name == "cases" && value.is_number_integer()) {
      request.cases = value.get<std::int64_t>();
    } else {
      return InvalidArgument(
          fmt::format("'{}' is no field of an explain job, or of another type; there are: version "
                      "(NAME:NUMBER or an alias), cases (whole number)",
                      name));
    }
  }
  if (request.cases < 1 || request.cases > kMostCases) {
    return InvalidArgument(
        fmt::format("cases is {}, it must be 1 to {}", request.cases, kMostCases));
  }
  return request;
}

/// Cases that a retraining of this directory held out; the newest.
Result<std::string> NewestCases(const std::string& data) {
  std::string newest;
  std::error_code error;
  for (const auto& job : std::filesystem::directory_iterator(data + "/jobs", error)) {
    const std::string file = job.path().string() + "/holdout.jsonl";
    if (std::filesystem::exists(file, error) && file > newest) {
      newest = file;
    }
  }
  if (newest.empty()) {
    return FailedPrecondition(
        "there are no held-out cases to explain; a retraining makes them: vitrine retrain");
  }
  return newest;
}

}  // namespace

JobBody Explaining::Job(std::string data, loop::Programs programs, const Settings& settings) {
  return [this, data = std::move(data), programs = std::move(programs), &settings](
             const loop::Job& job, const std::string& folder,
             const Progress& progress) -> Result<std::string> {
    ASSIGN_OR_RETURN(const ExplainRequest request, RequestOf(job.spec));
    ASSIGN_OR_RETURN(const registry::ModelVersion version, parts_.registry->Find(request.version));
    const std::string ref = version.ref.ToString();
    if (version.kind != ModelKindName(ModelKind::kRetriever)) {
      return FailedPrecondition(
          fmt::format("{} is a {}; what answers rest on is worked out for retrievers, which score "
                      "their whole vocabulary from a history",
                      ref, version.kind));
    }
    ASSIGN_OR_RETURN(const std::string artifact, parts_.registry->ArtifactPath(version));
    ASSIGN_OR_RETURN(const std::string cases, NewestCases(data));
    const auto megabytes = static_cast<std::uint64_t>(settings.Integer("probe.memory_limit_mb"));
    const loop::ChildCommand child{
        .program = programs.vitrine,
        .arguments = {"eval", "explain", artifact, "--holdout", cases, "--name", ref, "--cases",
                      std::to_string(request.cases), "--json"},
        .memory_limit_bytes = megabytes << 20};
    loop::Steps steps(folder, progress);
    ASSIGN_OR_RETURN(const std::string text, steps.Run("explain", child));
    ASSIGN_OR_RETURN(const explain::GlobalReport report, explain::ParseGlobalReport(text));
    std::error_code error;
    std::filesystem::create_directories(parts_.folder, error);
    RETURN_IF_ERROR(files::WriteDurably(FileOf(ref), ToJson(report)));
    return json({{"version", ref}, {"answers", report.answers}}).dump();
  };
}

}  // namespace vitrine::apps
