/// The Open Inference Protocol v2 over gRPC, with Triton's calls (api/inference.proto). Asynchronous: a completion
/// queue and a thread per core; small models run on the thread that read the request, others on a small pool.
/// No TLS: like the HTTP server it stands behind whoever ends it.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include "core/metrics.h"
#include "core/status.h"
#include "transport/http/auth.h"
#include "transport/http/request_parser.h"
#include "transport/http/server.h"
#include "transport/http/services.h"

namespace vitrine::rpc {

struct ServerOptions {
  http::Listener listener;  ///< TCP
  std::size_t threads = 0;  ///< 0: one per core
  std::size_t pool_threads = 8;
  std::size_t pool_queue = 256;  ///< beyond it slow calls are kUnavailable
  std::size_t max_message_bytes = http::FramingLimits{}.body_bytes;  ///< also once unpacked
  std::size_t max_metadata_bytes = http::FramingLimits{}.head_bytes;
  std::size_t max_streams = 1024;                ///< calls at once on one connection
  std::size_t max_buffered_bytes = 256UL << 20;  ///< of all connections together
  MetricRegistry* metrics = nullptr;             ///< must outlive the server
};

class Server {
 public:
  /// Listens and starts the threads. `services` and `authorizer` must outlive the server.
  /// Errors: kInvalidArgument (not a numeric address), kAlreadyExists (the port is taken),
  ///         kPermissionDenied, kUnavailable; each names the setting to change.
  static Result<std::unique_ptr<Server>> Start(const ServerOptions& options,
                                               const http::Services& services,
                                               const http::Authorizer& authorizer);
  /// Stops without waiting for running calls longer than a second.
  ~Server();

  /// "127.0.0.1:7701", with the port that was taken: what clients connect to.
  [[nodiscard]] const std::string& address() const;

  /// Takes no new call, lets running ones finish; at `deadline` what is left is cut. Idempotent.
  void Stop(std::chrono::milliseconds deadline);

 private:
  class Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace vitrine::rpc
