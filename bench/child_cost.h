/// What a program costs from start to end, by the kernel's account of the child.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace vitrine::bench {

struct ChildCost {
  int exit_code = -1;  ///< -1 where a signal ended it
  double cpu_seconds = 0;
  double wall_seconds = 0;
  std::uint64_t peak_bytes = 0;  ///< resident at most; the caller's own size where that is more
  std::string output;            ///< stdout
  std::string last_line;         ///< of stderr
};

/// Runs `program` and waits for its end. stderr goes to the file `log`.
ChildCost RunForCost(const std::string& program, const std::vector<std::string>& arguments,
                     const std::string& log);

}  // namespace vitrine::bench
