#include "adapters/onnxruntime/runtime.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "adapters/onnxruntime/graph_testing.h"
#include "graph/builder.h"

namespace vitrine::adapters {
namespace {

using graph::Builder;
using graph::Value;
using testing::ElementsAre;
using testing::HasSubstr;

/// scores = x + y, both [batch, 2]
std::string SumModel() {
  Builder b("sum");
  const Value x = b.Input("x", DType::kFloat32, {"batch", 2});
  const Value y = b.Input("y", DType::kFloat32, {"batch", 2});
  b.Output("scores", b.Add(x, y), DType::kFloat32, {"batch", 2});
  return *b.Finish();
}

Tensor Floats(std::string name, Shape shape, std::vector<float> values) {
  return Tensor::Of<float>(std::move(name), std::move(shape), std::span<const float>(values));
}

Status LoadFailure(const std::string& bytes) {
  const FolderForTest folder;
  return (*MakeOnnxRuntime())->Load(folder.Write("m.onnx", bytes), {}).status();
}

TEST(RuntimeTest, DescribesAndRunsAGraph) {
  const auto graph = LoadedForTest(SumModel());
  ASSERT_NE(graph, nullptr);
  ASSERT_EQ(graph->inputs().size(), 2U);
  EXPECT_EQ(graph->inputs()[1].name, "y");
  EXPECT_EQ(graph->inputs()[1].dtype, DType::kFloat32);
  EXPECT_THAT(graph->inputs()[1].shape, ElementsAre(-1, 2));
  EXPECT_EQ(graph->outputs()[0].name, "scores");
  // Inputs in any order, found by name; what the graph does not take is passed over.
  const std::vector<Tensor> inputs = {Floats("z", {1}, {0}), Floats("y", {2, 2}, {1, 2, 3, 4}),
                                      Floats("x", {2, 2}, {10, 20, 30, 40})};
  std::vector<Tensor> outputs;
  for (int round = 0; round < 2; ++round) {
    ASSERT_EQ(graph->Run(inputs, outputs), Status());
    ASSERT_EQ(outputs.size(), 1U);
    EXPECT_EQ(outputs[0].name(), "scores");
    EXPECT_THAT(outputs[0].values<float>(), ElementsAre(11, 22, 33, 44));
  }
}

TEST(RuntimeTest, OutputsWhoseSizeTheDataDecide) {
  Builder b("kept");
  const Value x = b.Input("x", DType::kFloat64, {"n"});
  const Value keep = b.Greater(x, b.Scalar(0.0));
  b.Output("kept", b.Op("Compress", {x, keep}, {{"axis", 0}}), DType::kFloat64, {"kept"});
  const auto graph = LoadedForTest(*b.Finish());
  ASSERT_NE(graph, nullptr);
  std::vector<Tensor> outputs;
  const std::vector<double> values = {1, -1, 2, 0};
  ASSERT_EQ(graph->Run(std::vector{Tensor::Of<double>("x", {4}, std::span<const double>(values))},
                       outputs),
            Status());
  EXPECT_THAT(outputs[0].values<double>(), ElementsAre(1, 2));
}

TEST(RuntimeTest, RefusesInputsByName) {
  const auto graph = LoadedForTest(SumModel());
  ASSERT_NE(graph, nullptr);
  std::vector<Tensor> outputs;
  const auto refusal = [&](std::vector<Tensor> inputs) {
    const Status status = graph->Run(inputs, outputs);
    EXPECT_EQ(status.code(), Code::kInvalidArgument);
    return status.message();
  };
  const Tensor x = Floats("x", {1, 2}, {1, 2});
  EXPECT_THAT(refusal({x}), HasSubstr("'y' is missing"));
  EXPECT_THAT(refusal({x, Tensor("y", DType::kFloat64, {1, 2})}),
              HasSubstr("'y' is float64, the model takes float32"));
  EXPECT_THAT(refusal({x, Floats("y", {1, 3}, {1, 2, 3})}), HasSubstr("'y' has shape [1, 3]"));
  EXPECT_THAT(refusal({x, Floats("y", {2}, {1, 2})}), HasSubstr("'y' has shape [2]"));
  // "batch" is one size in all inputs.
  EXPECT_THAT(refusal({x, Floats("y", {2, 2}, {1, 2, 3, 4})}), HasSubstr("'y' has shape [2, 2]"));
}

TEST(RuntimeTest, AGraphThatFailsIsAStatus) {
  Builder b("gather");
  const Value index = b.Input("index", DType::kInt64, {"n"});
  const Value table = b.Initializer("table", {2}, std::vector<float>{1, 2});
  b.Output("scores", b.Gather(table, index), DType::kFloat32, {"n"});
  const auto graph = LoadedForTest(*b.Finish());
  ASSERT_NE(graph, nullptr);
  std::vector<Tensor> outputs;
  const std::vector<std::int64_t> far = {7};
  const Status failed = graph->Run(
      std::vector{Tensor::Of<std::int64_t>("index", {1}, std::span<const std::int64_t>(far))},
      outputs);
  EXPECT_EQ(failed.code(), Code::kInternal);
  EXPECT_THAT(failed.message(), HasSubstr("the model failed"));
}

TEST(RuntimeTest, BadFilesAreRefusedBeforeTheyAreLoaded) {
  const std::string bytes = SumModel();
  EXPECT_EQ(LoadFailure(bytes.substr(0, bytes.size() - 20)).code(), Code::kDataLoss);
  EXPECT_EQ(LoadFailure("").code(), Code::kDataLoss);
  EXPECT_THAT(LoadFailure("not a model").message(), HasSubstr("not an ONNX model"));
  const auto runtime = MakeOnnxRuntime();
  EXPECT_EQ((*runtime)->Load("/nowhere/m.onnx", {}).status().code(), Code::kNotFound);
}

TEST(RuntimeTest, ALibraryWithoutCudaSaysSoBeforeAnythingIsLoaded) {
  const auto cuda = ParseExecutionProvider("cuda");
  ASSERT_TRUE(cuda.ok());
  const auto runtime = MakeOnnxRuntime(*cuda);
  if (runtime.ok()) {
    // With CUDA in the library, a graph runs on it or the machine lacks the device: said, not crashed.
    const FolderForTest folder;
    static_cast<void>((*runtime)->Load(folder.Write("m.onnx", SumModel()), {}));
  } else {
    EXPECT_EQ(runtime.status().code(), Code::kFailedPrecondition);
    EXPECT_THAT(runtime.status().message(), HasSubstr("CPUExecutionProvider"));
    EXPECT_THAT(runtime.status().message(), HasSubstr("inference.provider"));
  }
  EXPECT_THAT(ParseExecutionProvider("gpu").status().message(), HasSubstr("cpu and cuda"));
  EXPECT_TRUE(MakeOnnxRuntime(*ParseExecutionProvider("cpu")).ok());
}

TEST(RuntimeTest, WhatOnlyOnnxRuntimeFindsWrongIsAStatusToo) {
  // Types fit, sizes cannot: the check does not infer shapes, ONNX Runtime does.
  Builder b("sizes");
  const Value x = b.Input("x", DType::kFloat32, {"n", 3});
  const Value w = b.Initializer("w", {2, 2}, std::vector<float>{1, 2, 3, 4});
  b.Output("y", b.MatMul(x, w), DType::kFloat32, {"n", 2});
  const Status refused = LoadFailure(*b.Finish());
  EXPECT_EQ(refused.code(), Code::kInvalidArgument);
  EXPECT_THAT(refused.message(), HasSubstr("m.onnx"));
}

TEST(RuntimeTest, AGraphOutlivesItsRuntimeAndIsSharedByThreads) {
  const FolderForTest folder;
  std::unique_ptr<serve::LoadedGraph> graph;
  {
    const auto runtime = MakeOnnxRuntime();
    graph = *(*runtime)->Load(folder.Write("m.onnx", SumModel()), {});
  }
  std::atomic<int> wrong{0};
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&graph, &wrong, t] {
      const auto base = static_cast<float>(t);
      std::vector<Tensor> outputs;
      for (std::int64_t rows = 1; rows < 200; ++rows) {
        const std::vector<float> values(static_cast<std::size_t>(rows * 2), base);
        const std::vector<Tensor> inputs = {Floats("x", {rows, 2}, values),
                                            Floats("y", {rows, 2}, values)};
        if (!graph->Run(inputs, outputs).ok() ||
            !std::all_of(outputs[0].values<float>().begin(), outputs[0].values<float>().end(),
                         [&](float v) { return v == 2 * base; })) {
          ++wrong;
        }
      }
    });
  }
  threads.clear();
  EXPECT_EQ(wrong, 0);
}

std::size_t ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  std::size_t total = 0;
  std::size_t resident = 0;
  statm >> total >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

TEST(RuntimeTest, ALargeRunGivesItsMemoryBack) {
  Builder b("large");
  const Value x = b.Input("x", DType::kFloat32, {"batch", 1});
  Value wide = b.MatMul(x, b.Initializer("w", {1, 4096}, std::vector<float>(4096, 1)));
  for (int i = 0; i < 4; ++i) {
    wide = b.Add(b.Erf(wide), x);
  }
  b.Output("scores", wide, DType::kFloat32, {"batch", 4096});
  const auto graph = LoadedForTest(*b.Finish());
  ASSERT_NE(graph, nullptr);
  const auto run = [&](std::int64_t rows) {
    std::vector<Tensor> outputs;
    const std::vector<float> values(static_cast<std::size_t>(rows), 0.5F);
    ASSERT_EQ(graph->Run(std::vector{Floats("x", {rows, 1}, values)}, outputs), Status());
  };
  run(1);
  const std::size_t before = ResidentBytes();
  run(4096);  // 64 MiB a value
  EXPECT_LT(ResidentBytes(), before + (std::size_t{32} << 20));
}

}  // namespace
}  // namespace vitrine::adapters
