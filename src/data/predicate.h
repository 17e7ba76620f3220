/// One condition on one field of a row, as mappings and cleaning rules write it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"

namespace vitrine::data {

/// A row whose field is empty meets kMissing and no other test, except kNotMatches and kNotIn.
enum class TestKind : std::uint8_t {
  kMissing,
  kPresent,
  kIn,  ///< one of `texts`
  kNotIn,
  kStartsWith,  ///< texts[0]
  kMatches,     ///< the regular expression texts[0] (RE2) is found in the field
  kNotMatches,
  kAtMost,  ///< the rest compare with `number`
  kBelow,
  kAtLeast,
  kAbove,
};

/// The key of a test in a mapping: "missing", "in", "starts_with", "at_most", ...
std::string_view TestName(TestKind test);
std::optional<TestKind> ParseTestKind(std::string_view name);

struct FieldTest {
  std::string field;
  TestKind test = TestKind::kMissing;
  std::vector<std::string> texts;
  double number = 0;
  friend bool operator==(const FieldTest&, const FieldTest&) = default;
};

/// "quantity at_most 0", for reports.
std::string Describe(const FieldTest& test);

}  // namespace vitrine::data
