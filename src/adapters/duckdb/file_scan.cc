#include "adapters/duckdb/file_scan.h"

#include <zlib.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "core/sha256.h"

namespace vitrine::duckdb {
namespace {

constexpr std::size_t kPiece = std::size_t{64} << 10;

/// Follows records through the text, as RFC 4180 ends them: a line break outside quotes.
class RecordCounter {
 public:
  RecordCounter(std::string path, const data::Source& source)
      : path_(std::move(path)),
        limit_(source.max_line_bytes),
        quoted_format_(source.format == data::FileFormat::kCsv ||
                       source.format == data::FileFormat::kTsv),
        quote_(quoted_format_ && !source.quote.empty() ? source.quote[0] : '\0'),
        delimiter_(source.delimiter.empty() ? ',' : source.delimiter[0]) {}

  Status Add(std::string_view text) {
    if (text_bytes_ == 0) {
      RETURN_IF_ERROR(CheckStart(text));
    }
    text_bytes_ += text.size();
    for (const char c : text) {
      if (c == '\0') {
        return FailedPrecondition(fmt::format(
            "{}: line {} holds a NUL byte, so this is no text file; convert it to UTF-8, or give "
            "its real format in the mapping",
            path_, line_));
      }
      if (++length_ > limit_ + 1) {
        return TooLong();
      }
      Step(c);
    }
    return Status::Ok();
  }

  [[nodiscard]] std::uint64_t text_bytes() const { return text_bytes_; }
  [[nodiscard]] std::uint64_t records() const { return records_ + (length_ > 0 ? 1 : 0); }

 private:
  Status CheckStart(std::string_view text) const {
    if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff")) {
      return FailedPrecondition(
          fmt::format("{} is UTF-16; convert it first: iconv -f UTF-16 -t UTF-8", path_));
    }
    return Status::Ok();
  }

  void Step(char c) {
    if (c == '\n') {
      ++line_;
      if (!inside_) {
        records_ += length_ > 1 ? 1 : 0;
        length_ = 0;
        record_line_ = line_;
        field_start_ = true;
        return;
      }
    }
    if (quote_ == '\0') {
      return;
    }
    if (c == quote_ && (inside_ || field_start_ || after_quote_)) {
      // A second quote right after a closing one is an escaped quote: inside again.
      after_quote_ = inside_;
      inside_ = !inside_;
    } else if (!inside_) {
      after_quote_ = false;
    }
    field_start_ = !inside_ && c == delimiter_;
  }

  [[nodiscard]] Status TooLong() const {
    const std::string cure =
        inside_ ? "a quote that opens there never closes; correct the line, or set quote = \"\" in "
                  "the mapping if quotes are plain characters"
                : "check the delimiter and line ends, or raise max_line_bytes in the mapping";
    return FailedPrecondition(
        fmt::format("{}: the record that begins on line {} is longer than {} "
                    "bytes (max_line_bytes): {}",
                    path_, record_line_, limit_, cure));
  }

  std::string path_;
  std::size_t limit_;
  bool quoted_format_;
  char quote_;
  char delimiter_;
  std::uint64_t text_bytes_ = 0, records_ = 0, line_ = 1, record_line_ = 1;
  std::size_t length_ = 0;
  bool inside_ = false, field_start_ = true, after_quote_ = false;
};

/// Inflates a stream of one or more gzip members.
class Inflater {
 public:
  Inflater() { ready_ = inflateInit2(&stream_, 16 + MAX_WBITS) == Z_OK; }
  ~Inflater() { inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  /// False where the bytes are damaged.
  template <typename Sink>
  Result<bool> Add(std::string_view bytes, const Sink& sink) {
    std::vector<char> out(kPiece);
    // zlib's interface is not const-correct; it does not write to its input.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream_.avail_in = static_cast<uInt>(bytes.size());
    while (ready_) {
      if (ended_) {
        if (stream_.avail_in == 0) {
          break;
        }
        ended_ = false;
        ready_ = inflateReset(&stream_) == Z_OK;
      }
      stream_.next_out = reinterpret_cast<Bytef*>(out.data());
      stream_.avail_out = static_cast<uInt>(out.size());
      const int code = inflate(&stream_, Z_NO_FLUSH);
      if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR) {
        return false;
      }
      RETURN_IF_ERROR(sink(std::string_view(out.data(), out.size() - stream_.avail_out)));
      ended_ = code == Z_STREAM_END;
      if (!ended_ && stream_.avail_in == 0 && stream_.avail_out > 0) {
        break;
      }
    }
    return ready_;
  }
  [[nodiscard]] bool ended() const { return ended_; }

 private:
  z_stream stream_{};
  bool ready_ = false;
  bool ended_ = false;
};

Status Damaged(const std::string& path) {
  return FailedPrecondition(
      fmt::format("{} is not a whole .gz file: it is cut off or damaged; fetch it again", path));
}

using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

/// Calls `sink` for each piece of the file.
template <typename Sink>
Status ReadPieces(const std::string& path, std::uint64_t size, const Progress& progress,
                  const Sink& sink) {
  const File file(std::fopen(path.c_str(), "rb"), std::fclose);
  if (!file) {
    return Unavailable(fmt::format("cannot open {}: {}", path, std::strerror(errno)));
  }
  std::vector<char> piece(kPiece);
  std::uint64_t done = 0;
  while (const std::size_t got = std::fread(piece.data(), 1, piece.size(), file.get())) {
    RETURN_IF_ERROR(sink(std::string_view(piece.data(), got)));
    done += got;
    if (progress.cancelled()) {
      return Cancelled("stopped on request; nothing was changed");
    }
    if (done % (kPiece * 256) < kPiece) {
      progress.report({.stage = "scan",
                       .done = static_cast<double>(done),
                       .total = static_cast<double>(size),
                       .unit = "bytes",
                       .detail = path});
    }
  }
  return std::ferror(file.get()) == 0
             ? Status::Ok()
             : Unavailable(fmt::format("cannot read {}: {}", path, std::strerror(errno)));
}

}  // namespace

Result<FileScan> ScanFile(const std::string& path, const data::Source& source,
                          const Progress& progress) {
  std::error_code error;
  FileScan out;
  out.bytes = std::filesystem::file_size(path, error);
  if (error) {
    return NotFound(fmt::format("there is no file {} that can be read", path));
  }
  if (out.bytes == 0) {
    return FailedPrecondition(fmt::format("{} is empty (0 bytes); export it again", path));
  }
  Sha256 hash;
  RecordCounter counter(path, source);
  Inflater inflater;
  const bool text = source.format != data::FileFormat::kParquet;
  const bool zipped = text && path.ends_with(".gz");
  const auto take = [&](std::string_view bytes) { return counter.Add(bytes); };
  RETURN_IF_ERROR(ReadPieces(path, out.bytes, progress, [&](std::string_view piece) -> Status {
    hash.Update(piece);
    if (!zipped) {
      return text ? take(piece) : Status::Ok();
    }
    ASSIGN_OR_RETURN(const bool whole, inflater.Add(piece, take));
    return whole ? Status::Ok() : Damaged(path);
  }));
  if (zipped && !inflater.ended()) {
    return Damaged(path);
  }
  out.sha256 = hash.Finish();
  out.text_bytes = counter.text_bytes();
  out.records = counter.records();
  if (text && out.records == 0) {
    return FailedPrecondition(fmt::format("{} holds no line of data; export it again", path));
  }
  return out;
}

}  // namespace vitrine::duckdb
