#include "adapters/files/numbered_files.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <fmt/format.h>

#include "adapters/files/durable.h"

namespace vitrine::files {

namespace fs = std::filesystem;

std::string NumberedFiles::PathOf(std::uint64_t number) const {
  return fmt::format("{}/{:06}.json", folder_, number);
}

Status NumberedFiles::Add(std::uint64_t number, std::string_view text) {
  std::error_code error;
  fs::create_directories(folder_, error);
  if (error) {
    return Unavailable(fmt::format("{} cannot be made: {}", folder_, error.message()));
  }
  if (fs::exists(PathOf(number), error)) {
    return AlreadyExists(PathOf(number) + " is there already");
  }
  return WriteDurably(PathOf(number), text);
}

Result<std::vector<std::uint64_t>> NumberedFiles::Numbers() const {
  std::vector<std::uint64_t> out;
  std::error_code error;
  if (!fs::exists(folder_, error)) {
    return out;
  }
  for (fs::directory_iterator it(folder_, error), end; !error && it != end; it.increment(error)) {
    const std::string stem = it->path().stem().string();
    std::uint64_t number = 0;
    const auto [at, bad] = std::from_chars(stem.data(), stem.data() + stem.size(), number);
    if (bad == std::errc() && at == stem.data() + stem.size() &&
        it->path().extension() == ".json") {
      out.push_back(number);
    }
  }
  if (error) {
    return Unavailable(fmt::format("{} cannot be read: {}", folder_, error.message()));
  }
  std::sort(out.begin(), out.end());
  return out;
}

Result<std::string> NumberedFiles::Read(std::uint64_t number) const {
  std::error_code error;
  if (!fs::exists(PathOf(number), error)) {
    return NotFound(fmt::format("there is no version {}", number));
  }
  std::ifstream in(PathOf(number), std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  if (!in) {
    return Unavailable(PathOf(number) + " is there and cannot be read");
  }
  return text;
}

}  // namespace vitrine::files
