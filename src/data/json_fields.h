/// Reads a JSON object's fields into variables. The first mistake stays, named by its path
/// ("scenes[2].rules[0].from is not a time: ..."), and a field that nobody asked for is one.
/// Threads: one reader at a time.
#pragma once

#include <algorithm>
#include <concepts>
#include <initializer_list>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/status.h"
#include "core/time.h"

namespace vitrine::data {

class JsonFields {
 public:
  using Json = nlohmann::ordered_json;

  /// `object` outlives it.
  JsonFields(const Json& object, std::string path);

  // Each leaves the variable as it is where the field is not there.
  void Read(const char* name, std::string& value);
  void Read(const char* name, bool& value);
  void Read(const char* name, double& value);
  void Read(const char* name, std::optional<double>& value);
  void Read(const char* name, std::vector<std::string>& values);
  void Read(const char* name, std::map<std::string, std::string, std::less<>>& values);
  void Read(const char* name, Micros& value);
  void Read(const char* name, std::optional<Micros>& value);
  /// A whole number, 0 to 1e9.
  template <std::integral T>
  void Read(const char* name, T& value) {
    if (const auto number = WholeNumber(name)) {
      value = static_cast<T>(*number);
    }
  }
  /// One of the names that `name_of` gives.
  template <typename E>
  void ReadName(const char* name, E& value, std::initializer_list<E> all,
                std::string_view (*name_of)(E)) {
    const std::optional<std::string> text = Name(name);
    if (!text) {
      return;
    }
    std::string known;
    for (const E candidate : all) {
      if (*text == name_of(candidate)) {
        value = candidate;
        return;
      }
      known += (known.empty() ? "" : ", ") + std::string(name_of(candidate));
    }
    Fail(name, "is '" + *text + "'; it can be " + known);
  }
  /// The value itself, for objects and lists of objects; null where it is not there.
  const Json* Find(const char* name);

  [[nodiscard]] std::string PathOf(const std::string& name) const;
  void Fail(const std::string& name, const std::string& what);
  void Take(const Status& status);
  /// OK where every field was known and fitted. Errors: kInvalidArgument.
  [[nodiscard]] Status Finish();

 private:
  [[nodiscard]] std::optional<std::string> Name(const char* name);
  [[nodiscard]] std::optional<std::int64_t> WholeNumber(const char* name);

  const Json& object_;
  std::string path_;
  std::vector<std::string> known_;
  Status error_;
};

/// Errors: kInvalidArgument (it is not JSON).
Result<nlohmann::ordered_json> ParseJson(std::string_view text);

}  // namespace vitrine::data
