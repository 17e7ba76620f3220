#include "apps/vitrine/retrain_job.h"

#include <fmt/format.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/time.h"
#include "data/log_retention.h"

namespace vitrine::apps {
namespace {

using nlohmann::json;

}  // namespace

Result<loop::RetrainRequest> RetrainRequestOf(const std::string& data, const Settings& settings,
                                              std::string_view spec, std::string_view actor) {
  loop::RetrainRequest request;
  request.data_dir = data;
  request.specs = settings.List("train.specs");
  request.protocol = settings.Text("train.protocol");
  request.mapping = settings.Text("lake.mapping");
  request.refit = settings.Flag("train.refit");
  request.warm_start = settings.Flag("train.warm_start");
  request.gate.metric = settings.Text("train.metric");
  ASSIGN_OR_RETURN(request.gate.margin, settings.Share("gate.margin"));
  request.gate.minimum_cases = static_cast<std::uint64_t>(settings.Integer("gate.min_cases"));
  request.lake_memory_mb = static_cast<std::uint64_t>(settings.Integer("lake.memory_limit_mb"));
  request.train_memory_mb = static_cast<std::uint64_t>(settings.Integer("train.memory_limit_mb"));
  request.probe_memory_mb = static_cast<std::uint64_t>(settings.Integer("probe.memory_limit_mb"));
  request.probe_seconds = static_cast<std::uint64_t>(settings.Integer("probe.timeout_seconds"));
  request.cause.actor = std::string(actor);
  const json over = spec.empty() ? json::object() : json::parse(spec, nullptr, false);
  if (!over.is_object()) {
    return InvalidArgument("the spec of a retrain job is a JSON object");
  }
  for (const auto& [name, value] : over.items()) {
    if (name == "specs" && value.is_array()) {
      request.specs.clear();
      for (const json& one : value) {
        if (!one.is_string()) {
          return InvalidArgument("specs is a list of names");
        }
        request.specs.push_back(one.get<std::string>());
      }
    } else if (name == "protocol" && value.is_string()) {
      request.protocol = value.get<std::string>();
    } else if (name == "alias" && value.is_string()) {
      request.alias = value.get<std::string>();
      RETURN_IF_ERROR(registry::CheckModelName(request.alias).WithContext("alias"));
    } else if (name == "reason" && value.is_string()) {
      request.reason = value.get<std::string>();
    } else if (name == "promote" && value.is_boolean()) {
      request.promote = value.get<bool>();
    } else if (name == "refit" && value.is_boolean()) {
      request.refit = value.get<bool>();
    } else if (name == "warm_start" && value.is_boolean()) {
      request.warm_start = value.get<bool>();
    } else {
      return InvalidArgument(fmt::format(
          "'{}' is no field of a retrain job, or of another type; there are: specs (list of "
          "names), protocol and alias (names), promote, refit and warm_start (true or false), "
          "reason "
          "(a text)",
          name));
    }
  }
  return request;
}

JobBody RetrainJob(std::string data, const Settings& settings, loop::Programs programs,
                   data::EventLog& log, registry::Registry& registry, VersionService& versions,
                   TurnRollouts rollouts) {
  return
      [data = std::move(data), &settings, programs = std::move(programs), &log, &registry,
       &versions, rollouts = std::move(rollouts)](const loop::Job& job, const std::string& folder,
                                                  const Progress& progress) -> Result<std::string> {
        ASSIGN_OR_RETURN(loop::RetrainRequest request,
                         RetrainRequestOf(data, settings, job.spec, job.actor));
        request.promote_by = [&versions](std::string_view alias, const registry::VersionRef& ref,
                                         const registry::Cause& cause) {
          return versions.SetAlias(alias, ref, cause);
        };
        if (rollouts.promotion.by_rollout) {
          request.roll_out_by = [&rollouts, &job](std::string_view alias,
                                                  const registry::VersionRef& ref,
                                                  const registry::Cause& cause) {
            return rollouts.HandOver(job.id, alias, ref, cause);
          };
        }
        request.log_taken = [&log, &settings](std::uint64_t taken) {
          const Micros before{Now().value - settings.Integer("log.keep_days") * kMicrosPerDay};
          return data::DropTaken(log, taken, before).status();
        };
        loop::Steps steps(folder, progress);
        ASSIGN_OR_RETURN(const loop::RetrainOutcome outcome,
                         loop::Retrain(request, programs, registry, steps));
        json result = json::parse(loop::ToJson(outcome));
        result["text"] = loop::ToText(outcome, request.gate.bootstrap);
        return result.dump();
      };
}

}  // namespace vitrine::apps
