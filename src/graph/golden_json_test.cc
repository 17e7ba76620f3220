#include "graph/golden_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>

namespace vitrine::graph {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Golden Small() {
  Golden golden;
  golden.inputs.push_back(
      Tensor::Of<std::int64_t>("history", {2, 2}, std::vector<std::int64_t>{0, 5, 3, 2}));
  golden.inputs.push_back(Tensor::Of<float>("price", {2}, std::vector<float>{0.1F, -3e-20F}));
  const auto flags = std::make_unique<bool[]>(2);
  flags[1] = true;
  golden.inputs.push_back(Tensor::Of<bool>("new", {2, 1}, std::span<const bool>(flags.get(), 2)));
  golden.output = "scores";
  golden.rows = {{{7, 3}, {1.0 / 3, 0.1}}, {{2}, {-5}}};
  return golden;
}

std::string With(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(GoldenJsonTest, KeepsEveryBit) {
  const Golden golden = Small();
  const Result<std::string> text = GoldenToJson(golden);
  ASSERT_TRUE(text.ok());
  const Result<Golden> read = ParseGolden(*text);
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  ASSERT_EQ(read->inputs.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(read->inputs[i].name(), golden.inputs[i].name());
    EXPECT_EQ(read->inputs[i].dtype(), golden.inputs[i].dtype());
    EXPECT_EQ(read->inputs[i].shape(), golden.inputs[i].shape());
    EXPECT_THAT(read->inputs[i].bytes(), testing::ElementsAreArray(golden.inputs[i].bytes()));
  }
  EXPECT_EQ(read->output, "scores");
  EXPECT_THAT(read->rows[0].items, ElementsAre(7, 3));
  EXPECT_THAT(read->rows[0].scores, ElementsAre(1.0 / 3, 0.1));
  EXPECT_THAT(read->rows[1].scores, ElementsAre(-5));
}

TEST(GoldenJsonTest, TheTopLeavesOutPaddingAndUnknownAndBreaksTiesByIndex) {
  std::vector<double> scores = {9, 8, 1, 3, 3, 2};
  GoldenRow top = TopOf(scores);
  EXPECT_THAT(top.items, ElementsAre(3, 4, 5, 2));
  EXPECT_THAT(top.scores, ElementsAre(3, 3, 2, 1));
  scores.resize(100, 3);
  top = TopOf(scores);
  EXPECT_EQ(top.items.size(), kGoldenItems);
  EXPECT_EQ(top.items[2], 6U);
  EXPECT_TRUE(TopOf({}).items.empty());
}

TEST(GoldenJsonTest, RefusesWhatIsNotFinite) {
  Golden golden = Small();
  golden.rows[1].scores[0] = std::nan("");
  EXPECT_THAT(GoldenToJson(golden).status().message(), HasSubstr("golden row 1"));
  golden = Small();
  golden.inputs[1].values<float>()[0] = INFINITY;
  EXPECT_THAT(GoldenToJson(golden).status().message(), HasSubstr("'price'"));
}

TEST(GoldenJsonTest, ErrorsNameTheField) {
  const std::string text = *GoldenToJson(Small());
  const auto refusal = [](const std::string& t) { return ParseGolden(t).status().message(); };
  EXPECT_THAT(refusal(With(text, "\"shape\":[2,2]", "\"shape\":[2,3]")),
              HasSubstr("inputs[0].shape does not fit"));
  EXPECT_THAT(refusal(With(text, "\"shape\":[2,2]", "\"shape\":[-2,-2]")),
              HasSubstr("inputs[0].shape does not fit"));
  EXPECT_THAT(refusal(With(text, "[0,5,3,2]", "[0,5.5,3,2]")),
              HasSubstr("inputs[0].values[1] is not a whole number"));
  EXPECT_THAT(refusal(With(text, "\"items\":[7,3]", "\"items\":[7]")),
              HasSubstr("rows[0] has 1 items and 2 scores"));
  EXPECT_THAT(refusal(With(text, "\"output\"", "\"outputs\"")), HasSubstr("output is missing"));
  EXPECT_EQ(ParseGolden(With(text, "\"format\":1", "\"format\":9")).status().code(),
            Code::kFailedPrecondition);
}

}  // namespace
}  // namespace vitrine::graph
