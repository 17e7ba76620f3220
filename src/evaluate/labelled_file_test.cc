#include "evaluate/labelled_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace vitrine::evaluate {
namespace {

namespace fs = std::filesystem;

LabelledRow Row(Part part, std::uint32_t user, std::uint32_t known, std::uint32_t item,
                std::int64_t ts, std::uint8_t label, std::uint64_t slices = 0) {
  LabelledRow row;
  row.part = part;
  row.user = user;
  row.known = known;
  row.item = item;
  row.ts = Micros{ts};
  row.label = label;
  row.slices = slices;
  return row;
}

LabelledSet Small() {
  LabelledSet set{.protocol = "labelled",
                  .snapshot = "abc",
                  .ordinal_time = false,
                  .slices = {"new"},
                  .items = {"a", "b\"", "\xE5\x93\x81"},
                  .users = {},
                  .rows = {}};
  set.users.resize(2);
  set.users[0].user.id = "u 0";
  set.users[0].user.attributes = {
      {"age", 33.5}, {"member", true}, {"tags", std::vector<std::string>{"x", "y"}}};
  set.users[0].history = {{0, Micros{5}, EventType::kView, 0}, {1, Micros{6}, EventType::kLike, 1}};
  set.users[1].user.id = "u1";
  set.rows = {Row(Part::kTraining, 0, 0, 0, 5, 0), Row(Part::kValidation, 1, 0, 2, 6, 1, 1),
              Row(Part::kTest, 0, 2, 1, 9, 1), Row(Part::kTest, 0, 1, 2, 9, 0)};
  return set;
}

class LabelledFile : public testing::Test {
 protected:
  LabelledFile() {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    path_ = (fs::temp_directory_path() / (std::string("vitrine-rows-") + info->name())).string();
    fs::remove(path_);
  }
  ~LabelledFile() override { fs::remove(path_); }
  std::string Text() const {
    std::ifstream in(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::string path_;
};

TEST_F(LabelledFile, KeepsHeldOutRowsInOrderAndWhatTheyKnow) {
  const LabelledSet set = Small();
  ASSERT_TRUE(WriteLabelledRows(set, path_).ok());
  EXPECT_TRUE(IsLabelledFile(path_));
  const auto read = ReadLabelledRows(path_);
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  ASSERT_EQ(read->rows.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    const LabelledRow& got = read->rows[i];
    const LabelledRow& want = set.rows[i + 1];
    EXPECT_EQ(read->users[got.user].user, set.users[want.user].user) << i;
    EXPECT_EQ(read->items[got.item], set.items[want.item]) << i;
    EXPECT_EQ(got.known, want.known) << i;
    EXPECT_EQ(got.label, want.label) << i;
    EXPECT_EQ(got.slices, want.slices) << i;
    EXPECT_EQ(got.ts, want.ts) << i;
    EXPECT_EQ(got.part, want.part) << i;
    for (std::size_t e = 0; e < got.known; ++e) {
      const HoldoutEvent& a = read->users[got.user].history[e];
      const HoldoutEvent& b = set.users[want.user].history[e];
      EXPECT_EQ(read->items[a.item], set.items[b.item]);
      EXPECT_EQ(a.ts, b.ts);
      EXPECT_EQ(a.type, b.type);
      EXPECT_EQ(a.basket, b.basket);
    }
  }
}

TEST_F(LabelledFile, RowsOfATableStandAlone) {
  LabelledSet set;
  set.protocol = "table";
  set.rows.resize(3);
  set.rows[0].part = Part::kTraining;
  set.rows[1].part = Part::kTest;
  set.rows[1].context = {{"pages", 3.0}, {"month", std::string("May")}};
  set.rows[1].label = 1;
  set.rows[2].part = Part::kTest;
  ASSERT_TRUE(WriteLabelledRows(set, path_).ok());
  const auto read = ReadLabelledRows(path_);
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  ASSERT_EQ(read->rows.size(), 2U);
  EXPECT_EQ(read->rows[0], set.rows[1]);
  EXPECT_EQ(read->rows[1], set.rows[2]);
}

TEST_F(LabelledFile, WhatIsWrongIsNamedByItsLine) {
  ASSERT_TRUE(WriteLabelledRows(Small(), path_).ok());
  const std::string text = Text();
  const auto with = [&text](const std::string& from, const std::string& to) {
    std::string changed = text;
    const std::size_t at = changed.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return ParseLabelledRows(changed.replace(at, from.size(), to), "rows.jsonl").status();
  };
  EXPECT_NE(with("\"part\":\"test\"", "\"part\":\"best\"").message().find("line 2: part 'best'"),
            std::string::npos);
  EXPECT_EQ(with("\"format\":1", "\"format\":2").code(), Code::kFailedPrecondition);
  EXPECT_NE(with("\"known\":2", "\"known\":3").message().find("history of 2"), std::string::npos);
  EXPECT_NE(with("\"view\"", "\"vew\"").message().find("unknown event 'vew'"), std::string::npos);
  EXPECT_EQ(with("\"label\":1", "\"label\":2").code(), Code::kInvalidArgument);
  EXPECT_EQ(ParseLabelledRows(text.substr(0, text.find('\n') + 1), "x").status().code(),
            Code::kDataLoss);
  EXPECT_EQ(ReadLabelledRows(path_ + ".none").status().code(), Code::kNotFound);
  EXPECT_FALSE(IsLabelledFile(path_ + ".none"));
}

}  // namespace
}  // namespace vitrine::evaluate
