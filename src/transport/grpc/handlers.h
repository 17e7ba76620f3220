/// What answers each call but inference. Internal. Threads: any.
/// Errors, of those that name a model: kNotFound (what is loaded of that name), kUnavailable (this server runs
///         without it).
#pragma once

#include "core/status.h"
#include "transport/http/services.h"
#include "vitrine_inference/inference.pb.h"

namespace vitrine::rpc {

Status ServerLive(const http::Services& services, const ::inference::ServerLiveRequest& request,
                  ::inference::ServerLiveResponse& answer);
Status ServerReady(const http::Services& services, const ::inference::ServerReadyRequest& request,
                   ::inference::ServerReadyResponse& answer);
/// False, and no error, for a version that is not loaded: clients ask until it is.
Status ModelReady(const http::Services& services, const ::inference::ModelReadyRequest& request,
                  ::inference::ModelReadyResponse& answer);
Status ServerMetadata(const http::Services& services,
                      const ::inference::ServerMetadataRequest& request,
                      ::inference::ServerMetadataResponse& answer);
Status ModelMetadata(const http::Services& services,
                     const ::inference::ModelMetadataRequest& request,
                     ::inference::ModelMetadataResponse& answer);
Status ModelConfig(const http::Services& services, const ::inference::ModelConfigRequest& request,
                   ::inference::ModelConfigResponse& answer);
Status ModelStatistics(const http::Services& services,
                       const ::inference::ModelStatisticsRequest& request,
                       ::inference::ModelStatisticsResponse& answer);
Status RepositoryIndex(const http::Services& services,
                       const ::inference::RepositoryIndexRequest& request,
                       ::inference::RepositoryIndexResponse& answer);
/// Errors also: kUnimplemented (a configuration or files in the parameters).
Status RepositoryModelLoad(const http::Services& services,
                           const ::inference::RepositoryModelLoadRequest& request,
                           ::inference::RepositoryModelLoadResponse& answer);
Status RepositoryModelUnload(const http::Services& services,
                             const ::inference::RepositoryModelUnloadRequest& request,
                             ::inference::RepositoryModelUnloadResponse& answer);

}  // namespace vitrine::rpc
