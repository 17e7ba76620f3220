#include "transport/grpc/wire.h"

#include <grpcpp/support/proto_buffer_reader.h>
#include <grpcpp/support/proto_buffer_writer.h>

#include <limits>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "transport/http/content_coding.h"
#include "transport/http/request_id.h"

namespace vitrine::rpc {
namespace {

using http::ContentCoding;

constexpr int kBlockBytes = 1 << 20;

ContentCoding PackingOf(grpc::ByteBuffer& message) {
  grpc::ProtoBufferReader reader(&message);
  const void* data = nullptr;
  int size = 0;
  if (message.Length() < 2 || !reader.Next(&data, &size) || size < 2) {
    return ContentCoding::kIdentity;
  }
  const auto* bytes = static_cast<const unsigned char*>(data);
  if (bytes[0] == 0x1F && bytes[1] == 0x8B) {
    return ContentCoding::kGzip;
  }
  // RFC 1950: a window of 32 KiB, and a check that makes the first two bytes a multiple of 31.
  return bytes[0] == 0x78 && (bytes[0] * 256 + bytes[1]) % 31 == 0 ? ContentCoding::kDeflate
                                                                   : ContentCoding::kIdentity;
}

/// A slice that owns a text, without another copy.
grpc::Slice SliceOf(std::string text) {
  auto* kept = new std::string(std::move(text));
  return {kept->data(), kept->size(), [](void* owner) { delete static_cast<std::string*>(owner); },
          kept};
}

}  // namespace

grpc::Status ToGrpc(const Status& status) {
  if (status.ok()) {
    return grpc::Status::OK;
  }
  const auto code = static_cast<grpc::StatusCode>(status.code());
  if (status.code() == Code::kInternal || status.code() == Code::kUnknown ||
      status.code() == Code::kDataLoss) {
    std::string id;
    http::MakeRequestId(id);
    return {grpc::StatusCode::INTERNAL,
            fmt::format("The server failed on this request. (request {})", id)};
  }
  return {code, status.message()};
}

Status Unpack(grpc::ByteBuffer& message, std::size_t limit) {
  const ContentCoding coding = PackingOf(message);
  if (coding == ContentCoding::kIdentity) {
    return Status::Ok();
  }
  grpc::Slice packed;
  if (!message.DumpToSingleSlice(&packed).ok()) {
    return Internal("a message cannot be read");
  }
  const std::string_view bytes(reinterpret_cast<const char*>(packed.begin()), packed.size());
  std::string unpacked;
  const Status done = http::Decode(coding, bytes, limit, 0, unpacked);
  if (done.code() == Code::kOutOfRange) {
    return ResourceExhausted(
        fmt::format("the message has more than {} bytes when it is unpacked", limit));
  }
  RETURN_IF_ERROR(done);
  const grpc::Slice slice = SliceOf(std::move(unpacked));
  message = grpc::ByteBuffer(&slice, 1);
  return Status::Ok();
}

Status Parse(grpc::ByteBuffer& bytes, grpc::protobuf::MessageLite& message) {
  grpc::ProtoBufferReader reader(&bytes);
  const bool read = message.ParseFromZeroCopyStream(&reader) && reader.status().ok();
  bytes.Clear();
  return read
             ? Status::Ok()
             : InvalidArgument(fmt::format("the message is not a valid {}", message.GetTypeName()));
}

Status Serialize(const grpc::protobuf::MessageLite& message, grpc::ByteBuffer& bytes) {
  const std::size_t size = message.ByteSizeLong();
  if (size > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
    return Internal("an answer of 2 GiB or more");
  }
  bytes.Clear();
  if (size == 0) {
    const grpc::Slice nothing;
    bytes = grpc::ByteBuffer(&nothing, 1);
    return Status::Ok();
  }
  grpc::ProtoBufferWriter writer(&bytes, kBlockBytes, static_cast<int>(size));
  return message.SerializeToZeroCopyStream(&writer) ? Status::Ok()
                                                    : Internal("an answer cannot be written");
}

grpc_compression_algorithm AnswerPacking(std::string_view accepted) {
  switch (http::AcceptedCoding(accepted)) {
    case ContentCoding::kGzip:
      return GRPC_COMPRESS_GZIP;
    case ContentCoding::kDeflate:
      return GRPC_COMPRESS_DEFLATE;
    case ContentCoding::kIdentity:
      break;
  }
  return GRPC_COMPRESS_NONE;
}

}  // namespace vitrine::rpc
