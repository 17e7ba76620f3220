/// How long and from which seed a crash test runs, and where.
#pragma once

#include <cstdint>
#include <string>

namespace vitrine::crash {

/// The number in the environment variable, or `otherwise`.
int Rounds(const char* variable, int otherwise);
/// VITRINE_CRASH_SEED, or a new one for every run: print it.
std::uint64_t Seed();

/// An own directory below the system's temporary one, gone at the end unless VITRINE_CRASH_KEEP is
/// set.
class ScratchDirectory {
 public:
  ScratchDirectory();
  ~ScratchDirectory();
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace vitrine::crash
