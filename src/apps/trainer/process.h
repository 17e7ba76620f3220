/// What this process settles before and during its work: allocator, OpenMP's waiting, signals,
/// memory.
#pragma once

#include <atomic>
#include <cstdint>
#include <stop_token>
#include <string>
#include <thread>

#include "core/status.h"

namespace vitrine::apps {

/// First thing in main. Raises malloc's thresholds, so that the large blocks of a training step are
/// reused instead of being given back and faulted in again; and where OMP_WAIT_POLICY is unset, runs
/// this program again with it passive, because OpenMP reads it before main; and with SIGINT and SIGTERM
/// blocked in the threads that libraries start while loading. Returns where all is set.
void PrepareProcess(char** argv);

/// OK where a fast BLAS is loaded. Errors: kFailedPrecondition: the reference BLAS, several times
/// slower; says which package brings the other.
Status CheckBlas();

/// Turns SIGINT and SIGTERM into a stop request; the second one ends the process at once.
/// Precondition: made before any other thread.
class StopOnSignal {
 public:
  StopOnSignal();
  ~StopOnSignal();
  StopOnSignal(const StopOnSignal&) = delete;
  StopOnSignal& operator=(const StopOnSignal&) = delete;
  [[nodiscard]] std::stop_source& source() { return source_; }

 private:
  std::stop_source source_;
  std::jthread waiter_;
};

/// Asks for a stop once resident memory passes the limit.
class MemoryWatch {
 public:
  /// `limit_mb` 0: watches nothing.
  MemoryWatch(std::uint64_t limit_mb, std::stop_source source);
  [[nodiscard]] bool exceeded() const { return exceeded_; }

 private:
  std::atomic<bool> exceeded_{false};
  std::jthread watcher_;
};

/// Bytes resident now.
std::uint64_t ResidentBytes();
/// The most that were ever.
std::uint64_t PeakResidentBytes();
/// CPU time of all threads so far.
double CpuSeconds();

}  // namespace vitrine::apps
