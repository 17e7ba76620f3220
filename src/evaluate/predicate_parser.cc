#include <fmt/format.h>

#include <cctype>
#include <charconv>
#include <string>
#include <utility>

#include "evaluate/predicate_node.h"

namespace vitrine::evaluate {
namespace {

using Node = Predicate::Node;

constexpr int kDeepestNesting = 64;

bool IsWord(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.' || c == '-' ||
         (static_cast<unsigned char>(c) & 0x80U) != 0;
}

/// Recursive descent: or > and > not > comparison.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<Node> Parse() {
    ASSIGN_OR_RETURN(Node node, Or(0));
    SkipSpace();
    if (at_ != text_.size()) {
      return Bad("expected 'and', 'or' or the end");
    }
    return node;
  }

 private:
  Status Bad(std::string_view what) const {
    return InvalidArgument(fmt::format("predicate `{}`, column {}: {}", text_, at_ + 1, what));
  }

  void SkipSpace() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
  }

  /// Takes a keyword where one stands here as a whole word.
  bool TakeWord(std::string_view word) {
    SkipSpace();
    const std::string_view rest = text_.substr(at_);
    if (!rest.starts_with(word) || (rest.size() > word.size() && IsWord(rest[word.size()]))) {
      return false;
    }
    at_ += word.size();
    return true;
  }

  bool TakeSign(std::string_view sign) {
    SkipSpace();
    if (!text_.substr(at_).starts_with(sign)) return false;
    at_ += sign.size();
    return true;
  }

  Result<Node> Or(int depth) {
    ASSIGN_OR_RETURN(Node left, And(depth));
    while (TakeWord("or")) {
      ASSIGN_OR_RETURN(Node right, And(depth));
      left = Join(PredicateOp::kOr, std::move(left), std::move(right));
    }
    return left;
  }

  Result<Node> And(int depth) {
    ASSIGN_OR_RETURN(Node left, Not(depth));
    while (TakeWord("and")) {
      ASSIGN_OR_RETURN(Node right, Not(depth));
      left = Join(PredicateOp::kAnd, std::move(left), std::move(right));
    }
    return left;
  }

  static Node Join(PredicateOp op, Node left, Node right) {
    Node node;
    node.op = op;
    node.children.push_back(std::move(left));
    node.children.push_back(std::move(right));
    return node;
  }

  Result<Node> Not(int depth) {
    if (depth > kDeepestNesting) {
      return Bad(fmt::format("nested deeper than {}", kDeepestNesting));
    }
    if (TakeWord("not")) {
      ASSIGN_OR_RETURN(Node inner, Not(depth + 1));
      Node node;
      node.op = PredicateOp::kNot;
      node.children.push_back(std::move(inner));
      return node;
    }
    if (TakeSign("(")) {
      ASSIGN_OR_RETURN(Node inner, Or(depth + 1));
      if (!TakeSign(")")) {
        return Bad("expected ')'");
      }
      return inner;
    }
    return Comparison();
  }

  Result<Node> Comparison() {
    const std::size_t start = at_;
    Node node;
    ASSIGN_OR_RETURN(node.left, Operand());
    if (TakeSign("<="))
      node.op = PredicateOp::kLessEqual;
    else if (TakeSign(">="))
      node.op = PredicateOp::kGreaterEqual;
    else if (TakeSign("=="))
      node.op = PredicateOp::kEqual;
    else if (TakeSign("!="))
      node.op = PredicateOp::kNotEqual;
    else if (TakeSign("<"))
      node.op = PredicateOp::kLess;
    else if (TakeSign(">"))
      node.op = PredicateOp::kGreater;
    else if (TakeWord("contains"))
      node.op = PredicateOp::kContains;
    else if (TakeSign("="))
      return Bad("expected '==' (one '=' is no comparison)");
    else if (node.left.subject == PredicateSubject::kLiteral &&
             !std::holds_alternative<bool>(node.left.value)) {
      at_ = start;
      return Bad("a number or text alone says nothing; compare it with a field");
    } else {
      node.op = PredicateOp::kTruth;
      return node;
    }
    ASSIGN_OR_RETURN(node.right, Operand());
    return node;
  }

  Result<PredicateOperand> Operand() {
    SkipSpace();
    if (at_ == text_.size()) {
      return Bad("expected a field (as target.price) or a value");
    }
    if (text_[at_] == '"') {
      return Text();
    }
    std::size_t end = at_;
    while (end < text_.size() && IsWord(text_[end])) ++end;
    const std::string_view word = text_.substr(at_, end - at_);
    if (word.empty()) {
      return Bad("expected a field (as target.price) or a value");
    }
    PredicateOperand operand;
    if (word == "true" || word == "false") {
      operand.value = word == "true";
    } else if (std::isdigit(static_cast<unsigned char>(word[0])) != 0 || word[0] == '-' ||
               word[0] == '.') {
      double number = 0;
      const auto [stop, error] = std::from_chars(word.data(), word.data() + word.size(), number);
      if (error != std::errc() || stop != word.data() + word.size()) {
        return Bad(fmt::format("'{}' is no number", word));
      }
      operand.value = number;
    } else {
      RETURN_IF_ERROR(Field(word, operand));
    }
    at_ = end;
    return operand;
  }

  Status Field(std::string_view word, PredicateOperand& operand) const {
    const std::size_t dot = word.find('.');
    const std::string_view subject = word.substr(0, dot);
    const std::string_view field = dot == std::string_view::npos ? "" : word.substr(dot + 1);
    if (subject == "target")
      operand.subject = PredicateSubject::kTarget;
    else if (subject == "last")
      operand.subject = PredicateSubject::kLast;
    else if (subject == "user")
      operand.subject = PredicateSubject::kUser;
    else if (subject == "history")
      operand.subject = PredicateSubject::kHistory;
    else
      return Bad(fmt::format(
          "'{}' is none of target, last, user, history (text stands in \"quotes\")", subject));
    if (field.empty()) {
      return Bad(fmt::format("'{}' needs a field, as {}.{}", subject, subject,
                             subject == "history" ? "length" : "id"));
    }
    if (subject == "history" && field != "length" && field != "baskets") {
      return Bad(fmt::format("history has length and baskets, not '{}'", field));
    }
    operand.field = field;
    return Status::Ok();
  }

  Result<PredicateOperand> Text() {
    std::string value;
    std::size_t at = at_ + 1;
    while (at < text_.size() && text_[at] != '"') {
      if (text_[at] == '\\') {
        ++at;
        if (at == text_.size() || (text_[at] != '"' && text_[at] != '\\')) {
          at_ = at - 1;
          return Bad("a backslash stands before \" or \\ only");
        }
      }
      value += text_[at++];
    }
    if (at == text_.size()) {
      return Bad("the text has no closing quote");
    }
    at_ = at + 1;
    PredicateOperand operand;
    operand.value = std::move(value);
    return operand;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

Result<Predicate::Node> ParsePredicate(std::string_view text) { return Parser(text).Parse(); }

}  // namespace vitrine::evaluate
