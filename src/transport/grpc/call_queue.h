/// A completion queue, its thread, and the calls that live on it. Internal.
#pragma once

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "transport/grpc/meters.h"
#include "transport/grpc/server.h"
#include "transport/http/blocking_pool.h"

namespace vitrine::rpc {

/// What all queues of a server share.
struct ServerCore {
  ServerOptions options;
  const http::Services& services;
  const http::Authorizer& authorizer;
  Meters meters;
  grpc::AsyncGenericService service;
  http::BlockingPool pool;
};

class Call;

class CallQueue {
 public:
  CallQueue(ServerCore& core, std::unique_ptr<grpc::ServerCompletionQueue> queue);
  /// Precondition: WaitUntilEmpty has returned, or Run was never called.
  ~CallQueue();
  CallQueue(const CallQueue&) = delete;
  CallQueue& operator=(const CallQueue&) = delete;

  /// Waits for calls from now on.
  void Run();
  /// No further call is accepted. Before the server is shut down.
  void StopAccepting();
  /// Returns once every call has ended. After the server was shut down. The queue's thread goes on.
  void WaitUntilEmpty();

  [[nodiscard]] ServerCore& core() { return core_; }
  [[nodiscard]] grpc::ServerCompletionQueue& queue() { return *queue_; }

  /// Has what this turn of the queue brought in run once no further event is ready. Threads: the queue's.
  void RunAtEndOfTurn() { turn_due_ = true; }

  /// Lets a call, an idle one where there is one, wait for the next request. Threads: the queue's.
  void Accept();
  /// Takes a call back that has no operation under way. Threads: the queue's.
  void Release(Call* call);

 private:
  void Work();

  ServerCore& core_;
  std::unique_ptr<grpc::ServerCompletionQueue> queue_;
  std::mutex mutex_;
  std::condition_variable emptied_;
  bool turn_due_ = false;  // of the queue's thread alone
  bool accepting_ = true;
  std::size_t calls_ = 0;                    ///< that wait or run
  std::vector<std::unique_ptr<Call>> idle_;  ///< kept with their memory
  std::jthread thread_;
};

}  // namespace vitrine::rpc
