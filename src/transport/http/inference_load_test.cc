// Made-up requests, read back by the server's own reader.
#include "transport/http/inference_load.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "transport/http/inference_body.h"

namespace vitrine::http {
namespace {

const char kMetadata[] = R"({"name": "m", "inputs": [
  {"name": "a", "datatype": "FP32", "shape": [-1, 3]}, {"name": "b", "datatype": "INT64", "shape": [-1]},
  {"name": "c", "datatype": "UINT8", "shape": [2]}, {"name": "d", "datatype": "BYTES", "shape": [1, -1]},
  {"name": "e", "datatype": "BOOL", "shape": []}, {"name": "f", "datatype": "FP64", "shape": [4]},
  {"name": "g", "datatype": "INT16", "shape": [3]}, {"name": "h", "datatype": "FP16", "shape": [5]}]})";

std::vector<Tensor> Read(const InferenceRequest& request) {
  std::string padded = request.body;
  padded.append(64, '\0');
  std::size_t json_bytes = request.body.size();
  for (const auto& [name, value] : request.headers) {
    json_bytes = name == "Inference-Header-Content-Length" ? std::stoul(value) : json_bytes;
  }
  InferenceBody body;
  const Status read = ReadInference(std::string_view(padded).substr(0, request.body.size()),
                                    json_bytes, padded.size(), body);
  EXPECT_TRUE(read.ok()) << read.ToString() << "\n" << request.body.substr(0, json_bytes);
  return body.inputs;
}

std::vector<InferenceRequest> Make(const InferenceLoad& load) {
  auto made = MakeInferenceRequests(kMetadata, load);
  EXPECT_TRUE(made.ok()) << made.status().ToString();
  return made.ok() ? *std::move(made) : std::vector<InferenceRequest>{};
}

TEST(InferenceLoad, JsonAndRawTensorsHoldTheSameValues) {
  InferenceLoad load{.shapes = {{"a", {4, 3}}, {"d", {1, 7}}}, .low = 3, .high = 90, .bodies = 5};
  const auto text = Make(load);
  load.binary = true;
  const auto raw = Make(load);
  ASSERT_EQ(text.size(), 5U);
  ASSERT_EQ(raw.size(), 5U);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto a = Read(text[i]);
    const auto b = Read(raw[i]);
    ASSERT_EQ(a.size(), 8U);
    ASSERT_EQ(b.size(), 8U);
    for (std::size_t t = 0; t < a.size(); ++t) {
      EXPECT_EQ(a[t].name(), b[t].name());
      EXPECT_EQ(a[t].shape(), b[t].shape());
      EXPECT_TRUE(std::ranges::equal(a[t].bytes(), b[t].bytes())) << a[t].name();
    }
  }
  const auto tensors = Read(text[0]);
  EXPECT_EQ(tensors[0].shape(), (Shape{4, 3}));
  EXPECT_EQ(tensors[1].shape(), (Shape{1}));
  EXPECT_EQ(tensors[3].shape(), (Shape{1, 7}));
}

TEST(InferenceLoad, ValuesLieInTheRangeAndFollowFromTheSeed) {
  InferenceLoad load{.shapes = {{"a", {100, 3}}, {"b", {300}}}, .low = -2, .high = 2, .bodies = 1};
  const auto tensors = Read(Make(load)[0]);
  const auto floats = tensors[0].values<float>();
  EXPECT_TRUE(std::ranges::all_of(floats, [](float v) { return v >= -2 && v <= 2; }));
  const auto whole = tensors[1].values<std::int64_t>();
  for (std::int64_t value = -2; value <= 2; ++value) {
    EXPECT_GT(std::ranges::count(whole, value), 20) << value;
  }
  EXPECT_EQ(std::ranges::count_if(whole, [](std::int64_t v) { return v < -2 || v > 2; }), 0);
  EXPECT_EQ(Make(load)[0].body, Make(load)[0].body);
  InferenceLoad other = load;
  other.seed = 2;
  EXPECT_NE(Make(load)[0].body, Make(other)[0].body);
  const auto zeros = Read(Make({.low = 0, .high = 0, .bodies = 1})[0]);
  EXPECT_EQ(zeros[0].values<float>()[0], 0);
}

TEST(InferenceLoad, SaysWhatDoesNotFit) {
  const auto code = [](const InferenceLoad& load) {
    return MakeInferenceRequests(kMetadata, load).status().code();
  };
  EXPECT_EQ(code({.shapes = {{"x", {1}}}}), Code::kInvalidArgument);
  EXPECT_EQ(code({.shapes = {{"a", {1, 4}}}}), Code::kInvalidArgument);
  EXPECT_EQ(code({.shapes = {{"a", {3}}}}), Code::kInvalidArgument);
  EXPECT_EQ(code({.shapes = {{"a", {std::int64_t{1} << 40, 3}}}}), Code::kInvalidArgument);
  EXPECT_EQ(code({.low = 2, .high = 1}), Code::kInvalidArgument);
  EXPECT_EQ(MakeInferenceRequests("{}", {}).status().code(), Code::kDataLoss);
  EXPECT_EQ(MakeInferenceRequests("nonsense", {}).status().code(), Code::kDataLoss);
  EXPECT_EQ(ReadInferenceSplit(R"({"model_stats": [{}]})").status().code(), Code::kDataLoss);
}

}  // namespace
}  // namespace vitrine::http
