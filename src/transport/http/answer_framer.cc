#include "transport/http/answer_framer.h"

#include <algorithm>

#include "transport/http/client_wire.h"
#include "transport/http/message.h"

namespace vitrine::http {
namespace {

constexpr std::size_t kMaxHead = 64 * 1024;
constexpr std::size_t kMaxLine = 4 * 1024;
constexpr std::string_view kHeadEnd = "\r\n\r\n";

}  // namespace

void AnswerFramer::Begin(bool to_head) {
  part_ = Part::kHead;
  to_head_ = to_head;
  text_.clear();
}

AnswerFramer::Progress AnswerFramer::Take(std::string_view bytes) {
  while (!bytes.empty()) {
    switch (part_) {
      case Part::kHead:
        if (!TakeHead(bytes)) {
          return Progress::kGarbled;
        }
        break;
      case Part::kBody:
      case Part::kChunk: {
        const std::uint64_t taken = std::min<std::uint64_t>(left_, bytes.size());
        bytes.remove_prefix(taken);
        left_ -= taken;
        if (left_ == 0) {
          part_ = part_ == Part::kBody ? Part::kDone : Part::kChunkEnd;
        }
        break;
      }
      case Part::kChunkLine:
      case Part::kChunkEnd:
      case Part::kTrailer:
        if (!TakeLine(bytes)) {
          return Progress::kGarbled;
        }
        break;
      case Part::kDone:
        return Progress::kGarbled;
    }
  }
  return part_ == Part::kDone ? Progress::kWhole : Progress::kMore;
}

bool AnswerFramer::TakeHead(std::string_view& bytes) {
  const std::size_t before = text_.size();
  text_.append(bytes.substr(0, kMaxHead));
  const std::size_t overlap = std::min(before, kHeadEnd.size() - 1);
  const std::size_t end = text_.find(kHeadEnd, before - overlap);
  if (end == std::string::npos) {
    bytes.remove_prefix(text_.size() - before);
    return text_.size() <= kMaxHead;
  }
  bytes.remove_prefix(end + kHeadEnd.size() - before);
  text_.resize(end);
  const bool sound = ReadHead();
  text_.clear();
  return sound;
}

bool AnswerFramer::ReadHead() {
  const std::string_view head = text_;
  std::size_t eol = head.find("\r\n");
  const std::string_view first = head.substr(0, eol);
  const auto status = first.starts_with("HTTP/1.") && first.size() >= 12
                          ? LeadingNumber(first.substr(9, 3), 10)
                          : std::nullopt;
  if (!status || *status < 100) {
    return false;
  }
  status_ = static_cast<int>(*status);
  keeps_open_ = first[7] != '0';
  chunked_ = false;
  has_length_ = false;
  left_ = 0;
  while (eol != std::string_view::npos) {
    const std::size_t begin = eol + 2;
    eol = head.find("\r\n", begin);
    ReadField(head.substr(begin, eol - begin));
  }
  if (status_ < 200) {
    return status_ != 101;  // an interim answer: the real one follows
  }
  if (to_head_ || status_ == 204 || status_ == 304) {
    part_ = Part::kDone;
  } else if (chunked_) {
    part_ = Part::kChunkLine;
  } else {
    part_ = left_ == 0 ? Part::kDone : Part::kBody;
    return has_length_;
  }
  return true;
}

void AnswerFramer::ReadField(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) {
    return;
  }
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = TrimBlanks(line.substr(colon + 1));
  if (EqualNoCase(name, "Content-Length")) {
    const auto length = LeadingNumber(value, 10);
    has_length_ = length.has_value();
    left_ = length.value_or(0);
  } else if (EqualNoCase(name, "Transfer-Encoding")) {
    chunked_ = EqualNoCase(value, "chunked");
  } else if (EqualNoCase(name, "Connection")) {
    keeps_open_ = EqualNoCase(value, "keep-alive") || (keeps_open_ && !EqualNoCase(value, "close"));
  }
}

bool AnswerFramer::TakeLine(std::string_view& bytes) {
  const std::size_t eol = bytes.find('\n');
  text_.append(bytes.substr(0, std::min(eol, kMaxLine)));
  bytes.remove_prefix(eol == std::string_view::npos ? bytes.size() : eol + 1);
  if (text_.size() > kMaxLine) {
    return false;
  }
  if (eol == std::string_view::npos) {
    return true;
  }
  const bool sound = EndLine();
  text_.clear();
  return sound;
}

bool AnswerFramer::EndLine() {
  const std::string_view line =
      std::string_view(text_).substr(0, text_.size() - (text_.ends_with('\r') ? 1 : 0));
  if (part_ == Part::kChunkLine) {
    const auto size = LeadingNumber(line, 16);
    left_ = size.value_or(0);
    part_ = left_ == 0 ? Part::kTrailer : Part::kChunk;
    return size.has_value();
  }
  if (part_ == Part::kChunkEnd) {
    part_ = Part::kChunkLine;
    return line.empty();
  }
  if (line.empty()) {  // the trailer's end
    part_ = Part::kDone;
  }
  return true;
}

}  // namespace vitrine::http
