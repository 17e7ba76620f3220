/// JSON objects written one value after the other, without a tree: for answers of thousands of rows.
/// Threads: one caller at a time.
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>

#include <fmt/compile.h>
#include <fmt/format.h>

#include "core/artifact.h"

namespace vitrine::monitor {

/// In quotes, with escapes; bytes that are not UTF-8 are replaced.
void AppendQuoted(std::string_view value, std::string& text);

/// Appends to `text`, which outlives it. Names are plain (no escapes). An object begins with Begin and ends with End;
/// so does an array, whose values have no names.
class JsonText {
 public:
  explicit JsonText(std::string& text) : text_(text) {}

  void Begin(char bracket, std::string_view name = {}) {
    Name(name);
    text_ += bracket;
    first_ = true;
  }
  void End(char bracket) {
    text_ += bracket;
    first_ = false;
  }

  void Value(std::string_view name, bool value) {
    Name(name);
    text_ += value ? "true" : "false";
  }
  void Value(std::string_view name, std::integral auto value) {
    Name(name);
    fmt::format_to(std::back_inserter(text_), FMT_COMPILE("{}"), value);
  }
  /// What is not finite is null.
  void Value(std::string_view name, double value) {
    if (!std::isfinite(value)) {
      Null(name);
      return;
    }
    Name(name);
    fmt::format_to(std::back_inserter(text_), FMT_COMPILE("{}"), value);
  }
  void Value(std::string_view name, std::string_view value) {
    Name(name);
    AppendQuoted(value, text_);
  }
  void Value(std::string_view name, const MetricValue& value) {
    Begin('{', name);
    Fields(value);
    End('}');
  }
  void Fields(const MetricValue& value) {
    Value("mean", value.mean);
    Value("low", value.low);
    Value("high", value.high);
  }
  void Value(std::string_view name, const std::optional<double>& value) {
    value ? Value(name, *value) : Null(name);
  }
  void Null(std::string_view name) {
    Name(name);
    text_ += "null";
  }
  /// A value that is JSON already.
  void Raw(std::string_view name, std::string_view json) {
    Name(name);
    text_ += json;
  }

 private:
  void Name(std::string_view name) {
    if (!first_) {
      text_ += ',';
    }
    first_ = false;
    if (!name.empty()) {
      text_ += '"';
      text_ += name;
      text_ += "\":";
    }
  }

  std::string& text_;
  bool first_ = true;
};

}  // namespace vitrine::monitor
