/// Port: what the answers of a version rest on.
#pragma once

#include <string>
#include <string_view>

#include "core/status.h"

namespace vitrine::http {

/// Threads: any.
class ModelExplainer {
 public:
  virtual ~ModelExplainer() = default;
  /// The report of a version ("name:number" or an alias), its live window where there is one, and, where `against` names a
  /// version, what differs from that one's: one JSON object, with findings in the language.
  /// Errors: kNotFound (no such version, or no report of it was made: says how to make one), kInvalidArgument (language).
  virtual Result<std::string> ExplainModel(std::string_view version, std::string_view against,
                                           std::string_view language) const = 0;
};

}  // namespace vitrine::http
