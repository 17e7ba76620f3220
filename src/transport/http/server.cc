#include "transport/http/server.h"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <exception>
#include <thread>
#include <utility>

#include "transport/http/listen_socket.h"
#include "transport/http/server_core.h"

namespace vitrine::http {

class Server::Impl {
 public:
  Impl(ServerOptions options, RequestHandler& handler) : core_(std::move(options), handler) {}

  ~Impl() {
    Stop(std::chrono::seconds(1));
    core_.WaitForNoneSuspended();
    for (const auto& thread : threads_) {
      thread->Join();
    }
    core_.pool.reset();  // its last tasks post to the contexts, which still exist
  }

  Status Start() {
    const std::size_t count = core_.options.io_threads != 0
                                  ? core_.options.io_threads
                                  : std::max(1U, std::thread::hardware_concurrency());
    std::vector<BoundListener> bound;
    for (const Listener& listener : core_.options.listeners) {
      auto one = Bind(listener, count);
      if (!one.ok()) {
        for (const BoundListener& earlier : bound) {
          std::for_each(earlier.fds.begin(), earlier.fds.end(), ::close);
        }
        return one.status();
      }
      bound.push_back(std::move(one).value());
    }
    std::vector<IoThread*> all;
    for (std::size_t i = 0; i < count; ++i) {
      threads_.push_back(std::make_unique<IoThread>(core_));
      all.push_back(threads_.back().get());
    }
    for (const BoundListener& b : bound) {
      for (std::size_t i = 0; i < b.fds.size(); ++i) {
        threads_[i]->Listen(b.fds[i], b.family,
                            b.fds.size() == count ? std::vector<IoThread*>{} : all);
      }
      listeners_.push_back(b.listener);
    }
    for (const auto& thread : threads_) {
      thread->Run();
    }
    return Status::Ok();
  }

  void Stop(std::chrono::milliseconds wait) {
    if (stopped_.exchange(true)) {
      return;
    }
    core_.draining = true;
    for (const auto& thread : threads_) {
      asio::post(thread->context(), [t = thread.get()] { t->Drain(); });
    }
    core_.WaitForNone(Clock::now() + wait);
    for (const auto& thread : threads_) {
      asio::post(thread->context(), [t = thread.get()] { t->AbortAll(); });
    }
    for (const Listener& listener : listeners_) {
      if (listener.kind == Listener::Kind::kUnix) {
        ::unlink(listener.address.c_str());
      }
    }
  }

  [[nodiscard]] const std::vector<Listener>& listeners() const { return listeners_; }
  [[nodiscard]] std::size_t connections() const { return core_.connections.load(); }

 private:
  ServerCore core_;
  std::vector<std::unique_ptr<IoThread>> threads_;
  std::vector<Listener> listeners_;
  std::atomic<bool> stopped_{false};
};

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;

Result<std::unique_ptr<Server>> Server::Start(ServerOptions options, RequestHandler& handler) {
  try {
    auto impl = std::make_unique<Impl>(std::move(options), handler);
    RETURN_IF_ERROR(impl->Start());
    return std::unique_ptr<Server>(new Server(std::move(impl)));
  } catch (const std::exception& e) {
    return Unavailable(std::string("the HTTP server cannot start: ") + e.what());
  }
}

const std::vector<Listener>& Server::listeners() const { return impl_->listeners(); }
std::size_t Server::connections() const { return impl_->connections(); }
void Server::Stop(std::chrono::milliseconds deadline) { impl_->Stop(deadline); }

}  // namespace vitrine::http
