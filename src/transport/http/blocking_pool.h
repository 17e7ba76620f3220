/// A few threads for handlers that wait (disk, child processes), so that I/O threads never do.
/// Threads: any.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace vitrine::http {

class BlockingPool {
 public:
  /// `queue` tasks may wait beside those that run.
  BlockingPool(std::size_t threads, std::size_t queue);
  /// As Stop.
  ~BlockingPool();
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;

  /// False where the queue is full or the pool is stopping; the task was not taken. A task must not
  /// throw.
  bool TryRun(std::function<void()> task);
  /// Takes no more, runs what was accepted, then joins. Threads: one, once or again.
  void Stop();
  [[nodiscard]] std::size_t queued() const;

 private:
  void Work();

  const std::size_t limit_;
  mutable std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<std::function<void()>> tasks_;
  bool stopping_ = false;
  std::vector<std::jthread> threads_;
};

}  // namespace vitrine::http
