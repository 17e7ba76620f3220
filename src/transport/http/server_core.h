/// What the connections of one server share, and the thread they live on. Internal to the engine.
#pragma once

#include <atomic>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "transport/http/blocking_pool.h"
#include "transport/http/server.h"

namespace vitrine::http {

namespace asio = boost::asio;
using boost::system::error_code;
using Socket = asio::generic::stream_protocol::socket;
using Acceptor = asio::basic_socket_acceptor<asio::generic::stream_protocol>;
using Clock = std::chrono::steady_clock;

class Connection;

/// Threads: any.
struct ServerCore {
  ServerCore(ServerOptions o, RequestHandler& h);

  /// Counts something refused before a handler saw it; `reason` is one of a fixed set of words.
  void CountRefused(std::string_view reason);
  void CountFailure(std::string_view request_id, std::string_view what);
  /// False where the cap is reached.
  bool TakeConnection();
  void DropConnection();
  /// Waits until no connection is left; false at the deadline.
  bool WaitForNone(Clock::time_point deadline);
  /// Requests that wait for their Wake, which still needs the I/O threads.
  void TakeSuspended();
  void DropSuspended();
  void WaitForNoneSuspended();

  ServerOptions options;
  RequestHandler& handler;
  std::atomic<std::size_t> connections{0};
  std::atomic<std::size_t> buffered_bytes{0};
  std::atomic<std::size_t> suspended{0};
  std::atomic<bool> draining{false};
  Gauge* open_connections = nullptr;
  Counter* accepted = nullptr;
  Counter* handler_failures = nullptr;
  std::mutex mutex;
  std::condition_variable none_left;
  std::unique_ptr<BlockingPool> pool;  // last: its tasks use all of the above
};

/// One io_context with its thread, its listening sockets and the connections it accepted. All but
/// the constructor, destructor, Run and Post runs on that thread.
class IoThread {
 public:
  explicit IoThread(ServerCore& core);
  ~IoThread();

  /// Takes over listening sockets. Before Run. Accepted connections are spread over `targets`
  /// (empty: this thread keeps them).
  void Listen(int fd, int family, std::vector<IoThread*> targets);
  void Run();
  /// Stops accepting; idle connections close, busy ones after their answer.
  void Drain();
  void AbortAll();
  void Join();

  void Add(std::shared_ptr<Connection> connection);
  void Remove(const Connection* connection);
  asio::io_context& context() { return context_; }
  ServerCore& core() { return core_; }
  /// See Waker::AtEndOfTurn.
  void AtEndOfTurn(bool (*step)());
  /// This second's Date header value.
  std::string_view Date();

 private:
  struct Door {
    Door(asio::io_context& context, int fd, int family, std::vector<IoThread*> to);
    Acceptor acceptor;
    asio::steady_timer retry;
    std::vector<IoThread*> targets;
    std::size_t next = 0;
  };
  void Accept(Door& door);
  void Admit(Socket socket, IoThread& target);
  void Tick();

  ServerCore& core_;
  asio::io_context context_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  asio::steady_timer timer_;
  std::vector<std::unique_ptr<Door>> doors_;
  std::unordered_map<const Connection*, std::shared_ptr<Connection>> connections_;
  std::chrono::seconds date_second_{-1};
  char date_[40] = {};
  std::size_t date_size_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace vitrine::http
