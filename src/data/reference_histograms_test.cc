#include "data/reference_histograms.h"

#include <limits>
#include <map>
#include <numeric>

#include <gtest/gtest.h>

#include "data/test_shop.h"

namespace vitrine::data {
namespace {

double SumOf(const ReferenceHistogram& reference) {
  return std::accumulate(reference.shares.begin(), reference.shares.end(), 0.0);
}

TEST(FreezeHistogram, ManyValuesGiveBinsOfLikeShare) {
  std::vector<double> values;
  for (int i = 999; i >= 0; --i) {
    values.push_back(i);
  }
  const ReferenceHistogram reference = FreezeHistogram("x", values);
  EXPECT_EQ(reference.feature, "x");
  EXPECT_EQ(reference.rows, 1000U);
  ASSERT_EQ(reference.shares.size(), kReferenceBins);
  EXPECT_EQ(reference.edges.size() + 1, reference.shares.size());
  for (const double share : reference.shares) {
    EXPECT_DOUBLE_EQ(share, 1.0 / kReferenceBins);
  }
}

TEST(FreezeHistogram, FewValuesGetABinEach) {
  const ReferenceHistogram reference = FreezeHistogram("x", {3, 1, 1, 7});
  EXPECT_EQ(reference.edges, (std::vector<double>{1, 3}));
  EXPECT_EQ(reference.shares, (std::vector<double>{0.5, 0.25, 0.25}));
  EXPECT_EQ(BinOf(reference, 1), 0U);
  EXPECT_EQ(BinOf(reference, 1.5), 1U);
  EXPECT_EQ(BinOf(reference, 3), 1U);
  EXPECT_EQ(BinOf(reference, 100), 2U);
  EXPECT_EQ(BinOf(reference, -100), 0U);
}

TEST(FreezeHistogram, OneValueAndNone) {
  EXPECT_EQ(FreezeHistogram("x", {5, 5, 5}).shares, (std::vector<double>{1}));
  const ReferenceHistogram none = FreezeHistogram("x", {});
  EXPECT_EQ(none.shares, (std::vector<double>{0}));
  EXPECT_EQ(none.rows, 0U);
}

TEST(ServedValues, SkipPaddingAndCountPlaces) {
  const test::Shop shop = test::MakeShop();
  const Result<FeatureSpec> spec =
      FeatureSpec::Fit({{"history", "history_items", "", {}},
                        {"age", "history_ages", "", {}},
                        {"hour", "context", "context.hour", {}}},
                       shop.interactions, shop.items, Vocabulary(test::ItemIds(shop)),
                       Micros{std::numeric_limits<std::int64_t>::max()});
  ASSERT_TRUE(spec.ok());
  const History one = {{5, {0}, EventType::kView, 0}};
  const History three = {
      {6, {0}, EventType::kView, 0}, {7, {1}, EventType::kView, 1}, {6, {2}, EventType::kView, 2}};
  const Attributes context = {{"hour", 9.0}};
  std::vector<FeatureInput> inputs(2);
  inputs[0].history = one;
  inputs[1].history = three;
  inputs[1].context = &context;
  std::vector<Tensor> out;
  ASSERT_TRUE(spec->Apply(inputs, out).ok());
  const ServedValues watched(*spec);
  std::map<std::string, std::vector<double>> values;
  watched.Read(out, [&](std::size_t series, double value) {
    values[watched.series()[series]].push_back(value);
  });
  const std::map<std::string, std::vector<double>> expected = {{"history", {5, 6, 7, 6}},
                                                               {"history.length", {1, 3}},
                                                               {"age", {0, 2, 1, 0}},
                                                               {"age.length", {1, 3}},
                                                               {"hour", {0, 9}}};
  EXPECT_EQ(values, expected);
  EXPECT_NEAR(SumOf(FreezeHistogram("history", values["history"])), 1, 1e-12);
}

}  // namespace
}  // namespace vitrine::data
