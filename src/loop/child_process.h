/// Runs one of our programs as a child: its stdout is the result, each line of its stderr is
/// progress or a message. A stop request sends SIGTERM (the child cancels and leaves a resumable
/// state), then SIGKILL after a grace period.
/// Threads: Run blocks the calling thread; several threads may run children at once.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"

namespace vitrine::loop {

struct ChildCommand {
  std::string program;                   ///< path
  std::vector<std::string> arguments;    ///< without the program's name
  std::string input;                     ///< written to its stdin, which is then closed
  std::vector<std::string> environment;  ///< NAME=VALUE, instead of ours or beside it
  /// It begins with SIGINT and SIGTERM blocked: for a program that waits for them itself.
  bool stop_signals_blocked = false;
  /// Address space in bytes (RLIMIT_AS); 0 leaves it as it is.
  std::uint64_t memory_limit_bytes = 0;
  /// CPU seconds (RLIMIT_CPU); 0 leaves it as it is.
  std::uint64_t cpu_limit_seconds = 0;
  std::optional<std::chrono::milliseconds> timeout;
  std::chrono::milliseconds grace{10'000};
};

struct ChildOutcome {
  int exit_code = 0;  ///< -1 where a signal ended it
  int signal = 0;
  bool timed_out = false;
  std::string output;                   ///< stdout
  std::string last_error_lines;         ///< the tail of stderr, for messages
  std::uint64_t peak_memory_bytes = 0;  ///< of the child alone, as last seen
  double seconds = 0;
};

/// `on_line` gets each line of stderr, without its end.
/// Errors: kNotFound (no such program), kUnavailable (cannot start), kCancelled (stop requested).
Result<ChildOutcome> RunChild(const ChildCommand& command,
                              const std::function<void(std::string_view)>& on_line,
                              const std::stop_token& stop);

/// OK for exit 0; else the child's own message under the code its exit status stands for (the table
/// of the command line: 2 usage, 3 not found, 5 conflict, 6 unavailable, 7 gate failed, 130
/// cancelled).
Status StatusOf(const ChildOutcome& outcome, std::string_view program);

}  // namespace vitrine::loop
