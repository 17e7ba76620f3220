/// The load generator's HTTP/1.1 side: keep-alive connections over TCP or a Unix socket, one request
/// outstanding on each, all on the caller's thread. What is behind simulate::LoadTarget.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "core/status.h"
#include "simulate/load/load_target.h"
#include "transport/http/client.h"

namespace vitrine::http {

struct LoadTargetOptions {
  std::size_t connections = 16;
  bool head_requests = false;  ///< all are HEAD: their answers have no body
  /// The last part of a wait for the next arrival, spent asking the clock instead of asleep. It takes
  /// the wake-up's time out of the lag where a core is free, and takes a core from the server where
  /// none is.
  simulate::Nanos spin = 0;
};

/// Connects all of them. `requests` are whole as they go over the wire (AppendRequest); they are
/// sent in turn. A connection that ends is made again by the request that needs it next; its time is
/// that request's. While the target lives, its thread's timers are exact (PR_SET_TIMERSLACK).
/// Errors:  kUnavailable, kDeadlineExceeded (name the address), kInvalidArgument (no request)
/// Threads: all calls, and its end, on the thread that made it
Result<std::unique_ptr<simulate::LoadTarget>> MakeLoadTarget(const Endpoint& endpoint,
                                                             std::vector<std::string> requests,
                                                             const LoadTargetOptions& options);

}  // namespace vitrine::http
