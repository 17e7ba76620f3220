#include "data/predicate.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace vitrine::data {
namespace {
constexpr std::array<std::string_view, 11> kTestNames = {
    "missing",     "present", "in",    "not_in",   "starts_with", "matches",
    "not_matches", "at_most", "below", "at_least", "above"};
}  // namespace

std::string_view TestName(TestKind test) { return kTestNames.at(static_cast<std::size_t>(test)); }

std::optional<TestKind> ParseTestKind(std::string_view name) {
  const auto* found = std::find(kTestNames.begin(), kTestNames.end(), name);
  return found == kTestNames.end()
             ? std::nullopt
             : std::optional(static_cast<TestKind>(found - kTestNames.begin()));
}

std::string Describe(const FieldTest& test) {
  switch (test.test) {
    case TestKind::kMissing:
    case TestKind::kPresent:
      return fmt::format("{} {}", test.field, TestName(test.test));
    case TestKind::kIn:
    case TestKind::kNotIn:
    case TestKind::kStartsWith:
    case TestKind::kMatches:
    case TestKind::kNotMatches:
      return fmt::format("{} {} {}", test.field, TestName(test.test), fmt::join(test.texts, ", "));
    case TestKind::kAtMost:
    case TestKind::kBelow:
    case TestKind::kAtLeast:
    case TestKind::kAbove:
      return fmt::format("{} {} {}", test.field, TestName(test.test), test.number);
  }
  return {};
}

}  // namespace vitrine::data
