#include "apps/vitrine/settings_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>

namespace vitrine::apps {

Result<std::string> SettingsTable::Needed(std::string_view key, std::string_view what) const {
  const std::string& text = Text(key);
  if (text.empty()) {
    return InvalidArgument(fmt::format("{} is empty; {}", Name(key), what));
  }
  return text;
}

Result<std::int64_t> SettingsTable::Between(std::string_view key, std::int64_t least,
                                            std::int64_t most) const {
  const std::int64_t value = settings_.Integer(Name(key));
  if (value < least || value > most) {
    return InvalidArgument(
        fmt::format("{} is {}; it must be {} to {}", Name(key), value, least, most));
  }
  return value;
}

Result<std::string> SettingsTable::File(std::string_view key) const {
  std::ifstream in(Text(key), std::ios::binary);
  if (!in) {
    return NotFound(fmt::format("{} names '{}', which cannot be read", Name(key), Text(key)));
  }
  return std::string{std::istreambuf_iterator<char>(in), {}};
}

Result<std::string> SettingsTable::Secret(std::string_view key) const {
  if (Text(key).empty()) {
    return std::string();
  }
  ASSIGN_OR_RETURN(std::string secret, File(key));
  secret.resize(std::min(secret.find_first_of("\r\n"), secret.size()));
  const bool clean = std::all_of(secret.begin(), secret.end(),
                                 [](unsigned char c) { return c > ' ' && c < 0x7f; });
  if (secret.empty() || !clean) {
    return InvalidArgument(
        fmt::format("{}: the first line of the file must be the {}, without blanks", Name(key),
                    key.substr(0, key.find('_'))));
  }
  return secret;
}

}  // namespace vitrine::apps
