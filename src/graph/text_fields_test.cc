#include "graph/text_fields.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace vitrine::graph {
namespace {

using testing::HasSubstr;

/// name=text and name{...}, in order.
std::string Shown(const std::vector<TextField>& fields) {
  std::string shown;
  for (const TextField& field : fields) {
    shown += field.name;
    shown += field.message ? "{" + Shown(field.fields) + "} " : "=" + field.text + " ";
  }
  return shown;
}

std::string Read(std::string_view text) {
  const auto fields = ReadTextFields(text);
  return fields.ok() ? Shown(*fields) : fields.status().message();
}

TEST(TextFields, ReadsScalarsMessagesAndLists) {
  EXPECT_EQ(Read(""), "");
  EXPECT_EQ(Read("a: 1 b: -2, c: 'x' \"y\"; d: WORD # the end"), "a=1 b=-2 c=xy d=WORD ");
  EXPECT_EQ(Read("a { b: 1.5 } c: < d: 2 > e {}"), "a{b=1.5 } c{d=2 } e{} ");
  EXPECT_EQ(Read("a: [1, 2, 3] b: [] c [ { k: KIND_CPU, n: 2 }, { n: 3 } ]"),
            "a=1 a=2 a=3 c{k=KIND_CPU n=2 } c{n=3 } ");
  EXPECT_EQ(Read("s: \"\\101\\n\""), "s=A\n ");
}

TEST(TextFields, SaysWhereItStops) {
  EXPECT_EQ(Read("a: 1\nb 2"), "line 2, column 3: expected : or { behind the name of a field");
  EXPECT_EQ(Read("a: 1\n  : 2"), "line 2, column 3: expected the name of a field");
  EXPECT_THAT(Read("a: [1, 2"), HasSubstr("expected , or ]"));
  EXPECT_THAT(Read("a: [1 2]"), HasSubstr("line 1, column 7"));
  EXPECT_THAT(Read("a {"), HasSubstr("expected the name of a field"));
  EXPECT_THAT(Read("a: }"), HasSubstr("expected a value"));
  EXPECT_THAT(Read("a: \"no end"), HasSubstr("line 1"));
  EXPECT_THAT(Read(std::string("a: \0 1", 6)), HasSubstr("line 1"));
  std::string deep;
  for (int i = 0; i < 1000; ++i) {
    deep += "a { ";
  }
  EXPECT_THAT(Read(deep), HasSubstr("nested too deeply"));
}

}  // namespace
}  // namespace vitrine::graph
