#include "serve/servable.h"

#include <gtest/gtest.h>

#include "serve/fake_graph.h"

namespace vitrine::serve {
namespace {

std::vector<TensorSpec> Inputs() {
  return {{.name = "ids", .dtype = DType::kInt64, .shape = {-1, 3}},
          {.name = "words", .dtype = DType::kString, .shape = {-1}},
          {.name = "flag", .dtype = DType::kBool, .shape = {}}};
}

TEST(SampleInputs, AreZerosWithEachFreeSizeAsOne) {
  const auto sample = SampleInputs(Manifest(), Inputs());
  ASSERT_TRUE(sample.ok()) << sample.status().ToString();
  ASSERT_EQ(sample->size(), 3U);
  EXPECT_EQ((*sample)[0].shape(), (Shape{1, 3}));
  for (const std::int64_t value : (*sample)[0].values<std::int64_t>()) {
    EXPECT_EQ(value, 0);
  }
  EXPECT_EQ((*sample)[1].shape(), Shape{1});
  EXPECT_EQ(StringsOf((*sample)[1]), std::vector<std::string_view>{""});
  EXPECT_EQ((*sample)[2].size(), 1);
}

TEST(SampleInputs, TakeTheManifestsShapes) {
  Manifest manifest;
  manifest.sample_shapes = {{"ids", {4, 3}}, {"words", {0}}};
  const auto sample = SampleInputs(manifest, Inputs());
  ASSERT_TRUE(sample.ok()) << sample.status().ToString();
  EXPECT_EQ((*sample)[0].shape(), (Shape{4, 3}));
  EXPECT_EQ((*sample)[1].size(), 0);
}

TEST(SampleInputs, RefuseShapesThatDoNotFitByName) {
  const auto refused = [](const std::string& input, const Shape& shape) {
    Manifest manifest;
    manifest.sample_shapes = {{input, shape}};
    const Status status = SampleInputs(manifest, Inputs()).status();
    EXPECT_EQ(status.code(), Code::kInvalidArgument);
    EXPECT_NE(status.message().find("'" + input + "'"), std::string::npos) << status.ToString();
  };
  refused("nobody", {1});
  refused("ids", {1, 4});
  refused("ids", {1});
  refused("ids", {-1, 3});
  refused("ids", {std::int64_t{1} << 40, 3});
  refused("words", {std::int64_t{1} << 62});
}

TEST(Servable, IsWarmOnceItIsMade) {
  const auto graph = [] {
    return std::make_unique<FakeGraph<float>>(
        4, [](std::span<const std::int64_t>, std::span<float>) {});
  };
  const auto servable = Servable::Make("g:1", Manifest(), graph());
  ASSERT_TRUE(servable.ok()) << servable.status().ToString();
  EXPECT_GT((*servable)->warm_seconds(), 0);
  Manifest misfit;
  misfit.sample_shapes = {{"other", {1}}};
  const Status refused = Servable::Make("g:2", misfit, graph()).status();
  EXPECT_EQ(refused.code(), Code::kInvalidArgument);
  EXPECT_NE(refused.message().find("g:2"), std::string::npos);
}

TEST(Servable, AFailingGraphIsNotMade) {
  auto fails = std::make_shared<std::atomic<bool>>(true);
  const auto failed =
      Servable::Make("g:1", Manifest(),
                     std::make_unique<FakeGraph<float>>(
                         4, [](std::span<const std::int64_t>, std::span<float>) {}, fails));
  EXPECT_EQ(failed.status().code(), Code::kInternal);
}

}  // namespace
}  // namespace vitrine::serve
