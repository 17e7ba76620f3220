#include "transport/grpc/load_target.h"

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <sys/prctl.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "transport/http/inference_body.h"
#include "transport/http/message.h"
#include "transport/inference/types.h"
#include "vitrine_inference/inference.pb.h"

namespace vitrine::rpc {
namespace {

using simulate::LoadAnswer;
using simulate::LoadOutcome;
using simulate::Nanos;

constexpr char kMethod[] = "/inference.GRPCInferenceService/ModelInfer";
constexpr std::chrono::seconds kConnectWithin{3};
constexpr Nanos kCoarse = 2'000'000;  ///< gRPC's waits are rounded up to milliseconds
constexpr Nanos kNap = 20'000;

/// One call at a time.
struct Slot {
  std::size_t connection = 0;
  std::optional<grpc::ClientContext> context;
  std::unique_ptr<grpc::GenericClientAsyncResponseReader> call;
  grpc::ByteBuffer answer;
  grpc::Status status;
  Nanos due = 0;
};

/// Whether the server said that a call failed, or this side found that it got no answer. gRPC says it nowhere else.
bool CameFromServer(const grpc::ClientContext& context) {
  return context.debug_error_string().find("received from peer") != std::string::npos;
}

class GrpcLoadTarget : public simulate::LoadTarget {
 public:
  GrpcLoadTarget(const std::vector<std::string>& messages, const LoadTargetOptions& options)
      : options_(options),
        slots_(options.calls),
        idle_(options.calls),
        slack_(::prctl(PR_GET_TIMERSLACK)) {
    for (const std::string& message : messages) {
      const grpc::Slice slice(message);
      messages_.emplace_back(&slice, 1);
    }
    ended_.reserve(options.calls);
    ::prctl(PR_SET_TIMERSLACK, 1UL);
  }
  GrpcLoadTarget(const GrpcLoadTarget&) = delete;
  GrpcLoadTarget& operator=(const GrpcLoadTarget&) = delete;
  ~GrpcLoadTarget() override {
    for (Slot& slot : slots_) {
      if (slot.context) {
        slot.context->TryCancel();
      }
    }
    queue_.Shutdown();
    void* tag = nullptr;
    bool ok = false;
    while (queue_.Next(&tag, &ok)) {
    }
    ::prctl(PR_SET_TIMERSLACK, static_cast<unsigned long>(std::max(slack_, 1)));
  }

  Status ConnectAll(const std::string& address) {
    const std::size_t most = std::max<std::size_t>(options_.calls_per_connection, 1);
    for (std::size_t s = 0; s < slots_.size(); ++s) {
      if (s % most == 0) {
        RETURN_IF_ERROR(Connect(address));
      }
    }
    for (std::size_t s = 0; s < slots_.size(); ++s) {
      slots_[s].connection = s % stubs_.size();
      PushIdle(s);
    }
    return Status::Ok();
  }

  Nanos Now() override {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
  }

  [[nodiscard]] std::size_t free() const override { return idle_count_; }

  void Send(std::uint64_t number, Nanos due, Nanos expires) override {
    Slot& slot = slots_[PopIdle()];
    slot.due = due;
    grpc::ClientContext& context = slot.context.emplace();
    context.set_deadline(std::chrono::system_clock::now() +
                         std::chrono::nanoseconds(std::max<Nanos>(expires - Now(), 0)));
    if (!options_.api_key.empty()) {
      context.AddMetadata("x-api-key", options_.api_key);
    }
    slot.call = stubs_[slot.connection]->PrepareUnaryCall(
        &context, kMethod, messages_[number % messages_.size()], &queue_);
    slot.call->StartCall();
    slot.call->Finish(&slot.answer, &slot.status, &slot);
  }

  void Wait(Nanos until, std::vector<LoadAnswer>& answers) override {
    const Nanos coarse = until - Now() - kCoarse;
    if (coarse > 0) {
      Take(std::chrono::nanoseconds(coarse));
    }
    // Everything that is ready; where nothing is, a nap and another look.
    while (Take(std::chrono::nanoseconds(0)) || (ended_.empty() && Now() < until)) {
      const Nanos nap = std::min(until - Now() - options_.spin, kNap);
      if (ended_.empty() && nap > 0) {
        const timespec time{.tv_sec = 0, .tv_nsec = static_cast<long>(nap)};
        ::clock_nanosleep(CLOCK_MONOTONIC, 0, &time, nullptr);
      }
    }
    answers.insert(answers.end(), ended_.begin(), ended_.end());
    ended_.clear();
  }

 private:
  Status Connect(const std::string& address) {
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(-1);
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // a connection of its own
    const auto channel =
        grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
    if (!channel->WaitForConnected(std::chrono::system_clock::now() + kConnectWithin)) {
      return Unavailable(fmt::format("nobody answers gRPC on {}", address));
    }
    stubs_.push_back(std::make_unique<grpc::GenericStub>(channel));
    return Status::Ok();
  }

  // Neighbours in the ring are on different connections, so that all of them get work.
  void PushIdle(std::size_t s) { idle_[(idle_first_ + idle_count_++) % idle_.size()] = s; }
  std::size_t PopIdle() {
    const std::size_t s = idle_[idle_first_];
    idle_first_ = (idle_first_ + 1) % idle_.size();
    --idle_count_;
    return s;
  }

  /// Waits for the end of a call. False where none came.
  bool Take(std::chrono::nanoseconds wait) {
    void* tag = nullptr;
    bool ok = false;
    const gpr_timespec deadline =
        wait.count() == 0 ? gpr_time_0(GPR_CLOCK_MONOTONIC)
                          : gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                                         gpr_time_from_nanos(wait.count(), GPR_TIMESPAN));
    if (queue_.AsyncNext(&tag, &ok, deadline) != grpc::CompletionQueue::GOT_EVENT) {
      return false;
    }
    End(*static_cast<Slot*>(tag));
    return true;
  }

  void End(Slot& slot) {
    LoadAnswer answer{.due = slot.due, .at = Now()};
    const grpc::StatusCode code = slot.status.error_code();
    answer.good = slot.status.ok();
    if (answer.good || (slot.context && CameFromServer(*slot.context))) {
      answer.status = static_cast<int>(code);
    } else if (code == grpc::StatusCode::DEADLINE_EXCEEDED) {
      answer.outcome = LoadOutcome::kTimedOut;
    } else {
      answer.outcome =
          code == grpc::StatusCode::UNAVAILABLE ? LoadOutcome::kBroken : LoadOutcome::kGarbled;
    }
    ended_.push_back(answer);
    slot.call.reset();
    slot.context.reset();
    slot.answer.Clear();
    PushIdle(static_cast<std::size_t>(&slot - slots_.data()));
  }

  LoadTargetOptions options_;
  grpc::CompletionQueue queue_;
  std::vector<std::unique_ptr<grpc::GenericStub>> stubs_;  // of one connection each
  std::vector<grpc::ByteBuffer> messages_;
  std::vector<Slot> slots_;
  std::vector<std::size_t> idle_;  // a ring
  std::size_t idle_first_ = 0;
  std::size_t idle_count_ = 0;
  std::vector<LoadAnswer> ended_;
  int slack_;
};

}  // namespace

Result<std::string> MakeInferMessage(const http::InferenceRequest& request,
                                     const std::string& model, const std::string& version) {
  std::size_t json_bytes = request.body.size();
  for (const auto& [name, value] : request.headers) {
    if (name == "Inference-Header-Content-Length") {
      json_bytes = std::stoul(value);
    }
  }
  http::InferenceBody body;
  const std::string padded = request.body + std::string(http::Request::kBodyPadding, '\0');
  RETURN_IF_ERROR(http::ReadInference(std::string_view(padded).substr(0, request.body.size()),
                                      json_bytes, padded.size(), body));
  ::inference::ModelInferRequest message;
  message.set_model_name(model);
  message.set_model_version(version);
  message.set_id(body.id);
  for (const Tensor& tensor : body.inputs) {
    auto& input = *message.add_inputs();
    const std::string_view type = inference::ProtocolTypeName(tensor.dtype());
    input.set_name(tensor.name());
    input.set_datatype(type.data(), type.size());
    input.mutable_shape()->Assign(tensor.shape().begin(), tensor.shape().end());
    message.add_raw_input_contents(tensor.bytes().data(), tensor.bytes().size());
  }
  for (const http::WantedOutput& output : body.outputs) {
    message.add_outputs()->set_name(output.name);
  }
  if (body.priority > 0) {
    (*message.mutable_parameters())["priority"].set_uint64_param(body.priority);
  }
  if (body.timeout.count() > 0) {
    (*message.mutable_parameters())["timeout"].set_int64_param(body.timeout.count());
  }
  return message.SerializeAsString();
}

Result<std::unique_ptr<simulate::LoadTarget>> MakeLoadTarget(
    const std::string& address, const std::vector<std::string>& messages,
    const LoadTargetOptions& options) {
  if (messages.empty() || options.calls == 0) {
    return InvalidArgument("a load needs a message and a call at least");
  }
  auto target = std::make_unique<GrpcLoadTarget>(messages, options);
  RETURN_IF_ERROR(target->ConnectAll(address));
  return std::unique_ptr<simulate::LoadTarget>(std::move(target));
}

}  // namespace vitrine::rpc
