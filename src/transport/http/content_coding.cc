#include "transport/http/content_coding.h"

#include <zlib.h>
#include <algorithm>

#include <fmt/format.h>

#include "transport/http/message.h"

namespace vitrine::http {
namespace {

constexpr int kGzipWindow = 15 + 16;  // zlib's words for "with a gzip header"
constexpr int kZlibWindow = 15;
constexpr std::size_t kFirstStep = 64 * 1024;

int WindowOf(ContentCoding coding) {
  return coding == ContentCoding::kGzip ? kGzipWindow : kZlibWindow;
}

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) {
    text.remove_prefix(1);
  }
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) {
    text.remove_suffix(1);
  }
  return text;
}

/// zlib takes no const input, and does not write to it.
Bytef* Input(std::string_view body) {
  return reinterpret_cast<Bytef*>(const_cast<char*>(body.data()));
}

}  // namespace

std::optional<ContentCoding> ContentCodingOf(std::string_view header) {
  header = Trimmed(header);
  if (header.empty() || EqualNoCase(header, "identity")) {
    return ContentCoding::kIdentity;
  }
  if (EqualNoCase(header, "gzip") || EqualNoCase(header, "x-gzip")) {
    return ContentCoding::kGzip;
  }
  if (EqualNoCase(header, "deflate")) {
    return ContentCoding::kDeflate;
  }
  return std::nullopt;
}

ContentCoding AcceptedCoding(std::string_view header) {
  while (!header.empty()) {
    const std::size_t comma = header.find(',');
    std::string_view one = header.substr(0, comma);
    header = comma == std::string_view::npos ? std::string_view() : header.substr(comma + 1);
    const std::size_t weight = one.find(';');
    if (weight != std::string_view::npos && Trimmed(one.substr(weight + 1)) == "q=0") {
      continue;
    }
    one = Trimmed(one.substr(0, weight));
    if (const auto coding = ContentCodingOf(one);
        coding && *coding != ContentCoding::kIdentity && !one.empty()) {
      return *coding;
    }
  }
  return ContentCoding::kIdentity;
}

std::string_view ContentCodingName(ContentCoding coding) {
  switch (coding) {
    case ContentCoding::kGzip:
      return "gzip";
    case ContentCoding::kDeflate:
      return "deflate";
    case ContentCoding::kIdentity:
      break;
  }
  return "";
}

Status Decode(ContentCoding coding, std::string_view body, std::size_t limit, std::size_t padding,
              std::string& out) {
  z_stream stream{};
  if (inflateInit2(&stream, WindowOf(coding)) != Z_OK) {
    return Internal("zlib did not start");
  }
  stream.next_in = Input(body);
  stream.avail_in = static_cast<uInt>(body.size());
  // One byte more than may come: a full buffer hides from zlib's caller whether the end has come.
  const std::size_t most = limit + 1;
  out.resize(std::min(most, std::max(kFirstStep, 2 * body.size())));
  std::size_t done = 0;
  int result = Z_OK;
  while (result == Z_OK) {
    if (done == out.size()) {
      if (out.size() >= most) {
        break;
      }
      out.resize(std::min(most, 2 * out.size()));
    }
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + done);
    stream.avail_out = static_cast<uInt>(out.size() - done);
    result = inflate(&stream, Z_NO_FLUSH);
    done = out.size() - stream.avail_out;
  }
  const bool rest = stream.avail_in > 0;
  inflateEnd(&stream);
  if (done > limit) {
    return {Code::kOutOfRange,
            fmt::format("the body is larger than {} bytes once it is unpacked", limit)};
  }
  if (result != Z_STREAM_END || rest) {
    return InvalidArgument(
        fmt::format("the body is not {}, or it was cut off", ContentCodingName(coding)));
  }
  out.resize(done);
  out.reserve(done + padding);
  return Status::Ok();
}

Status Encode(ContentCoding coding, std::string_view body, std::string& out) {
  z_stream stream{};
  if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, WindowOf(coding), 8, Z_DEFAULT_STRATEGY) !=
      Z_OK) {
    return Internal("zlib did not start");
  }
  out.resize(deflateBound(&stream, body.size()));
  stream.next_in = Input(body);
  stream.avail_in = static_cast<uInt>(body.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int result = deflate(&stream, Z_FINISH);
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  return result == Z_STREAM_END ? Status::Ok() : Internal("zlib did not finish");
}

}  // namespace vitrine::http
