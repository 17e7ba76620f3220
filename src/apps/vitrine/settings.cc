#include "apps/vitrine/settings.h"

#include <fmt/format.h>

#include <toml++/toml.h>
#include <algorithm>
#include <cctype>
#include <charconv>
#include <filesystem>
#include <utility>

#include "core/nearest_name.h"

namespace vitrine::apps {
namespace {

using Values = std::map<std::string, SettingValue, std::less<>>;

/// Tables whose names the user gives.
struct NamedTables {
  std::string_view prefix;
  std::string_view what;  // a table of it is
  const std::vector<SettingDef>& (*defs)();
};
constexpr NamedTables kRemotes = {"remote.", "server", RemoteSettingDefs};
constexpr NamedTables kChannels = {"channel.", "channel", ChannelSettingDefs};
constexpr NamedTables kObjectives = {"objective.", "objective", ObjectiveSettingDefs};
constexpr const NamedTables* kNamedTables[] = {&kRemotes, &kChannels, &kObjectives};
constexpr std::size_t kMaxTableName = 32;

const SettingDef* FindIn(const std::vector<SettingDef>& defs, std::string_view name) {
  const auto it = std::find_if(defs.begin(), defs.end(),
                               [name](const SettingDef& def) { return def.name == name; });
  return it == defs.end() ? nullptr : &*it;
}

/// Null where the setting is of no such table.
const NamedTables* TablesOf(std::string_view setting) {
  for (const NamedTables* tables : kNamedTables) {
    if (setting.starts_with(tables->prefix)) {
      return tables;
    }
  }
  return nullptr;
}

/// "ctr" of "remote.ctr.url"; empty of any other setting, and of a name that is none: a letter, then
/// letters, digits, - and _, small ones, so that it fits scenes, metrics and variables alike.
std::string_view TableNameOf(const NamedTables& tables, std::string_view setting) {
  if (!setting.starts_with(tables.prefix)) {
    return {};
  }
  std::string_view name = setting.substr(tables.prefix.size());
  name = name.substr(0, std::min(name.find('.'), name.size()));
  const auto small = [](char c) { return c >= 'a' && c <= 'z'; };
  const bool good = !name.empty() && name.size() <= kMaxTableName && small(name[0]) &&
                    std::all_of(name.begin(), name.end(), [&](char c) {
                      return small(c) || (c >= '0' && c <= '9') || c == '-' || c == '_';
                    });
  return good ? name : std::string_view();
}

const SettingDef* Find(std::string_view name) {
  const NamedTables* tables = TablesOf(name);
  const std::string_view table = tables == nullptr ? "" : TableNameOf(*tables, name);
  if (tables != nullptr && !table.empty()) {
    const std::size_t prefix = tables->prefix.size() + table.size() + 1;
    return name.size() > prefix ? FindIn(tables->defs(), name.substr(prefix)) : nullptr;
  }
  return FindIn(SettingDefs(), name);
}

std::vector<std::string> NamesIn(const NamedTables& tables, const Values& values) {
  std::vector<std::string> names;
  for (auto at = values.lower_bound(tables.prefix);
       at != values.end() && at->first.starts_with(tables.prefix); ++at) {
    const std::string_view name = TableNameOf(tables, at->first);
    if (!name.empty() && std::find(names.begin(), names.end(), name) == names.end()) {
      names.emplace_back(name);
    }
  }
  return names;
}

Status Unknown(std::string_view name, std::string_view origin) {
  std::vector<std::string> known;
  if (const NamedTables* tables = TablesOf(name); tables != nullptr) {
    const std::string_view table = TableNameOf(*tables, name);
    if (table.empty()) {
      return InvalidArgument(fmt::format(
          "{}: '{}' names no {}: the name in [{}NAME] is a letter and up to {} letters, "
          "digits, - and _, all small",
          origin, name, tables->what, tables->prefix, kMaxTableName - 1));
    }
    for (const SettingDef& def : tables->defs()) {
      known.push_back(fmt::format("{}{}.{}", tables->prefix, table, def.name));
    }
  }
  for (const SettingDef& def : SettingDefs()) {
    known.push_back(def.name);
  }
  const std::string near = NearestName(name, known);
  return InvalidArgument(
      fmt::format("{}: there is no setting '{}'{}; see them all with: vitrine "
                  "config show",
                  origin, name, near.empty() ? "" : fmt::format(", did you mean '{}'?", near)));
}

Status CheckValue(const SettingDef& def, std::string_view name, const SettingValue& value) {
  std::int64_t number = 0;
  const char* end = value.value.data() + value.value.size();
  switch (def.type) {
    case SettingType::kInteger:
      if (const auto [at, error] = std::from_chars(value.value.data(), end, number);
          error != std::errc() || at != end || number < 0) {
        return InvalidArgument(fmt::format("{}: {} must be a whole number, not '{}'", value.origin,
                                           name, value.value));
      }
      return Status::Ok();
    case SettingType::kFlag:
      if (value.value != "true" && value.value != "false") {
        return InvalidArgument(
            fmt::format("{}: {} must be true or false, not '{}'", value.origin, name, value.value));
      }
      return Status::Ok();
    case SettingType::kText:
    case SettingType::kList:
      return Status::Ok();
  }
  CHECK(false);
}

Result<std::string> TextOf(const toml::node& node, std::string_view name, std::string_view at) {
  if (const auto text = node.value_exact<std::string>()) {
    return *text;
  }
  if (const auto number = node.value_exact<std::int64_t>()) {
    return fmt::format("{}", *number);
  }
  if (const auto flag = node.value_exact<bool>()) {
    return std::string(*flag ? "true" : "false");
  }
  if (const toml::array* list = node.as_array()) {
    std::string joined;
    for (const toml::node& entry : *list) {
      const auto word = entry.value_exact<std::string>();
      if (!word || word->find(',') != std::string::npos) {
        return InvalidArgument(fmt::format("{}: {} is a list of words in quotes", at, name));
      }
      joined += (joined.empty() ? "" : ",") + *word;
    }
    return joined;
  }
  return InvalidArgument(
      fmt::format("{}: {} must be a text, a whole number, true or false, or a list", at, name));
}

Status ReadTable(const toml::table& table, const std::string& prefix, const std::string& file,
                 std::map<std::string, SettingValue, std::less<>>& values) {
  for (const auto& [key, node] : table) {
    const std::string name =
        prefix.empty() ? std::string(key.str()) : fmt::format("{}.{}", prefix, key.str());
    const std::string at = fmt::format("{}:{}", file, node.source().begin.line);
    if (const toml::table* inner = node.as_table()) {
      RETURN_IF_ERROR(ReadTable(*inner, name, file, values));
      continue;
    }
    if (Find(name) == nullptr) {
      return Unknown(name, at);
    }
    ASSIGN_OR_RETURN(std::string text, TextOf(node, name, at));
    values[name] = {std::move(text), at};
  }
  return Status::Ok();
}

Status ReadFile(const std::string& file, std::map<std::string, SettingValue, std::less<>>& values) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(file, error)) {
    return NotFound(fmt::format("{}: no such settings file", file));
  }
  try {
    return ReadTable(toml::parse_file(file), "", std::filesystem::path(file).filename().string(),
                     values);
  } catch (const toml::parse_error& e) {
    return InvalidArgument(fmt::format("{}:{}: {}", file, e.source().begin.line, e.description()));
  }
}

}  // namespace

std::string EnvironmentName(std::string_view setting) {
  std::string name = "VITRINE_";
  for (const char c : setting) {
    name +=
        c == '.' || c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return name;
}

Result<Settings> Settings::Load(const std::string& file, const Environment& environment,
                                const std::vector<std::string>& overrides) {
  Settings settings;
  for (const SettingDef& def : SettingDefs()) {
    settings.values_[def.name] = {def.standard, "default"};
  }
  if (!file.empty()) {
    RETURN_IF_ERROR(ReadFile(file, settings.values_));
  }
  // A table that the command line alone names is one too.
  Values named = settings.values_;
  for (const std::string& text : overrides) {
    named.try_emplace(text.substr(0, text.find('=')));
  }
  for (const NamedTables* tables : kNamedTables) {
    for (const std::string& table : NamesIn(*tables, named)) {
      for (const SettingDef& def : tables->defs()) {
        settings.values_.try_emplace(fmt::format("{}{}.{}", tables->prefix, table, def.name),
                                     SettingValue{def.standard, "default"});
      }
    }
  }
  for (auto& [setting, value] : settings.values_) {
    const std::string name = EnvironmentName(setting);
    if (auto given = environment(name)) {
      value = {std::move(*given), name};
    }
  }
  for (const std::string& text : overrides) {
    const auto equals = text.find('=');
    if (equals == std::string::npos) {
      return InvalidArgument(fmt::format("--set {}: write NAME=VALUE", text));
    }
    const std::string name = text.substr(0, equals);
    if (Find(name) == nullptr) {
      return Unknown(name, "--set");
    }
    settings.values_[name] = {text.substr(equals + 1), "--set"};
  }
  for (const auto& [name, value] : settings.values_) {
    RETURN_IF_ERROR(CheckValue(*Find(name), name, value));
  }
  return settings;
}

const std::string& Settings::Text(std::string_view name) const {
  const auto it = values_.find(name);
  CHECK(it != values_.end());
  return it->second.value;
}

std::vector<std::string> Settings::Remotes() const { return NamesIn(kRemotes, values_); }

std::vector<std::string> Settings::Channels() const { return NamesIn(kChannels, values_); }

std::vector<std::string> Settings::Objectives() const { return NamesIn(kObjectives, values_); }

std::int64_t Settings::Integer(std::string_view name) const {
  const std::string& text = Text(name);
  std::int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

bool Settings::Flag(std::string_view name) const { return Text(name) == "true"; }

Result<double> Settings::Share(std::string_view name) const {
  const std::string& text = Text(name);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !(value >= 0 && value <= 1)) {
    return InvalidArgument(fmt::format("{} is '{}'; write a share between 0 and 1", name, text));
  }
  return value;
}

std::vector<std::string> Settings::List(std::string_view name) const {
  std::vector<std::string> words;
  std::string_view rest = Text(name);
  while (!rest.empty()) {
    const auto comma = std::min(rest.find(','), rest.size());
    if (comma > 0) {
      words.emplace_back(rest.substr(0, comma));
    }
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  return words;
}

}  // namespace vitrine::apps
