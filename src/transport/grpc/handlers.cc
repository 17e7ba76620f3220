#include "transport/grpc/handlers.h"

#include <memory>
#include <string>
#include <string_view>

#include "serve/inference.h"
#include "transport/inference/protocol.h"
#include "transport/inference/types.h"

namespace vitrine::rpc {
namespace {

using http::Services;

std::string Text(std::string_view text) { return std::string(text); }

Status Need(const void* service, std::string_view what) {
  return service != nullptr ? Status::Ok()
                            : Unavailable("This server runs without " + std::string(what) + ".");
}

template <typename Request>
Result<std::shared_ptr<const serve::Servable>> Asked(const Services& services,
                                                     const Request& request) {
  RETURN_IF_ERROR(Need(services.inference, "inference"));
  return services.inference->Find(request.name(), request.version());
}

template <typename Tensors>
void WriteSpecs(const std::vector<TensorSpec>& specs, Tensors& tensors) {
  for (const TensorSpec& spec : specs) {
    auto& tensor = *tensors.Add();
    tensor.set_name(spec.name);
    tensor.set_datatype(Text(inference::ProtocolTypeName(spec.dtype)));
    tensor.mutable_shape()->Assign(spec.shape.begin(), spec.shape.end());
  }
}

template <typename Tensors>
void WriteConfigs(const Manifest& manifest, const std::vector<TensorSpec>& specs,
                  Tensors& tensors) {
  for (const TensorSpec& spec : specs) {
    auto& tensor = *tensors.Add();
    tensor.set_name(spec.name);
    ::inference::DataType type = ::inference::TYPE_INVALID;
    ::inference::DataType_Parse(inference::ConfigTypeName(spec.dtype), &type);
    tensor.set_data_type(type);
    const auto dims = inference::ConfigDims(manifest, spec);
    tensor.mutable_dims()->Assign(dims.begin(), dims.end());
  }
}

void WriteStage(std::uint64_t count, std::uint64_t nanoseconds,
                ::inference::StatisticDuration& stage) {
  stage.set_count(count);
  stage.set_ns(nanoseconds);
}

void WriteCounts(const serve::InferenceCounts& counts, ::inference::ModelStatistics& model) {
  model.set_name(counts.name);
  model.set_version(counts.number);
  model.set_last_inference(static_cast<std::uint64_t>(counts.last.value / 1000));
  model.set_inference_count(counts.rows);
  model.set_execution_count(counts.runs);
  ::inference::InferStatistics& stats = *model.mutable_inference_stats();
  WriteStage(counts.success, counts.success_nanoseconds, *stats.mutable_success());
  WriteStage(counts.fail, counts.fail_nanoseconds, *stats.mutable_fail());
  WriteStage(counts.success, counts.stages.queue, *stats.mutable_queue());
  WriteStage(counts.success, counts.stages.input, *stats.mutable_compute_input());
  WriteStage(counts.success, counts.stages.infer, *stats.mutable_compute_infer());
  WriteStage(counts.success, counts.stages.output, *stats.mutable_compute_output());
  WriteStage(counts.hits, counts.hit_nanoseconds, *stats.mutable_cache_hit());
  WriteStage(counts.misses, counts.miss_nanoseconds, *stats.mutable_cache_miss());
  for (const auto& [rows, runs] : counts.by_rows) {
    ::inference::InferBatchStatistics& batch = *model.add_batch_stats();
    batch.set_batch_size(rows);
    WriteStage(runs.count, runs.stages.input, *batch.mutable_compute_input());
    WriteStage(runs.count, runs.stages.infer, *batch.mutable_compute_infer());
    WriteStage(runs.count, runs.stages.output, *batch.mutable_compute_output());
  }
}

}  // namespace

Status ServerLive(const Services& /*services*/, const ::inference::ServerLiveRequest& /*request*/,
                  ::inference::ServerLiveResponse& answer) {
  answer.set_live(true);
  return Status::Ok();
}

Status ServerReady(const Services& services, const ::inference::ServerReadyRequest& /*request*/,
                   ::inference::ServerReadyResponse& answer) {
  answer.set_ready(!services.ready || services.ready().ok());
  return Status::Ok();
}

Status ModelReady(const Services& services, const ::inference::ModelReadyRequest& request,
                  ::inference::ModelReadyResponse& answer) {
  const auto model = Asked(services, request);
  answer.set_ready(model.ok());
  return model.ok() || model.status().code() == Code::kNotFound ? Status::Ok() : model.status();
}

Status ServerMetadata(const Services& services,
                      const ::inference::ServerMetadataRequest& /*request*/,
                      ::inference::ServerMetadataResponse& answer) {
  RETURN_IF_ERROR(Need(services.inference, "inference"));
  answer.set_name(Text(inference::kServerName));
  answer.set_version(services.version);
  for (const std::string_view extension : inference::kExtensions) {
    answer.add_extensions(Text(extension));
  }
  return Status::Ok();
}

Status ModelMetadata(const Services& services, const ::inference::ModelMetadataRequest& request,
                     ::inference::ModelMetadataResponse& answer) {
  ASSIGN_OR_RETURN(const auto model, Asked(services, request));
  answer.set_name(Text(serve::SplitVersion(model->version()).first));
  answer.set_platform(Text(inference::kPlatform));
  for (const serve::InferenceCounts& version :
       services.inference->Counts(request.name(), request.version())) {
    answer.add_versions(version.number);
  }
  WriteSpecs(model->graph().inputs(), *answer.mutable_inputs());
  WriteSpecs(model->graph().outputs(), *answer.mutable_outputs());
  return Status::Ok();
}

Status ModelConfig(const Services& services, const ::inference::ModelConfigRequest& request,
                   ::inference::ModelConfigResponse& answer) {
  ASSIGN_OR_RETURN(const auto model, Asked(services, request));
  ::inference::ModelConfig& config = *answer.mutable_config();
  config.set_name(Text(serve::SplitVersion(model->version()).first));
  config.set_platform(Text(inference::kPlatform));
  config.set_backend(Text(inference::kBackend));
  config.set_max_batch_size(static_cast<std::int32_t>(model->manifest().max_rows));
  WriteConfigs(model->manifest(), model->graph().inputs(), *config.mutable_input());
  WriteConfigs(model->manifest(), model->graph().outputs(), *config.mutable_output());
  return Status::Ok();
}

Status ModelStatistics(const Services& services, const ::inference::ModelStatisticsRequest& request,
                       ::inference::ModelStatisticsResponse& answer) {
  RETURN_IF_ERROR(Need(services.inference, "inference"));
  if (!request.name().empty()) {
    RETURN_IF_ERROR(Asked(services, request).status());
  }
  for (const serve::InferenceCounts& counts :
       services.inference->Counts(request.name(), request.version())) {
    WriteCounts(counts, *answer.add_model_stats());
  }
  return Status::Ok();
}

Status RepositoryIndex(const Services& services, const ::inference::RepositoryIndexRequest& request,
                       ::inference::RepositoryIndexResponse& answer) {
  RETURN_IF_ERROR(Need(services.inference, "inference"));
  for (const serve::VersionStatus& version : services.inference->Versions()) {
    const std::string_view state = inference::IndexState(version.state);
    if (request.ready() && state != "READY") {
      continue;
    }
    const auto [name, number] = serve::SplitVersion(version.version);
    auto& model = *answer.add_models();
    model.set_name(Text(name));
    model.set_version(Text(number));
    model.set_state(Text(state));
    model.set_reason(version.error);
  }
  return Status::Ok();
}

Status RepositoryModelLoad(const Services& services,
                           const ::inference::RepositoryModelLoadRequest& request,
                           ::inference::RepositoryModelLoadResponse& /*answer*/) {
  RETURN_IF_ERROR(Need(services.models, "models"));
  for (const auto& [name, value] : request.parameters()) {
    if (name == "config" || name.starts_with("file:")) {
      return Unimplemented(
          "this server loads what was imported; it takes no configuration and no files with a "
          "load");
    }
  }
  return services.models->Load(request.model_name(), 0);
}

Status RepositoryModelUnload(const Services& services,
                             const ::inference::RepositoryModelUnloadRequest& request,
                             ::inference::RepositoryModelUnloadResponse& /*answer*/) {
  RETURN_IF_ERROR(Need(services.models, "models"));
  return services.models->Unload(request.model_name());
}

}  // namespace vitrine::rpc
