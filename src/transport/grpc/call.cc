#include "transport/grpc/call.h"

#include <algorithm>
#include <exception>
#include <string>
#include <string_view>
#include <utility>

#include "serve/inference.h"
#include "transport/grpc/call_queue.h"
#include "transport/grpc/tensors.h"
#include "transport/grpc/wire.h"

namespace vitrine::rpc {
namespace {

/// Memory of calls with larger messages is given back.
constexpr std::size_t kKeptBytes = std::size_t{1} << 20;

std::optional<std::string_view> Entry(const grpc::ServerContext& context, const char* name) {
  const auto& entries = context.client_metadata();
  const auto found = entries.find(name);
  if (found == entries.end()) {
    return std::nullopt;
  }
  return std::string_view(found->second.data(), found->second.size());
}

/// Of "ipv4:127.0.0.1:41234" or "ipv6:%5B::1%5D:41234".
http::Peer::Kind KindOf(std::string_view peer) {
  const bool loopback = peer.starts_with("ipv4:127.") || peer.starts_with("ipv6:%5B::1%5D:") ||
                        peer.starts_with("ipv6:[::1]:");
  return loopback ? http::Peer::Kind::kLoopback : http::Peer::Kind::kTcp;
}

}  // namespace

void Call::Accept() {
  method_ = nullptr;
  code_ = Code::kOk;
  finished_ = false;
  has_left_ = false;
  Line& line = line_.emplace();
  static_cast<void>(Begin(Step::kAccept));
  line.context.AsyncNotifyWhenDone(&left_);
  queue_.core().service.RequestCall(&line.context, &line.stream, &queue_.queue(), &queue_.queue(),
                                    &operation_);
}

void Call::OnOperation(bool ok) {
  switch (step_.load(std::memory_order_acquire)) {
    case Step::kAccept:
      if (!ok) {  // the server shuts down: nobody has come, and nobody leaves
        has_left_ = true;
        break;
      }
      queue_.Accept();
      Guard([this] { OnHead(); });
      return;
    case Step::kRead:
      if (ok) {
        Guard([this] { OnMessage(); });
      } else {
        Finish(streams() ? Status::Ok() : InvalidArgument("the call brought no message"));
      }
      return;
    case Step::kWrite:
      if (ok) {
        Read();
      } else {
        Finish(Cancelled("the caller has gone"));
      }
      return;
    case Step::kFinish:
      queue_.core().meters.Count(method_, code_, Clock::now() - started_);
      break;
  }
  finished_ = true;
  ReleaseIfOver();
}

void Call::OnLeft(bool /*ok*/) {
  has_left_ = true;
  if (!finished_ && line().context.IsCancelled()) {
    abandoned = true;
    queue_.core().meters.CountAbandoned();
  }
  ReleaseIfOver();
}

void Call::ReleaseIfOver() {
  if (finished_ && has_left_) {
    Forget();
    queue_.Release(this);
  }
}

void Call::Forget() {
  line_.reset();
  message_.Clear();
  Renew();
  if (std::max(largest_, answer_.ByteSizeLong()) > kKeptBytes) {
    request_ = {};
    answer_ = {};
    inputs = {};
    outputs = {};
  }
  largest_ = 0;
}

Status Call::Admit() {
  method_ = FindMethod(line().context.method());
  const auto principal = queue_.core().authorizer.Check(
      {.authorization = Entry(line().context, "authorization"),
       .api_key = Entry(line().context, "x-api-key").value_or(std::string_view()),
       .peer = KindOf(line().context.peer())});
  const bool is_public = method_ != nullptr && method_->permission == http::Permission::kPublic;
  if (is_public) {
    return Status::Ok();
  }
  // Asked before anything is said about the method, so that nobody without a key can explore.
  RETURN_IF_ERROR(principal.status());
  if (method_ == nullptr) {
    return Unimplemented("there is no call " + line().context.method() +
                         "; api/inference.proto lists what there is");
  }
  if (!principal->May(method_->permission)) {
    return PermissionDenied(http::ScopeNeeded(method_->permission));
  }
  return method_->kind == Method::Kind::kNotSpoken ? Unimplemented(std::string(method_->reason))
                                                   : Status::Ok();
}

void Call::OnHead() {
  started_ = Clock::now();
  const Status admitted = Admit();
  if (!admitted.ok()) {
    Finish(admitted);
    return;
  }
  if (const auto accepted = Entry(line().context, "accept-encoding")) {
    line().context.set_compression_algorithm(AnswerPacking(*accepted));
  }
  Read();
}

void Call::Read() { Begin(Step::kRead).Read(&message_, &operation_); }

void Call::OnMessage() {
  message_at_ = Clock::now();
  largest_ = std::max(largest_, message_.Length());
  const Status unpacked = Unpack(message_, queue_.core().options.max_message_bytes);
  if (!unpacked.ok()) {
    Finish(unpacked);
    return;
  }
  if (method_->answer != nullptr) {
    Run(method_->kind == Method::Kind::kPool, [this] { RunUnary(); });
    return;
  }
  const Status read = ReadRequest();
  if (!read.ok()) {
    Reply(read);
    return;
  }
  SubmitModel();
}

template <typename F>
void Call::Guard(F&& f) {
  Status failed;
  try {
    std::forward<F>(f)();
    return;
  } catch (const std::exception& e) {
    failed = Internal(e.what());
  } catch (...) {
    failed = Internal("an exception of no known type");
  }
  Finish(failed);
}

template <typename F>
void Call::Run(bool on_pool, F&& f) {
  if (!on_pool) {
    std::forward<F>(f)();
    return;
  }
  if (!queue_.core().pool.TryRun([this, f] { Guard(f); })) {
    Reply(Unavailable("The server is busy; try again in a moment."));
  }
}

void Call::RunUnary() {
  grpc::ByteBuffer answer;
  const Status done = method_->answer(queue_.core().services, message_, answer);
  message_.Swap(&answer);
  Reply(done);
}

Status Call::ReadRequest() {
  request_.clear_id();
  RETURN_IF_ERROR(Parse(message_, request_));
  serve::Inference* inference = queue_.core().services.inference;
  if (inference == nullptr) {
    return Unavailable("This server runs without inference.");
  }
  Renew();
  abandoned = has_left_;
  ASSIGN_OR_RETURN(model, inference->Find(request_.model_name(), request_.model_version()));
  return Status::Ok();
}

Status Call::ReadTask() {
  const auto left = line().context.deadline() - std::chrono::system_clock::now();
  if (left.count() < 0) {
    return DeadlineExceeded("the deadline had passed before the model could run");
  }
  RETURN_IF_ERROR(ReadInputs(request_, inputs));
  ASSIGN_OR_RETURN(const QueueWishes wishes, ReadWishes(request_));
  priority = wishes.priority;
  // Most callers set none, which is a moment so far away that it cannot be added to another clock.
  constexpr std::chrono::hours kFar{24 * 365};
  if (left < kFar) {
    deadline = message_at_ + std::chrono::duration_cast<Clock::duration>(left);
  }
  if (wishes.timeout.count() > 0) {
    deadline = std::min(deadline, message_at_ + wishes.timeout);
  }
  return Status::Ok();
}

// Once the task is handed on, it may end on another thread at any moment: nothing of the call is touched here
// any more.
void Call::SubmitModel() {
  status = ReadTask();
  read_at_ = queued = begun = ended = Clock::now();
  if (!status.ok()) {
    OnModelRan();
    return;
  }
  const Result<bool> submitted = queue_.core().services.inference->Submit(*this);
  if (!submitted.ok()) {
    status = submitted.status();
    begun = ended = queued;
    OnModelRan();
  } else if (*submitted) {
    queue_.RunAtEndOfTurn();
  }
}

void Call::Done() {
  Guard([this] { OnModelRan(); });
}

void Call::OnModelRan() {
  Status done = status;
  ::inference::ModelInferResponse& answer = *answer_.mutable_infer_response();
  if (done.ok()) {
    const auto [name, number] = serve::SplitVersion(model->version());
    done = WriteAnswer(request_, name, number, outputs, answer);
  }
  if (done.ok()) {
    answer_.clear_error_message();
    if (streams()) {
      const auto asked = request_.parameters().find("triton_enable_empty_final_response");
      if (asked != request_.parameters().end() && asked->second.bool_param()) {
        (*answer.mutable_parameters())["triton_final_response"].set_bool_param(true);
      }
      done = Serialize(answer_, message_);
    } else {
      done = Serialize(answer, message_);
    }
  }
  const auto took = [](Clock::time_point from, Clock::time_point to) {
    return static_cast<std::uint64_t>((to - from).count());
  };
  queue_.core().services.inference->Count(*this,
                                          {.input = took(message_at_, read_at_),
                                           .queue = took(queued, begun),
                                           .infer = took(begun, ended),
                                           .output = took(ended, Clock::now())},
                                          done.ok());
  Reply(done);
}

void Call::Reply(const Status& outcome) {
  if (!streams()) {
    if (!outcome.ok()) {
      Finish(outcome);
      return;
    }
    code_ = Code::kOk;
    Begin(Step::kFinish)
        .WriteAndFinish(message_, grpc::WriteOptions(), grpc::Status::OK, &operation_);
    return;
  }
  if (!outcome.ok()) {
    // A request that fails does not end the stream: its answer says why, and which one it was.
    answer_.mutable_infer_response()->Clear();
    answer_.mutable_infer_response()->set_id(request_.id());
    answer_.set_error_message(ToGrpc(outcome).error_message());
    const Status written = Serialize(answer_, message_);
    if (!written.ok()) {
      Finish(written);
      return;
    }
  }
  Begin(Step::kWrite).Write(message_, &operation_);
}

void Call::Finish(const Status& outcome) {
  code_ = outcome.code();
  const grpc::Status told = ToGrpc(outcome);
  Begin(Step::kFinish).Finish(told, &operation_);
}

}  // namespace vitrine::rpc
