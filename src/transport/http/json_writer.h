/// Append-only JSON writer into one buffer that the caller owns and reuses. Commas are placed by
/// the writer; numbers are written by to_chars (shortest text that reads back the same).
/// Threads: a value; one writer at a time per buffer.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/catalogue.h"
#include "core/time.h"

namespace vitrine::http {

class JsonWriter {
 public:
  /// Appends to `out`, which must outlive the writer.
  explicit JsonWriter(std::string& out) : out_(out) {}

  JsonWriter& BeginObject();
  JsonWriter& EndObject();
  JsonWriter& BeginArray();
  JsonWriter& EndArray();
  JsonWriter& Key(std::string_view name);

  /// Invalid UTF-8 becomes U+FFFD, so that the output is always JSON.
  JsonWriter& String(std::string_view text);
  JsonWriter& Int(std::int64_t value);
  JsonWriter& Uint(std::uint64_t value);
  /// Not a number and infinities become null.
  JsonWriter& Double(double value);
  /// The shortest text that reads back as the same float.
  JsonWriter& Float(float value);
  JsonWriter& Bool(bool value);
  JsonWriter& Null();
  /// ISO 8601 in UTC.
  JsonWriter& Time(Micros time);
  JsonWriter& Value(const Attribute& attribute);
  /// Already JSON.
  JsonWriter& Raw(std::string_view json);

  JsonWriter& Field(std::string_view name, std::string_view text) { return Key(name).String(text); }
  JsonWriter& Field(std::string_view name, const char* text) { return Key(name).String(text); }
  JsonWriter& Field(std::string_view name, const std::string& text) {
    return Key(name).String(text);
  }
  JsonWriter& Field(std::string_view name, double value) { return Key(name).Double(value); }
  JsonWriter& Field(std::string_view name, bool value) { return Key(name).Bool(value); }
  JsonWriter& Field(std::string_view name, int value) { return Key(name).Int(value); }
  JsonWriter& Field(std::string_view name, std::int64_t value) { return Key(name).Int(value); }
  JsonWriter& Field(std::string_view name, std::uint64_t value) { return Key(name).Uint(value); }
  JsonWriter& Field(std::string_view name, Micros value) { return Key(name).Time(value); }
  /// Leaves the member out where the text is empty.
  JsonWriter& FieldIfAny(std::string_view name, std::string_view text) {
    return text.empty() ? *this : Field(name, text);
  }

 private:
  void Separate();
  JsonWriter& Open(char bracket);
  JsonWriter& Close(char bracket);

  std::string& out_;
  bool comma_ = false;  // whether a comma is due before the next value
};

}  // namespace vitrine::http
