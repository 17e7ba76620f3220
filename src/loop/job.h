/// A job: one run of a stage of the loop, recorded so that a restart can resume it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "core/time.h"

namespace vitrine::loop {

/// kQueued -> kRunning -> kSucceeded | kFailed | kCancelled; kRunning -> kQueued after a crash.
/// Persisted as these numbers.
enum class JobState : std::uint8_t {
  kQueued = 0,
  kRunning = 1,
  kSucceeded = 2,
  kFailed = 3,
  kCancelled = 4,
};
std::string_view JobStateName(JobState state);

struct Job {
  std::string id;    ///< "job-000012": rises with creation
  std::string kind;  ///< "retrain", "import", ...
  std::string spec;  ///< JSON
  JobState state = JobState::kQueued;
  std::uint32_t attempts = 0;
  std::string progress;  ///< last progress line, JSON
  std::string result;    ///< JSON, once succeeded
  std::string error;     ///< for people, once failed
  std::string actor;
  Micros created;
  Micros started;
  Micros finished;
};

/// Port. Embedded: adapters/sqlite. Threads: any.
class JobStore {
 public:
  virtual ~JobStore() = default;
  /// Gives the job its id.
  virtual Result<Job> CreateJob(Job job) = 0;
  virtual Status UpdateJob(const Job& job) = 0;
  virtual Result<Job> GetJob(std::string_view id) const = 0;
  /// Newest first; `cursor` is the last id of the page before.
  virtual Result<std::vector<Job>> ListJobs(std::string_view cursor, std::size_t limit) const = 0;
};

}  // namespace vitrine::loop
