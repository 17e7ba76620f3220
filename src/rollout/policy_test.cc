#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "rollout/rollout.h"
#include "rollout/store.h"

namespace vitrine::rollout {
namespace {

TEST(Policy, WhatIsWrittenIsReadAgain) {
  RolloutPolicy policy = DefaultPolicy();
  policy.stages.push_back(
      {.kind = StageKind::kAb, .share = 0.5, .seconds = 1, .answers = 2, .users = 3});
  policy.guardrails.push_back({Metric::kRevenue, 0.25});
  policy.shadow = {.errors = 0.5, .latency = 2, .overlap = 0.125, .coverage = 0.25};
  policy.alpha = 0.0625;
  policy.minimum_users = 7;
  policy.minimum_answers = 9;
  policy.attribution_seconds = 11;
  policy.purchase_seconds = 13;
  policy.promote = false;
  EXPECT_EQ(PolicyFromJson(PolicyToJson(policy)).value(), policy);
  EXPECT_TRUE(Validate(DefaultPolicy()).ok());
  EXPECT_EQ(PolicyFromJson("{}").value(), DefaultPolicy());
}

TEST(Policy, AnErrorNamesTheField) {
  const std::pair<const char*, const char*> wrong[] = {
      {"nonsense", "not JSON"},
      {"[]", "it must be an object"},
      {R"({"stage":[]})", "there is no field stage; there are: alpha"},
      {R"({"stages":[]})", "stages has 0 entries"},
      {R"({"stages":{}})", "stages must be a list"},
      {R"({"stages":[{"share":0.1}]})", "stages[0].kind must be given"},
      {R"({"stages":[{"kind":"blue","share":0.1}]})",
       "stages[0].kind must be shadow, interleaving, canary or ab"},
      {R"({"stages":[{"kind":"canary"}]})", "stages[0].share is 0"},
      {R"({"stages":[{"kind":"canary","share":1.5}]})", "stages[0].share is 1.5"},
      {R"({"stages":[{"kind":"canary","share":0.5},{"kind":"canary","share":0.1}]})",
       "stages[1].share is 0.1, below the 0.5"},
      {R"({"stages":[{"kind":"canary","share":0.5},{"kind":"shadow","share":0.6}]})",
       "stages[1] is a shadow"},
      {R"({"stages":[{"kind":"canary","share":0.5,"users":-1}]})",
       "stages[0].users must be a whole"},
      {R"({"stages":[{"kind":"canary","share":0.5,"seconds":"1h"}]})", "stages[0].seconds must be"},
      {R"({"guardrails":[{"loss":0.1}]})", "guardrails[0].metric must be given"},
      {R"({"guardrails":[{"metric":"joy"}]})", "guardrails[0].metric must be one of errors"},
      {R"({"guardrails":[{"metric":"ctr","loss":2}]})", "guardrails[0].loss is 2"},
      {R"({"guardrails":[{"metric":"ctr"},{"metric":"ctr"}]})", "guardrails[1] names 'ctr' again"},
      {R"({"shadow":{"latency":0.5}})", "shadow.latency is 0.5"},
      {R"({"shadow":{"speed":1}})", "there is no field shadow.speed"},
      {R"({"alpha":0})", "alpha is 0"},
      {R"({"promote":"yes"})", "promote must be true or false"},
      {R"({"purchase_seconds":0})", "purchase_seconds is 0"},
  };
  for (const auto& [text, part] : wrong) {
    const auto policy = PolicyFromJson(text);
    ASSERT_FALSE(policy.ok()) << text;
    EXPECT_EQ(policy.status().code(), Code::kInvalidArgument) << text;
    EXPECT_NE(policy.status().message().find(part), std::string::npos)
        << text << ": " << policy.status().message();
  }
}

TEST(RolloutIds, AreReadAgainAndNothingElseIs) {
  EXPECT_EQ(RolloutNumber(RolloutId(12)).value(), 12);
  for (const char* wrong :
       {"", "rollout-", "rollout-0", "rollout-x", "rollout--1", "job-000001", "1"}) {
    EXPECT_EQ(RolloutNumber(wrong).status().code(), Code::kNotFound) << wrong;
  }
}

}  // namespace
}  // namespace vitrine::rollout
