#include "adapters/files/simulated_clock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <new>
#include <thread>

namespace vitrine::files {
namespace {

constexpr std::chrono::microseconds kPoll{50};

/// Null where the file cannot be mapped.
SimulatedTime* Map(const std::string& path, bool make) {
  const int file = ::open(path.c_str(), make ? O_RDWR | O_CREAT | O_TRUNC : O_RDWR, 0600);
  if (file < 0) {
    return nullptr;
  }
  const off_t size = ::lseek(file, 0, SEEK_END);
  const bool fits = make ? ::ftruncate(file, sizeof(SimulatedTime)) == 0
                         : size == static_cast<off_t>(sizeof(SimulatedTime));
  void* mapped =
      fits ? ::mmap(nullptr, sizeof(SimulatedTime), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0)
           : MAP_FAILED;
  ::close(file);
  return mapped == MAP_FAILED ? nullptr : static_cast<SimulatedTime*>(mapped);
}

}  // namespace

Result<std::unique_ptr<SimulatedClock>> SimulatedClock::Create(const std::string& path,
                                                               Micros start) {
  SimulatedTime* mapped = Map(path, /*make=*/true);
  if (mapped == nullptr) {
    return Unavailable(fmt::format("{}: a simulated clock cannot be made here", path));
  }
  auto* time = new (mapped) SimulatedTime();
  time->now = start.value;
  return std::unique_ptr<SimulatedClock>(new SimulatedClock(path, time));
}

SimulatedClock::~SimulatedClock() {
  ::munmap(time_, sizeof(SimulatedTime));
  ::unlink(path_.c_str());
}

bool SimulatedClock::AllRest() const {
  const std::int64_t now = time_->now.load();
  return std::all_of(std::begin(time_->rests), std::end(time_->rests), [now](const auto& until) {
    const std::int64_t value = until.load();
    return value == 0 || value > now;
  });
}

Status SimulatedClock::MoveTo(Micros time, Deadline deadline) {
  time_->now = std::max(time_->now.load(), time.value);
  while (!AllRest()) {
    if (std::chrono::steady_clock::now() > deadline) {
      return DeadlineExceeded(fmt::format(
          "at {} a thread of a server that follows the simulated clock {} still looks at something",
          FormatIso(now()), path_));
    }
    std::this_thread::sleep_for(kPoll);
  }
  return Status::Ok();
}

void SimulatedClock::Forget() {
  for (auto& until : time_->rests) {
    until = 0;
  }
}

Status FollowSimulatedClock(const char* path) {
  if (path == nullptr || *path == '\0') {
    return Status::Ok();
  }
  SimulatedTime* mapped = Map(path, /*make=*/false);
  if (mapped == nullptr) {
    return ::access(path, F_OK) == 0
               ? InvalidArgument(fmt::format("{} is no simulated clock", path))
               : NotFound(fmt::format("there is no simulated clock {}", path));
  }
  FollowSimulatedTime(mapped);
  return Status::Ok();
}

}  // namespace vitrine::files
