#include "crash_settings.h"

#include <cstdlib>
#include <filesystem>
#include <random>
#include <stdexcept>

namespace vitrine::crash {

int Rounds(const char* variable, int otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr || *text == '\0' ? otherwise : std::stoi(text);
}

std::uint64_t Seed() {
  const char* text = std::getenv("VITRINE_CRASH_SEED");
  return text == nullptr || *text == '\0' ? std::random_device{}() : std::stoull(text);
}

ScratchDirectory::ScratchDirectory()
    : path_((std::filesystem::temp_directory_path() / "vitrine-crash-XXXXXX").string()) {
  if (::mkdtemp(path_.data()) == nullptr) {
    throw std::runtime_error("cannot make a temporary directory");
  }
}

ScratchDirectory::~ScratchDirectory() {
  if (std::getenv("VITRINE_CRASH_KEEP") == nullptr) {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
}

}  // namespace vitrine::crash
