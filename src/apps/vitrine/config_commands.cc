// vitrine config show, vitrine version.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "apps/vitrine/command_line.h"

namespace vitrine::apps {
namespace {

Status ShowConfig(const CommandLine& line, bool origin) {
  ASSIGN_OR_RETURN(const Settings settings, line.LoadSettings());
  if (line.json) {
    nlohmann::json out = nlohmann::json::object();
    for (const auto& [name, value] : settings.values()) {
      out[name] = {{"value", value.value}, {"origin", value.origin}};
    }
    Print(out.dump(2));
    return Status::Ok();
  }
  std::string text;
  const auto show = [&](const SettingDef& def, const std::string& name) {
    const SettingValue& value = settings.values().at(name);
    text +=
        fmt::format("# {}\n{} = {}{}\n", def.help, name, value.value.empty() ? "\"\"" : value.value,
                    origin ? fmt::format("    # from {}", value.origin) : "");
  };
  for (const SettingDef& def : SettingDefs()) {
    show(def, def.name);
  }
  for (const std::string& remote : settings.Remotes()) {
    for (const SettingDef& def : RemoteSettingDefs()) {
      show(def, fmt::format("remote.{}.{}", remote, def.name));
    }
  }
  for (const std::string& channel : settings.Channels()) {
    for (const SettingDef& def : ChannelSettingDefs()) {
      show(def, fmt::format("channel.{}.{}", channel, def.name));
    }
  }
  for (const std::string& objective : settings.Objectives()) {
    for (const SettingDef& def : ObjectiveSettingDefs()) {
      show(def, fmt::format("objective.{}.{}", objective, def.name));
    }
  }
  Print(text);
  return Status::Ok();
}

}  // namespace

void AddConfigCommands(CLI::App& app, CommandLine& line) {
  CLI::App* config = app.add_subcommand("config", "The settings in force");
  config->require_subcommand(1);
  auto origin = std::make_shared<bool>(false);
  CLI::App* show = config->add_subcommand("show", "Every setting, what it does and its value");
  show->add_flag("--origin", *origin, "Where each value comes from");
  show->callback(
      [&line, origin] { line.run = [&line, origin] { return ShowConfig(line, *origin); }; });
  app.add_subcommand("version", "The version of this program")->callback([&line] {
    line.run = [] {
      Print("vitrine " VITRINE_VERSION);
      return Status::Ok();
    };
  });
}

}  // namespace vitrine::apps
