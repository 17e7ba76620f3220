// The Open Inference Protocol v2 below /v2, and what Triton's clients ask besides.
#include <utility>

#include <fmt/format.h>

#include "transport/http/handler_parts.h"
#include "transport/http/handlers.h"
#include "transport/http/inference_body.h"
#include "transport/http/json_writer.h"
#include "transport/inference/protocol.h"
#include "transport/inference/tensors.h"
#include "transport/inference/types.h"

namespace vitrine::http {
namespace {

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

void WriteStage(JsonWriter& json, std::string_view name, std::uint64_t count, std::uint64_t ns) {
  json.Key(name).BeginObject().Field("count", count).Field("ns", ns).EndObject();
}

void WriteCounts(JsonWriter& json, const serve::InferenceCounts& counts) {
  json.BeginObject().Field("name", counts.name).Field("version", counts.number);
  json.Field("last_inference", std::uint64_t(counts.last.value / 1000));
  json.Field("inference_count", counts.rows).Field("execution_count", counts.runs);
  json.Key("inference_stats").BeginObject();
  WriteStage(json, "success", counts.success, counts.success_nanoseconds);
  WriteStage(json, "fail", counts.fail, counts.fail_nanoseconds);
  WriteStage(json, "queue", counts.success, counts.stages.queue);
  WriteStage(json, "compute_input", counts.success, counts.stages.input);
  WriteStage(json, "compute_infer", counts.success, counts.stages.infer);
  WriteStage(json, "compute_output", counts.success, counts.stages.output);
  WriteStage(json, "cache_hit", counts.hits, counts.hit_nanoseconds);
  WriteStage(json, "cache_miss", counts.misses, counts.miss_nanoseconds);
  json.EndObject().Key("batch_stats").BeginArray();
  for (const auto& [rows, runs] : counts.by_rows) {
    json.BeginObject().Field("batch_size", std::uint64_t{rows});
    WriteStage(json, "compute_input", runs.count, runs.stages.input);
    WriteStage(json, "compute_infer", runs.count, runs.stages.infer);
    WriteStage(json, "compute_output", runs.count, runs.stages.output);
    json.EndObject();
  }
  json.EndArray().EndObject();
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
  const auto model = AskedModel(services, request, response);
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
  if (const auto model = AskedModel(services, request, response)) {
    JsonWriter(response.body)
        .BeginObject()
        .Field("name", serve::SplitVersion(model->version()).first)
        .Field("ready", true)
        .EndObject();
  }
}

void GetInferenceConfig(const Services& services, Request& request, Response& response) {
  const auto model = AskedModel(services, request, response);
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
      (!request.arg(0).empty() && AskedModel(services, request, response) == nullptr)) {
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
