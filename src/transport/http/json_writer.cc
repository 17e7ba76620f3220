#include "transport/http/json_writer.h"

#include <charconv>
#include <cmath>
#include <variant>

namespace vitrine::http {
namespace {

// Length of the valid UTF-8 sequence at the head of `s`; 0 where there is none.
std::size_t SequenceLength(std::string_view s) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(s[i]); };
  const auto continues = [&](std::size_t i) { return i < s.size() && (at(i) & 0xC0U) == 0x80U; };
  const unsigned char first = at(0);
  if (first < 0x80) {
    return 1;
  }
  if (first >= 0xC2 && first <= 0xDF) {
    return continues(1) ? 2 : 0;
  }
  if (first >= 0xE0 && first <= 0xEF) {
    if (!continues(1) || !continues(2) || (first == 0xE0 && at(1) < 0xA0) ||
        (first == 0xED && at(1) > 0x9F)) {
      return 0;
    }
    return 3;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    if (!continues(1) || !continues(2) || !continues(3) || (first == 0xF0 && at(1) < 0x90) ||
        (first == 0xF4 && at(1) > 0x8F)) {
      return 0;
    }
    return 4;
  }
  return 0;
}

void AppendControl(std::string& out, unsigned char c) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  switch (c) {
    case '\n':
      out.append("\\n");
      return;
    case '\r':
      out.append("\\r");
      return;
    case '\t':
      out.append("\\t");
      return;
    default:
      out.append("\\u00");
      out.push_back(kHex[c >> 4]);
      out.push_back(kHex[c & 15]);
  }
}

void AppendQuoted(std::string& out, std::string_view text) {
  out.push_back('"');
  std::size_t plain = 0;  // start of what needs no escape and is not yet copied
  std::size_t i = 0;
  while (i < text.size()) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c < 0x80 && c != '"' && c != '\\') {
      ++i;
      continue;
    }
    const std::size_t length = c < 0x80 ? 1 : SequenceLength(text.substr(i));
    if (length > 1) {
      i += length;
      continue;
    }
    out.append(text.substr(plain, i - plain));
    if (length == 0) {
      out.append("\xEF\xBF\xBD");
    } else if (c < 0x20) {
      AppendControl(out, c);
    } else {
      out.push_back('\\');
      out.push_back(static_cast<char>(c));
    }
    ++i;
    plain = i;
  }
  out.append(text.substr(plain));
  out.push_back('"');
}

template <typename T>
void AppendNumber(std::string& out, T value) {
  char buffer[40];
  const auto [end, error] = std::to_chars(buffer, buffer + sizeof(buffer), value);
  out.append(buffer, end);
}

}  // namespace

void JsonWriter::Separate() {
  if (comma_) {
    out_.push_back(',');
  }
  comma_ = true;
}

JsonWriter& JsonWriter::Open(char bracket) {
  Separate();
  out_.push_back(bracket);
  comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::Close(char bracket) {
  out_.push_back(bracket);
  comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::BeginObject() { return Open('{'); }
JsonWriter& JsonWriter::EndObject() { return Close('}'); }
JsonWriter& JsonWriter::BeginArray() { return Open('['); }
JsonWriter& JsonWriter::EndArray() { return Close(']'); }

JsonWriter& JsonWriter::Key(std::string_view name) {
  Separate();
  AppendQuoted(out_, name);
  out_.push_back(':');
  comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::String(std::string_view text) {
  Separate();
  AppendQuoted(out_, text);
  return *this;
}

JsonWriter& JsonWriter::Int(std::int64_t value) {
  Separate();
  AppendNumber(out_, value);
  return *this;
}

JsonWriter& JsonWriter::Uint(std::uint64_t value) {
  Separate();
  AppendNumber(out_, value);
  return *this;
}

JsonWriter& JsonWriter::Double(double value) {
  if (!std::isfinite(value)) {
    return Null();
  }
  Separate();
  AppendNumber(out_, value);
  return *this;
}

JsonWriter& JsonWriter::Float(float value) {
  if (!std::isfinite(value)) {
    return Null();
  }
  Separate();
  AppendNumber(out_, value);
  return *this;
}

JsonWriter& JsonWriter::Bool(bool value) { return Raw(value ? "true" : "false"); }
JsonWriter& JsonWriter::Null() { return Raw("null"); }
JsonWriter& JsonWriter::Time(Micros time) { return String(FormatIso(time)); }

JsonWriter& JsonWriter::Value(const Attribute& attribute) {
  if (const auto* flag = std::get_if<bool>(&attribute)) {
    return Bool(*flag);
  }
  if (const auto* number = std::get_if<double>(&attribute)) {
    return Double(*number);
  }
  if (const auto* text = std::get_if<std::string>(&attribute)) {
    return String(*text);
  }
  BeginArray();
  for (const std::string& word : std::get<std::vector<std::string>>(attribute)) {
    String(word);
  }
  return EndArray();
}

JsonWriter& JsonWriter::Raw(std::string_view json) {
  Separate();
  out_.append(json);
  return *this;
}

}  // namespace vitrine::http
