/// A store, a clock, a source and a channel for tests of what keeps and sends alerts.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "core/guarded.h"
#include "monitor/alerts/alert_keeper.h"

namespace vitrine::monitor {

/// Keeps texts in memory; can be told to fail.
class FakeAlertStore final : public AlertStore {
 public:
  Status Keep(std::string_view name, std::string_view text) override {
    if (full) {
      return ResourceExhausted("the disk is full");
    }
    texts_.With([&](auto& texts) { texts[std::string(name)] = std::string(text); });
    return Status::Ok();
  }
  Result<std::string> Read(std::string_view name) override {
    return texts_.With([&](auto& texts) { return texts[std::string(name)]; });
  }
  /// What a machine would find that died at this moment.
  [[nodiscard]] std::map<std::string, std::string> Texts() const {
    return texts_.With([](const auto& texts) { return texts; });
  }
  void SetTexts(std::map<std::string, std::string> texts) {
    texts_.With([&](auto& mine) { mine = std::move(texts); });
  }
  std::atomic<bool> full{false};

 private:
  Guarded<std::map<std::string, std::string>> texts_;
};

class FakeChannel final : public NotificationChannel {
 public:
  struct Sent {
    Notification message;
    NotificationText text;
  };
  Status Send(const Notification& message, const NotificationText& text,
              const std::stop_token& stop) override {
    std::unique_lock lock(mutex_);
    sent_.push_back({message, text});
    changed_.notify_all();
    changed_.wait(lock, stop, [this] { return !stuck_; });
    return stop.stop_requested() ? Cancelled("the server ends") : answer_;
  }
  void Answer(Status status) {
    const std::scoped_lock lock(mutex_);
    answer_ = std::move(status);
  }
  /// Sends do not end while it is stuck.
  void Stick(bool stuck) {
    const std::scoped_lock lock(mutex_);
    stuck_ = stuck;
    changed_.notify_all();
  }
  /// Waits until there were so many; everything so far.
  std::vector<Sent> Wait(std::size_t count) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(
        changed_.wait_for(lock, std::chrono::seconds(30), [&] { return sent_.size() >= count; }))
        << "messages: " << sent_.size();
    return sent_;
  }
  [[nodiscard]] std::size_t count() const {
    const std::scoped_lock lock(mutex_);
    return sent_.size();
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::vector<Sent> sent_;
  Status answer_;
  bool stuck_ = false;
};

/// Signals and time as a test sets them.
class FakeSignals {
 public:
  void Set(std::vector<Signal> signals) {
    signals_.With([&](auto& mine) { mine = std::move(signals); });
  }
  void Advance(std::chrono::seconds time) { now_ += time.count() * kMicrosPerSecond; }
  [[nodiscard]] Micros now() const { return {now_}; }
  [[nodiscard]] SignalSource source() {
    return [this](Micros) { return signals_.With([](const auto& signals) { return signals; }); };
  }

 private:
  std::atomic<std::int64_t> now_{1'800'000'000 * kMicrosPerSecond};
  Guarded<std::vector<Signal>> signals_;
};

}  // namespace vitrine::monitor
