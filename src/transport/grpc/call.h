/// One call from its arrival to its end, and then the next one: a call that ended waits again with its memory.
/// Internal. Threads: one at a time. The queue's thread, or, between two operations, one of the pool.
#pragma once

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

#include "core/check.h"
#include "core/status.h"
#include "serve/batching/inference_task.h"
#include "transport/grpc/methods.h"
#include "vitrine_inference/inference.pb.h"

namespace vitrine::rpc {

class CallQueue;

class Call final : public serve::InferenceTask {
 public:
  explicit Call(CallQueue& queue) : queue_(queue) {}
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  /// What the completion queue gives back: which call, and what of it.
  struct Event {
    Call& call;
    void (Call::*then)(bool ok);
  };

  /// Waits for a request.
  void Accept();
  /// Its model has run, or will not.
  void Done() override;

 private:
  using Clock = std::chrono::steady_clock;
  enum class Step : std::uint8_t { kAccept, kRead, kWrite, kFinish };
  /// The operation under way has ended, well or not.
  void OnOperation(bool ok);
  /// gRPC is done with the call: it was answered, or its caller has gone before that.
  void OnLeft(bool ok);
  /// Both have been told: the call can wait for the next request.
  void ReleaseIfOver();

  /// What gRPC has of one call, made anew for each.
  struct Line {
    Line() : stream(&context) {}
    grpc::GenericServerContext context;
    grpc::GenericServerAsyncReaderWriter stream;
  };

  /// What is to be done with the head: who asks, and for what.
  Status Admit();
  void OnHead();
  void OnMessage();
  void Read();
  /// Runs f here or on the pool; what it throws is answered.
  template <typename F>
  void Run(bool on_pool, F&& f);
  template <typename F>
  void Guard(F&& f);
  void RunUnary();

  Status ReadRequest();
  void SubmitModel();
  Status ReadTask();
  void OnModelRan();
  /// Sends what stands in `message_`, or the error.
  void Reply(const Status& outcome);
  void Finish(const Status& outcome);
  /// The stream on which `step` begins. Looked up before the step is told: once its operation is under way, the
  /// queue's thread may end the call at any moment, and nothing of it may be read here any more.
  grpc::GenericServerAsyncReaderWriter& Begin(Step step) {
    grpc::GenericServerAsyncReaderWriter& stream = line().stream;
    step_.store(step, std::memory_order_release);
    return stream;
  }
  void Forget();
  [[nodiscard]] Line& line() {
    CHECK(line_.has_value());
    return *line_;
  }
  [[nodiscard]] bool streams() const {
    return method_ != nullptr && method_->kind == Method::Kind::kStream;
  }

  CallQueue& queue_;
  Event operation_{*this, &Call::OnOperation};
  Event left_{*this, &Call::OnLeft};
  // Of the queue's thread alone. gRPC tells of an answer and of the caller's end in either order.
  bool finished_ = false;
  bool has_left_ = false;
  /// Also what orders the pool's writes before the queue thread's reads.
  std::atomic<Step> step_ = Step::kAccept;
  std::optional<Line> line_;
  const Method* method_ = nullptr;
  grpc::ByteBuffer message_;
  Code code_ = Code::kOk;
  Clock::time_point started_;

  // Of inference alone.
  ::inference::ModelInferRequest request_;
  ::inference::ModelStreamInferResponse answer_;
  Clock::time_point message_at_;
  Clock::time_point read_at_;
  std::size_t largest_ = 0;  ///< message of this call, in bytes
};

}  // namespace vitrine::rpc
