/// A server with one path for each thing the engine promises, for the engine's tests.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

#include "transport/http/client.h"
#include "transport/http/client_socket.h"
#include "transport/http/event_stream.h"
#include "transport/http/server.h"

namespace vitrine::http {

using namespace std::chrono_literals;

// Opens once.
class Gate {
 public:
  void Open() {
    const std::scoped_lock lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  bool Wait() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 20s, [this] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

// A handler with one path for each thing the engine promises.
class Paths : public RequestHandler {
 public:
  Placement Admit(Request& head, Response& response) override {
    if (head.path() == "/refuse") {
      response.status = 403;
      response.body = "no";
      return Placement::kRefused;
    }
    return head.path().starts_with("/slow") ? Placement::kPool : Placement::kInline;
  }

  void Handle(Request& request, Response& response) override {
    handled.fetch_add(1);
    if (request.path() == "/throw") {
      throw std::runtime_error("secret detail");
    }
    if (request.path() == "/throw-other") {
      throw 7;
    }
    if (request.path() == "/slow") {
      slow_started.Open();
      slow.Wait();
    }
    if (request.path() == "/large") {
      response.body.assign(4UL << 20, 'x');
      return;
    }
    if (request.path() == "/stream") {
      response.Stream([this](const std::shared_ptr<EventStream>& stream) {
        stream->OnClose([this] { stream_closed.Open(); });
        {
          const std::scoped_lock lock(mutex);
          last_stream = stream;
        }
        stream->Send("hello", "line one\nline two", "1");
        stream_open.Open();
      });
      return;
    }
    response.content_type = "text/plain";
    response.body.append(MethodName(request.method())).append(" ").append(request.path());
    response.body.append(" ").append(request.body());
  }

  std::shared_ptr<EventStream> stream() {
    const std::scoped_lock lock(mutex);
    return last_stream;
  }

  std::atomic<std::uint64_t> handled{0};
  Gate slow;
  Gate slow_started;
  Gate stream_open;
  Gate stream_closed;
  std::mutex mutex;
  std::shared_ptr<EventStream> last_stream;
};

class ServerTest : public ::testing::Test {
 protected:
  void Start(ServerOptions options = {}) {
    options.io_threads = options.io_threads == 0 ? 2 : options.io_threads;
    options.metrics = &metrics_;
    auto server = Server::Start(std::move(options), paths_);
    ASSERT_TRUE(server.ok()) << server.status().ToString();
    server_ = std::move(server).value();
    port_ = server_->listeners()[0].port;
    endpoint_.port = port_;
  }
  void TearDown() override {
    paths_.slow.Open();
    server_.reset();
  }

  // Sends bytes as they are and reads until the server closes.
  std::string Raw(std::string_view bytes, std::size_t piece = 1 << 20) const {
    ClientSocket socket;
    if (!socket.Connect(endpoint_, After(5s)).ok()) {
      return "cannot connect";
    }
    while (!bytes.empty()) {
      if (!socket.WriteAll(bytes.substr(0, piece), After(20s)).ok()) {
        break;
      }
      bytes.remove_prefix(std::min(piece, bytes.size()));
    }
    return ReadAll(socket);
  }
  static std::string ReadAll(ClientSocket& socket) {
    std::string all;
    char buffer[8192];
    while (true) {
      const auto got = socket.ReadSome(buffer, sizeof(buffer), After(20s));
      if (!got.ok()) {
        return all + "<" + got.status().ToString() + ">";
      }
      if (*got == 0) {
        return all;
      }
      all.append(buffer, *got);
    }
  }
  bool WaitForConnections(std::size_t count) const {
    const auto limit = std::chrono::steady_clock::now() + 30s;
    while (server_->connections() != count) {
      if (std::chrono::steady_clock::now() > limit) {
        return false;
      }
      std::this_thread::sleep_for(2ms);
    }
    return true;
  }
  static std::size_t Count(std::string_view text, std::string_view what) {
    std::size_t n = 0;
    for (std::size_t at = 0; (at = text.find(what, at)) != std::string_view::npos; ++at) {
      ++n;
    }
    return n;
  }

  MetricRegistry metrics_;
  Paths paths_;
  std::unique_ptr<Server> server_;
  std::uint16_t port_ = 0;
  Endpoint endpoint_;
};

}  // namespace vitrine::http
