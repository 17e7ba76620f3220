// vitrine model list|show|import|promote|rollback|probe, vitrine audit.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
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

Status Import(const CommandLine& line, const ModelFlags& flags) {
  ASSIGN_OR_RETURN(ApiSession session, ApiSession::Open(line, /*make=*/true));
  std::error_code error;
  const std::string folder = std::filesystem::absolute(flags.folder, error).string();
  ASSIGN_OR_RETURN(const std::string text,
                   session.Post("/v1/models:import", json({{"folder", folder}}).dump()));
  Print(line.json ? text
                  : fmt::format("imported as {}; serve it: vitrine model promote {}",
                                json::parse(text).value("version", ""),
                                json::parse(text).value("version", "")));
  return Status::Ok();
}

Status Probe(const CommandLine& line, const ModelFlags& flags) {
  ASSIGN_OR_RETURN(const adapters::ProbeReport report, adapters::ProbeArtifact(flags.folder));
  if (line.json) {
    Print(adapters::ProbeReportToJson(report));
  } else {
    Print(
        fmt::format("{}: sound. {} golden rows, largest difference {:.2g}, {:.0f} us a request, "
                    "{} MB resident",
                    report.name, report.golden_rows, report.max_difference,
                    report.run_seconds * 1e6, report.resident_bytes >> 20));
  }
  return Status::Ok();
}

}  // namespace

void AddModelCommands(CLI::App& app, CommandLine& line) {
  auto flags = std::make_shared<ModelFlags>();
  CLI::App* model = app.add_subcommand("model", "Versions: list, show, import, promote, roll back");
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
  add("import", "Check an artifact folder and take it into the registry", Import)
      ->add_option("folder", flags->folder, "Artifact folder")
      ->required();
  add("probe", "Check an artifact folder: hashes, graph, golden set", Probe)
      ->add_option("folder", flags->folder, "Artifact folder")
      ->required();
}

}  // namespace vitrine::apps
