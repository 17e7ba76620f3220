/// CHECK: a broken invariant of our own ends the process with its place. Never reachable from user
/// input; what a user can cause is a Status.
#pragma once

namespace vitrine {
[[noreturn]] void CheckFailed(const char* expression, const char* file, int line);
}  // namespace vitrine

#define CHECK(condition)                                      \
  do {                                                        \
    if (!(condition)) [[unlikely]] {                          \
      ::vitrine::CheckFailed(#condition, __FILE__, __LINE__); \
    }                                                         \
  } while (false)
