/// The calls of inference.GRPCInferenceService: who may make each, where it runs, what answers it. Internal.
#pragma once

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <span>
#include <string_view>

#include "core/status.h"
#include "transport/http/auth.h"
#include "transport/http/services.h"

namespace vitrine::rpc {

struct Method {
  enum class Kind : std::uint8_t {
    kInline,  ///< `answer` runs on the queue's thread: it never waits
    kPool,    ///< `answer` runs on the pool
    kInfer,
    kStream,
    kNotSpoken,  ///< refused by kUnimplemented with the reason; its message is not read
  };
  std::string_view name;
  http::Permission permission = http::Permission::kServe;
  Kind kind = Kind::kInline;
  /// Message in, message out; null for the last three kinds.
  Status (*answer)(const http::Services& services, grpc::ByteBuffer& in,
                   grpc::ByteBuffer& out) = nullptr;
  std::string_view reason;  ///< of kNotSpoken
};

std::span<const Method> Methods();
/// Of "/inference.GRPCInferenceService/NAME"; null where there is none.
const Method* FindMethod(std::string_view path);

}  // namespace vitrine::rpc
