#include "apps/vitrine/gc_job.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>
#include <vector>

#include "loop/child_process.h"

namespace vitrine::apps {
namespace {

using nlohmann::json;

constexpr const char* kGc = "gc";

struct GcRequest {
  std::int64_t versions = 0;
  std::int64_t snapshots = 0;
  std::int64_t days = 0;
  bool dry_run = false;
};

Result<GcRequest> RequestOf(const Settings& settings, std::string_view spec) {
  GcRequest request{.versions = settings.Integer("gc.versions"),
                    .snapshots = settings.Integer("gc.snapshots"),
                    .days = settings.Integer("gc.days")};
  const json over = spec.empty() ? json::object() : json::parse(spec, nullptr, false);
  if (!over.is_object()) {
    return InvalidArgument("the spec of a gc job is a JSON object");
  }
  for (const auto& [name, value] : over.items()) {
    if (name == "versions" && value.is_number_integer()) {
      request.versions = value.get<std::int64_t>();
    } else if (name == "snapshots" && value.is_number_integer()) {
      request.snapshots = value.get<std::int64_t>();
    } else if (name == "days" && value.is_number_integer()) {
      request.days = value.get<std::int64_t>();
    } else if (name == "dry_run" && value.is_boolean()) {
      request.dry_run = value.get<bool>();
    } else {
      return InvalidArgument(
          fmt::format("'{}' is no field of a gc job, or of another type; there are: versions, "
                      "snapshots and days (whole numbers), dry_run (true or false)",
                      name));
    }
  }
  constexpr std::int64_t kMost = 100'000;
  for (const auto& [name, value] : {std::pair("versions", request.versions),
                                    {"snapshots", request.snapshots},
                                    {"days", request.days}}) {
    if (value < 0 || value > kMost) {
      return InvalidArgument(fmt::format("gc.{} must be 0 to {}, not {}", name, kMost, value));
    }
  }
  return request;
}

/// What serves, is loaded or is tried on users.
Result<std::set<std::string>> Used(const GcParts& parts) {
  std::set<std::string> used;
  for (const serve::VersionStatus& version : parts.models->Versions()) {
    used.insert(version.version);
  }
  ASSIGN_OR_RETURN(const std::vector<rollout::Rollout> rollouts, parts.rollouts->ActiveRollouts());
  for (const rollout::Rollout& rollout : rollouts) {
    used.insert(rollout.candidate.ToString());
    used.insert(rollout.control.ToString());
  }
  return used;
}

struct CollectedSnapshots {
  std::vector<std::string> ids;
  std::uint64_t bytes = 0;
};

/// The lake's snapshots, in a process of their own.
class SnapshotGc {
 public:
  SnapshotGc(std::string program, const std::string& data, const GcRequest& request, Micros before,
             const std::set<std::string>& needed)
      : command_{.program = std::move(program),
                 .arguments = {"gc", "--data", data, "--json", "--newest",
                               std::to_string(request.snapshots), "--before", FormatIso(before)}} {
    for (const std::string& hash : needed) {
      command_.arguments.insert(command_.arguments.end(), {"--needed", hash});
    }
  }

  /// `remove` false: only says what would go.
  [[nodiscard]] Result<CollectedSnapshots> Run(bool remove, const Progress& progress) const {
    loop::ChildCommand command = command_;
    if (!remove) {
      command.arguments.emplace_back("--dry-run");
    }
    ASSIGN_OR_RETURN(const loop::ChildOutcome outcome, loop::RunChild(command, {}, progress.stop));
    RETURN_IF_ERROR(StatusOf(outcome, "vitrine-lake gc"));
    const json result = json::parse(outcome.output, nullptr, false);
    if (!result.is_object() || !result.contains("snapshots") || !result.contains("bytes")) {
      return Internal("vitrine-lake gc: its result names no snapshots");
    }
    return CollectedSnapshots{.ids = result["snapshots"].get<std::vector<std::string>>(),
                              .bytes = result["bytes"].get<std::uint64_t>()};
  }

 private:
  loop::ChildCommand command_;
};

double Megabytes(std::uint64_t bytes) { return static_cast<double>(bytes) / 1e6; }

std::string ResultOf(const GcRequest& request, const registry::Garbage& garbage,
                     const CollectedSnapshots& snapshots) {
  std::vector<std::string> versions;
  for (const registry::ModelVersion& version : garbage.versions) {
    versions.push_back(version.ref.ToString());
  }
  std::uint64_t bytes = 0;
  for (const registry::StoredArtifact& artifact : garbage.artifacts) {
    bytes += artifact.bytes;
  }
  const char* done = request.dry_run ? "Would remove" : "Removed";
  std::string text;
  if (!garbage.artifacts.empty()) {
    text += fmt::format("{} {} artifacts, {:.1f} MB: of {}\n", done, garbage.artifacts.size(),
                        Megabytes(bytes),
                        versions.empty() ? std::string("no version")
                                         : fmt::format("{}", fmt::join(versions, ", ")));
  }
  if (!snapshots.ids.empty()) {
    text += fmt::format("{} {} snapshots, {:.1f} MB: {}\n", done, snapshots.ids.size(),
                        Megabytes(snapshots.bytes), fmt::join(snapshots.ids, ", "));
  }
  if (text.empty()) {
    text = fmt::format(
        "All stays: nothing is beyond the newest {} versions of a name and {} snapshots, older "
        "than {} days and unused.\n",
        request.versions, request.snapshots, request.days);
  }
  return json({{"dry_run", request.dry_run},
               {"versions", versions},
               {"artifacts", garbage.artifacts.size()},
               {"snapshots", snapshots.ids},
               {"bytes", bytes + snapshots.bytes},
               {"text", text}})
      .dump();
}

}  // namespace

JobBody GcJob(std::string data, const Settings& settings, loop::Programs programs, GcParts parts) {
  return [data = std::move(data), &settings, programs = std::move(programs), parts](
             const loop::Job& job, const std::string& /*folder*/,
             const Progress& progress) -> Result<std::string> {
    ASSIGN_OR_RETURN(const GcRequest request, RequestOf(settings, job.spec));
    const Micros before{Now().value - request.days * kMicrosPerDay};
    progress.report({.stage = "artifacts", .unit = {}, .detail = "looking"});
    ASSIGN_OR_RETURN(
        const registry::Garbage garbage,
        parts.registry->Collect(
            {.newest = static_cast<std::size_t>(request.versions), .before = before, .used = {}},
            [&parts] { return Used(parts); }, !request.dry_run, {.actor = job.actor}));
    progress.report({.stage = "snapshots", .unit = {}, .detail = "looking"});
    std::error_code error;
    if (!std::filesystem::exists(data + "/lake/manifest.json", error)) {
      return ResultOf(request, garbage, {});
    }
    const SnapshotGc gc(programs.lake, data, request, before, garbage.snapshots);
    ASSIGN_OR_RETURN(const CollectedSnapshots snapshots, gc.Run(false, progress));
    if (!request.dry_run && !snapshots.ids.empty()) {
      const json evidence = {{"reason", "nothing needs them"}, {"snapshots", snapshots.ids}};
      RETURN_IF_ERROR(parts.audit(job.actor, kGc, "snapshots", evidence.dump()));
      RETURN_IF_ERROR(gc.Run(true, progress).status());
    }
    return ResultOf(request, garbage, snapshots);
  };
}

Result<std::unique_ptr<loop::JobSchedule>> OpenGcSchedule(const Settings& settings,
                                                          http::JobService& jobs) {
  const std::string& text = settings.Text("gc.schedule");
  if (text.empty()) {
    return std::unique_ptr<loop::JobSchedule>();
  }
  RETURN_IF_ERROR(RequestOf(settings, "").status());
  const Result<loop::Cron> cron = loop::Cron::Parse(text);
  RETURN_IF_ERROR(cron.status().WithContext("gc.schedule"));
  return std::make_unique<loop::JobSchedule>(
      *cron, std::chrono::seconds(10),
      loop::JobSchedule::Ports{
          .last = [&jobs]() -> Result<std::optional<Micros>> {
            for (std::string cursor;;) {
              ASSIGN_OR_RETURN(const std::vector<loop::Job> page, jobs.List(cursor, 100));
              for (const loop::Job& job : page) {
                if (job.kind == kGc) {
                  return std::optional(job.created);
                }
              }
              if (page.empty()) {
                return std::optional<Micros>();
              }
              cursor = page.back().id;
            }
          },
          .start =
              [&jobs] {
                return jobs.Start(kGc, "{}", std::string(kTriggerActor) + "schedule", "").status();
              },
          .now = nullptr});
}

}  // namespace vitrine::apps
