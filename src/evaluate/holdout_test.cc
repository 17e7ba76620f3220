#include "evaluate/holdout.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "evaluate/test_log.h"

namespace vitrine::evaluate {
namespace {

Holdout Small() {
  Holdout h;
  h.protocol = "p";
  h.snapshot = "s";
  h.ordinal_time = true;
  h.history = HistoryRule::kKept;
  h.ks = {5, 10};
  h.slices = {"one", "two"};
  h.users = 9;
  h.catalogue_items = 7;
  h.items = {"a", "quote\" back\\ tab\t", "\xE7\x81\xAF"};
  h.cases = {
      {Part::kValidation, "u\n1", {{0, {-5}, EventType::kView, 0}}, {1}, 2},
      {Part::kTest,
       "u2",
       {{1, {1'600'000'000'000'000}, EventType::kPurchase, 3}, {2, {8}, EventType::kClick, 4}},
       {0, 2},
       3}};
  return h;
}

std::string TextOf(const Holdout& holdout) {
  const auto path =
      std::filesystem::temp_directory_path() / ("holdout_" + std::to_string(::getpid()) + ".jsonl");
  EXPECT_TRUE(WriteHoldout(holdout, path).ok());
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  std::filesystem::remove(path);
  return text.str();
}

TEST(HoldoutTest, ReadsWhatItWrote) {
  const Holdout written = Small();
  const auto read = ParseHoldout(TextOf(written), "file");
  ASSERT_TRUE(read.ok()) << read.status().message();
  EXPECT_EQ(*read, written);
}

TEST(HoldoutTest, EveryLineIsJsonOfTheAgreedShape) {
  std::stringstream lines(TextOf(Small()));
  std::string line;
  std::getline(lines, line);
  EXPECT_EQ(nlohmann::json::parse(line),
            nlohmann::json::parse(R"({"format":1,"protocol":"p","snapshot":"s","ordinal_time":true,
      "parts":{"validation":1,"test":1},"slices":["one","two"],"history":"kept","ks":[5,10],
      "users":9,"items":7})"));
  std::getline(lines, line);
  EXPECT_EQ(
      nlohmann::json::parse(line),
      nlohmann::json::parse(R"({"part":"validation","user":"u\n1","history":[["a",-5,"view",0]],
      "target":["quote\" back\\ tab\t"],"slices":["two"]})"));
}

TEST(HoldoutTest, ReadsJsonOfOtherWriters) {
  const auto read = ParseHoldout(
      "{\"items\":1,\"users\":1,\"ks\":[1],\"history\":\"filtered\",\"slices\":[],\"snapshot\":"
      "\"\","
      "\"protocol\":\"p\",\"format\":1,\"parts\":{\"test\":1,\"validation\":0},\"note\":[1,{\"a\":"
      "null}]}\n"
      " { \"more\" : [ {\"x\":[1.5e3]}, \"]\" ] , \"target\" : [ \"\\u706f\\ud83d\\ude00\" ],\r"
      "\"history\":[ [ \"a\" , 1 , \"view\" , 0 ] ],\"slices\":[ "
      "],\"user\":\"u\",\"part\":\"test\"}",
      "file");
  ASSERT_TRUE(read.ok()) << read.status().message();
  EXPECT_EQ(read->items, (std::vector<std::string>{"\xE7\x81\xAF\xF0\x9F\x98\x80", "a"}));
}

TEST(HoldoutTest, BrokenFilesNameLineAndColumn) {
  const std::string text = TextOf(Small());
  const auto replaced = [&](const std::string& from, const std::string& to) {
    std::string changed = text;
    changed.replace(changed.find(from), from.size(), to);
    return ParseHoldout(changed, "x.jsonl").status();
  };
  EXPECT_EQ(ParseHoldout("", "x").status().code(), Code::kInvalidArgument);
  EXPECT_EQ(ParseHoldout("{]\n", "x").status().code(), Code::kInvalidArgument);
  EXPECT_EQ(ParseHoldout(text.substr(0, text.rfind("{\"part\"")), "x").status().code(),
            Code::kDataLoss);
  EXPECT_EQ(replaced("\"format\":1", "\"format\":2").code(), Code::kFailedPrecondition);
  const Status event = replaced("\"click\"", "\"clack\"");
  EXPECT_EQ(event.code(), Code::kInvalidArgument);
  EXPECT_NE(event.message().find("x.jsonl, line 3, column"), std::string::npos) << event.message();
  EXPECT_NE(replaced("[\"one\",\"two\"]}", "[\"six\"]}").message().find("header does not name"),
            std::string::npos);
  EXPECT_FALSE(replaced("-5", "-5.5").ok());
  EXPECT_FALSE(replaced("\"user\":\"u2\",", "").ok());
}

TEST(HoldoutTest, EveryTruncationIsAnErrorOrTheWholeFile) {
  const std::string text = TextOf(Small());
  for (std::size_t n = 0; n + 2 < text.size(); ++n) {
    EXPECT_FALSE(ParseHoldout(std::string_view(text).substr(0, n), "x").ok()) << n;
  }
}

TEST(HoldoutTest, MissingFileSaysWhoWritesIt) {
  const auto read = ReadHoldout("/no/such/file");
  EXPECT_EQ(read.status().code(), Code::kNotFound);
  EXPECT_NE(read.status().message().find("vitrine-trainer split"), std::string::npos);
  EXPECT_EQ(ReadHoldout("/").status().code(), Code::kNotFound);
}

TEST(HoldoutTest, HoldsTheCasesOfASplit) {
  const auto log = test::MakeLog({{"u", "a", 10}, {"u", "b", 20}, {"u", "c", 30}, {"v", "z", 1}});
  Protocol protocol;
  protocol.name = "loo";
  protocol.slices = {{"all_of_them", "true"}};
  const auto split = MakeSplit(log, test::MakeItems(log), protocol);
  ASSERT_TRUE(split.ok());
  const Holdout h = MakeHoldout(log, *split, protocol);
  EXPECT_EQ(h.items, (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(h.users, 2U);
  EXPECT_EQ(h.catalogue_items, 4U);
  ASSERT_EQ(h.cases.size(), 2U);
  EXPECT_EQ(h.cases[1],
            (HoldoutCase{Part::kTest,
                         "u",
                         {{0, {10}, EventType::kPurchase, 0}, {1, {20}, EventType::kPurchase, 0}},
                         {2},
                         1}));
}

}  // namespace
}  // namespace vitrine::evaluate
