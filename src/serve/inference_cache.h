/// Answers of models that were given before: the same version, asked the same, answers the same. Requests that
/// ask what is being computed wait for that run instead of starting one.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <span>
#include <unordered_map>
#include <vector>

#include "core/tensor.h"
#include "core/time.h"
#include "serve/batching/inference_task.h"

namespace vitrine::serve {

struct CacheOptions {
  std::size_t bytes = 0;          ///< of questions and answers together; 0: no cache
  std::chrono::seconds keep{60};  ///< then an answer is computed anew
};

/// Threads: any; no lock is held while a task is finished.
class InferenceCache final : public TaskFinisher {
 public:
  explicit InferenceCache(CacheOptions options) : options_(options) {}

  enum class Outcome : std::uint8_t {
    kHit,    ///< the task's outputs are filled
    kLead,   ///< the caller has it run; OnFinished is called by whoever finishes it
    kFollow  ///< it is finished with the run that is under way
  };
  /// Questions are compared whole, not by a hash alone. Precondition: options.bytes > 0.
  Outcome Ask(InferenceTask& task, Deadline now);

  /// The task that leads has ended, or was refused: keeps a good answer, and finishes those that follow.
  void OnFinished(InferenceTask& task) override;

  [[nodiscard]] bool on() const { return options_.bytes > 0; }
  [[nodiscard]] std::size_t bytes() const;

 private:
  struct Entry {
    std::uint64_t hash = 0;
    std::string version;
    std::vector<Tensor> inputs;
    std::shared_ptr<const std::vector<Tensor>> outputs;  // null while it is computed
    InferenceTask* leader = nullptr;
    std::vector<InferenceTask*> followers;
    Deadline expires;
    std::size_t bytes = 0;
  };
  using Entries = std::list<Entry>;  // the one asked last first
  struct Shard {
    mutable std::mutex mutex;
    Entries entries;
    std::unordered_multimap<std::uint64_t, Entries::iterator> by_hash;
    std::size_t bytes = 0;
  };
  static constexpr std::size_t kShards = 8;

  static Entries::iterator Find(Shard& shard, std::uint64_t hash, const InferenceTask& task);
  static void Erase(Shard& shard, Entries::iterator entry);
  void MakeRoom(Shard& shard, std::size_t bytes) const;
  Shard& ShardOf(std::uint64_t hash) { return shards_[hash % kShards]; }

  CacheOptions options_;
  std::array<Shard, kShards> shards_;
};

}  // namespace vitrine::serve
