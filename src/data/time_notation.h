/// Finds how a column of a file writes its times, from its first values.
#pragma once

#include <string>
#include <vector>

#include "core/status.h"
#include "data/mapping.h"

namespace vitrine::data {

struct FoundNotation {
  TimeNotation notation = TimeNotation::kIso8601;
  std::string pattern;      ///< kPattern: strftime letters
  std::string description;  ///< what reports say was taken
};

/// Numbers are told apart by size, as in timestamp.h; texts are ISO 8601 or day/month/year in the
/// one order that fits every value.
/// Errors:  kInvalidArgument: no values, values of several kinds, numbers too small to be a time,
///          or dates that could be read both ways (says how to write the format down).
/// Threads: any.
Result<FoundNotation> FindTimeNotation(const std::vector<std::string>& values,
                                       const std::string& zone);

}  // namespace vitrine::data
