/// Predicates of slices: a small language over a case's target, history and user.
///   target.asin < last.asin            history.length >= 5 and user.level == "gold"
///   not (target.price > 20)            target.tags contains "new" or target.brand != ""
/// Fields  target.F  the target item       last.F  the newest history item
///         user.F    the user              history.length, history.baskets, target.count  numbers
///   F of an item: id title description brand price currency stock hidden category tags, or any
///   free attribute (also written target.attributes.F where a name collides); of a user: id or any
///   attribute. `category` is the first path; `categories` is the set of paths.
/// Literals  12  -0.5  "text" (\" and \\ escaped)  true false.   Operators < <= > >= == != contains,
/// then not, and, or (in this order), and parentheses.
/// Text is compared by bytes, numbers as doubles. A comparison with a missing value, or of two
/// types, is false. Where a case has several targets it matches if any one of them does.
/// Threads: immutable after Parse.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "core/catalogue.h"
#include "core/status.h"

namespace vitrine::evaluate {

/// What a predicate can see of one case and one of its targets; null where there is none.
struct PredicateInput {
  const Item* target = nullptr;
  const Item* last = nullptr;
  const User* user = nullptr;
  std::size_t history_length = 0;
  std::size_t history_baskets = 0;
  std::size_t target_count = 0;
};

class Predicate {
 public:
  /// Errors: kInvalidArgument: what was expected and the 1-based column.
  static Result<Predicate> Parse(std::string_view text);

  [[nodiscard]] bool Matches(const PredicateInput& input) const;

  struct Node;

 private:
  explicit Predicate(std::shared_ptr<const Node> root) : root_(std::move(root)) {}
  std::shared_ptr<const Node> root_;
};

}  // namespace vitrine::evaluate
