#include "loop/training_step.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <system_error>
#include <utility>

namespace vitrine::loop {

std::string StepName(const std::string& spec) {
  std::string name = std::filesystem::path(spec).stem().string();
  std::replace_if(
      name.begin(), name.end(),
      [](unsigned char c) { return std::isalnum(c) == 0 && c != '-' && c != '_'; }, '-');
  return name;
}

ChildCommand TrainerCommand(const Programs& programs, std::vector<std::string> arguments) {
  return {.program = programs.trainer,
          .arguments = std::move(arguments),
          .environment = {"OMP_WAIT_POLICY=passive"},
          .stop_signals_blocked = true};
}

Result<std::string> RunTraining(Steps& steps, const std::string& step, const ChildCommand& training,
                                const std::string& folder) {
  constexpr int kTries = 3;
  Result<std::string> text = steps.Run(step, training);
  for (int tries = 1; tries < kTries && text.status().code() == Code::kAlreadyExists; ++tries) {
    std::error_code error;
    std::filesystem::remove_all(folder, error);
    text = steps.Run(step, training);
  }
  return text;
}

}  // namespace vitrine::loop
