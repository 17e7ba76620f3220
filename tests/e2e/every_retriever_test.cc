// Every ready spec of a retriever, from files to the API: what is served is what was evaluated. The specs are
// cut to a few epochs, so that what is compared are answers, not their quality.
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "core/exit_code.h"
#include "e2e/programs.h"
#include "e2e/served_as_evaluated.h"

namespace vitrine::e2e {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::uint64_t kGoods = 120;
constexpr std::uint64_t kAisle = 12;  ///< goods of one

/// Shoppers who mostly go on in an aisle, to the good after the last one; two goods an order; some come back for
/// what they had. Goods have brands, categories and words in common.
void WriteShop(const std::string& folder) {
  std::ofstream log(folder + "/log.csv", std::ios::binary);
  log << "user,item,time\n";
  std::mt19937 random(9);
  for (int user = 0; user < 240; ++user) {
    std::uint64_t good = random() % kGoods;
    for (int i = 0; i < 10; ++i) {
      log << "u" << user << ",i" << good << "," << 1'700'000'000 + 90'000 * (i / 2) + user << "\n";
      const std::uint64_t aisle = random() % 5 == 0 ? random() % (kGoods / kAisle) : good / kAisle;
      good = aisle * kAisle + (random() % 3 == 0 ? random() : good + 1) % kAisle;
    }
  }
  std::ofstream goods(folder + "/goods.csv", std::ios::binary);
  goods << "id,title,brand,category\n";
  for (std::uint64_t i = 0; i < kGoods; ++i) {
    goods << "i" << i << ",word" << i % 17 << " word" << i % 5 << ",brand" << i % 7 << ",aisle"
          << i / kAisle << "\n";
  }
  WritePurchaseMapping(folder);
  std::ofstream(folder + "/shop.toml", std::ios::binary | std::ios::app) << R"([[items]]
files = ["goods.csv"]
format = "csv"
[items.fields]
id = "id"
title = "title"
brand = "brand"
categories = "category"
)";
}

struct Spec {
  std::string algorithm;
  std::string name;
  std::string path;  ///< of the copy that is cut
};

std::string Word(const std::string& text, const std::string& key, const std::string& otherwise) {
  std::smatch found;
  // Keys of the spec itself stand before its first table.
  const std::string head = text.substr(0, text.find("\n["));
  return std::regex_search(head, found, std::regex("(^|\n)" + key + " = \"([^\"]*)\""))
             ? found[2].str()
             : otherwise;
}

/// The ready specs of these algorithms, cut to what takes seconds.
std::vector<Spec> CutSpecs(const std::set<std::string>& algorithms, const std::string& folder) {
  std::vector<Spec> specs;
  for (const auto& file : fs::directory_iterator("specs")) {
    std::ifstream in(file.path(), std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(in), {}};
    const std::string algorithm = Word(text, "algorithm", "");
    if (!algorithms.contains(algorithm)) {
      continue;
    }
    for (const auto& [key, value] : std::map<std::string, std::string>{{"epochs", "2"},
                                                                       {"validate_every", "1"},
                                                                       {"iterations", "2"},
                                                                       {"rounds", "20"},
                                                                       {"negatives", "32"}}) {
      text = std::regex_replace(text, std::regex("\n" + key + " = [0-9]+"),
                                "\n" + key + " = " + value);
    }
    Spec spec{.algorithm = algorithm,
              .name = Word(text, "name", algorithm),
              .path = folder + "/" + file.path().filename().string()};
    std::ofstream(spec.path, std::ios::binary) << text;
    specs.push_back(std::move(spec));
  }
  return specs;
}

std::set<std::string> Retrievers() {
  const auto listed = RunProgram("vitrine-trainer", {"models", "--json"});
  EXPECT_EQ(listed.exit_code, kExitOk) << listed.last_error_lines;
  std::set<std::string> retrievers;
  const json known = json::parse(listed.output);
  for (const json& algorithm : known.at("algorithms")) {
    if (algorithm.at("kind") == "retriever") {
      retrievers.insert(algorithm.at("algorithm"));
    }
  }
  return retrievers;
}

TEST(EveryRetriever, IsServedAsEvaluated) {
  const Folder folder;
  WriteShop(folder.path());
  const std::set<std::string> retrievers = Retrievers();
  fs::create_directory(folder.path() + "/specs");
  std::vector<std::string> arguments = {
      "--data",    folder.path() + "/data",      "--json",     "run",           folder.path(),
      "--mapping", folder.path() + "/shop.toml", "--protocol", "leave-one-out", "--no-serve",
      "--set",     "gate.min_cases=100"};
  std::vector<std::string> names;
  std::set<std::string> tried;
  for (const Spec& spec : CutSpecs(retrievers, folder.path() + "/specs")) {
    arguments.insert(arguments.end(), {"--spec", spec.path});
    names.push_back(spec.name);
    tried.insert(spec.algorithm);
  }
  ASSERT_GT(retrievers.size(), 10U);
  EXPECT_EQ(tried, retrievers) << "a retriever without a ready spec";
  const auto run = RunProgram("vitrine", arguments);
  ASSERT_EQ(run.exit_code, kExitOk) << run.last_error_lines;
  const json outcome = json::parse(run.output.substr(run.output.find('{')), nullptr, false);
  ASSERT_TRUE(outcome.is_object()) << run.output.substr(0, 400);
  EXPECT_EQ(outcome["candidates"].size(), names.size());
  EXPECT_TRUE(outcome.value("failed", json::array()).empty()) << outcome["failed"];
  ExpectServedAsEvaluated(folder.path() + "/data", names);
}

}  // namespace
}  // namespace vitrine::e2e
