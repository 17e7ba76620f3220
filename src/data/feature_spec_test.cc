// featurespec.json: round trip, golden files, damage.
#include "data/feature_spec.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "data/test_features.h"

namespace vitrine::data {
namespace {
using namespace test;  // NOLINT(google-build-using-namespace): the helpers of this folder

std::vector<FeatureDef> EveryOp() {
  return {{"history", "history_items", "", {{"length", "6"}, {"distinct", "true"}}},
          {"age", "history_ages", "", {{"length", "6"}, {"distinct", "true"}, {"unit", "basket"}}},
          {"brand_hash", "hash", "item.brand", {{"buckets", "16"}}},
          {"price_bin", "bucket", "item.price", {{"bins", "3"}}},
          {"price", "log_standardise", "item.price", {}},
          {"weight", "standardise", "item.weight", {}},
          {"colour", "level", "item.colour", {}},
          {"category", "level", "item.category", {{"max_levels", "1"}}},
          {"sold", "count_asof", "item", {{"event", "purchase"}, {"days", "7"}}},
          {"mine", "count_asof", "user", {{"event", "view"}, {"days", "7"}}},
          {"rate", "rate_asof", "item", {{"event", "purchase"}, {"per", "view"}}},
          {"hour", "context", "context.hour", {}}};
}

/// Two shoppers, the first with three candidates.
struct TwoInputs {
  History first = {{2, {20 * kMicrosPerDay}, EventType::kView, 0},
                   {3, {21 * kMicrosPerDay}, EventType::kView, 1},
                   {3, {21 * kMicrosPerDay}, EventType::kCart, 1}};
  History second = {{21, {22 * kMicrosPerDay}, EventType::kPurchase, 0}};
  std::vector<ItemIndex> candidates = {2, 7, 11};
  Attributes context = {{"hour", 8.0}};
  std::vector<FeatureInput> Make() const {
    std::vector<FeatureInput> inputs(2);
    inputs[0].history = first;
    inputs[0].as_of = {25 * kMicrosPerDay};
    inputs[0].candidates = candidates;
    inputs[1].history = second;
    inputs[1].as_of = {40 * kMicrosPerDay};
    inputs[1].context = &context;
    return inputs;
  }
};

TEST(FeatureSpecFile, ParsedItMakesTheSameTensors) {
  const test::Shop shop = SmallShop();
  const FeatureSpec spec = FitOrDie(EveryOp(), shop);
  const Result<FeatureSpec> parsed = FeatureSpec::Parse(spec.ToJson());
  ASSERT_TRUE(parsed.ok()) << parsed.status().ToString();
  EXPECT_EQ(parsed->ToJson(), spec.ToJson());
  EXPECT_EQ(parsed->Hash(), spec.Hash());
  EXPECT_EQ(parsed->width(), spec.width());
  const TwoInputs two;
  EXPECT_TRUE(Equal(ApplyOrDie(spec, two.Make()), ApplyOrDie(*parsed, two.Make())));
}

TEST(FeatureSpecFile, OutputsDescribeWhatApplyMakes) {
  const FeatureSpec spec = FitOrDie(EveryOp(), SmallShop());
  const std::vector<TensorSpec> outputs = spec.Outputs();
  const TwoInputs two;
  const std::vector<Tensor> out = ApplyOrDie(spec, two.Make());
  ASSERT_EQ(outputs.size(), out.size());
  for (std::size_t i = 0; i < out.size(); ++i) {
    EXPECT_EQ(outputs[i].name, out[i].name());
    EXPECT_EQ(outputs[i].dtype, out[i].dtype());
    ASSERT_EQ(outputs[i].shape.size(), out[i].shape().size());
    EXPECT_EQ(out[i].shape()[0], 4);
  }
  EXPECT_EQ(outputs[0].shape, (Shape{-1, 6}));
  EXPECT_EQ(outputs[2].shape, Shape{-1});
}

/// The format is a promise to artifacts that exist: a change of these files needs a new format
/// number and a reader of the old one. VITRINE_WRITE_GOLDEN=1 writes them anew.
TEST(FeatureSpecFile, GoldenFilesStayReadableAndGiveTheSameTensors) {
  const std::string folder = "src/data/features/testdata/";
  const FeatureSpec fitted = FitOrDie(EveryOp(), test::MakeShop({.seed = 7}));
  const TwoInputs two;
  nlohmann::ordered_json tensors = nlohmann::ordered_json::object();
  const auto values_of = [](const Tensor& t) {
    return t.dtype() == DType::kInt64 ? nlohmann::ordered_json(Values<std::int64_t>(t))
                                      : nlohmann::ordered_json(Values<float>(t));
  };
  for (const Tensor& t : ApplyOrDie(fitted, two.Make())) {
    tensors[t.name()] = {{"shape", t.shape()}, {"values", values_of(t)}};
  }
  const auto read = [&folder](const std::string& name) {
    std::ifstream file(folder + name, std::ios::binary);
    return std::string{std::istreambuf_iterator<char>(file), {}};
  };
  if (std::getenv("VITRINE_WRITE_GOLDEN") != nullptr) {
    std::ofstream(folder + "featurespec.json") << fitted.ToJson();
    std::ofstream(folder + "tensors.json") << tensors.dump(1) << "\n";
  }
  EXPECT_EQ(read("featurespec.json"), fitted.ToJson());
  EXPECT_EQ(read("tensors.json"), tensors.dump(1) + "\n");
  const Result<FeatureSpec> kept = FeatureSpec::Parse(read("featurespec.json"));
  ASSERT_TRUE(kept.ok()) << kept.status().ToString();
  EXPECT_TRUE(Equal(ApplyOrDie(*kept, two.Make()), ApplyOrDie(fitted, two.Make())));
}

TEST(FeatureSpecCandidates, ARowHoldsItsCandidatesNumber) {
  const FeatureSpec spec = FitOrDie({{"item", "candidate", "", {}}}, SmallShop());
  const TwoInputs two;
  const std::vector<Tensor> out = ApplyOrDie(spec, two.Make());
  EXPECT_EQ(out[0].shape(), Shape{4});
  EXPECT_EQ(Values<std::int64_t>(out[0]), (std::vector<std::int64_t>{2, 7, 11, kPaddingItem}));
  const std::vector<ItemIndex> outside = {static_cast<ItemIndex>(spec.width())};
  std::vector<FeatureInput> inputs(1);
  inputs[0].candidates = outside;
  std::vector<Tensor> none;
  EXPECT_EQ(spec.Apply(inputs, none).code(), Code::kInvalidArgument);
}

TEST(FeatureSpecCandidates, AFixedSequenceIsAsWideWhateverTheHistories) {
  const FeatureSpec spec = FitOrDie(
      {{"history", "history_items", "", {{"length", "6"}, {"fixed", "true"}}},
       {"age", "history_ages", "", {{"length", "6"}, {"fixed", "true"}, {"unit", "position"}}}},
      SmallShop());
  const TwoInputs two;
  const std::vector<Tensor> out = ApplyOrDie(spec, {two.Make().back()});
  EXPECT_EQ(out[0].shape(), (Shape{1, 6}));
  EXPECT_EQ(Values<std::int64_t>(out[0]), (std::vector<std::int64_t>{0, 0, 0, 0, 0, 21}));
  EXPECT_EQ(Values<std::int64_t>(out[1]), (std::vector<std::int64_t>{-1, -1, -1, -1, -1, 0}));
}

TEST(FeatureSpecFile, ANewerFormatIsRefusedByName) {
  std::string json = FitOrDie(EveryOp(), SmallShop()).ToJson();
  const std::string format = "\"format\":1";
  json.replace(json.find(format), format.size(), "\"format\":2");
  const Status status = FeatureSpec::Parse(json).status();
  EXPECT_EQ(status.code(), Code::kFailedPrecondition);
}

TEST(FeatureSpecFile, DamagedFilesAreRefusedAndNeverBreakTheReader) {
  const std::string json = FitOrDie(EveryOp(), SmallShop()).ToJson();
  EXPECT_EQ(FeatureSpec::Parse("").status().code(), Code::kInvalidArgument);
  EXPECT_EQ(FeatureSpec::Parse(json.substr(0, json.size() / 2)).status().code(),
            Code::kInvalidArgument);
  std::mt19937_64 random(1);
  const TwoInputs two;
  for (int round = 0; round < 3000; ++round) {
    std::string damaged = json;
    for (int edit = 0; edit < 1 + round % 3; ++edit) {
      damaged[random() % damaged.size()] = "0123456789-[]{},\":aeE."[random() % 22];
    }
    const Result<FeatureSpec> parsed = FeatureSpec::Parse(damaged);
    if (parsed.ok()) {
      std::vector<Tensor> out;
      (void)parsed->Apply(two.Make(), out).ok();
    }
  }
}

}  // namespace
}  // namespace vitrine::data
