#include "adapters/toml/train_spec.h"

#include <gtest/gtest.h>

#include "adapters/toml/protocol.h"

namespace vitrine::adapters {
namespace {

Status Refused(std::string_view text) { return ParseTrainSpec(text, "spec.toml").status(); }

TEST(TrainSpecToml, ReadsEveryKey) {
  const Result<train::TrainSpec> spec = ParseTrainSpec(R"(
name = "home-markov"
algorithm = "markov"
seed = 7
events = ["purchase", "cart"]
memory_limit_mb = 512
validation_k = 20
validation_cases = 1000
warm_start = "the/earlier/one"
data_licence = "ours"

[parameters]
followers = 20
decay = 0.5
deep = true
count = "users"

[[feature]]
name = "price"
op = "bucket"
source = "item.price"
bins = 8
[[feature]]
name = "history"
op = "history_items"
distinct = true
)",
                                                       "spec.toml");
  ASSERT_TRUE(spec.ok()) << spec.status().ToString();
  EXPECT_EQ(spec->model_name(), "home-markov");
  EXPECT_EQ(spec->algorithm, "markov");
  EXPECT_EQ(spec->seed, 7U);
  EXPECT_EQ(spec->events, (std::set<EventType>{EventType::kCart, EventType::kPurchase}));
  EXPECT_EQ(spec->memory_limit_mb, 512U);
  EXPECT_EQ(spec->validation_k, 20);
  EXPECT_EQ(spec->validation_cases, 1000U);
  EXPECT_EQ(spec->warm_start, "the/earlier/one");
  EXPECT_EQ(spec->data_licence, "ours");
  EXPECT_EQ(spec->parameters,
            (std::map<std::string, train::ParameterValue>{{"followers", std::int64_t{20}},
                                                          {"decay", 0.5},
                                                          {"deep", true},
                                                          {"count", std::string("users")}}));
  ASSERT_EQ(spec->features.size(), 2U);
  EXPECT_EQ(spec->features[0].options.at("bins"), "8");
  EXPECT_EQ(spec->features[1].options.at("distinct"), "true");
}

TEST(TrainSpecToml, ReadsWeightsOfExamples) {
  const Result<train::TrainSpec> spec = ParseTrainSpec(R"(
algorithm = "als"
half_life_days = 90
[weights]
view = 0.2
purchase = 3
hide = -1
)",
                                                       "spec.toml");
  ASSERT_TRUE(spec.ok()) << spec.status().ToString();
  EXPECT_EQ(spec->weights.by_event,
            (std::map<EventType, double>{
                {EventType::kView, 0.2}, {EventType::kPurchase, 3}, {EventType::kHide, -1}}));
  EXPECT_EQ(spec->weights.half_life_days, 90);
}

TEST(TrainSpecToml, ReadsMembersInTheirOrder) {
  const Result<train::TrainSpec> spec = ParseTrainSpec(R"(
algorithm = "hybrid"
[parameters]
ranker = "blend"
[[member]]
algorithm = "markov"
[[member]]
name = "near"
algorithm = "item_knn"
[member.parameters]
decay = 0.5
neighbours = 20
)",
                                                       "spec.toml");
  ASSERT_TRUE(spec.ok()) << spec.status().ToString();
  EXPECT_EQ(spec->parameters.size(), 1U);
  ASSERT_EQ(spec->members.size(), 2U);
  EXPECT_EQ(spec->members[0].name, "");
  EXPECT_EQ(spec->members[0].algorithm, "markov");
  EXPECT_TRUE(spec->members[0].parameters.empty());
  EXPECT_EQ(spec->members[1].name, "near");
  EXPECT_EQ(spec->members[1].algorithm, "item_knn");
  EXPECT_EQ(spec->members[1].parameters, (std::map<std::string, train::ParameterValue>{
                                             {"decay", 0.5}, {"neighbours", std::int64_t{20}}}));
}

TEST(TrainSpecToml, RefusalsNamePlaceAndCure) {
  struct Case {
    std::string_view text;
    std::string_view word;
  };
  const Case cases[] = {{"algoritm = \"markov\"", "algorithm"},
                        {"seed = 1", "algorithm is missing"},
                        {"algorithm = \"markov\"\nevents = [\"purchse\"]", "purchase"},
                        {"algorithm = \"markov\"\nseed = \"one\"", "spec.toml:2"},
                        {"algorithm = \"markov\"\nvalidation_k = 0", "validation_k"},
                        {"algorithm = \"markov\"\nname = \"a b\"", "'a b'"},
                        {"algorithm = \"markov\"\n[parameters]\nx = [1]", "'x'"},
                        {"algorithm = \"markov\"\n[[feature]]\nop = \"hash\"", "name"},
                        {"algorithm = \"hybrid\"\n[[member]]\nname = \"x\"", "an algorithm"},
                        {"algorithm = \"hybrid\"\n[[member]]\nalgoritm = \"x\"", "'algorithm'"},
                        {"algorithm = \"hybrid\"\n[[membr]]\nalgorithm = \"x\"", "'member'"},
                        {"algorithm = \"hybrid\"\nmember = 3", "member"},
                        {"algorithm = \"als\"\n[weights]\npurchse = 3", "'purchase'"},
                        {"algorithm = \"als\"\n[weights]\nview = \"2\"", "spec.toml:3"},
                        {"algorithm = \"als\"\n[weights]\nview = 5000", "weights.view"},
                        {"algorithm = \"als\"\n[weights]\nreturn = -1", "weights.return"},
                        {"algorithm = \"als\"\nhalf_life_days = -3", "half_life_days"},
                        {"algorithm = ", "spec.toml:1"}};
  for (const Case& c : cases) {
    const Status status = Refused(c.text);
    EXPECT_EQ(status.code(), Code::kInvalidArgument) << c.text;
    EXPECT_NE(status.message().find(c.word), std::string::npos) << status.message();
  }
}

TEST(TrainSpecToml, ReadyOnesAllParse) {
  EXPECT_GE(ReadySpecs().size(), 7U);
  for (const ReadyText& ready : ReadySpecs()) {
    const Result<train::TrainSpec> spec = ReadTrainSpec(std::string(ready.name));
    ASSERT_TRUE(spec.ok()) << ready.name << ": " << spec.status().ToString();
    EXPECT_EQ(spec->model_name(), ready.name);
  }
  EXPECT_GE(ReadyProtocols().size(), 3U);
  for (const ReadyText& ready : ReadyProtocols()) {
    EXPECT_TRUE(ParseProtocol(ready.text, std::string(ready.name)).ok()) << ready.name;
  }
}

TEST(TrainSpecToml, ANameThatIsNeitherFileNorReadyIsSaidSo) {
  const Status status = ReadTrainSpec("markow").status();
  EXPECT_EQ(status.code(), Code::kNotFound);
  EXPECT_NE(status.message().find("'markov'"), std::string::npos) << status.message();
}

}  // namespace
}  // namespace vitrine::adapters
