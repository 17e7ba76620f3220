/// vitrine-trainer as a step of a job.
#pragma once

#include <string>
#include <vector>

#include "core/status.h"
#include "loop/child_process.h"
#include "loop/steps.h"

namespace vitrine::loop {

/// A spec's name as part of a file name: files are named by their stem.
std::string StepName(const std::string& spec);

/// Begun as it would begin itself again otherwise (apps/trainer/process.h), which costs half a second of loading.
ChildCommand TrainerCommand(const Programs& programs, std::vector<std::string> arguments);

/// A step that fits and writes `folder`. A server that dies leaves its children to themselves: an artifact that stands
/// there, and no result of the step, is such a child's. It is made again, once that child cannot be at it any more.
/// Errors: those of Steps::Run.
Result<std::string> RunTraining(Steps& steps, const std::string& step, const ChildCommand& training,
                                const std::string& folder);

}  // namespace vitrine::loop
