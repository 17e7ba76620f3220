// One command from the files of a public data set to a served model: the floors, and that what is
// served is what was evaluated.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "e2e/programs.h"
#include "e2e/served_as_evaluated.h"

namespace vitrine::e2e {
namespace {

using nlohmann::json;

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
  const std::vector<std::string> specs = {"popularity", "markov", "item-knn", "item-knn-decay"};
  const auto run = RunBeauty(folder.path(), specs);
  ASSERT_EQ(run.exit_code, 0) << run.last_error_lines;
  ExpectFloors(run);
  ExpectServedAsEvaluated(folder.path(), specs);
  ExpectSmallAndSoonReady(folder.path());
}

}  // namespace
}  // namespace vitrine::e2e
