/// Loaded versions by their tensors alone, without scene, features or rules: what the Open Inference
/// Protocol serves, and what is counted of it.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "core/tensor.h"
#include "core/time.h"
#include "serve/batching/inference_task.h"
#include "serve/batching/model_pool.h"
#include "serve/inference_cache.h"
#include "serve/inference_counters.h"
#include "serve/model_set.h"

namespace vitrine::serve {

/// Nanoseconds of one request by stage.
struct InferenceTimes {
  std::uint64_t input = 0;   ///< reading its tensors
  std::uint64_t queue = 0;   ///< waiting for its run
  std::uint64_t infer = 0;   ///< the graph
  std::uint64_t output = 0;  ///< writing the answer
};

/// What a version did since the server started.
struct InferenceCounts {
  std::string name;
  std::string number;
  std::uint64_t success = 0;
  std::uint64_t fail = 0;
  std::uint64_t success_nanoseconds = 0;
  std::uint64_t fail_nanoseconds = 0;
  InferenceTimes stages;   ///< sums over the successful ones
  std::uint64_t rows = 0;  ///< sizes of first axes, summed
  std::uint64_t hits = 0;  ///< answered from the cache, or with another's run
  std::uint64_t hit_nanoseconds = 0;
  std::uint64_t misses = 0;  ///< of the cache; 0 where it is off
  std::uint64_t miss_nanoseconds = 0;
  std::uint64_t runs = 0;  ///< of the graph; fewer than requests where those were joined
  struct Runs {
    std::uint64_t count = 0;
    InferenceTimes stages;  ///< of the requests that led them
  };
  std::map<std::uint32_t, Runs> by_rows;  ///< of a run
  Micros last;
};

struct InferenceOptions {
  std::size_t waiting = 256;  ///< requests of one model that may wait; more are refused
  std::size_t workers = 0;    ///< threads for large models; 0: one a core
  /// How long a batch of a large model that is not full waits for more.
  std::chrono::microseconds delay{0};
  CacheOptions cache;
};

/// A run that takes longer does not belong on the thread of an event loop, where others wait behind it.
inline constexpr double kLongestInline = 0.002;  // seconds

/// Threads: any.
class Inference {
 public:
  explicit Inference(const ModelSet& models, InferenceOptions options = {});

  /// The version to run; `number` empty: the newest that is loaded.
  /// Errors: kNotFound (says what is loaded of that name).
  Result<std::shared_ptr<const Servable>> Find(std::string_view name,
                                               std::string_view number) const;
  /// Takes a task, whose model and inputs are set, to its run; what the cache knows is done at once. Small models
  /// run on the calling thread, which must be an event loop's: true says that RunTurn is due at the end of
  /// the loop's turn. Others run on the pool.
  /// Errors: kInvalidArgument (an input that the model does not have, more rows than it takes), kUnavailable
  ///         and kDeadlineExceeded as FairQueue::Push. Done is not called then.
  ///         What the graph says of missing inputs, types and shapes comes as the task's status.
  Result<bool> Submit(InferenceTask& task);
  /// Runs one batch of what the calling thread's loop submitted; true where it is due again.
  static bool RunTurn();

  /// Requests that wait for the pool.
  [[nodiscard]] std::size_t waiting() const { return pool_.waiting(); }

  /// Counts a request once its answer is written. `task` as Done left it, or as Submit refused it.
  /// Threads that serve do not wait for each other here.
  void Count(const InferenceTask& task, const InferenceTimes& times, bool ok);
  /// By name and number; empty: all. Versions that were never asked are there with zeros while they
  /// are loaded.
  [[nodiscard]] std::vector<InferenceCounts> Counts(std::string_view name,
                                                    std::string_view number) const;
  [[nodiscard]] std::vector<VersionStatus> Versions() const { return models_.Versions(); }

 private:
  Result<bool> Queue(InferenceTask& task);

  const ModelSet& models_;
  InferenceOptions options_;
  InferenceCache cache_;
  InferenceCounters counters_;
  ModelPool pool_;
};

/// "name:number" in its two parts.
std::pair<std::string_view, std::string_view> SplitVersion(std::string_view version);

}  // namespace vitrine::serve
