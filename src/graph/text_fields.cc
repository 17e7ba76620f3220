#include "graph/text_fields.h"

#include <fmt/format.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

namespace vitrine::graph {
namespace {

using google::protobuf::io::Tokenizer;

constexpr int kMaxDepth = 16;

/// Keeps the first error; protobuf would print it.
class FirstError final : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int line, int column, const std::string& message) override {
    if (text_.empty()) {
      text_ = fmt::format("line {}, column {}: {}", line + 1, column + 1, message);
    }
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

class Reader {
 public:
  Reader(google::protobuf::io::ZeroCopyInputStream& stream, FirstError& error)
      : tokens_(&stream, &error), error_(error) {
    tokens_.set_comment_style(Tokenizer::SH_COMMENT_STYLE);
    tokens_.set_allow_f_after_float(true);
    tokens_.Next();
  }

  /// Fields up to `end`, which is taken; empty: up to the end of the text.
  bool Fields(std::string_view end, int depth, std::vector<TextField>& fields) {
    if (depth > kMaxDepth) {
      return Fail("nested too deeply");
    }
    while (!At(end)) {
      if (tokens_.current().type != Tokenizer::TYPE_IDENTIFIER) {
        return Fail("expected the name of a field");
      }
      const std::string name = tokens_.current().text;
      tokens_.Next();
      const bool colon = Take(":");
      if (!(Take("[") ? List(name, depth, fields) : Value(name, colon, depth, fields))) {
        return false;
      }
      Take(",") || Take(";");
    }
    if (!end.empty()) {
      tokens_.Next();
    }
    return error_.text().empty();
  }

 private:
  bool List(const std::string& name, int depth, std::vector<TextField>& fields) {
    while (!Take("]")) {
      if (!Value(name, true, depth, fields) || !(Take(",") || Is("]"))) {
        return Fail("expected , or ] in a list");
      }
    }
    return true;
  }

  bool Value(const std::string& name, bool colon, int depth, std::vector<TextField>& fields) {
    TextField& field = fields.emplace_back();
    field.name = name;
    field.message = Is("{") || Is("<");
    if (field.message) {
      const std::string_view end = Is("{") ? "}" : ">";
      tokens_.Next();
      return Fields(end, depth + 1, field.fields);
    }
    return colon ? Scalar(field.text) : Fail("expected : or { behind the name of a field");
  }

  bool Scalar(std::string& text) {
    if (tokens_.current().type == Tokenizer::TYPE_STRING) {
      while (tokens_.current().type == Tokenizer::TYPE_STRING) {  // neighbours are one
        Tokenizer::ParseStringAppend(tokens_.current().text, &text);
        tokens_.Next();
      }
      return true;
    }
    if (Take("-")) {
      text.push_back('-');
    }
    const auto type = tokens_.current().type;
    if (type != Tokenizer::TYPE_IDENTIFIER && type != Tokenizer::TYPE_INTEGER &&
        type != Tokenizer::TYPE_FLOAT) {
      return Fail("expected a value");
    }
    text.append(tokens_.current().text);
    tokens_.Next();
    return true;
  }

  bool At(std::string_view end) {
    return end.empty() ? tokens_.current().type == Tokenizer::TYPE_END : Is(end);
  }
  bool Is(std::string_view symbol) {
    return tokens_.current().type == Tokenizer::TYPE_SYMBOL && tokens_.current().text == symbol;
  }
  bool Take(std::string_view symbol) {
    const bool is = Is(symbol);
    if (is) {
      tokens_.Next();
    }
    return is;
  }
  bool Fail(const std::string& message) {
    error_.AddError(tokens_.current().line, tokens_.current().column, message);
    return false;
  }

  Tokenizer tokens_;
  FirstError& error_;
};

}  // namespace

Result<std::vector<TextField>> ReadTextFields(std::string_view text) {
  google::protobuf::io::ArrayInputStream stream(text.data(), static_cast<int>(text.size()));
  FirstError error;
  std::vector<TextField> fields;
  if (!Reader(stream, error).Fields("", 0, fields)) {
    return InvalidArgument(error.text());
  }
  return fields;
}

}  // namespace vitrine::graph
