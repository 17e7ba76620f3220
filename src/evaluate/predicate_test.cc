#include "evaluate/predicate.h"

#include <gtest/gtest.h>

namespace vitrine::evaluate {
namespace {

class PredicateTest : public testing::Test {
 protected:
  PredicateTest() {
    target_.id = "t";
    target_.price = 12.5;
    target_.tags = {"new", "red"};
    target_.categories = {"Home > Lamps"};
    target_.attributes["asin"] = std::string("B000");
    target_.attributes["eco"] = true;
    last_.id = "l";
    last_.attributes["asin"] = std::string("B00A");
    user_.id = "u";
    user_.attributes["level"] = std::string("gold");
    input_ = {&target_, &last_, &user_, 5, 2, 1};
  }

  bool Matches(std::string_view text) {
    const Result<Predicate> predicate = Predicate::Parse(text);
    EXPECT_TRUE(predicate.ok()) << predicate.status().message();
    return predicate.ok() && predicate->Matches(input_);
  }

  Item target_;
  Item last_;
  User user_;
  PredicateInput input_;
};

TEST_F(PredicateTest, ComparesFieldsOfEachSubject) {
  EXPECT_TRUE(Matches("target.asin < last.asin"));
  EXPECT_FALSE(Matches("target.asin >= last.asin"));
  EXPECT_TRUE(Matches("history.length >= 5"));
  EXPECT_TRUE(Matches("history.baskets == 2"));
  EXPECT_TRUE(Matches("user.level == \"gold\""));
  EXPECT_TRUE(Matches("target.price<12.6"));
  EXPECT_TRUE(Matches("target.price > -1e3"));
  EXPECT_TRUE(Matches("target.count == 1"));
  EXPECT_TRUE(Matches("target.category contains \"Lamps\""));
  EXPECT_TRUE(Matches("target.attributes.asin == \"B000\""));
}

TEST_F(PredicateTest, SetsContainWholeWords) {
  EXPECT_TRUE(Matches("target.tags contains \"red\""));
  EXPECT_FALSE(Matches("target.tags contains \"re\""));
}

TEST_F(PredicateTest, TextIsComparedByBytes) {
  target_.attributes["a"] = std::string("Z");
  target_.attributes["b"] = std::string("a");
  target_.attributes["c"] = std::string("\xC3\xA9");  // é: above every ASCII letter
  EXPECT_TRUE(Matches("target.a < target.b"));
  EXPECT_TRUE(Matches("target.b < target.c"));
}

TEST_F(PredicateTest, NotBindsBeforeAndBeforeOr) {
  EXPECT_TRUE(Matches("true or false and false"));
  EXPECT_FALSE(Matches("(true or false) and false"));
  EXPECT_FALSE(Matches("not true or false"));
  EXPECT_TRUE(Matches("not (true and false)"));
  EXPECT_TRUE(Matches("not not target.eco"));
  EXPECT_TRUE(Matches("not target.price == 3"));
}

TEST_F(PredicateTest, ComparisonsWithMissingOrOtherTypesAreFalse) {
  EXPECT_FALSE(Matches("target.nothing < 3"));
  EXPECT_FALSE(Matches("target.nothing >= 3"));
  EXPECT_FALSE(Matches("target.nothing != 3"));
  EXPECT_FALSE(Matches("target.asin < 3"));
  EXPECT_FALSE(Matches("target.nothing"));
  EXPECT_FALSE(Matches("target.brand == \"\""));
  EXPECT_FALSE(Matches("target.stock >= 0"));
  input_.user = nullptr;
  input_.last = nullptr;
  EXPECT_FALSE(Matches("user.level == \"gold\""));
  EXPECT_FALSE(Matches("target.asin < last.asin"));
}

TEST_F(PredicateTest, TextIsUnescaped) {
  target_.title = "a \"b\" \\";
  EXPECT_TRUE(Matches(R"(target.title == "a \"b\" \\")"));
}

TEST(PredicateErrorTest, PointsAtTheColumn) {
  const struct {
    std::string_view text;
    std::string_view column;
    std::string_view says;
  } cases[] = {
      {"", "column 1", "expected a field"},
      {"target.price <", "column 15", "expected a field"},
      {"target.price = 3", "column 15", "'=='"},
      {"price < 3", "column 1", "'price' is none of"},
      {"target < 3", "column 1", "needs a field"},
      {"history.size > 3", "column 1", "length and baskets"},
      {"target.price < 3 target.price > 1", "column 18", "expected 'and'"},
      {"(target.price < 3", "column 18", "')'"},
      {"target.brand == \"x", "column 17", "closing quote"},
      {"target.brand == \"\\n\"", "column 18", "backslash"},
      {"target.price < 3x", "column 16", "no number"},
      {"5", "column 1", "alone"},
      {"true and 5", "column 10", "alone"},
  };
  for (const auto& c : cases) {
    const Result<Predicate> predicate = Predicate::Parse(c.text);
    ASSERT_FALSE(predicate.ok()) << c.text;
    EXPECT_EQ(predicate.status().code(), Code::kInvalidArgument);
    EXPECT_NE(predicate.status().message().find(c.column), std::string::npos)
        << predicate.status().message();
    EXPECT_NE(predicate.status().message().find(c.says), std::string::npos)
        << predicate.status().message();
  }
}

TEST(PredicateErrorTest, DeepNestingIsRefused) {
  EXPECT_FALSE(Predicate::Parse(std::string(100'000, '(')).ok());
  std::string nots;
  for (int i = 0; i < 100'000; ++i) nots += "not ";
  EXPECT_FALSE(Predicate::Parse(nots + "true").ok());
}

}  // namespace
}  // namespace vitrine::evaluate
