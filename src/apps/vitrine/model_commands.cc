// vitrine model list|show|promote|rollback|load|unload|probe.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "adapters/onnxruntime/probe.h"
#include "apps/vitrine/api_session.h"
#include "apps/vitrine/command_line.h"
#include "registry/model_version.h"

namespace vitrine::apps {
namespace {

using nlohmann::json;

struct ModelFlags {
  std::string version;
  std::string folder;
  std::string name;
};

Status List(const CommandLine& line, const ModelFlags& flags) {
  ASSIGN_OR_RETURN(ApiSession session, ApiSession::Open(line));
  const std::string target =
      flags.name.empty() ? "/v1/models?limit=100"
                         : "/v1/models/" + http::PercentEncode(flags.name) + "/versions?limit=100";
  ASSIGN_OR_RETURN(const std::string text, session.Get(target));
  if (line.json) {
    Print(text);
    return Status::Ok();
  }
  const json page = json::parse(text);
  std::string out;
  for (const json& version : page.value("versions", json::array())) {
    std::string aliases;
    for (const json& alias : version.value("aliases", json::array())) {
      aliases += (aliases.empty() ? "" : ", ") + alias.get<std::string>();
    }
    out += fmt::format("{:<28} {:<12} {:<22} {}\n", version.value("version", ""),
                       version.value("algorithm", ""), version.value("created", ""), aliases);
  }
  Print(out.empty()
            ? "No model yet. Make one from your own files:\n  vitrine run PATH --mapping NAME\n"
            : out);
  return Status::Ok();
}

Status Show(const CommandLine& line, const ModelFlags& flags) {
  ASSIGN_OR_RETURN(ApiSession session, ApiSession::Open(line));
  ASSIGN_OR_RETURN(const std::string text,
                   session.Get("/v1/models/" + http::PercentEncode(flags.version)));
  Print(json::parse(text).dump(2));
  return Status::Ok();
}

Status Promote(const CommandLine& line, const ModelFlags& flags) {
  ASSIGN_OR_RETURN(const registry::VersionRef ref, registry::VersionRef::Parse(flags.version));
  ASSIGN_OR_RETURN(ApiSession session, ApiSession::Open(line));
  ASSIGN_OR_RETURN(
      const std::string text,
      session.Call("PUT", "/v1/aliases/champion", json({{"version", ref.ToString()}}).dump()));
  Print(line.json ? text
                  : fmt::format("{} serves now; back: vitrine model rollback", ref.ToString()));
  return Status::Ok();
}

Status Rollback(const CommandLine& line) {
  ASSIGN_OR_RETURN(ApiSession session, ApiSession::Open(line));
  ASSIGN_OR_RETURN(const std::string text, session.Post("/v1/models:rollback", "{}"));
  if (line.json) {
    Print(text);
    return Status::Ok();
  }
  Print(fmt::format("{} serves again", json::parse(text).value("version", "")));
  return Status::Ok();
}

Status Load(const CommandLine& line, const ModelFlags& flags) {
  ASSIGN_OR_RETURN(ApiSession session, ApiSession::Open(line));
  const std::string name = http::PercentEncode(flags.name);
  RETURN_IF_ERROR(session.Post("/v2/repository/models/" + name + "/load", "{}").status());
  Print(line.json ? "{}"
                  : fmt::format("the newest version of {} is loaded, and will be after a restart: "
                                "POST /v2/models/{}/infer",
                                flags.name, name));
  return Status::Ok();
}

Status Unload(const CommandLine& line, const ModelFlags& flags) {
  ASSIGN_OR_RETURN(ApiSession session, ApiSession::Open(line));
  const std::string name = http::PercentEncode(flags.name);
  RETURN_IF_ERROR(session.Post("/v2/repository/models/" + name + "/unload", "{}").status());
  Print(line.json ? "{}" : fmt::format("{} is unloaded", flags.name));
  return Status::Ok();
}

Status Probe(const CommandLine& line, const ModelFlags& flags) {
  ASSIGN_OR_RETURN(const adapters::ProbeReport report, adapters::ProbeArtifact(flags.folder));
  if (line.json) {
    Print(adapters::ProbeReportToJson(report));
    return Status::Ok();
  }
  const std::string proof = report.golden_rows == 0
                                ? std::string("It runs on zeros")
                                : fmt::format("{} golden rows, largest difference {:.2g}",
                                              report.golden_rows, report.max_difference);
  Print(fmt::format("{}: sound. {}, {:.0f} us a request, {} MB resident", report.name, proof,
                    report.run_seconds * 1e6, report.resident_bytes >> 20));
  return Status::Ok();
}

}  // namespace

void AddModelCommands(CLI::App& app, CommandLine& line) {
  auto flags = std::make_shared<ModelFlags>();
  CLI::App* model =
      app.add_subcommand("model", "Versions: list, show, import, promote, roll back, load");
  model->require_subcommand(1);
  const auto add = [&](const char* name, const char* what, auto run) {
    CLI::App* verb = model->add_subcommand(name, what);
    verb->callback(
        [run, flags, &line] { line.run = [run, flags, &line] { return run(line, *flags); }; });
    return verb;
  };
  add("list", "Versions, newest first, and which of them serve", List)
      ->add_option("name", flags->name, "Only this model's");
  add("show", "One version: lineage, metrics, state", Show)
      ->add_option("version", flags->version, "NAME:NUMBER or an alias")
      ->required();
  add("promote", "Make a version the champion", Promote)
      ->add_option("version", flags->version, "NAME:NUMBER")
      ->required();
  add("rollback", "Return to the previous champion",
      [](const CommandLine& l, const ModelFlags&) { return Rollback(l); });
  add("load", "Serve the newest version of a model at /v2, alias or not", Load)
      ->add_option("name", flags->name, "Name of the model")
      ->required();
  add("unload", "Let every version of a model go that no alias needs", Unload)
      ->add_option("name", flags->name, "Name of the model")
      ->required();
  add("probe", "Check an artifact folder: hashes, graph, golden set", Probe)
      ->add_option("folder", flags->folder, "Artifact folder")
      ->required();
  AddImportCommands(*model, line);
}

}  // namespace vitrine::apps
