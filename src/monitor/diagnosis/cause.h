/// What a diagnosis says.
/// Threads: values.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "monitor/diagnosis/cause_code.h"
#include "monitor/diagnosis/look.h"
#include "monitor/diagnosis/step.h"

namespace vitrine::monitor {

struct EvidenceLine {
  Quantity quantity = Quantity::kMeanSeconds;
  std::string subject;           ///< which scene, feature, reason; empty: all
  std::optional<double> before;  ///< or what was asked for, as of memory
  std::optional<double> after;   ///< or now
  std::string detail;            ///< a text that was seen
};

struct Cause {
  CauseCode code = CauseCode::kLargerModel;
  double confidence = 0;  ///< [0, 1], by the rules in findings.h
  std::vector<EvidenceLine> evidence;
  std::vector<Look> healthy;        ///< looked at beside it, and found well
  std::vector<Look> not_looked_at;  ///< nothing was known of it, so it may be the cause yet
  std::vector<Step> next;
};

struct Diagnosis {
  Question question = Question::kAll;
  std::vector<Cause> causes;  ///< worst first
  std::vector<Look> healthy;
  std::vector<Look> not_looked_at;
};

}  // namespace vitrine::monitor
