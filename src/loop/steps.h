/// The steps of one job, each remembered once done: a job that is started again after a crash takes
/// what it finds and goes on with the first step that has no result.
#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <string_view>

#include "core/progress.h"
#include "core/status.h"
#include "loop/child_process.h"

namespace vitrine::loop {

/// Where our programs lie, and the one directory they work on.
struct Programs {
  std::string lake;     ///< vitrine-lake
  std::string trainer;  ///< vitrine-trainer
  std::string vitrine;  ///< this program, for probe and evaluation in a child
};

/// The three beside the running program.
Programs ProgramsBeside(std::string_view running_program);

class Steps {
 public:
  /// `folder` keeps the results, NAME.json a step; it is made where missing.
  Steps(std::string folder, Progress progress);

  /// Runs the child unless the step has a result, which is the child's stdout. The step's name
  /// stands before the child's own message where it fails.
  /// Errors: StatusOf(child), kUnavailable (cannot write the result), kCancelled.
  Result<std::string> Run(std::string_view name, const ChildCommand& command);

  /// What `make` gave when the step was first reached: a look at what may be different when the job is started again.
  /// Errors: those of `make`, kUnavailable (cannot write the result).
  Result<std::string> Once(std::string_view name,
                           const std::function<Result<std::string>()>& make) const;

  /// The path of a file or folder of this job.
  [[nodiscard]] std::string PathOf(std::string_view file) const;
  [[nodiscard]] const Progress& progress() const { return progress_; }

 private:
  std::string folder_;
  Progress progress_;
};

/// The progress line of a child as a report; none for a line that is a message.
bool ParseProgressLine(std::string_view line, ProgressReport& report);

}  // namespace vitrine::loop
