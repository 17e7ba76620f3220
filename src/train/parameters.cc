#include "train/parameters.h"

#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/check.h"
#include "core/nearest_name.h"

namespace vitrine::train {
namespace {
const ParameterDef* Find(std::span<const ParameterDef> defs, std::string_view name) {
  for (const ParameterDef& def : defs) {
    if (def.name == name) {
      return &def;
    }
  }
  return nullptr;
}

std::string_view TypeWord(const ParameterValue& value) {
  static constexpr std::string_view kWords[] = {"true or false", "a whole number", "a number",
                                                "a word"};
  return kWords[value.index()];
}

std::string BoundsOf(const ParameterDef& def) {
  if (def.min && def.max) {
    return fmt::format(" from {} to {}", *def.min, *def.max);
  }
  if (def.min) {
    return fmt::format(" of at least {}", *def.min);
  }
  return def.max ? fmt::format(" of at most {}", *def.max) : std::string();
}

Status Wrong(const ParameterDef& def, const ParameterValue& value) {
  const std::string wanted = def.choices.empty()
                                 ? fmt::format("{}{}", TypeWord(def.standard), BoundsOf(def))
                                 : fmt::format("one of {}", fmt::join(def.choices, ", "));
  return InvalidArgument(
      fmt::format("parameter {} is {}; it must be {}", def.name, ToText(value), wanted));
}

/// The value in the declared type, if it is one of it.
std::optional<ParameterValue> InType(const ParameterDef& def, const ParameterValue& value) {
  if (value.index() == def.standard.index()) {
    return value;
  }
  const auto* whole = std::get_if<std::int64_t>(&value);
  if (whole != nullptr && std::holds_alternative<double>(def.standard)) {
    return static_cast<double>(*whole);
  }
  return std::nullopt;
}

bool Allowed(const ParameterDef& def, const ParameterValue& value) {
  double number = 0;
  if (const auto* whole = std::get_if<std::int64_t>(&value)) {
    number = static_cast<double>(*whole);
  } else if (const auto* fraction = std::get_if<double>(&value)) {
    number = *fraction;
  } else if (const auto* word = std::get_if<std::string>(&value)) {
    for (const std::string& choice : def.choices) {
      if (choice == *word) {
        return true;
      }
    }
    return def.choices.empty();
  } else {
    return true;
  }
  return std::isfinite(number) && number >= def.min.value_or(number) &&
         number <= def.max.value_or(number);
}
}  // namespace

std::string ToText(const ParameterValue& value) {
  if (const auto* flag = std::get_if<bool>(&value)) {
    return *flag ? "true" : "false";
  }
  if (const auto* whole = std::get_if<std::int64_t>(&value)) {
    return fmt::format("{}", *whole);
  }
  if (const auto* number = std::get_if<double>(&value)) {
    return fmt::format("{}", *number);
  }
  return fmt::format("\"{}\"", std::get<std::string>(value));
}

Result<Parameters> Parameters::Resolve(std::span<const ParameterDef> defs,
                                       const std::map<std::string, ParameterValue>& given) {
  Parameters parameters;
  for (const ParameterDef& def : defs) {
    parameters.values_[def.name] = def.standard;
  }
  for (const auto& [name, value] : given) {
    const ParameterDef* def = Find(defs, name);
    if (def == nullptr) {
      std::vector<std::string> known;
      for (const ParameterDef& d : defs) {
        known.push_back(d.name);
      }
      std::string hint = DidYouMean(name, known);
      if (hint.empty()) {
        hint = known.empty() ? "; this algorithm has none"
                             : fmt::format("; known: {}", fmt::join(known, ", "));
      }
      return InvalidArgument(fmt::format("unknown parameter '{}'{}", name, hint));
    }
    const std::optional<ParameterValue> typed = InType(*def, value);
    if (!typed || !Allowed(*def, *typed)) {
      return Wrong(*def, value);
    }
    parameters.values_[name] = *typed;
  }
  return parameters;
}

namespace {
template <typename T>
const T& Get(const std::map<std::string, ParameterValue, std::less<>>& values,
             std::string_view name) {
  const auto at = values.find(name);
  CHECK(at != values.end());
  const T* value = std::get_if<T>(&at->second);
  CHECK(value != nullptr);
  return *value;
}
}  // namespace

bool Parameters::Flag(std::string_view name) const { return Get<bool>(values_, name); }
std::int64_t Parameters::Int(std::string_view name) const {
  return Get<std::int64_t>(values_, name);
}
double Parameters::Number(std::string_view name) const { return Get<double>(values_, name); }
const std::string& Parameters::Word(std::string_view name) const {
  return Get<std::string>(values_, name);
}

}  // namespace vitrine::train
