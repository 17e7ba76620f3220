#include "transport/http/blocking_pool.h"

#include <utility>

namespace vitrine::http {

BlockingPool::BlockingPool(std::size_t threads, std::size_t queue) : limit_(queue) {
  threads_.reserve(threads);
  for (std::size_t i = 0; i < threads; ++i) {
    threads_.emplace_back([this] { Work(); });
  }
}

BlockingPool::~BlockingPool() { Stop(); }

void BlockingPool::Stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  ready_.notify_all();
  threads_.clear();  // joins
}

bool BlockingPool::TryRun(std::function<void()> task) {
  {
    const std::scoped_lock lock(mutex_);
    if (stopping_ || tasks_.size() >= limit_) {
      return false;
    }
    tasks_.push_back(std::move(task));
  }
  ready_.notify_one();
  return true;
}

std::size_t BlockingPool::queued() const {
  const std::scoped_lock lock(mutex_);
  return tasks_.size();
}

void BlockingPool::Work() {
  while (true) {
    std::function<void()> task;
    {
      std::unique_lock lock(mutex_);
      ready_.wait(lock, [this] { return stopping_ || !tasks_.empty(); });
      if (tasks_.empty()) {
        return;
      }
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    task();
  }
}

}  // namespace vitrine::http
