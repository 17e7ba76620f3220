// The Open Inference Protocol v2 below /v2, and what Triton's clients ask besides.
#include <charconv>
#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "transport/http/content_coding.h"
#include "transport/http/handler_parts.h"
#include "transport/http/handlers.h"
#include "transport/http/inference_body.h"
#include "transport/http/json_writer.h"
#include "transport/inference/protocol.h"
#include "transport/inference/tensors.h"
#include "transport/inference/types.h"

namespace vitrine::http {
namespace {

using Clock = std::chrono::steady_clock;
using Servable = serve::Servable;

constexpr std::string_view kJsonBytes = "Inference-Header-Content-Length";

std::uint64_t Nanoseconds(Clock::time_point begin, Clock::time_point end) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(end - begin).count());
}

/// The model and version of the path. Null after an error.
std::shared_ptr<const Servable> Asked(const Services& services, const Request& request,
                                      Response& response) {
  if (!Need(services.inference, "inference", request, response)) {
    return nullptr;
  }
  const auto found = services.inference->Find(request.arg(0), request.arg(1));
  if (!found.ok()) {
    WriteProblem(response, request.id(), found.status());
    return nullptr;
  }
  return *found;
}

void WriteTensors(JsonWriter& json, std::string_view key, const std::vector<TensorSpec>& tensors) {
  json.Key(key).BeginArray();
  for (const TensorSpec& tensor : tensors) {
    json.BeginObject().Field("name", tensor.name);
    json.Field("datatype", inference::ProtocolTypeName(tensor.dtype)).Key("shape").BeginArray();
    for (const std::int64_t size : tensor.shape) {
      json.Int(size);
    }
    json.EndArray().EndObject();
  }
  json.EndArray();
}

/// The body, unpacked where it came packed. False after an error.
bool Unpack(const Request& request, Response& response, std::string& buffer,
            std::string_view& body) {
  const auto coding = ContentCodingOf(request.header("Content-Encoding"));
  if (!coding) {
    WriteProblem(response, request.id(),
                 Unimplemented("the Content-Encoding is none of gzip, deflate and identity"));
    return false;
  }
  body = request.body();
  if (*coding == ContentCoding::kIdentity) {
    return true;
  }
  const Status unpacked =
      Decode(*coding, request.body(), request.body_limit(), Request::kBodyPadding, buffer);
  if (!unpacked.ok()) {
    WriteProblem(response, request.id(), unpacked);
    return false;
  }
  body = buffer;
  return true;
}

Status ReadBody(const Request& request, const Servable& model, std::string_view body,
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

Status Answer(const Servable& model, const InferenceBody& body, const std::vector<Tensor>& outputs,
              const Request& request, Response& response) {
  const auto [name, number] = serve::SplitVersion(model.version());
  ASSIGN_OR_RETURN(const std::size_t json_bytes,
                   WriteInference(name, number, body, outputs, response.body));
  if (json_bytes > 0) {
    response.content_type = "application/octet-stream";
    response.AddHeader(kJsonBytes, std::to_string(json_bytes));
  }
  return Pack(request, response);
}

void WriteStage(JsonWriter& json, std::string_view name, std::uint64_t count, std::uint64_t ns) {
  json.Key(name).BeginObject().Field("count", count).Field("ns", ns).EndObject();
}

void WriteCounts(JsonWriter& json, const serve::InferenceCounts& counts) {
  json.BeginObject().Field("name", counts.name).Field("version", counts.number);
  json.Field("last_inference", std::uint64_t(counts.last.value / 1000));
  json.Field("inference_count", counts.rows).Field("execution_count", counts.success);
  json.Key("inference_stats").BeginObject();
  WriteStage(json, "success", counts.success, counts.success_nanoseconds);
  WriteStage(json, "fail", counts.fail, counts.fail_nanoseconds);
  WriteStage(json, "queue", counts.success, 0);  // nothing waits: requests run where they arrive
  WriteStage(json, "compute_input", counts.success, counts.stages.input);
  WriteStage(json, "compute_infer", counts.success, counts.stages.infer);
  WriteStage(json, "compute_output", counts.success, counts.stages.output);
  WriteStage(json, "cache_hit", 0, 0);
  WriteStage(json, "cache_miss", 0, 0);
  json.EndObject().Key("batch_stats").BeginArray().EndArray().EndObject();
}

}  // namespace

void GetInferenceServer(const Services& services, Request& request, Response& response) {
  if (!Need(services.inference, "inference", request, response)) {
    return;
  }
  JsonWriter json(response.body);
  json.BeginObject().Field("name", inference::kServerName).Field("version", services.version);
  json.Key("extensions").BeginArray();
  for (const std::string_view extension : inference::kExtensions) {
    json.String(extension);
  }
  json.EndArray().EndObject();
}

void GetInferenceLive(const Services& /*services*/, Request& /*request*/, Response& response) {
  JsonWriter(response.body).BeginObject().Field("live", true).EndObject();
}

void GetInferenceReady(const Services& services, Request& request, Response& response) {
  const Status ready = services.ready ? services.ready() : Status::Ok();
  if (!ready.ok()) {
    WriteProblem(response, request.id(), Unavailable(ready.message()));
    return;
  }
  JsonWriter(response.body).BeginObject().Field("ready", true).EndObject();
}

void GetInferenceModel(const Services& services, Request& request, Response& response) {
  const auto model = Asked(services, request, response);
  if (model == nullptr) {
    return;
  }
  const auto [name, number] = serve::SplitVersion(model->version());
  JsonWriter json(response.body);
  json.BeginObject().Field("name", name).Key("versions").BeginArray();
  for (const serve::InferenceCounts& version :
       services.inference->Counts(request.arg(0), request.arg(1))) {
    json.String(version.number);
  }
  json.EndArray().Field("platform", inference::kPlatform);
  WriteTensors(json, "inputs", model->graph().inputs());
  WriteTensors(json, "outputs", model->graph().outputs());
  json.EndObject();
}

void GetInferenceModelReady(const Services& services, Request& request, Response& response) {
  if (const auto model = Asked(services, request, response)) {
    JsonWriter(response.body)
        .BeginObject()
        .Field("name", serve::SplitVersion(model->version()).first)
        .Field("ready", true)
        .EndObject();
  }
}

void GetInferenceConfig(const Services& services, Request& request, Response& response) {
  const auto model = Asked(services, request, response);
  if (model == nullptr) {
    return;
  }
  JsonWriter json(response.body);
  const auto write = [&json, &model](std::string_view key, const std::vector<TensorSpec>& tensors) {
    json.Key(key).BeginArray();
    for (const TensorSpec& tensor : tensors) {
      json.BeginObject().Field("name", tensor.name);
      json.Field("data_type", inference::ConfigTypeName(tensor.dtype)).Key("dims").BeginArray();
      for (const std::int64_t size : inference::ConfigDims(model->manifest(), tensor)) {
        json.Int(size);
      }
      json.EndArray().EndObject();
    }
    json.EndArray();
  };
  const std::int64_t max_rows = model->manifest().max_rows;
  json.BeginObject().Field("name", serve::SplitVersion(model->version()).first);
  json.Field("platform", inference::kPlatform)
      .Field("backend", inference::kBackend)
      .Field("max_batch_size", max_rows);
  write("input", model->graph().inputs());
  write("output", model->graph().outputs());
  json.EndObject();
}

void GetInferenceStats(const Services& services, Request& request, Response& response) {
  if (!Need(services.inference, "inference", request, response) ||
      (!request.arg(0).empty() && Asked(services, request, response) == nullptr)) {
    return;
  }
  JsonWriter json(response.body);
  json.BeginObject().Key("model_stats").BeginArray();
  for (const serve::InferenceCounts& counts :
       services.inference->Counts(request.arg(0), request.arg(1))) {
    WriteCounts(json, counts);
  }
  json.EndArray().EndObject();
}

void PostInfer(const Services& services, Request& request, Response& response) {
  const auto model = Asked(services, request, response);
  if (model == nullptr) {
    return;
  }
  if (model->warm_seconds() > inference::kInlineSeconds && !request.on_pool()) {
    response.MoveToPool();
    return;
  }
  const Clock::time_point begin = Clock::now();
  std::string unpacked;
  std::string_view bytes;
  if (!Unpack(request, response, unpacked, bytes)) {
    return;
  }
  InferenceBody body;
  std::vector<Tensor> outputs;
  serve::InferenceTimes times;
  Status done = ReadBody(request, *model, bytes, body);
  const Clock::time_point read = Clock::now();
  times.input = Nanoseconds(begin, read);
  if (done.ok()) {
    done = serve::Inference::Run(*model, body.inputs, outputs);
  }
  const Clock::time_point ran = Clock::now();
  times.infer = Nanoseconds(read, ran);
  if (done.ok()) {
    done = Answer(*model, body, outputs, request, response);
  }
  times.output = Nanoseconds(ran, Clock::now());
  services.inference->Count(*model, times, inference::RowsOf(body.inputs), done.ok());
  if (!done.ok()) {
    WriteProblem(response, request.id(), done);
  }
}

void PostRepositoryIndex(const Services& services, Request& request, Response& response) {
  if (!Need(services.inference, "inference", request, response)) {
    return;
  }
  JsonWriter json(response.body);
  json.BeginArray();
  for (const serve::VersionStatus& version : services.inference->Versions()) {
    const auto [name, number] = serve::SplitVersion(version.version);
    json.BeginObject().Field("name", name).Field("version", number);
    json.Field("state", inference::IndexState(version.state));
    json.FieldIfAny("reason", version.error).EndObject();
  }
  json.EndArray();
}

void PostRepositoryLoad(const Services& services, Request& request, Response& response) {
  if (!Need(services.models, "models", request, response)) {
    return;
  }
  const Status loaded = services.models->Load(request.arg(0), 0);
  if (!loaded.ok()) {
    WriteProblem(response, request.id(), loaded);
    return;
  }
  response.body = "{}";
}

void PostRepositoryUnload(const Services& services, Request& request, Response& response) {
  if (!Need(services.models, "models", request, response)) {
    return;
  }
  const Status unloaded = services.models->Unload(request.arg(0));
  if (!unloaded.ok()) {
    WriteProblem(response, request.id(), unloaded);
    return;
  }
  response.body = "{}";
}

}  // namespace vitrine::http
