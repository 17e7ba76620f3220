#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "core/check.h"
#include "fuzz/targets.h"
#include "transport/http/content_coding.h"
#include "transport/http/inference_body.h"
#include "transport/http/request_parser.h"
#include "transport/http/row_fields.h"

namespace vitrine::fuzz {
namespace {

using http::RequestParser;

/// Small, so that inputs of a fuzzer's size reach every one of them.
constexpr http::FramingLimits kLimits{
    .head_bytes = 512, .head_fields = 8, .target_bytes = 128, .body_bytes = 1024};
constexpr std::size_t kMostUnpacked = 1 << 20;

/// What came of a connection's bytes.
struct Read {
  std::vector<std::string> bodies;
  int status = 0;  ///< of the error that ended it; 0: it waits for more
};

/// However a network cuts it, a client means the same: the same bodies are taken, and pieces are refused only where
/// the whole is. Of several faults another one may be named first, and a head that is not whole yet may be refused
/// at once where it came in one piece, and at its end where it came in several.
bool MeanTheSame(const Read& whole, const Read& pieces) {
  return pieces.bodies == whole.bodies && (whole.status != 0 || pieces.status == 0);
}

/// Feeds `piece` bytes more each time, as a socket may give them.
Read ReadAll(std::string_view bytes, std::size_t piece) {
  Read read;
  RequestParser parser(kLimits);
  http::Request request;
  parser.Start(request);
  std::size_t begin = 0;
  std::size_t end = 0;
  for (;;) {
    std::size_t consumed = 0;
    const RequestParser::State state = parser.Feed(bytes.substr(begin, end - begin), consumed);
    CHECK(consumed <= end - begin);
    begin += consumed;
    if (state == RequestParser::State::kError) {
      read.status = parser.error().status;
      CHECK(read.status >= 400 && read.status < 600);
      return read;
    }
    if (state == RequestParser::State::kDone) {
      CHECK(request.body().size() <= kLimits.body_bytes);
      read.bodies.emplace_back(request.body());
      parser.Start(request);
      continue;
    }
    if (state == RequestParser::State::kHead) {
      continue;
    }
    if (end == bytes.size()) {
      return read;
    }
    end = std::min(end + piece, bytes.size());
  }
}

/// With the padding that a request's buffer has.
std::string Padded(std::string_view bytes, std::size_t padding) {
  std::string padded;
  padded.reserve(bytes.size() + padding);
  padded = bytes;
  return padded;
}

std::size_t Number(std::string_view& bytes, std::size_t width) {
  std::size_t number = 0;
  for (std::size_t i = 0; i < width && !bytes.empty(); ++i) {
    number = number * 256 + static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
  }
  return number;
}

}  // namespace

void HttpRequest(std::string_view bytes) {
  const Read whole = ReadAll(bytes, bytes.size() + 1);
  CHECK(MeanTheSame(whole, ReadAll(bytes, 1)));
  CHECK(MeanTheSame(whole, ReadAll(bytes, 7)));
}

void InferenceBody(std::string_view bytes) {
  const std::size_t json_bytes = std::min(Number(bytes, 2), bytes.size());
  const std::string body = Padded(bytes, http::Request::kBodyPadding);
  http::InferenceBody read;
  const Status status = http::ReadInference(std::string_view(body.data(), bytes.size()), json_bytes,
                                            bytes.size() + http::Request::kBodyPadding, read);
  CHECK(status.ok() || status.code() == Code::kInvalidArgument ||
        status.code() == Code::kUnimplemented);
  if (status.ok()) {  // what was read can be written: the inputs come back as a model's outputs
    std::string answer;
    const auto written = http::WriteInference("m", "1", read, read.inputs, answer);
    CHECK(written.ok() || written.status().code() == Code::kInvalidArgument);
  }
}

void RawInference(std::string_view bytes) {
  static const std::array<TensorSpec, 6> kInputs = {{{"x", DType::kFloat32, {-1, 3}},
                                                     {"x", DType::kInt64, {-1, -1}},
                                                     {"x", DType::kString, {-1}},
                                                     {"x", DType::kString, {2, -1}},
                                                     {"x", DType::kFloat16, {}},
                                                     {"x", DType::kBool, {4}}}};
  const TensorSpec& input = kInputs[Number(bytes, 1) % kInputs.size()];
  http::InferenceBody read;
  const Status status = http::ReadRawInference(bytes, {input}, read);
  CHECK(status.ok() || status.code() == Code::kInvalidArgument);
  if (status.ok()) {
    CHECK(read.inputs.size() == 1 && read.inputs[0].bytes().size() == bytes.size());
  }
}

void PackedBody(std::string_view bytes) {
  const bool gzip = Number(bytes, 1) % 2 == 0;
  const auto coding = gzip ? http::ContentCoding::kGzip : http::ContentCoding::kDeflate;
  std::string out;
  const Status status =
      http::Decode(coding, bytes, kMostUnpacked, http::Request::kBodyPadding, out);
  CHECK(!status.ok() || out.size() <= kMostUnpacked);
  CHECK(status.ok() || status.code() == Code::kInvalidArgument ||
        status.code() == Code::kOutOfRange);
  std::string packed;
  CHECK(http::Encode(coding, bytes, packed).ok());
  CHECK(http::Decode(coding, packed, bytes.size(), http::Request::kBodyPadding, out).ok());
  CHECK(out == bytes);
}

void RowsBody(std::string_view bytes) {
  const std::size_t kind = Number(bytes, 1) % 3;
  constexpr std::array<std::string_view, 3> kLists = {"events", "items", "users"};
  const std::string text =
      "POST /v1/rows HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(bytes.size()) +
      "\r\n\r\n" + std::string(bytes);
  http::Request request;
  RequestParser parser({});
  parser.Start(request);
  RequestParser::State state = RequestParser::State::kNeedMore;
  for (std::size_t at = 0; state != RequestParser::State::kDone;) {
    std::size_t consumed = 0;
    state = parser.Feed(std::string_view(text).substr(at), consumed);
    at += consumed;
    CHECK(state == RequestParser::State::kHead || state == RequestParser::State::kDone);
  }
  http::FieldReader reader;
  const auto row = [&](std::size_t /*index*/, http::ondemand::object* object) {
    http::RowTime time;
    if (object != nullptr && kind == 0) {
      Event event;
      http::ReadEvent(reader, *object, event, time);
    } else if (object != nullptr && kind == 1) {
      Item item;
      http::ReadItem(reader, *object, item, time);
    } else if (object != nullptr) {
      User user;
      http::ReadUser(reader, *object, user, time);
    }
    reader.NextRow();
  };
  const Status status = http::ReadRows(request, kLists[kind], 16, reader, row);
  CHECK(status.ok() || status.code() == Code::kInvalidArgument ||
        status.code() == Code::kOutOfRange);
}

}  // namespace vitrine::fuzz
