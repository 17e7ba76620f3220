#include "train/parameters.h"

#include <gtest/gtest.h>

namespace vitrine::train {
namespace {

std::vector<ParameterDef> Defs() {
  return {{"decay", 0.5, "weight a place", 0.0, 1.0},
          {"length", std::int64_t{50}, "places", 1.0, 1000.0},
          {"deep", false, "more of it"},
          {"unit", std::string("basket"), "of age", {}, {}, {"basket", "position"}}};
}

Status Refused(const std::string& name, ParameterValue value) {
  return Parameters::Resolve(Defs(), {{name, std::move(value)}}).status();
}

TEST(Parameters, DefaultsAndGivenOnes) {
  const Result<Parameters> parameters =
      Parameters::Resolve(Defs(), {{"decay", std::int64_t{1}}, {"unit", std::string("position")}});
  ASSERT_TRUE(parameters.ok()) << parameters.status().ToString();
  EXPECT_EQ(parameters->Number("decay"), 1.0);  // a whole number is a number
  EXPECT_EQ(parameters->Int("length"), 50);
  EXPECT_FALSE(parameters->Flag("deep"));
  EXPECT_EQ(parameters->Word("unit"), "position");
}

TEST(Parameters, RefusalsNameTheKeyAndWhatIsWanted) {
  struct Case {
    std::string name;
    ParameterValue value;
    std::string word;
  };
  const std::vector<Case> cases = {{"decai", 0.5, "'decay'"},
                                   {"zzzzzz", 0.5, "known: decay, length, deep, unit"},
                                   {"decay", 1.5, "from 0 to 1"},
                                   {"decay", true, "a number"},
                                   {"length", 5.5, "a whole number"},
                                   {"length", std::int64_t{0}, "from 1 to 1000"},
                                   {"deep", std::int64_t{1}, "true or false"},
                                   {"unit", std::string("day"), "one of basket, position"}};
  for (const Case& c : cases) {
    const Status status = Refused(c.name, c.value);
    EXPECT_EQ(status.code(), Code::kInvalidArgument) << c.name;
    EXPECT_NE(status.message().find(c.word), std::string::npos) << status.message();
    EXPECT_NE(status.message().find(c.name), std::string::npos) << status.message();
  }
}

TEST(Parameters, NoneDeclaredIsSaid) {
  const Status status = Parameters::Resolve({}, {{"x", true}}).status();
  EXPECT_NE(status.message().find("has none"), std::string::npos) << status.message();
}

}  // namespace
}  // namespace vitrine::train
