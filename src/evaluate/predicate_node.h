/// The insides of a Predicate, shared by its parser and its evaluation.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/status.h"
#include "evaluate/predicate.h"

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
using PredicateValue =
    std::variant<std::monostate, bool, double, std::string_view, const std::vector<std::string>*>;

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

/// Recursive descent: or > and > not > comparison. Errors: kInvalidArgument with the column.
Result<Predicate::Node> ParsePredicate(std::string_view text);

}  // namespace vitrine::evaluate
