/// Answers to an operator's questions out of what was measured: which causes it supports, how surely,
/// what was found well, what could not be looked at, and what to do next. The rules are small functions
/// in *_rules.cc, each with its bounds and their reasons.
/// Threads: pure functions.
#pragma once

#include <vector>

#include "monitor/diagnosis/cause.h"
#include "monitor/diagnosis/evidence.h"

namespace vitrine::monitor {

/// Causes by confidence, the highest first; equal ones in the order of CauseCode. Each code at most once.
Diagnosis Examine(Question question, const Evidence& evidence);

/// The causes alone: empty where the evidence is healthy, or absent.
std::vector<Cause> Diagnose(Question question, const Evidence& evidence);

}  // namespace vitrine::monitor
