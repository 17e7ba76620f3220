#include "evaluate/json_cursor.h"

#include <charconv>

namespace vitrine::evaluate {
namespace {

constexpr int kDeepestNesting = 64;

void AppendUtf8(std::string& out, std::uint32_t point) {
  const auto put = [&out](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (point < 0x80) {
    put(point);
  } else if (point < 0x800) {
    put(0xC0 | (point >> 6U));
    put(0x80 | (point & 0x3FU));
  } else if (point < 0x10000) {
    put(0xE0 | (point >> 12U));
    put(0x80 | ((point >> 6U) & 0x3FU));
    put(0x80 | (point & 0x3FU));
  } else {
    put(0xF0 | (point >> 18U));
    put(0x80 | ((point >> 12U) & 0x3FU));
    put(0x80 | ((point >> 6U) & 0x3FU));
    put(0x80 | (point & 0x3FU));
  }
}

}  // namespace

void JsonCursor::SkipSpace() {
  while (at_ < text_.size() &&
         (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\r' || text_[at_] == '\n')) {
    ++at_;
  }
}

bool JsonCursor::Take(char c) {
  SkipSpace();
  if (at_ == text_.size() || text_[at_] != c) {
    return false;
  }
  ++at_;
  return true;
}

bool JsonCursor::AtEnd() {
  SkipSpace();
  return at_ == text_.size();
}

bool JsonCursor::ReadHex4(std::uint32_t& out) {
  if (text_.size() - at_ < 4) {
    return false;
  }
  const char* first = text_.data() + at_;
  const auto [stop, error] = std::from_chars(first, first + 4, out, 16);
  at_ += 4;
  return error == std::errc() && stop == first + 4;
}

bool JsonCursor::ReadEscape(std::string& out) {
  if (at_ == text_.size()) {
    return false;
  }
  constexpr std::string_view kNames = "\"\\/bfnrt";
  constexpr std::string_view kBytes = "\"\\/\b\f\n\r\t";
  const char c = text_[at_++];
  if (const std::size_t known = kNames.find(c); known != std::string_view::npos) {
    out += kBytes[known];
    return true;
  }
  std::uint32_t point = 0;
  if (c != 'u' || !ReadHex4(point)) {
    return false;
  }
  if (point >= 0xD800 && point < 0xDC00) {  // the first half of a pair
    std::uint32_t low = 0;
    if (!text_.substr(at_).starts_with("\\u")) {
      return false;
    }
    at_ += 2;
    if (!ReadHex4(low) || low < 0xDC00 || low > 0xDFFF) {
      return false;
    }
    point = 0x10000 + ((point - 0xD800) << 10U) + (low - 0xDC00);
  } else if (point >= 0xDC00 && point < 0xE000) {
    return false;
  }
  AppendUtf8(out, point);
  return true;
}

bool JsonCursor::ReadString(std::string& out) {
  out.clear();
  if (!Take('"')) {
    return false;
  }
  while (at_ < text_.size()) {
    const std::size_t start = at_;
    while (at_ < text_.size() && text_[at_] != '"' && text_[at_] != '\\' &&
           static_cast<unsigned char>(text_[at_]) >= 0x20) {
      ++at_;
    }
    out.append(text_, start, at_ - start);
    if (at_ == text_.size() || static_cast<unsigned char>(text_[at_]) < 0x20) {
      return false;
    }
    if (text_[at_++] == '"') {
      return true;
    }
    if (!ReadEscape(out)) {
      return false;
    }
  }
  return false;
}

bool JsonCursor::ReadInteger(std::int64_t& out) {
  SkipSpace();
  const char* first = text_.data() + at_;
  const auto [stop, error] = std::from_chars(first, text_.data() + text_.size(), out);
  if (error != std::errc() ||
      (stop != text_.data() + text_.size() && (*stop == '.' || *stop == 'e' || *stop == 'E'))) {
    return false;
  }
  at_ += static_cast<std::size_t>(stop - first);
  return true;
}

bool JsonCursor::SkipValue() { return SkipNested(0); }

bool JsonCursor::SkipNested(int depth) {
  SkipSpace();
  if (at_ == text_.size() || depth > kDeepestNesting) {
    return false;
  }
  std::string ignored;
  const char c = text_[at_];
  if (c == '"') {
    return ReadString(ignored);
  }
  if (c != '{' && c != '[') {
    const std::size_t start = at_;
    while (at_ < text_.size() &&
           std::string_view(",]} \t\r\n").find(text_[at_]) == std::string_view::npos) {
      ++at_;
    }
    return at_ > start;
  }
  ++at_;
  const char close = c == '{' ? '}' : ']';
  if (Take(close)) {
    return true;
  }
  do {
    if (c == '{' && (!ReadString(ignored) || !Take(':'))) {
      return false;
    }
    if (!SkipNested(depth + 1)) {
      return false;
    }
  } while (Take(','));
  return Take(close);
}

void AppendJsonString(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20) {
      out += "\\u00";
      out += kHex[byte >> 4U];
      out += kHex[byte & 0xFU];
    } else {
      out += c;
    }
  }
  out += '"';
}

}  // namespace vitrine::evaluate
