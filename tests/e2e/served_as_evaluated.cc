#include "e2e/served_as_evaluated.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <random>

#include "adapters/onnxruntime/graph_scorer.h"
#include "adapters/onnxruntime/runtime.h"
#include "e2e/programs.h"
#include "evaluate/holdout.h"

namespace vitrine::e2e {
namespace {

using nlohmann::json;

constexpr std::size_t kAsked = 1000;

/// The evaluator's list: the whole vocabulary ranked, the history left out.
std::vector<std::string> Evaluated(const adapters::LoadedArtifact& model,
                                   const evaluate::Holdout& holdout,
                                   const evaluate::HoldoutCase& one) {
  History history;
  for (const evaluate::HoldoutEvent& event : one.history) {
    history.push_back({.item = model.vocabulary->Find(holdout.items[event.item]),
                       .ts = event.ts,
                       .type = event.type,
                       .basket = event.basket});
  }
  std::vector<double> scores;
  EXPECT_TRUE(model.scorer->Score({&history, 1}, scores).ok());
  for (const HistoryEvent& event : history) {
    scores[event.item] = -HUGE_VAL;
  }
  std::vector<ItemIndex> order;
  for (ItemIndex i = kFirstItem; i < scores.size(); ++i) {
    order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&scores](ItemIndex a, ItemIndex b) { return scores[a] > scores[b]; });
  std::vector<std::string> ids;
  for (std::size_t i = 0; i < 10; ++i) {
    ids.emplace_back(model.vocabulary->Id(order[i]));
  }
  return ids;
}

std::string Question(const evaluate::Holdout& holdout, const evaluate::HoldoutCase& one) {
  json history = json::array();
  for (const evaluate::HoldoutEvent& event : one.history) {
    history.push_back({{"item_id", holdout.items[event.item]},
                       {"type", EventName(event.type)},
                       {"basket", event.basket}});
  }
  return json({{"n", 10},
               {"user_id", one.user},
               {"history", std::move(history)},
               {"filter",
                {{"exclude_seen", true},
                 {"exclude_bought", false},
                 {"exclude_unknown", false},
                 {"exclude_out_of_stock", false}}}})
      .dump();
}

}  // namespace

void ExpectServedAsEvaluated(const std::string& data, const std::vector<std::string>& models) {
  const auto holdout = evaluate::ReadHoldout(data + "/jobs/job-000001/holdout.jsonl");
  ASSERT_TRUE(holdout.ok()) << holdout.status().ToString();
  std::vector<const evaluate::HoldoutCase*> cases;
  for (const evaluate::HoldoutCase& one : holdout->cases) {
    if (one.part == evaluate::Part::kTest) {
      cases.push_back(&one);
    }
  }
  std::mt19937 random(20);
  std::shuffle(cases.begin(), cases.end(), random);
  cases.resize(std::min(kAsked, cases.size()));
  const auto runtime = adapters::MakeOnnxRuntime();
  ASSERT_TRUE(runtime.ok());
  RunningServer server(data);
  ASSERT_TRUE(server.ok());
  http::Client client = server.Client();
  for (const std::string& name : models) {
    const auto promoted =
        client.Send("PUT", "/v1/aliases/champion", json({{"version", name + ":1"}}).dump());
    ASSERT_TRUE(promoted.ok() && promoted->ok()) << promoted->body;
    const auto model = adapters::LoadArtifact(StoredArtifact(data, name), **runtime);
    ASSERT_TRUE(model.ok()) << model.status().ToString();
    std::size_t different = 0;
    for (const evaluate::HoldoutCase* one : cases) {
      const auto answer = client.Post("/v1/recommend", Question(*holdout, *one));
      ASSERT_TRUE(answer.ok() && answer->ok()) << answer->body;
      std::vector<std::string> served;
      const json body = json::parse(answer->body);
      ASSERT_EQ(body.value("model", ""), name + ":1") << answer->body;
      for (const json& item : body["items"]) {
        served.push_back(item["item_id"]);
      }
      different += served == Evaluated(*model, *holdout, *one) ? 0U : 1U;
    }
    EXPECT_EQ(different, 0U) << "lists of " << name << " that differ, of " << cases.size();
  }
}

loop::ChildOutcome RunBeauty(const std::string& data, const std::vector<std::string>& specs) {
  std::vector<std::string> arguments = {"--data",
                                        data,
                                        "--json",
                                        "run",
                                        TestData("data/amazon-beauty"),
                                        "--mapping",
                                        "tests/data/mappings/amazon-beauty.toml",
                                        "--protocol",
                                        "tests/data/protocols/amazon-beauty.toml",
                                        "--no-serve"};
  for (const std::string& spec : specs) {
    arguments.insert(arguments.end(), {"--spec", spec});
  }
  return RunProgram("vitrine", std::move(arguments));
}

}  // namespace vitrine::e2e
