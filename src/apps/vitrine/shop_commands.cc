// vitrine drift, user export|erase, backup, restore.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "adapters/sqlite/monitor_db.h"
#include "adapters/sqlite/vitrine_db.h"
#include "apps/vitrine/api_session.h"
#include "apps/vitrine/command_line.h"
#include "apps/vitrine/data_directory.h"

namespace vitrine::apps {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

struct ShopFlags {
  std::string user;
  std::string path;
};

Status Drift(const CommandLine& line, const ShopFlags& /*flags*/) {
  ASSIGN_OR_RETURN(ApiSession session, ApiSession::Open(line));
  ASSIGN_OR_RETURN(const std::string text, session.Get("/v1/monitors/drift"));
  Print(line.json ? text : json::parse(text).dump(2));
  return Status::Ok();
}

Status ExportUser(const CommandLine& line, const ShopFlags& flags) {
  ASSIGN_OR_RETURN(ApiSession session, ApiSession::Open(line));
  ASSIGN_OR_RETURN(const std::string text,
                   session.Post("/v1/users/" + http::PercentEncode(flags.user) + ":export", "{}"));
  Print(text);
  return Status::Ok();
}

Status EraseUser(const CommandLine& line, const ShopFlags& flags) {
  ASSIGN_OR_RETURN(ApiSession session, ApiSession::Open(line));
  ASSIGN_OR_RETURN(const std::string text,
                   session.Call("DELETE", "/v1/users/" + http::PercentEncode(flags.user), {}));
  Print(text);
  return Status::Ok();
}

/// Everything but the socket and the lock, with the registry copied by SQLite.
Status BackUp(const CommandLine& line, const ShopFlags& flags) {
  ASSIGN_OR_RETURN(const DataDirectory directory, DataDirectory::Lock(line.data));
  std::error_code error;
  if (fs::exists(flags.path, error)) {
    return AlreadyExists(fmt::format("{} is there already; name a new folder", flags.path));
  }
  fs::create_directories(flags.path, error);
  for (const char* name : {"log", "lake", "artifacts", "contract"}) {
    if (!error && fs::exists(directory.Sub(name))) {
      fs::copy(directory.Sub(name), flags.path + "/" + name, fs::copy_options::recursive, error);
    }
  }
  for (const char* name :
       {"format", "scenes.json", "loaded.json", "monitor.json", "objectives.json",
        "alert-rules.json", "alerts.json", "alert-history.json", "vitrine.toml"}) {
    if (!error && fs::exists(directory.Sub(name))) {
      fs::copy_file(directory.Sub(name), flags.path + "/" + name, error);
    }
  }
  if (error) {
    return Unavailable(fmt::format("{}: {}; free space, remove the folder and try again",
                                   flags.path, error.message()));
  }
  ASSIGN_OR_RETURN(const auto db, sqlite::VitrineDb::Open(directory.Sub("vitrine.db")));
  RETURN_IF_ERROR(db->BackUp(flags.path + "/vitrine.db"));
  ASSIGN_OR_RETURN(const auto history, sqlite::MonitorDb::Open(directory.Sub("monitor.db")));
  RETURN_IF_ERROR(history->BackUp(flags.path + "/monitor.db"));
  Print(fmt::format("{} is backed up in {}", line.data, flags.path));
  return Status::Ok();
}

Status Restore(const CommandLine& line, const ShopFlags& flags) {
  std::error_code error;
  if (!fs::exists(flags.path + "/vitrine.db", error)) {
    return NotFound(fmt::format("{} is no backup: it has no vitrine.db", flags.path));
  }
  if (fs::exists(line.data, error) && !fs::is_empty(line.data, error)) {
    return AlreadyExists(
        fmt::format("{} is not empty; name an empty data directory with --data", line.data));
  }
  {
    ASSIGN_OR_RETURN(const auto db, sqlite::VitrineDb::Open(flags.path + "/vitrine.db"));
    RETURN_IF_ERROR(db->IntegrityCheck());
    RETURN_IF_ERROR(db->VerifyAudit());
  }
  fs::create_directories(line.data, error);
  fs::copy(flags.path, line.data, fs::copy_options::recursive, error);
  if (error) {
    return Unavailable(fmt::format("{}: {}", line.data, error.message()));
  }
  Print(fmt::format("{} holds what {} held; start it: vitrine --data {} up", line.data, flags.path,
                    line.data));
  return Status::Ok();
}

}  // namespace

void AddShopCommands(CLI::App& app, CommandLine& line) {
  auto flags = std::make_shared<ShopFlags>();
  const auto bind = [flags, &line](CLI::App* verb, auto run) {
    verb->callback(
        [run, flags, &line] { line.run = [run, flags, &line] { return run(line, *flags); }; });
    return verb;
  };
  bind(app.add_subcommand("drift",
                          "What moved since the model was fitted; two files: vitrine data drift"),
       Drift);
  CLI::App* user = app.add_subcommand("user", "One user's data");
  user->require_subcommand(1);
  bind(user->add_subcommand("export", "Everything that is kept of a user"), ExportUser)
      ->add_option("user", flags->user, "Id")
      ->required();
  bind(user->add_subcommand("erase", "Remove everything of a user; prints the receipt"), EraseUser)
      ->add_option("user", flags->user, "Id")
      ->required();
  bind(app.add_subcommand("backup", "Copy the data directory; the server is stopped meanwhile"),
       BackUp)
      ->add_option("folder", flags->path, "New folder")
      ->required();
  bind(app.add_subcommand("restore", "Make a data directory from a backup"), Restore)
      ->add_option("folder", flags->path, "The backup")
      ->required();
}

}  // namespace vitrine::apps
