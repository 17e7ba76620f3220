#include "graph/triton_layout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "graph/promised_tensors.h"

namespace vitrine::graph {
namespace {

using testing::HasSubstr;

class TritonLayout : public testing::Test {
 protected:
  TritonLayout() {
    std::string path = (std::filesystem::temp_directory_path() / "vitrine-XXXXXX").string();
    root_ = ::mkdtemp(path.data());
  }
  ~TritonLayout() override { std::filesystem::remove_all(root_); }
  void Write(const std::string& file, const std::string& text) const {
    std::filesystem::create_directories(std::filesystem::path(folder() + "/" + file).parent_path());
    std::ofstream(folder() + "/" + file) << text;
  }
  [[nodiscard]] std::string folder() const { return root_ + "/shoes"; }
  [[nodiscard]] Status Refused(const std::string& config) const {
    Write("1/model.onnx", "x");
    Write("config.pbtxt", config);
    return ReadTritonModel(folder()).status();
  }
  std::string root_;
};

TEST_F(TritonLayout, WithoutAConfigTheFolderNamesTheModelAndTheHighestNumberIsIt) {
  EXPECT_FALSE(IsTritonModel(folder()));
  Write("9/model.onnx", "x");
  Write("10/model.onnx", "x");
  Write("11/other.txt", "no model");
  Write("012x/model.onnx", "no number");
  EXPECT_TRUE(IsTritonModel(folder()));
  for (const std::string& path : {folder(), folder() + "/"}) {
    const auto model = ReadTritonModel(path);
    ASSERT_TRUE(model.ok()) << model.status().ToString();
    EXPECT_EQ(model->name, "shoes");
    EXPECT_EQ(model->version, 10);
    EXPECT_THAT(model->model_path, testing::EndsWith("10/model.onnx"));
    EXPECT_EQ(model->max_rows, 0);
    EXPECT_TRUE(model->inputs.empty());
  }
}

TEST_F(TritonLayout, ReadsWhatTheConfigSays) {
  Write("1/net.onnx", "x");
  Write("config.pbtxt", R"(# a comment
name: "boots"
backend: "onnxruntime"
max_batch_size: 16
default_model_filename: "net.onnx"
input [ { name: "ids" data_type: TYPE_INT64 dims: [ 32 ] },
        { name: "text", data_type: TYPE_STRING, dims: [ -1, 2 ] } ]
output { name: "scores" data_type: TYPE_FP16 dims: 4 }
instance_group [ { kind: KIND_CPU count: 2, rate_limiter { resources [ { name: "r" count: 1 } ] } } ]
optimization { execution_accelerators { cpu_execution_accelerator : [ { name : "openvino" } ] } }
version_policy: { latest: { num_versions: 1 } }
dynamic_batching { preferred_batch_size: [ 4, 8 ] max_queue_delay_microseconds: 100 }
parameters { key: "intra_op_thread_count" value: { string_value: "2" } }
)");
  const auto model = ReadTritonModel(folder());
  ASSERT_TRUE(model.ok()) << model.status().ToString();
  EXPECT_EQ(model->name, "boots");
  EXPECT_EQ(model->max_rows, 16);
  ASSERT_EQ(model->inputs.size(), 2U);
  EXPECT_EQ(model->inputs[0].name, "ids");
  EXPECT_EQ(model->inputs[0].dtype, DType::kInt64);
  EXPECT_EQ(model->inputs[0].shape, (Shape{-1, 32}));
  EXPECT_EQ(model->inputs[1].dtype, DType::kString);
  EXPECT_EQ(model->inputs[1].shape, (Shape{-1, -1, 2}));
  ASSERT_EQ(model->outputs.size(), 1U);
  EXPECT_EQ(model->outputs[0].dtype, DType::kFloat16);
  EXPECT_EQ(model->outputs[0].shape, (Shape{-1, 4}));
}

TEST_F(TritonLayout, WithoutABatchShapesAreWhole) {
  Write("1/model.onnx", "x");
  Write("config.pbtxt",
        R"(platform: "onnxruntime_onnx" input { name: "x" data_type: TYPE_BOOL dims: 3 })");
  const auto model = ReadTritonModel(folder());
  ASSERT_TRUE(model.ok()) << model.status().ToString();
  EXPECT_EQ(model->inputs[0].shape, Shape{3});
}

TEST_F(TritonLayout, RefusalsSayWhere) {
  EXPECT_THAT(Refused("name: \"a\"\nmax_batch_size: many\n").message(),
              HasSubstr("max_batch_size is 'many', not a number"));
  EXPECT_THAT(Refused("backend: \"pytorch\"").message(), HasSubstr("'pytorch'"));
  EXPECT_THAT(Refused("platform: \"tensorrt_plan\"").message(), HasSubstr("'tensorrt_plan'"));
  EXPECT_THAT(Refused("input { name: \"x\" data_type: TYPE_BF16 dims: 1 }").message(),
              HasSubstr("'x' is of type TYPE_BF16"));
  EXPECT_THAT(Refused("max_batch_size: -1").message(), HasSubstr("below 0"));
  EXPECT_THAT(Refused("default_model_filename: \"../../etc/passwd\"").message(),
              HasSubstr("names a folder"));
  EXPECT_EQ(Refused("default_model_filename: \"other.onnx\"").code(), Code::kNotFound);
  EXPECT_THAT(Refused("input { name: \"x\" dims: 1 }").message(), HasSubstr("no data_type"));
  EXPECT_THAT(Refused(std::string((1 << 20) + 1, '#')).message(), HasSubstr("larger than 1024 KB"));
}

TEST(PromisedTensors, MustBeTheModelsOwn) {
  const std::vector<TensorSpec> real = {{"x", DType::kFloat32, {-1, 3}}, {"y", DType::kBool, {2}}};
  const auto check = [&](const TensorSpec& promised) {
    return CheckPromised({promised}, real, "input", "config.pbtxt");
  };
  EXPECT_TRUE(CheckPromised({}, real, "input", "config.pbtxt").ok());
  EXPECT_TRUE(check({"x", DType::kFloat32, {5, -1}}).ok());
  EXPECT_THAT(check({"z", DType::kBool, {2}}).message(),
              HasSubstr("config.pbtxt names the input 'z', the model has none"));
  EXPECT_THAT(check({"y", DType::kBool, {3}}).message(),
              HasSubstr("bool [3] in config.pbtxt and bool [2] in the model"));
  EXPECT_FALSE(check({"y", DType::kInt8, {2}}).ok());
  EXPECT_FALSE(check({"y", DType::kBool, {2, 1}}).ok());
}

}  // namespace
}  // namespace vitrine::graph
