/// The load generator's gRPC side: unary calls of one method over the completion queue API, all on the caller's
/// thread. What is behind simulate::LoadTarget.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "core/status.h"
#include "simulate/load/load_target.h"
#include "transport/http/inference_load.h"

namespace vitrine::rpc {

struct LoadTargetOptions {
  std::size_t calls = 16;                 ///< outstanding at once, at most
  std::size_t calls_per_connection = 16;  ///< they share connections evenly
  std::string api_key;                    ///< empty: none is sent
  /// The last part of a wait for the next arrival, spent looking at the queue without naps.
  simulate::Nanos spin = 0;
};

/// A request of `model` and its version (empty: the server's choice) as it goes over the wire. Tensors are raw.
/// Errors: those of http::ReadInference
Result<std::string> MakeInferMessage(const http::InferenceRequest& request,
                                     const std::string& model, const std::string& version);

/// Connects all of them to `address` ("127.0.0.1:7701"). `messages` are ModelInferRequests as bytes, sent in turn. An
/// answer's status is gRPC's code. A call's deadline is its expiry: the server knows it, as it would a real caller's.
/// gRPC's own waits are whole milliseconds: the last two before an arrival are spent in naps of 20 us with a look at
/// the queue between them. While the target lives, its thread's timers are exact (PR_SET_TIMERSLACK).
/// Memory:  gRPC allocates for every call; this part does not, once it runs steadily.
/// Errors:  kUnavailable (names the address), kInvalidArgument (no message)
/// Threads: all calls, and its end, on the thread that made it; gRPC has threads of its own for timers
Result<std::unique_ptr<simulate::LoadTarget>> MakeLoadTarget(
    const std::string& address, const std::vector<std::string>& messages,
    const LoadTargetOptions& options);

}  // namespace vitrine::rpc
