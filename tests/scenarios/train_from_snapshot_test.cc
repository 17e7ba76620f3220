// The two real data sets through the programs: import, clean, train, split; then the artifact itself
// is evaluated in the serving runtime and must give the counting floors, and the vocabulary must
// stand in the order that the data say.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "adapters/onnxruntime/graph_scorer.h"
#include "adapters/onnxruntime/probe.h"
#include "adapters/onnxruntime/runtime.h"
#include "evaluate/evaluate.h"
#include "evaluate/holdout.h"
#include "graph/artifact_files.h"

namespace vitrine {
namespace {
namespace fs = std::filesystem;
using Json = nlohmann::json;

fs::path TestData() {
  const char* given = std::getenv("VITRINE_TEST_DATA");
  return given != nullptr ? given : "../shared";
}

fs::path Program(const std::string& name) {
  const char* bin = std::getenv("VITRINE_BIN");
  return fs::path(bin == nullptr ? "" : bin) / name;
}

struct Outcome {
  int exit_code = -1;
  std::string output;
};

/// Stdout and exit code; stderr goes where the test's goes.
Outcome Shell(const std::string& command) {
  Outcome outcome;
  std::FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) {
    return outcome;
  }
  char buffer[4096];
  for (std::size_t n = 0; (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) {
    outcome.output.append(buffer, n);
  }
  const int status = ::pclose(pipe);
  outcome.exit_code = status >= 0 ? status / 256 : status;
  return outcome;
}

/// A data directory with one snapshot of one data set.
class Snapshot {
 public:
  Snapshot(const std::string& data_set, const std::string& mapping)
      : dir_(fs::temp_directory_path() / ("train-" + data_set)) {
    const std::string lake = Program("vitrine-lake").string();
    const std::string source = (TestData() / "data" / data_set).string();
    const Outcome import = Shell(lake + " import '" + source + "' --mapping " + mapping +
                                 " --data '" + dir_.string() + "' --json 2>/dev/null");
    EXPECT_EQ(import.exit_code, 0) << import.output;
    const Outcome clean = Shell(lake + " clean --data '" + dir_.string() + "' --json 2>/dev/null");
    EXPECT_EQ(clean.exit_code, 0) << clean.output;
    for (const auto& entry : fs::directory_iterator(dir_ / "lake" / "snapshots")) {
      folder_ = entry.path().string();
    }
  }
  ~Snapshot() {
    std::error_code ignored;
    fs::remove_all(dir_, ignored);
  }

  /// The one snapshot.
  [[nodiscard]] const std::string& folder() const { return folder_; }
  std::string Path(const std::string& name) const { return (dir_ / name).string(); }

  /// Trains into `name`; the result object.
  Json Train(const std::string& spec, const std::string& protocol, const std::string& name,
             const std::string& more = "") const {
    const Outcome outcome = Shell(
        Program("vitrine-trainer").string() + " train --json --snapshot '" + folder_ + "' --spec " +
        spec + " --protocol " + protocol + " --out '" + Path(name) + "' " + more + " 2>/dev/null");
    EXPECT_EQ(outcome.exit_code, 0) << outcome.output;
    return Json::parse(outcome.output, nullptr, false);
  }

  evaluate::Holdout Split(const std::string& protocol) const {
    const Outcome outcome =
        Shell(Program("vitrine-trainer").string() + " split --snapshot '" + folder_ +
              "' --protocol " + protocol + " --out '" + Path("holdout.jsonl") + "' 2>/dev/null");
    EXPECT_EQ(outcome.exit_code, 0) << outcome.output;
    auto holdout = evaluate::ReadHoldout(Path("holdout.jsonl"));
    EXPECT_TRUE(holdout.ok()) << holdout.status().ToString();
    return holdout.ok() ? std::move(holdout).value() : evaluate::Holdout();
  }

 private:
  fs::path dir_;
  std::string folder_;
};

evaluate::EvalReport EvaluateArtifact(const std::string& dir, const evaluate::Holdout& holdout) {
  auto runtime = adapters::MakeOnnxRuntime();
  EXPECT_TRUE(runtime.ok());
  const auto artifact = adapters::LoadArtifact(dir, **runtime);
  EXPECT_TRUE(artifact.ok()) << artifact.status().ToString();
  const auto probe = adapters::ProbeArtifact(dir);
  EXPECT_TRUE(probe.ok()) << probe.status().ToString();
  auto report = evaluate::Evaluate(*artifact->scorer, holdout, *artifact->vocabulary,
                                   {.model = dir, .bootstrap = {.resamples = 10}}, Progress());
  EXPECT_TRUE(report.ok()) << report.status().ToString();
  return report.ok() ? std::move(report).value() : evaluate::EvalReport();
}

void ExpectFloors(const evaluate::EvalReport& report, const std::string& slice,
                  const Json& expected) {
  for (const auto& [metric, value] : expected.items()) {
    const std::string name = metric.starts_with("hr@") ? "hit_rate" + metric.substr(2) : metric;
    const MetricValue* found = report.Find(slice, name);
    ASSERT_NE(found, nullptr) << slice << " " << name;
    EXPECT_NEAR(found->mean, value.get<double>(), 1e-4) << slice << " " << name;
  }
}

class TrainFromSnapshot : public testing::Test {
 protected:
  void SetUp() override {
    std::ifstream file(TestData() / "reference" / "floors" / "expected.json");
    if (!file) {
      GTEST_SKIP() << "no reference data at " << TestData();
    }
    floors_ = Json::parse(file);
  }
  Json floors_;
};

TEST_F(TrainFromSnapshot, AmazonBeautyMarkov) {
  const Snapshot snapshot("amazon-beauty", "tests/data/mappings/amazon-beauty.toml");
  const Json result = snapshot.Train("markov", "tests/data/protocols/amazon-beauty.toml", "markov");
  EXPECT_EQ(result["fitted_on"], "training+validation");
  EXPECT_EQ(result["rows"], 198502 - 22363);
  EXPECT_EQ(result["users"], 22363);

  // Users that have the item in all but their last place, the slow way.
  std::map<std::string, std::set<std::string>> users;
  std::ifstream sequences(TestData() / "data" / "amazon-beauty" / "sequences.txt");
  for (std::string line; std::getline(sequences, line);) {
    std::istringstream words(line);
    std::vector<std::string> row{std::istream_iterator<std::string>(words), {}};
    for (std::size_t i = 1; i + 1 < row.size(); ++i) {
      users[row[i]].insert(row[0]);
    }
  }
  std::ifstream file(snapshot.Path("markov") + "/vocabulary.txt");
  std::vector<std::string> ids;
  for (std::string id; std::getline(file, id);) {
    ids.push_back(id);
  }
  ASSERT_EQ(ids.size(), 12101U);
  std::vector<std::string> order = ids;
  std::sort(order.begin(), order.end(), [&](const std::string& a, const std::string& b) {
    return users[a].size() != users[b].size() ? users[a].size() > users[b].size()
                                              : std::stoi(a) < std::stoi(b);
  });
  EXPECT_EQ(ids, order);

  const evaluate::EvalReport report = EvaluateArtifact(
      snapshot.Path("markov"), snapshot.Split("tests/data/protocols/amazon-beauty.toml"));
  ExpectFloors(report, "all", floors_["amazon-beauty"]["markov"]["all"]);
  ExpectFloors(report, "not_same_day", floors_["amazon-beauty"]["markov"]["not_same_day"]);
}

TEST_F(TrainFromSnapshot, OnlineRetailPersonal) {
  const Snapshot snapshot("online-retail", "online-retail");
  const evaluate::Holdout holdout = snapshot.Split("last-basket");
  EXPECT_EQ(holdout.CountOf(evaluate::Part::kTest),
            floors_["online-retail"]["evaluated_customers"].get<std::size_t>());
  const std::map<std::string, std::string> models = {{"personal", "personal_top"},
                                                     {"personal-decay", "personal_decay"}};
  for (const auto& [spec, floor] : models) {
    const Json result = snapshot.Train(spec, "last-basket", spec, "--memory-limit 2048");
    EXPECT_EQ(result["model"], spec);
    ExpectFloors(EvaluateArtifact(snapshot.Path(spec), holdout), "all",
                 floors_["online-retail"][floor]);
  }

  // A refit on everything names its parent, learns from more, and takes choices over.
  const Json refit =
      snapshot.Train("personal", "last-basket", "refit",
                     "--refit --parent personal:1 --like '" + snapshot.Path("personal") + "'");
  EXPECT_EQ(refit["fitted_on"], "everything");
  EXPECT_FALSE(refit.contains("validation"));

  // Too little memory is said as such, with the table's exit code.
  const Outcome small =
      Shell(Program("vitrine-trainer").string() + " train --snapshot '" + snapshot.folder() +
            "' --spec personal --protocol last-basket --out '" + snapshot.Path("small") +
            "' --memory-limit 40 2>&1");
  EXPECT_EQ(small.exit_code, 6) << small.output;
  EXPECT_FALSE(fs::exists(snapshot.Path("small")));
}

TEST_F(TrainFromSnapshot, ANetworkIsCancelledAndGoesOn) {
  const Snapshot snapshot("amazon-beauty", "tests/data/mappings/amazon-beauty.toml");
  std::ofstream(snapshot.Path("tiny.toml")) << R"(
name = "tiny"
algorithm = "sasrec"
validation_cases = 200
[parameters]
length = 10
width = 8
blocks = 1
heads = 1
negatives = 16
epochs = 3
validate_every = 1
threads = 1
)";
  // SIGTERM as soon as the first epoch is reported, at most two minutes later.
  const std::string train = Program("vitrine-trainer").string() + " train --json --snapshot '" +
                            snapshot.folder() + "' --spec '" + snapshot.Path("tiny.toml") +
                            "' --protocol tests/data/protocols/amazon-beauty.toml --out '" +
                            snapshot.Path("tiny") + "'";
  const std::string log = snapshot.Path("progress");
  const Outcome cancelled =
      Shell(train + " 2>'" + log +
            "' & pid=$!; for i in $(seq 1200); do grep -q '\"unit\":\"epochs\"' '" + log +
            "' && break; sleep 0.1; done; kill -TERM $pid; wait $pid; echo $?");
  EXPECT_EQ(cancelled.output, "130\n");
  EXPECT_FALSE(fs::exists(snapshot.Path("tiny")));
  EXPECT_TRUE(fs::exists(snapshot.Path("tiny.partial") + "/run.json"));

  const Outcome resumed = Shell(train + " 2>/dev/null");
  ASSERT_EQ(resumed.exit_code, 0) << resumed.output;
  const Json result = Json::parse(resumed.output, nullptr, false);
  EXPECT_EQ(result["resumed"], true);
  EXPECT_TRUE(result["chosen"].contains("epochs")) << resumed.output;
  EXPECT_FALSE(fs::exists(snapshot.Path("tiny.partial")));
  const auto probe = adapters::ProbeArtifact(snapshot.Path("tiny"));
  ASSERT_TRUE(probe.ok()) << probe.status().ToString();
  // The network answers a query; the artifact as a whole answers scores.
  const auto artifact = graph::OpenArtifact(snapshot.Path("tiny"));
  ASSERT_TRUE(artifact.ok());
  EXPECT_TRUE(artifact->manifest.files.contains("items.f32"));
  ASSERT_EQ(probe->outputs.size(), 1U);
  EXPECT_EQ(probe->outputs[0].name, "scores");
}

}  // namespace
}  // namespace vitrine
