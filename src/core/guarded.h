/// Guarded<T>: data that can only be reached with its lock held.
/// Published<T>: an immutable value that readers hold while writers swap in the next one.
/// (mutex + shared_ptr: ThreadSanitizer of g++ 12 reports a race inside atomic<shared_ptr>.)
#pragma once

#include <memory>
#include <mutex>
#include <utility>

namespace vitrine {

template <typename T>
class Guarded {
 public:
  Guarded() = default;
  explicit Guarded(T value) : value_(std::move(value)) {}

  /// Runs f(T&) under the lock and returns what it returns. No I/O inside f.
  template <typename F>
  decltype(auto) With(F&& f) {
    const std::scoped_lock lock(mutex_);
    return std::forward<F>(f)(value_);
  }
  template <typename F>
  decltype(auto) With(F&& f) const {
    const std::scoped_lock lock(mutex_);
    return std::forward<F>(f)(value_);
  }

 private:
  mutable std::mutex mutex_;
  T value_;
};

template <typename T>
class Published {
 public:
  Published() = default;
  explicit Published(std::shared_ptr<const T> value) : value_(std::move(value)) {}

  /// The current value; may be null before the first Publish. Holding it keeps it alive.
  [[nodiscard]] std::shared_ptr<const T> Get() const {
    const std::scoped_lock lock(mutex_);
    return value_;
  }

  /// Swaps the value in; returns the one it replaced, so that it dies outside the lock.
  std::shared_ptr<const T> Publish(std::shared_ptr<const T> next) {
    const std::scoped_lock lock(mutex_);
    std::swap(value_, next);
    return next;
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const T> value_;
};

}  // namespace vitrine
