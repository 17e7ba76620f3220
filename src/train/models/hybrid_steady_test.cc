#include "train/models/hybrid_steady.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace vitrine::train {
namespace {

using testing::ElementsAre;

constexpr std::size_t kWidth = 4;

/// A tree of one threshold: what is at least a half scores 1, else 0.
Status Stump(std::span<const Tensor> members, Tensor& scores) {
  const std::span<const float> values = members[0].values<float>();
  scores.Reset(DType::kFloat64, members[0].shape());
  for (std::size_t i = 0; i < values.size(); ++i) {
    scores.values<double>()[i] = values[i] >= 0.5F ? 1 : 0;
  }
  return Status::Ok();
}

TEST(SteadyRows, AThresholdWithinTheNoiseIsAnEdge) {
  // Clear; at the threshold; a hundred times the noise beside it.
  const std::vector<float> values = {0, 0, 0.9F, 0.1F, 0, 0, 0.5F, 0.9F, 0, 0, 0.501F, 0.9F};
  const std::vector<Tensor> members = {Tensor::Of<float>("scores", {3, kWidth}, values)};
  const auto steady = SteadyRows(members, 3, Stump);
  ASSERT_TRUE(steady.ok()) << steady.status().ToString();
  EXPECT_THAT(*steady, ElementsAre(true, false, true));
}

TEST(SteadyRows, TwoItemsThatMayChangePlacesAreAnEdge) {
  const std::vector<float> values = {0, 0, 0.7F, 0.6F, 0, 0, 0.7F, 0.7F};
  const std::vector<Tensor> members = {Tensor::Of<float>("scores", {2, kWidth}, values)};
  const auto order = [](std::span<const Tensor> given, Tensor& scores) {
    const std::span<const float> own = given[0].values<float>();
    scores.Reset(DType::kFloat64, given[0].shape());
    std::copy(own.begin(), own.end(), scores.values<double>().begin());
    return Status::Ok();
  };
  EXPECT_THAT(*SteadyRows(members, 2, order), ElementsAre(true, false));
}

TEST(SteadyRows, ExactScoresAreNotShaken) {
  const std::vector<double> values = {0, 0, 0.5, 0.9};
  const std::vector<Tensor> members = {Tensor::Of<double>("scores", {1, kWidth}, values)};
  const auto never = [](std::span<const Tensor>, Tensor&) { return Internal("was asked"); };
  EXPECT_THAT(*SteadyRows(members, 1, never), ElementsAre(true));
  const std::vector<float> single = {0, 0, 0.5F, 0.9F};
  EXPECT_EQ(
      SteadyRows({Tensor::Of<float>("scores", {1, kWidth}, single)}, 1, never).status().code(),
      Code::kInternal);
}

}  // namespace
}  // namespace vitrine::train
