// What the trainer shows and offers: ready specs that its algorithms take, and progress.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "adapters/toml/train_spec.h"
#include "apps/trainer/algorithms.h"
#include "apps/trainer/progress_printer.h"

namespace vitrine::apps {
namespace {

TEST(Algorithms, TakeEveryReadySpec) {
  for (const adapters::ReadyText& ready : adapters::ReadySpecs()) {
    const auto spec = adapters::ReadTrainSpec(std::string(ready.name));
    ASSERT_TRUE(spec.ok()) << spec.status().ToString();
    if (const train::RankerFactory* ranker = FindRanker(spec->algorithm)) {
      const auto parameters = train::Parameters::Resolve(ranker->parameters, spec->parameters);
      ASSERT_TRUE(parameters.ok()) << ready.name << ": " << parameters.status().ToString();
      EXPECT_TRUE(ranker->create(*parameters).ok()) << ready.name;
      // A table brings its own features.
      EXPECT_EQ(spec->features.empty(), ready.name.ends_with("-table")) << ready.name;
      continue;
    }
    const auto factory = FindAlgorithm(spec->algorithm);
    ASSERT_TRUE(factory.ok()) << ready.name << ": " << factory.status().ToString();
    const auto parameters = train::Parameters::Resolve((*factory)->parameters, spec->parameters);
    ASSERT_TRUE(parameters.ok()) << ready.name << ": " << parameters.status().ToString();
    const auto members = train::CompleteMembers(**factory, spec->members);
    ASSERT_TRUE(members.ok()) << ready.name << ": " << members.status().ToString();
    const auto model = train::MakeModel(**factory, *parameters, *members);
    ASSERT_TRUE(model.ok()) << ready.name << ": " << model.status().ToString();
    EXPECT_FALSE((*model)->Features().empty()) << ready.name;
  }
}

TEST(Algorithms, AnUnknownOneIsRefusedWithTheNearest) {
  const Status status = FindAlgorithm("item-knn").status();
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_NE(status.message().find("item_knn"), std::string::npos) << status.message();
}

TEST(Algorithms, MembersAreCompletedAndMistakesNamed) {
  const auto hybrid = FindAlgorithm("hybrid");
  ASSERT_TRUE(hybrid.ok());
  const auto members = train::CompleteMembers(
      **hybrid, {{.name = "", .algorithm = "markov", .parameters = {}},
                 {.name = "near", .algorithm = "item_knn", .parameters = {{"decay", 0.5}}}});
  ASSERT_TRUE(members.ok()) << members.status().ToString();
  EXPECT_EQ(members->at(0).name, "markov");
  EXPECT_TRUE(members->at(0).parameters.contains("followers"));
  EXPECT_EQ(std::get<double>(members->at(1).parameters.at("decay")), 0.5);

  struct Case {
    std::vector<train::MemberSpec> members;
    std::string word;
  };
  const train::MemberSpec markov{.name = "m", .algorithm = "markov", .parameters = {}};
  const std::vector<Case> cases = {
      {{}, "[[member]]"},
      {{markov, markov}, "two members are named 'm'"},
      {{{.name = "a.b", .algorithm = "markov", .parameters = {}}}, "'a.b'"},
      {{{.name = "m", .algorithm = "markow", .parameters = {}}}, "did you mean 'markov'"},
      {{{.name = "m", .algorithm = "hybrid", .parameters = {}}}, "joins models itself"},
      {{{.name = "m", .algorithm = "markov", .parameters = {{"followrs", std::int64_t{1}}}}},
       "member 'm': unknown parameter 'followrs'; did you mean 'followers'"}};
  for (const Case& c : cases) {
    const Status status = train::CompleteMembers(**hybrid, c.members).status();
    EXPECT_EQ(status.code(), Code::kInvalidArgument) << c.word;
    EXPECT_NE(status.message().find(c.word), std::string::npos) << status.message();
  }
  const auto single = FindAlgorithm("markov");
  ASSERT_TRUE(single.ok());
  EXPECT_NE(train::CompleteMembers(**single, {markov}).status().message().find("is one model"),
            std::string::npos);
}

TEST(Algorithms, EveryParameterIsExplainedInBothLists) {
  const std::string text = DescribeAlgorithms();
  const auto json = nlohmann::json::parse(AlgorithmsToJson());
  ASSERT_EQ(json.size(), Algorithms().size() + Rankers().size());
  const auto explained = [&text](const auto& factory, const nlohmann::json& listed) {
    EXPECT_FALSE(factory.summary.empty());
    EXPECT_EQ(listed["algorithm"], factory.algorithm);
    ASSERT_EQ(listed["parameters"].size(), factory.parameters.size());
    for (const train::ParameterDef& def : factory.parameters) {
      EXPECT_FALSE(def.help.empty()) << def.name;
      EXPECT_NE(text.find(def.name), std::string::npos) << def.name;
    }
  };
  for (std::size_t i = 0; i < Algorithms().size(); ++i) {
    explained(Algorithms()[i], json[i]);
    EXPECT_EQ(json[i]["kind"], "retriever");
  }
  for (std::size_t i = 0; i < Rankers().size(); ++i) {
    explained(Rankers()[i], json[Algorithms().size() + i]);
    EXPECT_EQ(json[Algorithms().size() + i]["kind"], "ranker");
  }
}

TEST(Algorithms, ARankerIsNoMemberAndSaysSo) {
  const Status status = FindAlgorithm("lr").status();
  EXPECT_NE(status.message().find("labelled rows"), std::string::npos) << status.message();
  EXPECT_EQ(FindRanker("markov"), nullptr);
}

TEST(ProgressBar, ShowsShareDetailAndTimeLeft) {
  EXPECT_EQ(
      ProgressBar(
          {.stage = "fit", .done = 30, .total = 120, .unit = "epochs", .detail = "loss 5.21"}, 190),
      "fit [######..................] 30/120 epochs  loss 5.21  3:10 left");
  EXPECT_EQ(ProgressBar({.stage = "package", .detail = "graph"}, -1), "package  graph");
  EXPECT_EQ(ProgressBar({.stage = "read", .done = 7, .unit = "rows"}, 3700),
            "read 7 rows  1:01:40 left");
  // More than all is all.
  EXPECT_EQ(ProgressBar({.stage = "fit", .done = 3, .total = 2, .unit = "x"}, -1),
            "fit [########################] 3/2 x");
}

std::string Printed(ProgressStyle style, const std::vector<ProgressReport>& reports) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::tmpfile(), std::fclose);
  {
    ProgressPrinter printer(style, file.get());
    for (const ProgressReport& report : reports) {
      printer.Print(report);
    }
  }
  std::rewind(file.get());
  std::string text(4096, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  return text;
}

TEST(ProgressPrinter, JsonIsOneObjectALine) {
  const std::string text = Printed(ProgressStyle::kJson, {{.stage = "read", .detail = "a \"b\""},
                                                          {.stage = "fit", .done = 2, .total = 2}});
  const std::size_t end = text.find('\n');
  ASSERT_NE(end, std::string::npos);
  EXPECT_EQ(nlohmann::json::parse(text.substr(0, end))["progress"], "read");
  EXPECT_EQ(nlohmann::json::parse(text.substr(end + 1))["done"], 2);
}

TEST(ProgressPrinter, NewStagesAndLastReportsAreNeverSwallowed) {
  // Between them a quick stream of reports is thinned out.
  std::vector<ProgressReport> reports;
  for (int i = 0; i <= 1000; ++i) {
    reports.push_back({.stage = "fit", .done = static_cast<double>(i), .total = 1000});
  }
  reports.push_back({.stage = "package"});
  const std::string text = Printed(ProgressStyle::kLines, reports);
  EXPECT_NE(text.find(" 0/1000"), std::string::npos);
  EXPECT_NE(text.find("1000/1000"), std::string::npos);
  EXPECT_NE(text.find("package\n"), std::string::npos);
  EXPECT_LT(std::count(text.begin(), text.end(), '\n'), 100);
}

TEST(ProgressPrinter, ABarEndsItsLine) {
  const std::string text = Printed(ProgressStyle::kBar, {{.stage = "fit"}, {.stage = "package"}});
  EXPECT_EQ(text.back(), '\n');
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2);
}

}  // namespace
}  // namespace vitrine::apps
