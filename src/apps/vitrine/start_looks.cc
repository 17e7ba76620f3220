#include "apps/vitrine/start_looks.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "adapters/files/artifact_store.h"
#include "adapters/sqlite/vitrine_db.h"
#include "apps/vitrine/data_directory.h"
#include "apps/vitrine/free_memory.h"
#include "apps/vitrine/server_options.h"
#include "core/exit_code.h"
#include "graph/artifact_files.h"
#include "loop/child_process.h"
#include "loop/steps.h"
#include "transport/http/auth.h"
#include "transport/http/listen_socket.h"

namespace vitrine::apps {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// The first failure is what a start would say.
void Say(monitor::StartEvidence& start, const Status& failed) {
  if (!start.text) {
    start.text = failed.message();
    start.exit_status = ExitCodeOf(failed.code());
  }
}

std::vector<http::Listener> Listeners(const Settings& settings, monitor::StartEvidence& start) {
  std::vector<http::Listener> listeners;
  for (const char* name : {"server.listen", "server.grpc_listen"}) {
    if (settings.Text(name).empty()) {
      continue;
    }
    auto listener = ParseListener(name, settings.Text(name));
    if (listener.ok()) {
      listeners.push_back(*std::move(listener));
    } else {
      Say(start, listener.status());
    }
  }
  return listeners;
}

void LookAtPorts(const std::vector<http::Listener>& listeners, monitor::StartEvidence& start) {
  start.port_in_use = false;
  for (const http::Listener& listener : listeners) {
    const auto bound = http::Bind(listener, 1);
    if (bound.ok()) {
      for (const int fd : bound->fds) {
        ::close(fd);
      }
      continue;
    }
    start.port_in_use = *start.port_in_use || bound.status().code() == Code::kAlreadyExists;
    Say(start, bound.status());
  }
}

/// Versions that a start loads: those of aliases, and those that were loaded on request.
std::set<std::string> Wanted(const sqlite::VitrineDb& db, const std::string& held_file) {
  std::set<std::string> wanted;
  if (const auto aliases = db.Aliases(); aliases.ok()) {
    for (const auto& [alias, ref] : *aliases) {
      wanted.insert(ref.ToString());
    }
  }
  std::ifstream in(held_file, std::ios::binary);
  const json held =
      json::parse(std::string(std::istreambuf_iterator<char>(in), {}), nullptr, false);
  if (held.is_array()) {
    for (const json& version : held) {
      if (version.is_string()) {
        wanted.insert(version.get<std::string>());
      }
    }
  }
  return wanted;
}

/// Whether a file that the manifest names is away.
bool LacksFile(const std::string& folder) {
  std::error_code error;
  std::ifstream in(folder + "/" + std::string(graph::kManifestFile), std::ios::binary);
  const json manifest =
      json::parse(std::string(std::istreambuf_iterator<char>(in), {}), nullptr, false);
  const json files =
      manifest.is_object() ? manifest.value("files", json::object()) : json::object();
  for (const auto& [name, hash] : files.items()) {
    if (!fs::exists(folder + "/" + name, error)) {
      return true;
    }
  }
  return false;
}

// As a load does it, in a process of its own: hash, operators, golden inputs, memory.
void Probe(const std::string& version, const std::string& folder, const Settings& settings,
           monitor::StartEvidence& start) {
  const loop::ChildCommand probe{
      .program = loop::ProgramsBeside("").vitrine,
      .arguments = {"model", "probe", folder, "--json"},
      .memory_limit_bytes = static_cast<std::uint64_t>(settings.Integer("probe.memory_limit_mb"))
                            << 20,
      .timeout = std::chrono::seconds(settings.Integer("probe.timeout_seconds"))};
  const auto outcome = loop::RunChild(probe, {}, {});
  if (!outcome.ok() || (outcome->exit_code == 0 && outcome->signal == 0)) {
    return;
  }
  if (!start.text) {
    start.text = version + ": " + outcome->last_error_lines;
    if (outcome->signal != 0) {
      start.signal = outcome->signal;
    } else {
      start.exit_status = outcome->exit_code;
    }
  }
}

void LookAtArtifacts(const sqlite::VitrineDb& db, const DataDirectory& directory,
                     const Settings& settings, monitor::StartEvidence& start) {
  const auto store = files::FileArtifactStore::Open(directory.Sub("artifacts"));
  if (!store.ok()) {
    Say(start, store.status());
    return;
  }
  const auto free = FreeMemoryBytes();
  std::uint64_t needed = 0;
  start.file_present = true;
  start.hash_matches = true;
  for (const std::string& version : Wanted(db, directory.Sub("loaded.json"))) {
    const auto ref = registry::VersionRef::Parse(version);
    const auto registered =
        ref.ok() ? db.GetVersion(*ref) : Result<registry::ModelVersion>(ref.status());
    if (!registered.ok()) {
      Say(start, registered.status());
      continue;
    }
    const auto folder = store->Path(registered->artifact);
    const Status opened =
        folder.ok() ? graph::OpenArtifact(*folder).status() : Status(folder.status());
    if (!opened.ok()) {
      const bool away = opened.code() == Code::kNotFound || (folder.ok() && LacksFile(*folder));
      (away ? start.file_present : start.hash_matches) = false;
      Say(start, opened.WithContext(version));
      continue;
    }
    const json report = json::parse(registered->probe, nullptr, false);
    needed += report.is_object() ? report.value("resident_bytes", std::uint64_t{0}) : 0;
    Probe(version, *folder, settings, start);
  }
  start.memory_needed_bytes = needed;
  start.memory_free_bytes = free;
}

void LookAtPrograms(monitor::StartEvidence& start) {
  const loop::Programs programs = loop::ProgramsBeside("");
  std::vector<std::string> missing;
  for (const std::string& program : {programs.lake, programs.trainer}) {
    const auto outcome = loop::RunChild(
        {.program = program, .arguments = {"--help"}, .timeout = std::chrono::seconds(10)}, {}, {});
    constexpr std::string_view kLoader = "error while loading shared libraries: ";
    const std::size_t at =
        outcome.ok() ? outcome->last_error_lines.find(kLoader) : std::string::npos;
    if (at != std::string::npos) {
      const std::string rest = outcome->last_error_lines.substr(at + kLoader.size());
      missing.push_back(rest.substr(0, rest.find(':')));
    }
  }
  start.missing_libraries = std::move(missing);
}

void LookAtDisk(const std::string& data, monitor::StartEvidence& start) {
  std::error_code error;
  const fs::space_info space = fs::space(fs::exists(data, error) ? data : ".", error);
  if (!error) {
    start.disk_free_bytes = space.available;
  }
}

// With the lock held: vitrine.db has one writer.
void LookInside(const DataDirectory& directory, const Settings& settings,
                const std::vector<http::Listener>& listeners, monitor::StartEvidence& start) {
  std::error_code error;
  bool keys = false;
  if (fs::exists(directory.Sub("vitrine.db"), error)) {
    const auto db = sqlite::VitrineDb::Open(directory.Sub("vitrine.db"));
    const Status whole = db.ok() ? (*db)->IntegrityCheck() : db.status();
    start.database_well = whole.ok();
    if (!whole.ok()) {
      Say(start, whole);
      return;
    }
    const auto all = (*db)->ListKeys();
    keys = all.ok() && !all->empty();
    LookAtArtifacts(**db, directory, settings, start);
  }
  const auto mode = http::DecideAuth(settings.Flag("server.require_keys"), listeners, keys);
  start.needs_key = mode.status().code() == Code::kFailedPrecondition;
  if (!mode.ok()) {
    Say(start, mode.status());
  }
}

}  // namespace

monitor::StartEvidence LookAtStart(const CommandLine& line) {
  monitor::StartEvidence start;
  LookAtDisk(line.data, start);
  LookAtPrograms(start);
  const Result<Settings> settings = line.LoadSettings();
  if (!settings.ok()) {
    Say(start, settings.status());
    return start;
  }
  const std::vector<http::Listener> listeners = Listeners(*settings, start);
  LookAtPorts(listeners, start);
  std::error_code error;
  if (!fs::exists(line.data, error)) {
    return start;  // the first start makes it
  }
  const auto directory = DataDirectory::Lock(line.data);
  start.directory_in_use = !directory.ok() && DataDirectory::Held(line.data);
  if (!directory.ok()) {
    Say(start, directory.status());
    return start;
  }
  LookInside(*directory, *settings, listeners, start);
  return start;
}

}  // namespace vitrine::apps
