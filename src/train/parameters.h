/// A model's settings: declared once by the model with type, default and bounds, given by the user
/// in a train spec, resolved here with errors that name the key.
/// Threads: values.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/status.h"

namespace vitrine::train {

using ParameterValue = std::variant<bool, std::int64_t, double, std::string>;

/// As text, the way a train spec would write it.
std::string ToText(const ParameterValue& value);

struct ParameterDef {
  std::string name;
  ParameterValue standard;                ///< the default; its type is the parameter's type
  std::string help;                       ///< one sentence for `vitrine-trainer models`
  std::optional<double> min = {};         ///< inclusive; numbers only
  std::optional<double> max = {};         ///< inclusive; numbers only
  std::vector<std::string> choices = {};  ///< words only; empty: any
};

/// Every declared parameter with a value.
class Parameters {
 public:
  Parameters() = default;

  /// `given` over the defaults. A whole number is taken where a fraction is declared.
  /// Errors: kInvalidArgument (unknown key with the nearest known one, wrong type, out of bounds).
  static Result<Parameters> Resolve(std::span<const ParameterDef> defs,
                                    const std::map<std::string, ParameterValue>& given);

  /// Precondition of all: the parameter was declared with this type.
  [[nodiscard]] bool Flag(std::string_view name) const;
  [[nodiscard]] std::int64_t Int(std::string_view name) const;
  [[nodiscard]] double Number(std::string_view name) const;
  [[nodiscard]] const std::string& Word(std::string_view name) const;

  [[nodiscard]] const std::map<std::string, ParameterValue, std::less<>>& values() const {
    return values_;
  }

 private:
  std::map<std::string, ParameterValue, std::less<>> values_;
};

}  // namespace vitrine::train
