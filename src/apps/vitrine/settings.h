/// Settings: flag > environment (VITRINE_...) > vitrine.toml > default. Each value knows where it
/// came from (`vitrine config show --origin`). Unknown keys are errors that name the nearest one.
/// Only apps/ reads configuration or environment.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"

namespace vitrine::apps {

enum class SettingType : std::uint8_t { kText, kInteger, kFlag, kList };

struct SettingDef {
  std::string name;  ///< "server.listen"; a table and a key of vitrine.toml
  SettingType type = SettingType::kText;
  std::string standard;  ///< the default; lists as comma-separated words
  std::string help;      ///< one sentence: what it does, its unit, what a larger value costs
};

/// Every setting there is but those of named tables, in the order `config show` prints.
const std::vector<SettingDef>& SettingDefs();

/// The settings of each table [remote.NAME], a server of others that ranks; names without the prefix.
const std::vector<SettingDef>& RemoteSettingDefs();

/// The settings of each table [channel.NAME], somewhere that messages about alerts go to; the same.
const std::vector<SettingDef>& ChannelSettingDefs();

/// The settings of each table [objective.NAME], what the service is held against; the same.
const std::vector<SettingDef>& ObjectiveSettingDefs();

struct SettingValue {
  std::string value;
  std::string origin;  ///< "default", "vitrine.toml:12", "VITRINE_SERVER_LISTEN", "--set"
};

class Settings {
 public:
  using Environment = std::function<std::optional<std::string>(const std::string&)>;

  /// `file` may be empty (no file). `overrides` are NAME=VALUE texts from the command line.
  /// Errors: kNotFound (a named file is missing), kInvalidArgument (syntax with line, unknown key
  ///         with the nearest known one, a value of the wrong type).
  static Result<Settings> Load(const std::string& file, const Environment& environment,
                               const std::vector<std::string>& overrides);

  /// Preconditions: the setting exists and has this type.
  [[nodiscard]] const std::string& Text(std::string_view name) const;
  [[nodiscard]] std::int64_t Integer(std::string_view name) const;
  [[nodiscard]] bool Flag(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> List(std::string_view name) const;
  /// A text that is a number in [0, 1]. Errors: kInvalidArgument (it is none: names the setting).
  [[nodiscard]] Result<double> Share(std::string_view name) const;
  /// The names of the tables [remote.NAME] that any source sets something of, in their order.
  [[nodiscard]] std::vector<std::string> Remotes() const;
  /// The same of the tables [channel.NAME].
  [[nodiscard]] std::vector<std::string> Channels() const;
  /// The same of the tables [objective.NAME].
  [[nodiscard]] std::vector<std::string> Objectives() const;

  [[nodiscard]] const std::map<std::string, SettingValue, std::less<>>& values() const {
    return values_;
  }

 private:
  std::map<std::string, SettingValue, std::less<>> values_;
};

/// "server.listen" -> "VITRINE_SERVER_LISTEN".
std::string EnvironmentName(std::string_view setting);

}  // namespace vitrine::apps
