/// Messages as they lie on the wire: protobuf, maybe packed. Internal. Threads: functions.
#pragma once

#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/codegen/config_protobuf.h>

#include <cstddef>
#include <string_view>

#include "core/status.h"

namespace vitrine::rpc {

/// How an error of ours goes to the caller: the same code. Failures of the server are named by an id alone.
grpc::Status ToGrpc(const Status& status);

/// Replaces a packed message (gzip, deflate) by what it holds. gRPC's own unpacking has no bound before the whole
/// message is in memory, so it is switched off. Packed ones are known by their first bytes, which no message of the
/// protocol begins with: gRPC does not hand out the flag of the frame.
/// Errors: kInvalidArgument (packed, but damaged), kResourceExhausted (more than `limit` bytes).
Status Unpack(grpc::ByteBuffer& message, std::size_t limit);

/// Reads and empties `bytes`. Errors: kInvalidArgument (not such a message).
Status Parse(grpc::ByteBuffer& bytes, grpc::protobuf::MessageLite& message);

/// Errors: kInternal (2 GiB and more).
Status Serialize(const grpc::protobuf::MessageLite& message, grpc::ByteBuffer& bytes);

/// Of an accept-encoding entry of the metadata: what the answer is to be packed with.
grpc_compression_algorithm AnswerPacking(std::string_view accepted);

}  // namespace vitrine::rpc
