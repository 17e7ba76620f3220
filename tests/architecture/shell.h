#ifndef TESTS_ARCHITECTURE_SHELL_H_
#define TESTS_ARCHITECTURE_SHELL_H_

#include <string>

namespace vitrine {

struct CommandResult {
  int exit_code = -1;
  std::string output;  ///< stdout and stderr, as they came
};

/// Runs a command line in a shell and waits for it.
CommandResult RunCommand(const std::string& command_line);

}  // namespace vitrine

#endif  // TESTS_ARCHITECTURE_SHELL_H_
