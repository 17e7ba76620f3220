/// The tasks that wait for one model, in order of priority and age, and which of them run together.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/time.h"
#include "serve/batching/inference_task.h"

namespace vitrine::serve {

/// Tasks that run as one: their first axes joined.
struct Batch {
  std::vector<InferenceTask*> tasks;
  std::int64_t rows = 0;
};

/// Threads: the owner's lock.
class BatchQueue {
 public:
  void Push(InferenceTask& task);

  /// Moves the oldest of the highest priority into `batch`, and of those behind it the ones that can be
  /// joined with it: same inputs, same types, same sizes but for the first axis, `most_rows` in all. A shape of
  /// another length waits for its own kind, so that nothing is padded. Tasks that are late at `now`, or that
  /// nobody waits for, go to `dropped` on the way.
  /// Both lists are appended to; `batch` stays empty where nothing is left.
  void Take(std::int64_t most_rows, Deadline now, Batch& batch,
            std::vector<InferenceTask*>& dropped);

  [[nodiscard]] std::size_t size() const { return size_; }
  /// Rows that wait, a task that runs alone as one. Late ones are counted until they are met.
  [[nodiscard]] std::int64_t rows() const { return rows_; }
  /// When the oldest came. Precondition: size() > 0.
  [[nodiscard]] Deadline Oldest() const;

 private:
  /// How many tasks are looked at for one batch, so that a long queue of other shapes stays cheap.
  static constexpr int kLookAhead = 256;

  struct Level {
    InferenceTask* first = nullptr;
    InferenceTask* last = nullptr;
  };
  void TakeFrom(Level& level, std::int64_t most_rows, Deadline now, Batch& batch,
                std::vector<InferenceTask*>& dropped, int& looks);
  void Unlink(Level& level, InferenceTask* before, InferenceTask& task);

  std::array<Level, kPriorities> levels_;
  std::size_t size_ = 0;
  std::int64_t rows_ = 0;
};

}  // namespace vitrine::serve
