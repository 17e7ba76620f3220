#include "apps/trainer/process.h"

#include <dlfcn.h>
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <mutex>

#include <fmt/format.h>

#include "core/exit_code.h"

namespace vitrine::apps {
namespace {
constexpr std::chrono::milliseconds kWatchEvery{50};
constexpr int kKeepBytes = 1 << 30;

sigset_t StopSignals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}
}  // namespace

void PrepareProcess(char** argv) {
  mallopt(M_MMAP_THRESHOLD, kKeepBytes);
  mallopt(M_TRIM_THRESHOLD, kKeepBytes);
  // BLAS starts threads while the program is loaded; a signal that they do not block would end the
  // process there. The mask goes through exec, so they inherit it the second time.
  const sigset_t signals = StopSignals();
  sigset_t before;
  pthread_sigmask(SIG_BLOCK, &signals, &before);
  if (std::getenv("OMP_WAIT_POLICY") != nullptr && sigismember(&before, SIGTERM) == 1) {
    return;
  }
  setenv("OMP_WAIT_POLICY", "passive", 0);
  execv("/proc/self/exe", argv);
  // Where that fails (no /proc), training is slower on busy cores and nothing else.
}

Status CheckBlas() {
  if (dlsym(RTLD_DEFAULT, "openblas_get_config") != nullptr ||
      dlsym(RTLD_DEFAULT, "MKL_Get_Version") != nullptr) {
    return Status::Ok();
  }
  return FailedPrecondition(
      "LibTorch runs on the reference BLAS, which makes training about five times slower; install "
      "libopenblas0-pthread and run `update-alternatives --auto libblas.so.3-x86_64-linux-gnu`");
}

StopOnSignal::StopOnSignal() {
  const sigset_t signals = StopSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  waiter_ = std::jthread([this](const std::stop_token& stop) {
    const sigset_t waited = StopSignals();
    const timespec tick{0, 100'000'000};
    while (!stop.stop_requested()) {
      if (sigtimedwait(&waited, nullptr, &tick) < 0) {
        continue;
      }
      if (!source_.request_stop()) {
        _exit(kExitInterrupted);
      }
    }
  });
}

StopOnSignal::~StopOnSignal() = default;

MemoryWatch::MemoryWatch(std::uint64_t limit_mb, std::stop_source source) {
  if (limit_mb == 0) {
    return;
  }
  watcher_ = std::jthread([this, limit_mb, source](const std::stop_token& stop) mutable {
    std::mutex mutex;
    std::condition_variable_any tick;
    std::unique_lock lock(mutex);
    while (!stop.stop_requested()) {
      if (ResidentBytes() > limit_mb << 20) {
        exceeded_ = true;
        source.request_stop();
        return;
      }
      tick.wait_for(lock, stop, kWatchEvery, [] { return false; });
    }
  });
}

std::uint64_t ResidentBytes() {
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  if (file == nullptr) {
    return 0;
  }
  unsigned long size = 0;
  unsigned long resident = 0;
  const int read = std::fscanf(file, "%lu %lu", &size, &resident);
  std::fclose(file);
  return read == 2 ? resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)) : 0;
}

std::uint64_t PeakResidentBytes() {
  rusage usage{};
  return getrusage(RUSAGE_SELF, &usage) == 0 ? static_cast<std::uint64_t>(usage.ru_maxrss) << 10
                                             : 0;
}

double CpuSeconds() {
  timespec used{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) * 1e-9;
}

}  // namespace vitrine::apps
