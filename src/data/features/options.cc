#include "data/features/options.h"

#include <charconv>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/event.h"
#include "core/nearest_name.h"

namespace vitrine::data::features {
namespace {
const std::string* Find(const FeatureDef& def, std::string_view name) {
  const auto at = def.options.find(name);
  return at == def.options.end() ? nullptr : &at->second;
}

Status OptionError(const FeatureDef& def, std::string_view name, std::string_view value,
                   std::string_view wanted) {
  return FeatureError(def, fmt::format("option {} is '{}'; it must be {}", name, value, wanted));
}

template <typename T>
std::optional<T> ParseWhole(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

std::vector<std::string> Parts(std::string_view text, char between) {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t end = text.find(between);
    std::string_view part = text.substr(0, end);
    while (!part.empty() && part.front() == ' ') {
      part.remove_prefix(1);
    }
    while (!part.empty() && part.back() == ' ') {
      part.remove_suffix(1);
    }
    if (!part.empty()) {
      parts.emplace_back(part);
    }
    if (end == std::string_view::npos) {
      return parts;
    }
    text.remove_prefix(end + 1);
  }
}
}  // namespace

Status FeatureError(const FeatureDef& def, std::string_view message) {
  return InvalidArgument(fmt::format("feature '{}': {}", def.name, message));
}

Status CheckOptions(const FeatureDef& def, std::span<const std::string> known) {
  for (const auto& [name, value] : def.options) {
    bool found = false;
    for (const std::string& k : known) {
      found = found || k == name;
    }
    if (!found) {
      return FeatureError(
          def, fmt::format("op {} has no option '{}'{}", def.op, name, DidYouMean(name, known)));
    }
  }
  return Status::Ok();
}

Result<std::int64_t> IntOption(const FeatureDef& def, std::string_view name, std::int64_t standard,
                               std::int64_t min, std::int64_t max) {
  const std::string* text = Find(def, name);
  if (text == nullptr) {
    return standard;
  }
  const std::optional<std::int64_t> value = ParseWhole<std::int64_t>(*text);
  if (!value || *value < min || *value > max) {
    return OptionError(def, name, *text, fmt::format("a whole number from {} to {}", min, max));
  }
  return *value;
}

Result<std::optional<double>> NumberOption(const FeatureDef& def, std::string_view name) {
  const std::string* text = Find(def, name);
  if (text == nullptr) {
    return std::optional<double>();
  }
  const std::optional<double> value = ParseWhole<double>(*text);
  if (!value || !std::isfinite(*value)) {
    return OptionError(def, name, *text, "a number");
  }
  return value;
}

Result<bool> FlagOption(const FeatureDef& def, std::string_view name, bool standard) {
  const std::string* text = Find(def, name);
  if (text == nullptr) {
    return standard;
  }
  if (*text != "true" && *text != "false") {
    return OptionError(def, name, *text, "true or false");
  }
  return *text == "true";
}

Result<std::string> ChoiceOption(const FeatureDef& def, std::string_view name,
                                 std::string_view standard, std::span<const std::string> choices) {
  const std::string* text = Find(def, name);
  if (text == nullptr) {
    return std::string(standard);
  }
  for (const std::string& choice : choices) {
    if (choice == *text) {
      return choice;
    }
  }
  return OptionError(def, name, *text, fmt::format("one of {}", fmt::join(choices, ", ")));
}

std::vector<std::string> ListOption(const FeatureDef& def, std::string_view name) {
  const std::string* text = Find(def, name);
  return text == nullptr ? std::vector<std::string>() : Parts(*text, '|');
}

Result<std::uint32_t> EventsOption(const FeatureDef& def, std::string_view name,
                                   std::uint32_t standard) {
  const std::string* text = Find(def, name);
  if (text == nullptr) {
    return standard;
  }
  std::uint32_t bits = 0;
  for (const std::string& part : Parts(*text, ',')) {
    const std::optional<EventType> type = ParseEventType(part);
    if (!type) {
      std::vector<std::string> known;
      for (int i = 0; i < kEventTypes; ++i) {
        known.emplace_back(EventName(static_cast<EventType>(i)));
      }
      return FeatureError(
          def, fmt::format("option {} names no event '{}'{}", name, part, DidYouMean(part, known)));
    }
    bits |= 1U << static_cast<unsigned>(*type);
  }
  if (bits == 0) {
    return OptionError(def, name, *text, "one event name or several, by commas");
  }
  return bits;
}

}  // namespace vitrine::data::features
