/// A collector of spans that listens on a socket, for tests.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "transport/http/server.h"

namespace vitrine::http {

class TestCollector final : public RequestHandler {
 public:
  struct Call {
    std::string path;
    std::string content_type;
    std::string key;  ///< the header X-Key
    std::string body;
  };

  TestCollector() {
    ServerOptions options;
    options.io_threads = 1;
    auto server = Server::Start(std::move(options), *this);
    EXPECT_TRUE(server.ok()) << server.status().ToString();
    server_ = std::move(server).value();
  }

  Placement Admit(Request& head, Response& /*response*/) override {
    head.set_body_limit(16U << 20);
    return Placement::kInline;
  }
  void Handle(Request& request, Response& response) override {
    const std::scoped_lock lock(mutex_);
    calls_.push_back({std::string(request.path()), std::string(request.header("Content-Type")),
                      std::string(request.header("X-Key")), std::string(request.body())});
    response.body = "{}";
    if (!statuses_.empty()) {
      response.status = statuses_.front();
      statuses_.pop_front();
      response.AddHeader("Retry-After", "0");
    }
    changed_.notify_all();
  }

  /// Answers the next call with this status and Retry-After: 0.
  void Say(int status) {
    const std::scoped_lock lock(mutex_);
    statuses_.push_back(status);
  }
  /// What was posted; waits until there are so many.
  std::vector<Call> Wait(std::size_t count) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(
        changed_.wait_for(lock, std::chrono::seconds(30), [&] { return calls_.size() >= count; }))
        << "calls: " << calls_.size();
    return calls_;
  }
  [[nodiscard]] std::string url() const { return ListenerName(server_->listeners()[0]); }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Call> calls_;
  std::deque<int> statuses_;
  std::unique_ptr<Server> server_;  // last: it calls this
};

}  // namespace vitrine::http
