#include "transport/grpc/methods.h"

#include <algorithm>
#include <array>

#include "transport/grpc/handlers.h"
#include "transport/grpc/wire.h"

namespace vitrine::rpc {
namespace {

using http::Permission;
using Kind = Method::Kind;

constexpr std::string_view kService = "/inference.GRPCInferenceService/";
constexpr std::string_view kNoSharedMemory = "this server has no shared memory; send the tensors";

template <typename Request, typename Answer>
Status Respond(Status (*function)(const http::Services&, const Request&, Answer&),
               const http::Services& services, grpc::ByteBuffer& in, grpc::ByteBuffer& out) {
  Request request;
  RETURN_IF_ERROR(Parse(in, request));
  Answer answer;
  RETURN_IF_ERROR(function(services, request, answer));
  return Serialize(answer, out);
}

/// A function of messages as one of bytes.
template <auto kFunction>
Status Unary(const http::Services& services, grpc::ByteBuffer& in, grpc::ByteBuffer& out) {
  return Respond(kFunction, services, in, out);
}

// Permissions are those of the HTTP routes that do the same (transport/http/routes.cc).
constexpr std::array kMethods = {
    Method{"ServerLive", Permission::kPublic, Kind::kInline, Unary<ServerLive>, {}},
    Method{"ServerReady", Permission::kPublic, Kind::kInline, Unary<ServerReady>, {}},
    Method{"ModelReady", Permission::kServe, Kind::kInline, Unary<ModelReady>, {}},
    Method{"ServerMetadata", Permission::kServe, Kind::kInline, Unary<ServerMetadata>, {}},
    Method{"ModelMetadata", Permission::kServe, Kind::kInline, Unary<ModelMetadata>, {}},
    Method{"ModelInfer", Permission::kServe, Kind::kInfer, nullptr, {}},
    Method{"ModelStreamInfer", Permission::kServe, Kind::kStream, nullptr, {}},
    Method{"ModelConfig", Permission::kServe, Kind::kInline, Unary<ModelConfig>, {}},
    Method{"ModelStatistics", Permission::kServe, Kind::kInline, Unary<ModelStatistics>, {}},
    Method{"RepositoryIndex", Permission::kAdmin, Kind::kInline, Unary<RepositoryIndex>, {}},
    Method{"RepositoryModelLoad", Permission::kAdmin, Kind::kPool, Unary<RepositoryModelLoad>, {}},
    Method{
        "RepositoryModelUnload", Permission::kAdmin, Kind::kPool, Unary<RepositoryModelUnload>, {}},
    Method{"SystemSharedMemoryStatus", Permission::kServe, Kind::kNotSpoken, nullptr,
           kNoSharedMemory},
    Method{"SystemSharedMemoryRegister", Permission::kServe, Kind::kNotSpoken, nullptr,
           kNoSharedMemory},
    Method{"SystemSharedMemoryUnregister", Permission::kServe, Kind::kNotSpoken, nullptr,
           kNoSharedMemory},
    Method{"CudaSharedMemoryStatus", Permission::kServe, Kind::kNotSpoken, nullptr,
           kNoSharedMemory},
    Method{"CudaSharedMemoryRegister", Permission::kServe, Kind::kNotSpoken, nullptr,
           kNoSharedMemory},
    Method{"CudaSharedMemoryUnregister", Permission::kServe, Kind::kNotSpoken, nullptr,
           kNoSharedMemory},
    Method{"TraceSetting", Permission::kServe, Kind::kNotSpoken, nullptr,
           "this server writes no traces"},
    Method{"LogSettings", Permission::kServe, Kind::kNotSpoken, nullptr,
           "this server's log cannot be set over the network"},
};

}  // namespace

std::span<const Method> Methods() { return kMethods; }

const Method* FindMethod(std::string_view path) {
  if (!path.starts_with(kService)) {
    return nullptr;
  }
  const std::string_view name = path.substr(kService.size());
  const auto* found = std::find_if(kMethods.begin(), kMethods.end(),
                                   [name](const Method& method) { return method.name == name; });
  return found == kMethods.end() ? nullptr : found;
}

}  // namespace vitrine::rpc
