#include "monitor/diagnosis/diagnose.h"

#include <utility>

#include "monitor/diagnosis/findings.h"

namespace vitrine::monitor {

Diagnosis Examine(Question question, const Evidence& evidence) {
  Findings findings;
  const bool all = question == Question::kAll;
  if (all || question == Question::kSlowerAfterDeploy) {
    LookForSlower(evidence, findings);
  }
  if (all || question == Question::kWorseAfterDeploy) {
    LookForWorse(evidence, findings);
  }
  if (all || question == Question::kDoesNotStart) {
    LookForStart(evidence, findings);
  }
  if (all || question == Question::kMonitorShowsWrongNumbers) {
    LookForWrongNumbers(evidence, findings);
  }
  if (all || question == Question::kMonitorCannotBeReached) {
    LookForReach(evidence, findings);
  }
  return std::move(findings).Finish(question);
}

std::vector<Cause> Diagnose(Question question, const Evidence& evidence) {
  return Examine(question, evidence).causes;
}

}  // namespace vitrine::monitor
