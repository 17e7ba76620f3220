// One command from the files of a public data set to a served model: the floors, and that what is
// served is what was evaluated.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
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

json Parse(const std::string& text) { return json::parse(text, nullptr, false); }

void ExpectFloors(const loop::ChildOutcome& run) {
  std::ifstream in(TestData("reference/floors") + "/expected.json");
  const json floors = json::parse(in)["amazon-beauty"];
  const json outcome = Parse(run.output.substr(run.output.find('{')));
  ASSERT_TRUE(outcome.is_object()) << run.output.substr(0, 400);
  std::size_t compared = 0;
  for (const json& candidate : outcome["candidates"]) {
    std::string floor = candidate["spec"];
    std::replace(floor.begin(), floor.end(), '-', '_');
    for (const auto& [metric, value] : floors[floor]["all"].items()) {
      EXPECT_NEAR(candidate["metrics"][metric]["mean"].get<double>(), value.get<double>(), 1e-4)
          << floor << " " << metric;
      const json& slice = floors[floor]["not_same_day"][metric];
      EXPECT_NEAR(candidate["metrics"]["not_same_day/" + metric]["mean"].get<double>(),
                  slice.get<double>(), 1e-4)
          << floor << " not_same_day " << metric;
      compared += 2;
    }
  }
  EXPECT_EQ(compared, 48U);
}

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

void ExpectServedAsEvaluated(const std::string& data) {
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
  cases.resize(kAsked);
  const auto runtime = adapters::MakeOnnxRuntime();
  ASSERT_TRUE(runtime.ok());
  RunningServer server(data);
  ASSERT_TRUE(server.ok());
  http::Client client = server.Client();
  for (const std::string name : {"popularity", "markov", "item-knn", "item-knn-decay"}) {
    const auto promoted =
        client.Send("PUT", "/v1/aliases/champion", json({{"version", name + ":1"}}).dump());
    ASSERT_TRUE(promoted.ok() && promoted->ok()) << promoted->body;
    const auto model = adapters::LoadArtifact(data + "/jobs/job-000001/" + name, **runtime);
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
    EXPECT_EQ(different, 0U) << "lists of " << name << " that differ, of " << kAsked;
  }
}

void ExpectSmallAndSoonReady(const std::string& data) {
  RunningServer server(data);
  ASSERT_TRUE(server.ok());
  http::Client client = server.Client();
  const auto metrics = client.Get("/metrics");
  ASSERT_TRUE(metrics.ok() && metrics->ok());
  const std::string name = "\nvitrine_process_resident_bytes ";
  const auto at = metrics->body.find(name);
  ASSERT_NE(at, std::string::npos);
  const double bytes = std::stod(metrics->body.substr(at + name.size()));
  EXPECT_LE(bytes, 250e6) << "resident bytes with one model, before any Chinese text";
  // A bound on a stuck start, not a benchmark: the figure is in docs/serve.md.
  EXPECT_LT(server.ready_seconds(), 30);
  testing::Test::RecordProperty("resident_bytes", static_cast<int>(bytes));
  testing::Test::RecordProperty("ready_milliseconds",
                                static_cast<int>(server.ready_seconds() * 1000));
  EXPECT_EQ(server.Stop(), 0);
}

// One case: each of its parts needs the whole run before it.
TEST(Beauty, OneCommandFromFilesToAServedModel) {
  const std::string files = TestData("data/amazon-beauty");
  if (files.empty() || TestData("reference/floors").empty()) {
    GTEST_SKIP() << "the data set amazon-beauty is not on this machine (VITRINE_TEST_DATA)";
  }
  const Folder folder;
  const auto run = RunProgram(
      "vitrine", {"--data", folder.path(), "--json", "run", files, "--mapping",
                  "tests/data/mappings/amazon-beauty.toml", "--protocol",
                  "tests/data/protocols/amazon-beauty.toml", "--spec", "popularity", "--spec",
                  "markov", "--spec", "item-knn", "--spec", "item-knn-decay", "--no-serve"});
  ASSERT_EQ(run.exit_code, 0) << run.last_error_lines;
  ExpectFloors(run);
  ExpectServedAsEvaluated(folder.path());
  ExpectSmallAndSoonReady(folder.path());
}

}  // namespace
}  // namespace vitrine::e2e
