// POST /v2/models/{model}/infer: tensors in, tensors out. Reads on the I/O thread, waits suspended for its run,
// which may be one with others', and writes on the I/O thread again.
#include <charconv>
#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "serve/batching/inference_task.h"
#include "transport/http/content_coding.h"
#include "transport/http/handler_parts.h"
#include "transport/http/handlers.h"
#include "transport/http/inference_body.h"
#include "transport/http/suspended.h"
#include "transport/inference/protocol.h"

namespace vitrine::http {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::string_view kJsonBytes = "Inference-Header-Content-Length";

std::uint64_t Nanoseconds(Clock::time_point begin, Clock::time_point end) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(end - begin).count());
}

/// The body, unpacked where it came packed.
Result<std::string_view> Unpack(const Request& request, std::string& buffer) {
  const auto coding = ContentCodingOf(request.header("Content-Encoding"));
  if (!coding) {
    return Unimplemented("the Content-Encoding is none of gzip, deflate and identity");
  }
  if (*coding == ContentCoding::kIdentity) {
    return request.body();
  }
  RETURN_IF_ERROR(
      Decode(*coding, request.body(), request.body_limit(), Request::kBodyPadding, buffer));
  return std::string_view(buffer);
}

Status ReadBody(const Request& request, const serve::Servable& model, std::string_view body,
                InferenceBody& out) {
  const std::string_view header = request.header(kJsonBytes);
  std::size_t json_bytes = body.size();
  if (!header.empty()) {
    const char* end = header.data() + header.size();
    const auto [at, error] = std::from_chars(header.data(), end, json_bytes);
    if (error != std::errc() || at != end) {
      return InvalidArgument(fmt::format("the header {} is no number of bytes", kJsonBytes));
    }
    if (json_bytes == 0) {
      return ReadRawInference(body, model.graph().inputs(), out);
    }
  }
  return ReadInference(body, json_bytes, body.size() + Request::kBodyPadding, out);
}

/// Packs the answer where the client asks for it.
Status Pack(const Request& request, Response& response) {
  const ContentCoding coding = AcceptedCoding(request.header("Accept-Encoding"));
  if (coding == ContentCoding::kIdentity) {
    return Status::Ok();
  }
  std::string packed;
  RETURN_IF_ERROR(Encode(coding, response.body, packed));
  response.body.swap(packed);
  response.AddHeader("Content-Encoding", ContentCodingName(coding));
  return Status::Ok();
}

Status WriteAnswer(const serve::Servable& model, const InferenceBody& body,
                   const std::vector<Tensor>& outputs, const Request& request, Response& response) {
  const auto [name, number] = serve::SplitVersion(model.version());
  ASSIGN_OR_RETURN(const std::size_t json_bytes,
                   WriteInference(name, number, body, outputs, response.body));
  if (json_bytes > 0) {
    response.content_type = "application/octet-stream";
    response.AddHeader(kJsonBytes, std::to_string(json_bytes));
  }
  return Pack(request, response);
}

class InferCall final : public Suspended, public serve::InferenceTask {
 public:
  InferCall(serve::Inference& inference, std::shared_ptr<const serve::Servable> asked)
      : inference_(inference), begun_reading_(Clock::now()) {
    model = std::move(asked);
  }

  /// Reads the request into the task.
  Status Read(const Request& request) {
    std::string unpacked;
    ASSIGN_OR_RETURN(const std::string_view bytes, Unpack(request, unpacked));
    RETURN_IF_ERROR(ReadBody(request, *model, bytes, body_));
    inputs = std::move(body_.inputs);
    priority = inference::PriorityOf(body_.priority);
    read_ = Clock::now();
    if (body_.timeout.count() > 0) {
      deadline = read_ + body_.timeout;
    }
    return Status::Ok();
  }

  bool Start(std::shared_ptr<Waker> waker) override {
    waker_ = std::move(waker);
    const Result<bool> submitted = inference_.Submit(*this);
    if (!submitted.ok()) {
      status = submitted.status();
      begun = ended = queued = Clock::now();
      Done();
      return false;
    }
    if (*submitted) {
      waker_->AtEndOfTurn(&serve::Inference::RunTurn);
    }
    // A run on this thread is over before its end could be noticed.
    return model->batch_seconds() > serve::kLongestInline;
  }

  void Done() override {
    const std::shared_ptr<Waker> waker = std::move(waker_);  // this may be gone before Wake returns
    waker->Wake();
  }

  void Abandon() override { abandoned = true; }

  void Finish(Request& request, Response& response) override {
    Status done = std::move(status);
    if (done.ok()) {
      done = WriteAnswer(*model, body_, outputs, request, response);
    }
    Count(done.ok(), request);
    if (!done.ok()) {
      WriteProblem(response, request.id(), done);
    }
  }

  /// What was asked wrongly is counted too.
  void Refuse(const Status& why, Request& request, Response& response) {
    read_ = queued = begun = ended = Clock::now();
    Count(false, request);
    WriteProblem(response, request.id(), why);
  }

 private:
  void Count(bool ok, Request& request) const {
    const Clock::time_point written = Clock::now();
    inference_.Count(*this,
                     {.input = Nanoseconds(begun_reading_, read_),
                      .queue = Nanoseconds(queued, begun),
                      .infer = Nanoseconds(begun, ended),
                      .output = Nanoseconds(ended, written)},
                     ok);
    RequestTrace& trace = request.scope().trace;
    trace.NoteModel(model->version());
    trace.Note("compute_input", begun_reading_, read_);
    if (begun > queued) {
      trace.Note("queue", queued, begun);
    }
    if (batch_rows > 0) {
      trace.Note("compute_infer", begun, ended);
    }
    if (ok) {
      trace.Note("compute_output", ended, written);
    }
  }

  serve::Inference& inference_;
  InferenceBody body_;
  std::shared_ptr<Waker> waker_;
  Clock::time_point begun_reading_;
  Clock::time_point read_;
};

}  // namespace

void PostInfer(const Services& services, Request& request, Response& response) {
  auto model = AskedModel(services, request, response);
  if (model == nullptr) {
    return;
  }
  auto call = std::make_shared<InferCall>(*services.inference, std::move(model));
  if (const Status read = call->Read(request); !read.ok()) {
    call->Refuse(read, request, response);
    return;
  }
  response.Suspend(std::move(call));
}

}  // namespace vitrine::http
