/// The waiting tasks of several models, and whose turn it is: the model that got the least time so far.
/// Source: P. Goyal, H. Vin, H. Cheng, "Start-time Fair Queueing", SIGCOMM 1996, with a batch as the packet and
/// its measured seconds as the length.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/status.h"
#include "core/time.h"
#include "serve/batching/batch_queue.h"

namespace vitrine::serve {

struct QueueLimits {
  std::size_t waiting = 256;  ///< tasks of one model; more are refused
  std::size_t workers = 1;    ///< that run at one time, for the estimate of a wait
  /// How long a batch that is not full may wait for more; 0: it runs as soon as somebody is free.
  std::chrono::microseconds delay{0};
};

/// Threads: the owner's lock.
class FairQueue {
 public:
  explicit FairQueue(QueueLimits limits) : limits_(limits) {}

  /// Takes a task whose `queued` is set.
  /// Errors: kUnavailable (the model's queue is full), kDeadlineExceeded (it would be late before its
  ///         turn came and it had run, by what the model's runs took lately, and by how much slower than its
  ///         runs alone the queue went). The task is not taken then.
  Status Push(InferenceTask& task);

  /// The next batch, of a model that is ready at `now`. Of models that all wait for more tasks, `ready_at` is
  /// the first moment at which one will not any more; Deadline::max() where nothing waits.
  /// Late and abandoned tasks go to `dropped`. False where there is nothing to run.
  bool Take(Deadline now, Batch& batch, std::vector<InferenceTask*>& dropped, Deadline& ready_at);

  /// Says what a batch that Take gave has cost.
  void Ran(const Servable& model, std::int64_t rows, double seconds);

  /// Every waiting task, in no order; the queue is empty afterwards.
  void TakeAll(std::vector<InferenceTask*>& tasks);

  /// Time that passed beside time that the workers ran while tasks waited: 1 where they did nothing else. An event
  /// loop reads, refuses and answers between its runs, and may share its core.
  [[nodiscard]] double slowdown() const { return slowdown_; }

  [[nodiscard]] bool empty() const { return waiting_ == 0; }
  [[nodiscard]] std::size_t size() const { return waiting_; }

 private:
  struct Lane {
    std::string version;  // whose it is: an address may come again with another model behind it
    BatchQueue queue;
    double served = 0;           // virtual seconds: what it got, or had it been there all along
    double seconds_per_row = 0;  // of its recent runs
    std::size_t running = 0;     // batches under way
  };
  [[nodiscard]] Deadline ReadyAt(const Servable& model, const Lane& lane) const;
  [[nodiscard]] Lane& LaneOf(const Servable& model);
  void Settle();
  void MeasureSlowdown(Deadline now);

  QueueLimits limits_;
  std::map<const Servable*, Lane> lanes_;
  double now_ = 0;  // virtual time: `served` of the model whose turn it last was
  std::size_t waiting_ = 0;
  std::size_t running_ = 0;

  double slowdown_ = 1;
  Deadline measured_from_ =
      Deadline::max();      // since when tasks have waited all the time; max: none did
  double ran_seconds_ = 0;  // since then
  std::size_t runs_ = 0;
};

}  // namespace vitrine::serve
