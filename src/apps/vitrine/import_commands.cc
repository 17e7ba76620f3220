// vitrine model import|pack: models that were trained elsewhere, and artifact folders of another Vitrine.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "adapters/onnxruntime/pack.h"
#include "apps/vitrine/api_session.h"
#include "apps/vitrine/command_line.h"
#include "graph/triton_layout.h"
#include "loop/child_process.h"
#include "loop/steps.h"

namespace vitrine::apps {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

struct ImportFlags {
  std::string source;
  std::string to;
  std::string name;
  std::vector<std::string> shapes;
  std::string features;
  std::string vocabulary;
  std::string items;
  std::string kind;
};

/// A folder of this command, gone with it.
class ScratchFolder {
 public:
  static Result<ScratchFolder> Make() {
    std::string path = (fs::temp_directory_path() / "vitrine-import-XXXXXX").string();
    if (::mkdtemp(path.data()) == nullptr) {
      return Unavailable(fmt::format("cannot make a folder in {}", path));
    }
    return ScratchFolder(std::move(path));
  }
  ScratchFolder(ScratchFolder&& other) noexcept : path_(std::exchange(other.path_, "")) {}
  ScratchFolder& operator=(ScratchFolder&&) = delete;
  ~ScratchFolder() {
    std::error_code ignored;
    if (!path_.empty()) {
      fs::remove_all(path_, ignored);
    }
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  explicit ScratchFolder(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

/// `vitrine model pack` in a child: a model file may come from anybody, and may hang or grow.
Status PackInChild(const CommandLine& line, const ImportFlags& flags, const std::string& to) {
  ASSIGN_OR_RETURN(const Settings settings, line.LoadSettings());
  loop::ChildCommand pack{
      .program = loop::ProgramsBeside("").vitrine,
      .arguments = {"model", "pack", flags.source, "--to", to, "--json"},
      .memory_limit_bytes = static_cast<std::uint64_t>(settings.Integer("probe.memory_limit_mb"))
                            << 20,
      .timeout = std::chrono::seconds(settings.Integer("probe.timeout_seconds"))};
  const auto add = [&pack](const char* flag, const std::string& value) {
    if (!value.empty()) {
      pack.arguments.insert(pack.arguments.end(), {flag, value});
    }
  };
  add("--name", flags.name);
  add("--features", flags.features);
  add("--vocabulary", flags.vocabulary);
  add("--items", flags.items);
  add("--kind", flags.kind);
  for (const std::string& shape : flags.shapes) {
    add("--shape", shape);
  }
  ASSIGN_OR_RETURN(const loop::ChildOutcome outcome, loop::RunChild(pack, {}, StopOnSignals()));
  return loop::StatusOf(outcome, "the check").WithContext(flags.source);
}

void Tell(const CommandLine& line, const std::string& text) {
  const json made = json::parse(text);
  const std::string version = made.value("version", "");
  if (line.json) {
    Print(text);
  } else if (made.value("kind", "") == ModelKindName(ModelKind::kRetriever)) {
    Print(fmt::format("imported as {}; serve it: vitrine model promote {}", version, version));
  } else if (made.value("kind", "") == ModelKindName(ModelKind::kRanker)) {
    Print(
        fmt::format("imported as {}; serve it: PUT /v1/aliases/NAME {{\"version\": \"{}\"}}, and "
                    "let a scene's 'ranker' be NAME",
                    version, version));
  } else {
    Print(fmt::format("imported as {}; serve it at /v2: vitrine model load {}", version,
                      version.substr(0, version.rfind(':'))));
  }
}

Status Import(const CommandLine& line, const ImportFlags& flags) {
  std::error_code error;
  std::string folder = fs::absolute(flags.source, error).string();
  ASSIGN_OR_RETURN(const ScratchFolder scratch, ScratchFolder::Make());
  if (!fs::is_directory(folder, error) || graph::IsTritonModel(folder)) {
    folder = scratch.path() + "/artifact";
    RETURN_IF_ERROR(PackInChild(line, flags, folder));
  } else if (!flags.name.empty() || !flags.shapes.empty() || !flags.features.empty() ||
             !flags.items.empty() || !flags.kind.empty()) {
    return InvalidArgument(
        "an artifact folder says itself what it is: --name, --shape, --features, --vocabulary, "
        "--items and --kind are for model files");
  }
  ASSIGN_OR_RETURN(ApiSession session, ApiSession::Open(line, /*make=*/true));
  ASSIGN_OR_RETURN(const std::string text,
                   session.Post("/v1/models:import", json({{"folder", folder}}).dump()));
  Tell(line, text);
  return Status::Ok();
}

Status Pack(const CommandLine& line, const ImportFlags& flags) {
  if (!flags.kind.empty() && flags.features.empty()) {
    return InvalidArgument(
        "--kind says what scores items; give --features and --vocabulary with it");
  }
  if (flags.kind == ModelKindName(ModelKind::kRanker) && !flags.items.empty()) {
    return InvalidArgument("--items are of what searches the whole vocabulary: no --kind ranker");
  }
  adapters::PackOptions options{.source = flags.source,
                                .name = flags.name,
                                .sample_shapes = {},
                                .feature_spec = flags.features,
                                .vocabulary = flags.vocabulary,
                                .items = flags.items,
                                .kind = flags.kind == ModelKindName(ModelKind::kRanker)
                                            ? ModelKind::kRanker
                                            : ModelKind::kRetriever,
                                .code_version = VITRINE_VERSION};
  for (const std::string& shape : flags.shapes) {
    RETURN_IF_ERROR(adapters::AddShape(shape, options.sample_shapes));
  }
  ASSIGN_OR_RETURN(const Manifest manifest, adapters::PackModel(options, flags.to));
  Print(line.json ? json({{"folder", flags.to}, {"name", manifest.name}}).dump()
                  : fmt::format("{} is an artifact folder now; take it in: vitrine model import {}",
                                flags.to, flags.to));
  return Status::Ok();
}

void AddModelFlags(CLI::App& verb, ImportFlags& flags) {
  verb.add_option("--name", flags.name, "Name of the model; Triton's folders have one");
  verb.add_option("--shape", flags.shapes,
                  "INPUT=SIZE,SIZE of a run that works, where 1 for each free size does not")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  verb.add_option("--features", flags.features,
                  "featurespec.json: how the inputs are made of a history; scenes can use it then");
  verb.add_option("--vocabulary", flags.vocabulary,
                  "Item ids, one a line: line n is item number n + 1 (0 padding, 1 unknown)");
  verb.add_option(
          "--items", flags.items,
          "FILE.npy, float32 [items, values]: the model answers a query vector, scores are its "
          "products with these; row n is of the vocabulary's line n")
      ->check(CLI::ExistingFile);
  verb.add_option("--kind", flags.kind,
                  "retriever: scores the whole vocabulary (the default with --features); ranker: "
                  "scores the candidates that a scene's retriever found")
      ->check(CLI::IsMember({"retriever", "ranker"}));
}

}  // namespace

void AddImportCommands(CLI::App& model, CommandLine& line) {
  auto flags = std::make_shared<ImportFlags>();
  CLI::App* import = model.add_subcommand(
      "import",
      "Check an ONNX file, a folder in Triton's layout or an artifact folder, and register it");
  import->add_option("source", flags->source, "FILE.onnx, or a folder")->required();
  AddModelFlags(*import, *flags);
  import->callback([flags, &line] { line.run = [flags, &line] { return Import(line, *flags); }; });
  CLI::App* pack = model.add_subcommand("pack", "Write an artifact folder of an ONNX file");
  pack->add_option("source", flags->source, "FILE.onnx, or a folder in Triton's layout")
      ->required();
  pack->add_option("--to", flags->to, "Artifact folder to write")->required();
  AddModelFlags(*pack, *flags);
  pack->callback([flags, &line] { line.run = [flags, &line] { return Pack(line, *flags); }; });
}

}  // namespace vitrine::apps
