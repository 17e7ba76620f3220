/// The HTTP server: one io_context and one listening socket per core (SO_REUSEPORT), HTTP/1.1 with
/// keep-alive and pipelining. Handlers run on the I/O thread that read the request, or on a small
/// pool where they wait. Knows nothing of routes; router.h is the handler of the product.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/metrics.h"
#include "core/status.h"
#include "transport/http/message.h"
#include "transport/http/request_parser.h"

namespace vitrine::http {

/// What the server asks for every request.
/// Threads: any, many at once; Admit always on an I/O thread and must not block.
class RequestHandler {
 public:
  enum class Placement : std::uint8_t {
    kInline,   ///< Handle runs on the I/O thread: microseconds, never waits; it may still ask for
               ///< the pool (Response::MoveToPool)
    kPool,     ///< Handle runs on the blocking pool
    kRefused,  ///< the response is written already; the body is not read
  };
  virtual ~RequestHandler() = default;

  /// Called with the head, before any body is read: who may do this, where does it run.
  virtual Placement Admit(Request& head, Response& response) = 0;
  /// Called with the whole request. What it throws becomes a 500 problem.
  virtual void Handle(Request& request, Response& response) = 0;
  /// Called after each answer that Admit or Handle gave; `begun` is when the head was read.
  virtual void Finished(const Request& /*request*/, int /*status*/,
                        std::chrono::steady_clock::time_point /*begun*/,
                        std::chrono::steady_clock::time_point /*ended*/) {}
};

struct Listener {
  enum class Kind : std::uint8_t { kTcp, kUnix };
  Kind kind = Kind::kTcp;
  /// TCP: a numeric address ("127.0.0.1", "::1", "0.0.0.0"). Unix: the socket's path, which gets
  /// mode 0600; a socket left behind by a dead server is replaced.
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  ///< 0: a free one is taken and reported
  /// What a message names as the thing to change.
  std::string_view setting = "server.listen";
};

struct ServerOptions {
  std::vector<Listener> listeners = {Listener{}};
  std::size_t io_threads = 0;  ///< 0: one per core
  std::size_t pool_threads = 8;
  std::size_t pool_queue = 256;  ///< beyond it slow routes answer 503
  FramingLimits framing;
  std::size_t max_connections = 10'000;
  std::size_t max_buffered_bytes = 256UL << 20;  ///< request bodies held at one time, all together
  std::chrono::milliseconds idle_timeout{75'000};
  std::chrono::milliseconds head_timeout{10'000};  ///< from the first byte to the end of the head
  std::chrono::milliseconds rate_grace{5'000};     ///< before the minimum rate is asked for
  std::size_t min_bytes_per_second = 1024;         ///< of a body in, and of an answer out
  std::chrono::milliseconds stream_heartbeat{15'000};
  MetricRegistry* metrics = nullptr;  ///< must outlive the server
  /// Told of handler failures and of accept failures; any thread.
  std::function<void(std::string_view request_id, std::string_view what)> on_failure;
};

class Server {
 public:
  /// Binds, listens and starts the threads. `handler` must outlive the server.
  /// Errors: kInvalidArgument (not an address), kAlreadyExists (port or socket busy: names it and
  ///         the setting to change), kPermissionDenied, kUnavailable.
  static Result<std::unique_ptr<Server>> Start(ServerOptions options, RequestHandler& handler);
  /// Stops without waiting for running requests longer than a second, but for handlers and runs of models
  /// under way, which cannot be cut.
  ~Server();

  /// Bound listeners in the order given, with the port that was taken.
  [[nodiscard]] const std::vector<Listener>& listeners() const;
  [[nodiscard]] std::size_t connections() const;

  /// Stops accepting, lets running requests finish (their answers say Connection: close), ends
  /// streams, closes idle connections; at `deadline` what is left is cut. Idempotent.
  void Stop(std::chrono::milliseconds deadline);

 private:
  class Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// "http://127.0.0.1:8080" or "unix:/path"; for messages.
std::string ListenerName(const Listener& listener);

}  // namespace vitrine::http
