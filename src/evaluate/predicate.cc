#include "evaluate/predicate.h"

#include <charconv>
#include <cctype>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>

namespace vitrine::evaluate {

enum class PredicateOp : std::uint8_t {
  kAnd,
  kOr,
  kNot,
  kTruth,  ///< a bare boolean field
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kEqual,
  kNotEqual,
  kContains,
};

enum class PredicateSubject : std::uint8_t { kLiteral, kTarget, kLast, kUser, kHistory };

/// What a field or a literal is worth; views point into the input or the predicate itself.
using PredicateValue = std::variant<std::monostate, bool, double, std::string_view,
                                    const std::vector<std::string>*>;

struct PredicateOperand {
  PredicateSubject subject = PredicateSubject::kLiteral;
  std::string field;                              ///< without the subject
  std::variant<bool, double, std::string> value;  ///< of a literal
};

struct Predicate::Node {
  PredicateOp op = PredicateOp::kTruth;
  std::vector<Node> children;  ///< of and, or, not
  PredicateOperand left;
  PredicateOperand right;
};

namespace {

using Node = Predicate::Node;

constexpr int kDeepestNesting = 64;

PredicateValue OfAttribute(const Attributes& attributes, std::string_view name) {
  const auto found = attributes.find(name);
  if (found == attributes.end()) {
    return {};
  }
  if (const auto* truth = std::get_if<bool>(&found->second)) {
    return *truth;
  }
  if (const auto* number = std::get_if<double>(&found->second)) {
    return *number;
  }
  if (const auto* text = std::get_if<std::string>(&found->second)) {
    return std::string_view(*text);
  }
  return &std::get<std::vector<std::string>>(found->second);
}

/// Empty text and unknown numbers of a catalogue row are missing values.
PredicateValue OfText(const std::string& text) {
  return text.empty() ? PredicateValue() : PredicateValue(std::string_view(text));
}

PredicateValue OfItem(const Item* item, std::string_view field) {
  constexpr std::string_view kAttributes = "attributes.";
  if (item == nullptr) {
    return {};
  }
  if (field.starts_with(kAttributes)) {
    return OfAttribute(item->attributes, field.substr(kAttributes.size()));
  }
  if (field == "id") return OfText(item->id);
  if (field == "title") return OfText(item->title);
  if (field == "description") return OfText(item->description);
  if (field == "brand") return OfText(item->brand);
  if (field == "currency") return OfText(item->currency);
  if (field == "category") {
    return item->categories.empty() ? PredicateValue() : OfText(item->categories.front());
  }
  if (field == "categories") return &item->categories;
  if (field == "tags") return &item->tags;
  if (field == "hidden") return item->hidden;
  if (field == "price") return item->price == 0 ? PredicateValue() : PredicateValue(item->price);
  if (field == "stock") return item->stock < 0 ? PredicateValue() : PredicateValue(item->stock);
  return OfAttribute(item->attributes, field);
}

PredicateValue ValueOf(const PredicateOperand& operand, const PredicateInput& input) {
  switch (operand.subject) {
    case PredicateSubject::kLiteral:
      if (const auto* truth = std::get_if<bool>(&operand.value)) return *truth;
      if (const auto* number = std::get_if<double>(&operand.value)) return *number;
      return std::string_view(std::get<std::string>(operand.value));
    case PredicateSubject::kTarget:
      if (operand.field == "count") return static_cast<double>(input.target_count);
      return OfItem(input.target, operand.field);
    case PredicateSubject::kLast:
      return OfItem(input.last, operand.field);
    case PredicateSubject::kUser:
      if (input.user == nullptr) return {};
      if (operand.field == "id") return OfText(input.user->id);
      return OfAttribute(input.user->attributes, operand.field);
    case PredicateSubject::kHistory:
      return static_cast<double>(operand.field == "length" ? input.history_length
                                                           : input.history_baskets);
  }
  return {};
}

template <typename T>
bool Ordered(PredicateOp op, const T& a, const T& b) {
  switch (op) {
    case PredicateOp::kLess:
      return a < b;
    case PredicateOp::kLessEqual:
      return a <= b;
    case PredicateOp::kGreater:
      return a > b;
    case PredicateOp::kGreaterEqual:
      return a >= b;
    case PredicateOp::kEqual:
      return a == b;
    case PredicateOp::kNotEqual:
      return a != b;
    default:
      return false;
  }
}

bool Contains(const PredicateValue& whole, const PredicateValue& part) {
  const auto* wanted = std::get_if<std::string_view>(&part);
  if (wanted == nullptr) {
    return false;
  }
  if (const auto* text = std::get_if<std::string_view>(&whole)) {
    return text->find(*wanted) != std::string_view::npos;
  }
  if (const auto* words = std::get_if<const std::vector<std::string>*>(&whole)) {
    for (const std::string& word : **words) {
      if (word == *wanted) return true;
    }
  }
  return false;
}

bool Compare(PredicateOp op, const PredicateValue& a, const PredicateValue& b) {
  if (op == PredicateOp::kContains) {
    return Contains(a, b);
  }
  if (const auto* x = std::get_if<double>(&a)) {
    const auto* y = std::get_if<double>(&b);
    return y != nullptr && Ordered(op, *x, *y);
  }
  if (const auto* x = std::get_if<std::string_view>(&a)) {
    const auto* y = std::get_if<std::string_view>(&b);
    return y != nullptr && Ordered(op, *x, *y);
  }
  if (const auto* x = std::get_if<bool>(&a)) {
    const auto* y = std::get_if<bool>(&b);
    return y != nullptr && Ordered(op, *x, *y);
  }
  return false;
}

bool Holds(const Node& node, const PredicateInput& input) {
  switch (node.op) {
    case PredicateOp::kAnd:
      return Holds(node.children[0], input) && Holds(node.children[1], input);
    case PredicateOp::kOr:
      return Holds(node.children[0], input) || Holds(node.children[1], input);
    case PredicateOp::kNot:
      return !Holds(node.children[0], input);
    case PredicateOp::kTruth: {
      const PredicateValue value = ValueOf(node.left, input);
      const bool* truth = std::get_if<bool>(&value);
      return truth != nullptr && *truth;
    }
    default:
      return Compare(node.op, ValueOf(node.left, input), ValueOf(node.right, input));
  }
}

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
    return InvalidArgument(
        fmt::format("predicate `{}`, column {}: {}", text_, at_ + 1, what));
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
    if (TakeSign("<=")) node.op = PredicateOp::kLessEqual;
    else if (TakeSign(">=")) node.op = PredicateOp::kGreaterEqual;
    else if (TakeSign("==")) node.op = PredicateOp::kEqual;
    else if (TakeSign("!=")) node.op = PredicateOp::kNotEqual;
    else if (TakeSign("<")) node.op = PredicateOp::kLess;
    else if (TakeSign(">")) node.op = PredicateOp::kGreater;
    else if (TakeWord("contains")) node.op = PredicateOp::kContains;
    else if (TakeSign("=")) return Bad("expected '==' (one '=' is no comparison)");
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
    if (subject == "target") operand.subject = PredicateSubject::kTarget;
    else if (subject == "last") operand.subject = PredicateSubject::kLast;
    else if (subject == "user") operand.subject = PredicateSubject::kUser;
    else if (subject == "history") operand.subject = PredicateSubject::kHistory;
    else return Bad(fmt::format("'{}' is none of target, last, user, history (text stands in \"quotes\")",
                                subject));
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

Result<Predicate> Predicate::Parse(std::string_view text) {
  ASSIGN_OR_RETURN(Node root, Parser(text).Parse());
  return Predicate(std::make_shared<const Node>(std::move(root)));
}

bool Predicate::Matches(const PredicateInput& input) const { return Holds(*root_, input); }

}  // namespace vitrine::evaluate
