#include "evaluate/predicate.h"

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "evaluate/predicate_node.h"

namespace vitrine::evaluate {
namespace {

using Node = Predicate::Node;

/// What a field or a literal is worth; views point into the input or the predicate itself.
using PredicateValue =
    std::variant<std::monostate, bool, double, std::string_view, const std::vector<std::string>*>;

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

}  // namespace

Result<Predicate> Predicate::Parse(std::string_view text) {
  ASSIGN_OR_RETURN(Node root, ParsePredicate(text));
  return Predicate(std::make_shared<const Node>(std::move(root)));
}

bool Predicate::Matches(const PredicateInput& input) const { return Holds(*root_, input); }

}  // namespace vitrine::evaluate
