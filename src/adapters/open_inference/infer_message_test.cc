#include "adapters/open_inference/infer_message.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace vitrine::adapters {
namespace {

using nlohmann::json;

std::vector<Tensor> Inputs() {
  return {Tensor::Of<std::int64_t>("item", {2}, std::vector<std::int64_t>{7, -3}),
          Tensor::Of<float>("price", {2, 1}, std::vector<float>{0.5F, 1e-3F})};
}

const std::vector<TensorSpec> kWanted = {
    {.name = "price", .dtype = DType::kFloat32, .shape = {-1, 1}},
    {.name = "item", .dtype = DType::kInt64, .shape = {-1}}};

TEST(WriteInferTest, JsonHoldsTheInputsThatAreWanted) {
  std::string body;
  EXPECT_EQ(WriteInfer(Inputs(), kWanted, "sc\"ore", false, body), 0U);
  const json want = json::parse(R"({"inputs": [
      {"name": "price", "datatype": "FP32", "shape": [2, 1], "data": [0.5, 0.001]},
      {"name": "item", "datatype": "INT64", "shape": [2], "data": [7, -3]}],
    "outputs": [{"name": "sc\"ore"}]})");
  EXPECT_EQ(json::parse(body), want) << body;
}

TEST(WriteInferTest, RawTensorsFollowTheJson) {
  std::string body;
  const std::size_t json_bytes = WriteInfer(Inputs(), kWanted, "scores", true, body);
  const json head = json::parse(body.substr(0, json_bytes));
  EXPECT_EQ(head["inputs"][0]["parameters"]["binary_data_size"], 8);
  EXPECT_EQ(head["inputs"][1]["parameters"]["binary_data_size"], 16);
  EXPECT_EQ(head["outputs"][0]["parameters"]["binary_data"], true);
  ASSERT_EQ(body.size(), json_bytes + 24);
  float price = 0;
  std::int64_t item = 0;
  std::memcpy(&price, body.data() + json_bytes, sizeof(price));
  std::memcpy(&item, body.data() + json_bytes + 16, sizeof(item));
  EXPECT_EQ(price, 0.5F);
  EXPECT_EQ(item, -3);
}

TEST(ReadInferTest, TakesTheOutputOfJsonNestedOrFlat) {
  Tensor scores;
  const std::string_view nested =
      R"({"outputs":[{"name":"a","datatype":"INT64","shape":[1],"data":[1]},
                     {"name":"s","datatype":"FP64","shape":[2,1],"data":[[0.25],[-1]]}]})";
  ASSERT_TRUE(ReadInfer(nested, 0, "s", scores).ok());
  EXPECT_EQ(scores.shape(), (Shape{2, 1}));
  EXPECT_EQ(scores.values<double>()[0], 0.25);
  EXPECT_EQ(scores.values<double>()[1], -1);
  const std::string_view flat =
      R"({"outputs":[{"name":"s","datatype":"FP32","shape":[2],"data":[0.25,3]}]})";
  ASSERT_TRUE(ReadInfer(flat, 0, "s", scores).ok());
  EXPECT_EQ(scores.values<float>()[1], 3);
}

TEST(ReadInferTest, TakesRawOutputsByTheirPlace) {
  std::string body =
      R"({"outputs":[{"name":"x","datatype":"FP32","shape":[1],"parameters":{"binary_data_size":4}},
                     {"name":"j","datatype":"FP32","shape":[1],"data":[1]},
                     {"name":"s","datatype":"FP32","shape":[2],"parameters":{"binary_data_size":8}}]})";
  const std::size_t json_bytes = body.size();
  const std::vector<float> values = {9, 1.5F, -2};
  body.append(reinterpret_cast<const char*>(values.data()), 12);
  Tensor scores;
  ASSERT_TRUE(ReadInfer(body, json_bytes, "s", scores).ok());
  EXPECT_EQ(scores.values<float>()[0], 1.5F);
  EXPECT_EQ(scores.values<float>()[1], -2);
  body.pop_back();
  EXPECT_EQ(ReadInfer(body, json_bytes, "s", scores).code(), Code::kDataLoss);
}

TEST(ReadInferTest, AnswersThatAreNoneAreRefused) {
  Tensor scores;
  for (
      const char* body :
      {"", "null", "[]", "{", R"({"outputs":{}})", R"({"outputs":[]})", R"({"outputs":[1]})",
       R"({"outputs":[{"name":"other","datatype":"FP32","shape":[1],"data":[1]}]})",
       R"({"outputs":[{"name":"s","datatype":"INT64","shape":[1],"data":[1]}]})",
       R"({"outputs":[{"name":"s","datatype":"FP32","shape":[2],"data":[1]}]})",
       R"({"outputs":[{"name":"s","datatype":"FP32","shape":[-1],"data":[1]}]})",
       R"({"outputs":[{"name":"s","datatype":"FP32","shape":[1],"data":["1"]}]})",
       R"({"outputs":[{"name":"s","datatype":"FP32","shape":[1],"data":[null]}]})",
       R"({"outputs":[{"name":"s","datatype":"FP32","shape":[1]}]})",
       R"({"outputs":[{"name":"s","datatype":"FP32","shape":[4294967296,4294967296],"data":[]}]})",
       R"({"outputs":[{"name":"s","datatype":"FP32","shape":[1],"parameters":{"binary_data_size":-4}}]})",
       R"({"outputs":[{"name":"s","datatype":"FP32","shape":[1],"parameters":{"binary_data_size":4}}]})"}) {
    EXPECT_EQ(ReadInfer(body, 0, "s", scores).code(), Code::kDataLoss) << body;
  }
  EXPECT_EQ(ReadInfer("{}", 9, "s", scores).code(), Code::kDataLoss);
}

TEST(ReadInferTest, DamagedAnswersNeverBreakTheReader) {
  std::string good =
      R"({"outputs":[{"name":"s","datatype":"FP32","shape":[2],"parameters":{"binary_data_size":8}}]})";
  const std::size_t json_bytes = good.size();
  good.append(8, '\0');
  std::mt19937_64 random(1);
  for (int round = 0; round < 5000; ++round) {
    std::string damaged = good;
    for (int edit = 0; edit < 1 + round % 3; ++edit) {
      damaged[random() % damaged.size()] = "0123456789-[]{},\":aeE.\0"[random() % 23];
    }
    Tensor scores;
    static_cast<void>(
        ReadInfer(damaged, random() % 4 == 0 ? random() % 200 : json_bytes, "s", scores));
    static_cast<void>(ParseModel(damaged));
    static_cast<void>(SpeaksBinary(damaged));
  }
}

TEST(ParseModelTest, TakesWhatServersSay) {
  const auto model = ParseModel(R"({"name": "ctr", "versions": ["1"], "platform": "x",
    "inputs": [{"name": "item", "datatype": "INT64", "shape": [-1, 1]}],
    "outputs": [{"name": "p", "datatype": "FP32", "shape": [-1, 1]}]})");
  ASSERT_TRUE(model.ok()) << model.status().ToString();
  EXPECT_EQ(model->inputs[0].shape, (Shape{-1, 1}));
  EXPECT_EQ(model->outputs[0].name, "p");
  for (const char* bad :
       {"{}", R"({"inputs":[],"outputs":[]})",
        R"({"inputs":[{"name":"i","datatype":"INT64","shape":[-2]}],"outputs":[]})",
        R"({"inputs":[{"name":"i","datatype":"WORD","shape":[1]}],"outputs":[]})",
        R"({"inputs":[{"datatype":"INT64","shape":[1]}],"outputs":[]})"}) {
    EXPECT_EQ(ParseModel(bad).status().code(), Code::kDataLoss) << bad;
  }
  EXPECT_TRUE(SpeaksBinary(R"({"extensions":["x","binary_tensor_data"]})"));
  EXPECT_FALSE(SpeaksBinary(R"({"extensions":["x"]})"));
  EXPECT_FALSE(SpeaksBinary("not json"));
}

}  // namespace
}  // namespace vitrine::adapters
