#include "apps/vitrine/free_memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

namespace vitrine::apps {
namespace {

std::optional<std::uint64_t> ReadNumber(const std::string& path) {
  std::ifstream in(path);
  std::uint64_t number = 0;
  return in >> number ? std::optional(number) : std::nullopt;  // "max" is no number: no limit
}

std::optional<std::uint64_t> Available(const std::string& path) {
  std::ifstream in(path);
  for (std::string name; in >> name;) {
    std::uint64_t kilobytes = 0;
    if (name == "MemAvailable:" && in >> kilobytes) {
      return kilobytes * 1024;
    }
    in.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::uint64_t> FreeMemoryBytes(const std::string& root) {
  std::optional<std::uint64_t> free = Available(root + "proc/meminfo");
  const auto limit = ReadNumber(root + "sys/fs/cgroup/memory.max");
  const auto used = ReadNumber(root + "sys/fs/cgroup/memory.current");
  if (limit && used) {
    const std::uint64_t left = *limit > *used ? *limit - *used : 0;
    free = std::min(free.value_or(left), left);
  }
  return free;
}

Status CheckFits(std::string_view version, std::string_view probe,
                 std::optional<std::uint64_t> free) {
  const nlohmann::json report = nlohmann::json::parse(probe, nullptr, false);
  const auto bytes = report.is_object() ? report.find("resident_bytes") : report.end();
  if (bytes == report.end() || !bytes->is_number_unsigned() || !free) {
    return Status::Ok();
  }
  const auto needed = bytes->get<std::uint64_t>();
  if (needed <= *free) {
    return Status::Ok();
  }
  return ResourceExhausted(fmt::format(
      "{} takes about {} MB, {} MB are free; unload a model first (vitrine model unload "
      "NAME), or give the server more memory",
      version, needed >> 20, *free >> 20));
}

}  // namespace vitrine::apps
