#include "apps/vitrine/simulated_folder.h"

#include <fmt/format.h>

#include <filesystem>

#include "adapters/files/durable.h"
#include "core/simulated_time.h"

namespace vitrine::apps {
namespace {

std::string MarkOf(const std::string& folder) { return folder + "/simulated"; }

}  // namespace

bool IsMarkedAsSimulated(const std::string& folder) {
  std::error_code error;
  return std::filesystem::exists(MarkOf(folder), error);
}

Status MarkAsSimulated(const std::string& folder, const std::string& made_by) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  return files::WriteDurably(MarkOf(folder),
                             fmt::format("Everything here is simulated. Made by: {}\n", made_by));
}

Status CheckClock(const std::string& folder) {
  if (FollowedTime() == nullptr || IsMarkedAsSimulated(folder)) {
    return Status::Ok();
  }
  std::error_code error;
  if (std::filesystem::exists(folder + "/vitrine.db", error)) {
    return FailedPrecondition(
        fmt::format("{} holds a shop, and VITRINE_SIMULATED_CLOCK would give its events times that "
                    "are made up; unset it, or name a fresh folder with --data",
                    folder));
  }
  return MarkAsSimulated(folder, "a server with a simulated clock");
}

}  // namespace vitrine::apps
