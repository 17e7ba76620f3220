/// A forward reader over one JSON text whose shape is known beforehand: no tree, no copies but of
/// strings. For files of many small lines; for documents use a JSON library.
/// Threads: a value, one caller.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/status.h"

namespace vitrine::evaluate {

class JsonCursor {
 public:
  explicit JsonCursor(std::string_view text) : text_(text) {}

  /// Skips white space, then takes `c` where it stands here.
  bool Take(char c);
  /// Skips white space; true where only that was left.
  bool AtEnd();

  /// A string with its escapes resolved. False: not a string, or a broken one (UTF-8 is not checked).
  bool ReadString(std::string& out);
  /// An integer without fraction or exponent. False: none, or out of range.
  bool ReadInteger(std::int64_t& out);
  /// Skips one value of any shape.
  bool SkipValue();

  /// 1-based, for messages.
  [[nodiscard]] std::size_t column() const { return at_ + 1; }

 private:
  void SkipSpace();
  bool ReadEscape(std::string& out);
  bool ReadHex4(std::uint32_t& out);
  bool SkipNested(int depth);

  std::string_view text_;
  std::size_t at_ = 0;
};

/// Appends `text` as a JSON string with its quotes.
void AppendJsonString(std::string& out, std::string_view text);

}  // namespace vitrine::evaluate
