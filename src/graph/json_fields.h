/// Inside graph/ only: reads JSON objects field by field, with errors that name the field
/// ("metrics.ndcg@10.mean is not a number"). Includes nlohmann JSON.
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/artifact.h"
#include "core/status.h"
#include "core/tensor.h"

namespace vitrine::graph {

using Json = nlohmann::ordered_json;

/// Errors: kInvalidArgument (`what` is not JSON: says at which byte, or is not an object).
Result<Json> ParseObject(std::string_view text, std::string_view what);

/// Errors: kFailedPrecondition (`format` is newer than `newest`), kInvalidArgument (none).
Status CheckFormat(const Json& object, int newest, std::string_view what);

/// None for a name that is not a type's.
Result<DType> ParseDType(const std::string& name, const std::string& field);

/// JSON has no NaN or infinity: null stands for what is not a number.
inline Json NumberJson(double v) { return std::isfinite(v) ? Json(v) : Json(nullptr); }

/// One value of JSON as a T. `field` is its full name.
template <typename T>
Result<T> ReadValue(const Json& value, const std::string& field) {
  if constexpr (std::is_same_v<T, std::string>) {
    if (value.is_string()) {
      return value.get<std::string>();
    }
    return InvalidArgument(fmt::format("{} is not a text", field));
  } else if constexpr (std::is_same_v<T, bool>) {
    if (value.is_boolean()) {
      return value.get<bool>();
    }
    return InvalidArgument(fmt::format("{} is not true or false", field));
  } else if constexpr (std::is_floating_point_v<T>) {
    if (value.is_null()) {
      return std::numeric_limits<T>::quiet_NaN();
    }
    if (value.is_number()) {
      return value.get<T>();
    }
    return InvalidArgument(fmt::format("{} is not a number", field));
  } else {
    static_assert(std::is_integral_v<T>);
    // A negative number is signed, one beyond int64 unsigned: in_range below sees the true value.
    if (value.is_number_unsigned() && std::in_range<T>(value.get<std::uint64_t>())) {
      return static_cast<T>(value.get<std::uint64_t>());
    }
    if (value.is_number_integer() && !value.is_number_unsigned() &&
        std::in_range<T>(value.get<std::int64_t>())) {
      return static_cast<T>(value.get<std::int64_t>());
    }
    return InvalidArgument(fmt::format("{} is not a whole number in range", field));
  }
}

/// The fields of one object.
class Fields {
 public:
  /// `path`: name of the object inside the file; empty for the outermost.
  Fields(const Json& object, std::string path) : object_(object), path_(std::move(path)) {}

  [[nodiscard]] std::string NameOf(std::string_view key) const {
    return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
  }

  /// Reads a field that must be there.
  template <typename T>
  Status Need(const char* key, T& into) const {
    if (!object_.contains(key)) {
      return InvalidArgument(fmt::format("{} is missing", NameOf(key)));
    }
    return Take(key, into);
  }

  /// Reads a field where it is there; else `into` keeps its value.
  template <typename T>
  Status Take(const char* key, T& into) const {
    const auto found = object_.find(key);
    if (found == object_.end()) {
      return Status::Ok();
    }
    Result<T> value = ReadValue<T>(*found, NameOf(key));
    if (!value.ok()) {
      return value.status();
    }
    into = *std::move(value);
    return Status::Ok();
  }

  template <typename T>
  Status Take(const char* key, std::vector<T>& into) const {
    into.clear();
    return ForEach(key, [&](const Json& value, const std::string& field) {
      Result<T> item = ReadValue<T>(value, field);
      if (!item.ok()) {
        return item.status();
      }
      into.push_back(*std::move(item));
      return Status::Ok();
    });
  }

  /// visit(value, its full name) over the elements of an array; a missing field has none.
  template <typename F>
  Status ForEach(const char* key, F&& visit) const {
    const auto found = object_.find(key);
    if (found == object_.end()) {
      return Status::Ok();
    }
    if (!found->is_array()) {
      return InvalidArgument(fmt::format("{} is not a list", NameOf(key)));
    }
    std::size_t n = 0;
    for (const Json& value : *found) {
      RETURN_IF_ERROR(visit(value, fmt::format("{}[{}]", NameOf(key), n++)));
    }
    return Status::Ok();
  }

  /// visit(key, value, its full name) over the entries of an object; a missing field has none.
  template <typename F>
  Status ForEachEntry(const char* key, F&& visit) const {
    const auto found = object_.find(key);
    if (found == object_.end()) {
      return Status::Ok();
    }
    if (!found->is_object()) {
      return InvalidArgument(fmt::format("{} is not an object", NameOf(key)));
    }
    for (const auto& [name, value] : found->items()) {
      RETURN_IF_ERROR(visit(name, value, fmt::format("{}.{}", NameOf(key), name)));
    }
    return Status::Ok();
  }

 private:
  const Json& object_;
  std::string path_;
};

}  // namespace vitrine::graph
