// vitrine key create|list|revoke: works offline, so that the first key needs no server.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "adapters/sqlite/vitrine_db.h"
#include "apps/vitrine/command_line.h"
#include "apps/vitrine/data_directory.h"
#include "transport/http/auth.h"

namespace vitrine::apps {
namespace {

using nlohmann::json;

struct KeyFlags {
  std::string name;
  std::string scope = "serve";
  int days = 0;
  std::string id;
};

/// The registry's file under its one-writer rule: with the directory's lock held.
class OfflineKeys {
 public:
  static Result<OfflineKeys> Open(const CommandLine& line) {
    auto directory = DataDirectory::Lock(line.data);
    if (!directory.ok()) {
      return directory.status().WithContext("keys are made while the server is stopped");
    }
    ASSIGN_OR_RETURN(auto db, sqlite::VitrineDb::Open(directory->Sub("vitrine.db")));
    return OfflineKeys(*std::move(directory), std::move(db));
  }
  sqlite::VitrineDb& db() { return *db_; }

 private:
  OfflineKeys(DataDirectory directory, std::unique_ptr<sqlite::VitrineDb> db)
      : directory_(std::move(directory)), db_(std::move(db)) {}
  DataDirectory directory_;
  std::unique_ptr<sqlite::VitrineDb> db_;
};

registry::AuditEntry Why(std::string action, std::string subject) {
  return {.time = Now(),
          .actor = "cli",
          .action = std::move(action),
          .subject = std::move(subject),
          .evidence = "{}",
          .hash = {}};
}

Status Create(const CommandLine& line, const KeyFlags& flags) {
  RETURN_IF_ERROR(http::ParseScope(flags.scope).status());
  ASSIGN_OR_RETURN(OfflineKeys keys, OfflineKeys::Open(line));
  const std::string secret = http::NewApiKey();
  registry::ApiKey key{.id = http::KeyHash(secret).substr(0, 12),
                       .name = flags.name,
                       .hash = http::KeyHash(secret),
                       .scope = flags.scope,
                       .created = Now(),
                       .expires = {},
                       .last_used = {}};
  if (flags.days > 0) {
    key.expires = {key.created.value + flags.days * kMicrosPerDay};
  }
  RETURN_IF_ERROR(keys.db().CreateKey(key, Why("key.create", key.id)));
  Print(
      line.json
          ? json({{"id", key.id}, {"name", key.name}, {"scope", key.scope}, {"key", secret}}).dump()
          : fmt::format("{}\nThis key is shown once. id {}, scope {}", secret, key.id, key.scope));
  return Status::Ok();
}

Status List(const CommandLine& line, const KeyFlags& /*flags*/) {
  ASSIGN_OR_RETURN(OfflineKeys keys, OfflineKeys::Open(line));
  ASSIGN_OR_RETURN(const auto all, keys.db().ListKeys());
  std::string text;
  json list = json::array();
  for (const registry::ApiKey& key : all) {
    const std::string expires = key.expires.value == 0 ? "never" : FormatIso(key.expires);
    text += fmt::format("{:<14} {:<20} {:<22} {:<24} {}\n", key.id, key.name, key.scope, expires,
                        key.revoked ? "revoked" : "");
    list.push_back({{"id", key.id},
                    {"name", key.name},
                    {"scope", key.scope},
                    {"expires", expires},
                    {"revoked", key.revoked}});
  }
  Print(line.json      ? json({{"keys", list}}).dump(2)
        : text.empty() ? "No key yet. Make one with: vitrine key create NAME --scope serve"
                       : text);
  return Status::Ok();
}

Status Revoke(const CommandLine& line, const KeyFlags& flags) {
  ASSIGN_OR_RETURN(OfflineKeys keys, OfflineKeys::Open(line));
  RETURN_IF_ERROR(keys.db().RevokeKey(flags.id, Why("key.revoke", flags.id)));
  Print(fmt::format("{} is revoked", flags.id));
  return Status::Ok();
}

}  // namespace

void AddKeyCommands(CLI::App& app, CommandLine& line) {
  auto flags = std::make_shared<KeyFlags>();
  CLI::App* key = app.add_subcommand("key", "API keys; the server is stopped meanwhile");
  key->require_subcommand(1);
  const auto add = [&](const char* name, const char* what, auto run) {
    CLI::App* verb = key->add_subcommand(name, what);
    verb->callback(
        [run, flags, &line] { line.run = [run, flags, &line] { return run(line, *flags); }; });
    return verb;
  };
  CLI::App* create = add("create", "Make a key; it is shown once", Create);
  create->add_option("name", flags->name, "What it is for")->required();
  create->add_option("--scope", flags->scope, "ingest, serve, operate, admin; several by commas")
      ->capture_default_str();
  create->add_option("--days", flags->days, "Days until it expires; 0: never")
      ->capture_default_str();
  add("list", "Every key, without its secret", List);
  add("revoke", "End a key", Revoke)->add_option("id", flags->id, "Its id")->required();
}

}  // namespace vitrine::apps
