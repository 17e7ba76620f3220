#include "transport/http/inference_body.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "transport/http/message.h"

namespace vitrine::http {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Status Read(std::string body, InferenceBody& out, std::size_t json_bytes = std::string::npos) {
  const std::size_t size = body.size();
  body.reserve(size + Request::kBodyPadding);
  return ReadInference(std::string_view(body.data(), size), std::min(json_bytes, size),
                       size + Request::kBodyPadding, out);
}

Status Refusal(const std::string& body) {
  InferenceBody out;
  return Read(body, out);
}

std::string Input(const std::string& type, const std::string& shape, const std::string& data) {
  return R"({"inputs":[{"name":"x","shape":)" + shape + R"(,"datatype":")" + type + R"(","data":)" +
         data + "}]}";
}

template <typename T>
std::vector<T> Values(const std::string& type, const std::string& data) {
  InferenceBody out;
  const Status status = Read(Input(type, "[3]", data), out);
  EXPECT_TRUE(status.ok()) << status.ToString();
  const auto values = out.inputs.at(0).values<T>();
  return {values.begin(), values.end()};
}

TEST(ReadInference, EveryTypeOfNumber) {
  EXPECT_THAT(Values<bool>("BOOL", "[true,false,true]"), ElementsAre(true, false, true));
  EXPECT_THAT(Values<std::int8_t>("INT8", "[-128,0,127]"), ElementsAre(-128, 0, 127));
  EXPECT_THAT(Values<std::int16_t>("INT16", "[-32768,0,1]"), ElementsAre(-32768, 0, 1));
  EXPECT_THAT(Values<std::int32_t>("INT32", "[1,2,3]"), ElementsAre(1, 2, 3));
  EXPECT_THAT(Values<std::int64_t>("INT64", "[1,-9223372036854775808,3]"),
              ElementsAre(1, std::numeric_limits<std::int64_t>::min(), 3));
  EXPECT_THAT(Values<std::uint8_t>("UINT8", "[0,1,255]"), ElementsAre(0, 1, 255));
  EXPECT_THAT(Values<std::uint16_t>("UINT16", "[0,1,65535]"), ElementsAre(0, 1, 65535));
  EXPECT_THAT(Values<std::uint32_t>("UINT32", "[0,1,4294967295]"), ElementsAre(0, 1, 4294967295U));
  EXPECT_THAT(Values<std::uint64_t>("UINT64", "[0,1,18446744073709551615]"),
              ElementsAre(0, 1, std::numeric_limits<std::uint64_t>::max()));
  EXPECT_THAT(Values<float>("FP32", "[1,2.5,-3e2]"), ElementsAre(1, 2.5, -300));
  EXPECT_THAT(Values<double>("FP64", "[1,2.5,1e300]"), ElementsAre(1, 2.5, 1e300));
}

TEST(ReadInference, HalvesAndStrings) {
  InferenceBody out;
  ASSERT_TRUE(Read(Input("FP16", "[2]", "[1, -2]"), out).ok());
  std::uint16_t half = 0;
  std::memcpy(&half, out.inputs[0].bytes().data() + 2, sizeof(half));
  EXPECT_EQ(half, 0xC000);
  InferenceBody texts;
  ASSERT_TRUE(Read(Input("BYTES", "[2,1]", R"([["a\u00e9"],[""]])"), texts).ok());
  EXPECT_THAT(StringsOf(texts.inputs[0]), ElementsAre("a\xc3\xa9", ""));
}

TEST(ReadInference, NestedOrFlatAndInAnyOrderOfMembers) {
  InferenceBody flat;
  InferenceBody nested;
  InferenceBody turned;
  ASSERT_TRUE(Read(Input("INT32", "[2,2]", "[1,2,3,4]"), flat).ok());
  ASSERT_TRUE(Read(Input("INT32", "[2,2]", "[[1,2],[3,4]]"), nested).ok());
  ASSERT_TRUE(Read(R"({"outputs":[{"name":"y","parameters":{"binary_data":false}}],
                       "inputs":[{"data":[[1,2],[3,4]],"datatype":"INT32","shape":[2,2],"name":"x"}],
                       "parameters":{"binary_data_output":true,"timeout":5,"priority":1},"id":"7"})",
                   turned)
                  .ok());
  for (const InferenceBody* body : {&flat, &nested, &turned}) {
    EXPECT_THAT(body->inputs.at(0).values<std::int32_t>(), ElementsAre(1, 2, 3, 4));
    EXPECT_EQ(body->inputs[0].name(), "x");
  }
  EXPECT_EQ(turned.id, "7");
  EXPECT_TRUE(turned.binary_outputs);
  ASSERT_EQ(turned.outputs.size(), 1U);
  EXPECT_EQ(turned.outputs[0].binary, false);
}

TEST(ReadInference, RawTensorsFollowTheJson) {
  const std::string json =
      R"({"inputs":[{"name":"a","shape":[2],"datatype":"INT32","parameters":{"binary_data_size":8}},)"
      R"({"name":"b","shape":[2],"datatype":"BYTES","parameters":{"binary_data_size":9}},)"
      R"({"name":"c","shape":[2],"datatype":"BOOL","parameters":{"binary_data_size":2}}]})";
  const std::string raw(
      "\1\0\0\0\2\0\0\0"
      "\1\0\0\0x\0\0\0\0"
      "\7\0",
      19);
  InferenceBody out;
  const Status status = Read(json + raw, out, json.size());
  ASSERT_TRUE(status.ok()) << status.ToString();
  EXPECT_THAT(out.inputs.at(0).values<std::int32_t>(), ElementsAre(1, 2));
  EXPECT_THAT(StringsOf(out.inputs.at(1)), ElementsAre("x", ""));
  EXPECT_THAT(out.inputs.at(2).values<bool>(), ElementsAre(true, false));
  InferenceBody more;
  EXPECT_THAT(Read(json + raw + "!", more, json.size()).message(), HasSubstr("1 bytes follow"));
  InferenceBody less;
  EXPECT_THAT(Read(json + raw.substr(0, 18), less, json.size()).message(),
              HasSubstr("wants 2 raw bytes, the request has 1 left"));
}

TEST(ReadInference, RefusalsNameTheInput) {
  EXPECT_THAT(Refusal(Input("INT32", "[3]", "[1,2]")).message(), HasSubstr("'x' has 2 values"));
  EXPECT_THAT(Refusal(Input("INT32", "[1]", "[1,2]")).message(), HasSubstr("more values than"));
  EXPECT_THAT(Refusal(Input("INT8", "[1]", "[128]")).message(), HasSubstr("no int8"));
  EXPECT_THAT(Refusal(Input("UINT32", "[1]", "[-1]")).message(), HasSubstr("no uint32"));
  EXPECT_THAT(Refusal(Input("FP32", "[1]", "[1e300]")).message(), HasSubstr("no float32"));
  EXPECT_THAT(Refusal(Input("INT32", "[1]", "[\"1\"]")).message(), HasSubstr("no int32"));
  EXPECT_THAT(Refusal(Input("INT33", "[1]", "[1]")).message(), HasSubstr("unknown datatype"));
  EXPECT_THAT(Refusal(Input("INT32", "[-1]", "[1]")).message(), HasSubstr("cannot fill"));
  EXPECT_THAT(Refusal(Input("INT32", "[4294967296,4294967296,4294967296]", "[1]")).message(),
              HasSubstr("cannot fill"));
  EXPECT_THAT(Refusal(Input("FP64", "[100000000000]", "[1]")).message(), HasSubstr("cannot fill"));
  EXPECT_THAT(Refusal(Input("INT32", "[1]", "[[[1]]]")).message(), HasSubstr("more lists"));
  EXPECT_THAT(Refusal(R"({"inputs":[{"name":"x","shape":[1],"datatype":"INT32"}]})").message(),
              HasSubstr("no 'data'"));
  EXPECT_THAT(Refusal(R"({"inputs":[{"name":"x","data":[1]}]})").message(),
              HasSubstr("needs 'datatype' and 'shape'"));
  EXPECT_THAT(Refusal("{}").message(), HasSubstr("no 'inputs'"));
  EXPECT_THAT(Refusal("[]").message(), HasSubstr("not a JSON object"));
  EXPECT_THAT(Refusal("").message(), HasSubstr("not valid JSON"));
  EXPECT_THAT(Refusal("{\"inputs\":[]}{}").message(), HasSubstr("goes on behind"));
  EXPECT_EQ(Refusal(R"({"parameters":{"sequence_id":3},"inputs":[]})").code(),
            Code::kUnimplemented);
  EXPECT_TRUE(
      Refusal(R"({"parameters":{"sequence_id":0,"sequence_start":false},"inputs":[]})").ok());
}

TEST(ReadRawInference, TheShapeComesFromTheModel) {
  const std::string raw(24, '\0');
  InferenceBody out;
  ASSERT_TRUE(ReadRawInference(raw, {{"x", DType::kFloat32, {-1, 3}}}, out).ok());
  EXPECT_THAT(out.inputs.at(0).shape(), ElementsAre(2, 3));
  InferenceBody two;
  ASSERT_TRUE(ReadRawInference(raw, {{"x", DType::kFloat32, {-1, -1}}}, two).ok());
  EXPECT_THAT(two.inputs.at(0).shape(), ElementsAre(1, 6));
  EXPECT_FALSE(ReadRawInference(raw, {{"x", DType::kFloat32, {4}}}, two).ok());
  EXPECT_FALSE(ReadRawInference(raw, {{"x", DType::kFloat32, {-1, 5}}}, two).ok());
  EXPECT_FALSE(ReadRawInference(raw, {{"x", DType::kFloat32, {-1, 0}}}, two).ok());
  EXPECT_FALSE(ReadRawInference(raw, {}, two).ok());
}

TEST(WriteInference, JsonRawOrBoth) {
  const std::vector<float> scores = {0.1F, 2};
  const std::vector<std::int64_t> ids = {7};
  const std::vector<Tensor> outputs = {Tensor::Of<float>("scores", {1, 2}, scores),
                                       Tensor::Of<std::int64_t>("ids", {1}, ids)};
  InferenceBody request;
  request.id = "q";
  std::string out;
  EXPECT_EQ(*WriteInference("m", "3", request, outputs, out), 0U);
  EXPECT_EQ(out, R"({"model_name":"m","model_version":"3","id":"q","outputs":[)"
                 R"({"name":"scores","datatype":"FP32","shape":[1,2],"data":[0.1,2]},)"
                 R"({"name":"ids","datatype":"INT64","shape":[1],"data":[7]}]})");
  request.binary_outputs = true;
  request.outputs = {{"ids", false}, {"scores", std::nullopt}};
  out.clear();
  const std::size_t json = *WriteInference("m", "3", request, outputs, out);
  EXPECT_EQ(
      out.substr(0, json),
      R"({"model_name":"m","model_version":"3","id":"q","outputs":[)"
      R"({"name":"ids","datatype":"INT64","shape":[1],"data":[7]},)"
      R"({"name":"scores","datatype":"FP32","shape":[1,2],"parameters":{"binary_data_size":8}}]})");
  EXPECT_EQ(out.substr(json), std::string(reinterpret_cast<const char*>(scores.data()), 8));
  request.outputs = {{"nothing", {}}};
  EXPECT_EQ(WriteInference("m", "3", request, outputs, out).status().code(),
            Code::kInvalidArgument);
}

}  // namespace
}  // namespace vitrine::http
