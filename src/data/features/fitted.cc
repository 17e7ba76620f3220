#include "data/features/fitted.h"

#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "data/features/options.h"

namespace vitrine::data::features {
namespace {
Status Wrong(const FeatureDef& def, std::string_view field, std::string_view wanted) {
  return FeatureError(def, fmt::format("fitted.{} is not {}", field, wanted));
}

const Json* Find(const Json& fitted, std::string_view field) {
  const auto at = fitted.find(std::string(field));
  return at == fitted.end() ? nullptr : &*at;
}

template <typename T, typename Is>
Result<std::vector<T>> Values(const FeatureDef& def, const Json& fitted, std::string_view field,
                              std::string_view wanted, Is&& is) {
  const Json* value = Find(fitted, field);
  if (value == nullptr || !value->is_array()) {
    return Wrong(def, field, wanted);
  }
  std::vector<T> values;
  values.reserve(value->size());
  for (const Json& element : *value) {
    if (!is(element)) {
      return Wrong(def, field, wanted);
    }
    values.push_back(element.get<T>());
  }
  return values;
}
}  // namespace

Result<double> FittedNumber(const FeatureDef& def, const Json& fitted, std::string_view field) {
  const Json* value = Find(fitted, field);
  if (value == nullptr || !value->is_number() || !std::isfinite(value->get<double>())) {
    return Wrong(def, field, "a number");
  }
  return value->get<double>();
}

Result<std::int64_t> FittedInt(const FeatureDef& def, const Json& fitted, std::string_view field) {
  const Json* value = Find(fitted, field);
  if (value == nullptr || !value->is_number_integer()) {
    return Wrong(def, field, "a whole number");
  }
  return value->get<std::int64_t>();
}

Result<std::vector<double>> FittedNumbers(const FeatureDef& def, const Json& fitted,
                                          std::string_view field) {
  return Values<double>(def, fitted, field, "a list of numbers", [](const Json& e) {
    return e.is_number() && std::isfinite(e.get<double>());
  });
}

Result<std::vector<std::int64_t>> FittedInts(const FeatureDef& def, const Json& fitted,
                                             std::string_view field) {
  return Values<std::int64_t>(def, fitted, field, "a list of whole numbers",
                              [](const Json& e) { return e.is_number_integer(); });
}

Result<std::vector<std::string>> FittedWords(const FeatureDef& def, const Json& fitted,
                                             std::string_view field) {
  return Values<std::string>(def, fitted, field, "a list of words",
                             [](const Json& e) { return e.is_string(); });
}

}  // namespace vitrine::data::features
