/// What a contract's rules count in one window: the same numbers from the log as it comes in and
/// from files, so that one judge reads both.
/// Threads: values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/time.h"

namespace vitrine::monitor {

struct RuleCounts {
  double rows = 0;     ///< rows that the rule is about; kMean: values above 0; kVolume: rows
  double hits = 0;     ///< share kinds: of them, those that it counts
  double sum = 0;      ///< kMean: of logarithms
  double squares = 0;  ///< kMean: of logarithms squared
  double longest = 0;  ///< kSilence: time between two rows that ended in the window, seconds
  friend bool operator==(const RuleCounts&, const RuleCounts&) = default;
};

/// A place for the newest row that broke a rule. Empty where none did.
using Example = std::string;

struct ContractWindow {
  Micros from;
  /// False: the first or last part of what was read, of which nobody knows whether it is whole.
  bool whole = true;
  std::vector<RuleCounts> rules;  ///< in the order of the contract's
  std::vector<Example> examples;  ///< the same, or none at all
};

/// Days (UTC) out of hours; a day is whole where each of its hours is and none is missing.
/// Precondition: hours in order of time.
std::vector<ContractWindow> DaysOf(const std::vector<ContractWindow>& hours);

}  // namespace vitrine::monitor
