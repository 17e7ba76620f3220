#include <cmath>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "monitor/diagnosis/diagnose.h"
#include "monitor/diagnosis/diagnosis_text.h"
#include "monitor/diagnosis/evidence_testing.h"
#include "monitor/diagnosis/findings.h"

namespace vitrine::monitor {
namespace {

constexpr int kShops = 1000;

// P(X >= hits) of n tries at `chance` each, by adding up.
double BinomialTail(int hits, int n, double chance) {
  double sum = 0;
  for (int k = hits; k <= n; ++k) {
    sum += std::exp(std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1) +
                    k * std::log(chance) + (n - k) * std::log1p(-chance));
  }
  return sum;
}

TEST(FalseAlarms, AHealthyShopIsGivenNoCause) {
  HealthyShop shop(17);
  int alarms = 0;
  std::string named;
  for (int i = 0; i < kShops; ++i) {
    const auto causes = Diagnose(Question::kAll, shop.Draw());
    if (!causes.empty()) {
      ++alarms;
      named += std::string(CauseName(causes.front().code)) + " ";
    }
  }
  // What the header of findings.h promises: less than one in a hundred. More alarms than that would leave
  // by chance in one run of a thousand refute it.
  EXPECT_GE(BinomialTail(alarms, kShops, 0.01), 0.001) << alarms << " alarms: " << named;
}

// The shops are noisy: who took each p below 0.05 for a change would call most of them ill.
TEST(FalseAlarms, TheNoiseIsThere) {
  HealthyShop shop(17);
  int naive = 0;
  for (int i = 0; i < kShops; ++i) {
    const Evidence e = shop.Draw();
    bool any = false;
    const auto look = [&any](const std::optional<MeanSample>& a,
                             const std::optional<MeanSample>& b) {
      if (a && b) {
        any = any || NormalP((b->mean - a->mean) /
                             std::hypot(a->standard_error, b->standard_error)) < 0.05;
      }
    };
    look(e.before.queue_seconds, e.after.queue_seconds);
    look(e.before.features_seconds, e.after.features_seconds);
    look(e.before.graph_seconds, e.after.graph_seconds);
    look(e.before.rest_seconds, e.after.rest_seconds);
    naive += any ? 1 : 0;
  }
  EXPECT_LT(BinomialTail(naive, kShops, 0.1), 0.001) << naive;
}

// With effects exactly at nothing but shoppers that are alike in blocks, shares still hold: each pair of
// rows is one shopper's.
TEST(FalseAlarms, SharesHoldForRowsThatComeInPairs) {
  HealthyShop shop(5);
  int alarms = 0;
  for (int i = 0; i < 20 * kShops; ++i) {
    const ShareSample a{2 * shop.Hits(200, 0.3), 400};
    const ShareSample b{2 * shop.Hits(200, 0.3), 400};
    alarms += Rose(a, b, 0) == Verdict::kBad ? 1 : 0;
  }
  EXPECT_GE(BinomialTail(alarms, 20 * kShops, kSure), 0.001) << alarms;
}

TEST(FalseAlarms, NormalPIsTheComplementaryErrorFunction) {
  for (double z = -6; z <= 6; z += 0.37) {
    EXPECT_NEAR(NormalP(z), std::erfc(std::abs(z) / std::sqrt(2.0)), 1e-12) << z;
  }
}

}  // namespace
}  // namespace vitrine::monitor
