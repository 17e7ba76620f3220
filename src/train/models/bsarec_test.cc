#include "train/models/torch_headers.h"

#include "train/models/bsarec.h"

#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <numbers>
#include <vector>

#include "train/models/bsarec_network.h"
#include "train/models/sequence_testing.h"

namespace vitrine::train {
namespace {

BsarecOptions Small(std::int64_t epochs) {
  BsarecOptions options{.train = SmallTraining(epochs), .blocks = 1, .heads = 2};
  options.train.loss = Loss::kSoftmax;
  return options;
}

/// Transform, drop the high frequencies, transform back: from the definitions.
std::vector<double> Filtered(const std::vector<double>& x, std::int64_t passed) {
  const auto n = static_cast<std::int64_t>(x.size());
  const auto turn = [n](std::int64_t k, std::int64_t t) {
    return std::polar(
        1.0, 2 * std::numbers::pi * static_cast<double>(k * t % n) / static_cast<double>(n));
  };
  std::vector<double> low(x.size());
  for (std::int64_t k = 0; k < n; ++k) {
    if (std::min(k, n - k) >= passed) {
      continue;
    }
    std::complex<double> amplitude = 0;
    for (std::int64_t t = 0; t < n; ++t) {
      amplitude += x[static_cast<std::size_t>(t)] * std::conj(turn(k, t));
    }
    for (std::int64_t t = 0; t < n; ++t) {
      low[static_cast<std::size_t>(t)] += (amplitude * turn(k, t)).real() / static_cast<double>(n);
    }
  }
  return low;
}

TEST(LowPass, IsTheTransformWithoutItsHighFrequencies) {
  torch::manual_seed(1);
  for (const std::int64_t length : {7, 8}) {
    for (const std::int64_t cutoff : {0, 3, 5, 8}) {
      const torch::Tensor x = torch::randn({length}, torch::kDouble);
      const std::vector<double> expected =
          Filtered({x.data_ptr<double>(), x.data_ptr<double>() + length}, cutoff / 2 + 1);
      const torch::Tensor low =
          LowPass(length, cutoff, /*past=*/false).to(torch::kDouble).matmul(x);
      for (std::int64_t t = 0; t < length; ++t) {
        EXPECT_NEAR(low[t].item<double>(), expected[static_cast<std::size_t>(t)], 1e-6);
      }
      // What the newest place sees is the same either way; the others lose what follows them.
      const torch::Tensor past = LowPass(length, cutoff, /*past=*/true);
      const torch::Tensor all = LowPass(length, cutoff, /*past=*/false);
      EXPECT_TRUE(past.equal(all.tril()));
    }
  }
}

TEST(Bsarec, LearnsWhatFollowsWhatWhateverItsPlacesSee) {
  for (const char* sees : {"past", "all"}) {
    SCOPED_TRACE(sees);
    BsarecOptions options = Small(40);
    options.sees = sees;
    const auto model = MakeBsarec(options);
    const auto outcome = model->Fit(Cycle(), {.seed = 1});
    ASSERT_TRUE(outcome.ok()) << outcome.status().ToString();
    ExpectKnowsTheCycle(*model);
    ExpectPaddingChangesNothing(*model);
  }
}

TEST(Bsarec, SettingsThatCannotBeAreRefused) {
  const ModelFactory factory = BsarecFactory();
  const auto refused = [&factory](std::map<std::string, ParameterValue> given) {
    const auto parameters = Parameters::Resolve(factory.parameters, given);
    EXPECT_TRUE(parameters.ok());
    return parameters.ok() && factory.create(*parameters).status().code() == Code::kInvalidArgument;
  };
  EXPECT_TRUE(refused({{"width", std::int64_t{10}}, {"heads", std::int64_t{4}}}));
  EXPECT_TRUE(refused({{"length", std::int64_t{10}}, {"cutoff", std::int64_t{20}}}));
  EXPECT_TRUE(refused({{"loss", std::string("bpr")}, {"label_smoothing", 0.1}}));
  EXPECT_FALSE(refused({}));
}

}  // namespace
}  // namespace vitrine::train
