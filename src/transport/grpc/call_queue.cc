#include "transport/grpc/call_queue.h"

#include <utility>

#include "serve/inference.h"
#include "transport/grpc/call.h"

namespace vitrine::rpc {
namespace {

/// More than this many idle calls are not kept.
constexpr std::size_t kMostIdle = 64;

}  // namespace

CallQueue::CallQueue(ServerCore& core, std::unique_ptr<grpc::ServerCompletionQueue> queue)
    : core_(core), queue_(std::move(queue)) {}

CallQueue::~CallQueue() {
  queue_->Shutdown();
  if (thread_.joinable()) {
    thread_.join();
  } else {
    void* tag = nullptr;
    bool ok = false;
    while (queue_->Next(&tag, &ok)) {
    }
  }
}

void CallQueue::Run() {
  Accept();
  thread_ = std::jthread([this] { Work(); });
}

void CallQueue::Work() {
  void* tag = nullptr;
  bool ok = false;
  while (true) {
    if (turn_due_) {
      switch (queue_->AsyncNext(&tag, &ok, gpr_time_0(GPR_CLOCK_MONOTONIC))) {
        case grpc::CompletionQueue::TIMEOUT:
          turn_due_ = serve::Inference::RunTurn();
          continue;
        case grpc::CompletionQueue::SHUTDOWN:
          return;
        case grpc::CompletionQueue::GOT_EVENT:
          break;
      }
    } else if (!queue_->Next(&tag, &ok)) {
      return;
    }
    const auto& event = *static_cast<Call::Event*>(tag);
    (event.call.*event.then)(ok);
  }
}

void CallQueue::Accept() {
  // Under the lock: once StopAccepting has returned, nothing is asked of a server that shuts down.
  const std::scoped_lock lock(mutex_);
  if (!accepting_) {
    return;
  }
  std::unique_ptr<Call> call;
  if (idle_.empty()) {
    call = std::make_unique<Call>(*this);
  } else {
    call = std::move(idle_.back());
    idle_.pop_back();
  }
  ++calls_;
  call.release()->Accept();  // the completion queue holds it, and gives it back by Release
}

void CallQueue::Release(Call* call) {
  std::unique_ptr<Call> owned(call);
  const std::scoped_lock lock(mutex_);
  if (accepting_ && idle_.size() < kMostIdle) {
    idle_.push_back(std::move(owned));
  }
  if (--calls_ == 0) {
    emptied_.notify_all();
  }
}

void CallQueue::StopAccepting() {
  const std::scoped_lock lock(mutex_);
  accepting_ = false;
}

void CallQueue::WaitUntilEmpty() {
  std::unique_lock lock(mutex_);
  emptied_.wait(lock, [this] { return calls_ == 0; });
}

}  // namespace vitrine::rpc
