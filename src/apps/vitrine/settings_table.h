/// The settings of one table whose name the user gave, [remote.NAME], [channel.NAME] or [objective.NAME].
/// Threads: a value.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "apps/vitrine/settings.h"
#include "core/status.h"

namespace vitrine::apps {

class SettingsTable {
 public:
  /// Preconditions: `settings` outlives it and has the table.
  SettingsTable(const Settings& settings, std::string_view kind, std::string_view name)
      : settings_(settings), prefix_(std::string(kind) + "." + std::string(name) + ".") {}

  /// "remote.ctr.url" of "url".
  [[nodiscard]] std::string Name(std::string_view key) const { return prefix_ + std::string(key); }
  [[nodiscard]] const std::string& Text(std::string_view key) const {
    return settings_.Text(Name(key));
  }
  [[nodiscard]] bool Flag(std::string_view key) const { return settings_.Flag(Name(key)); }
  [[nodiscard]] std::vector<std::string> List(std::string_view key) const {
    return settings_.List(Name(key));
  }

  /// A number in [0, 1]. Errors: kInvalidArgument.
  [[nodiscard]] Result<double> Share(std::string_view key) const {
    return settings_.Share(Name(key));
  }

  // Errors name the setting: kInvalidArgument, and kNotFound of a file that cannot be read.

  /// A text that is not empty; `what` says what to write.
  [[nodiscard]] Result<std::string> Needed(std::string_view key, std::string_view what) const;
  [[nodiscard]] Result<std::int64_t> Between(std::string_view key, std::int64_t least,
                                             std::int64_t most) const;
  /// The content of the file that the setting names.
  [[nodiscard]] Result<std::string> File(std::string_view key) const;
  /// The first line of that file, without blanks; empty where no file is named. It is a secret: no message repeats it.
  [[nodiscard]] Result<std::string> Secret(std::string_view key) const;

 private:
  const Settings& settings_;
  std::string prefix_;
};

}  // namespace vitrine::apps
