// Looking often at a version's window: how many alarms nothing raises, and that asking costs nothing.
#include "monitor/feature_window.h"

#include <gtest/gtest.h>

#include <random>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "data/feature_spec.h"

namespace vitrine::monitor {
namespace {

constexpr WindowOptions kSmall = {
    .slot_requests = 50, .slot_time = {0}, .slots = 8, .baseline_requests = 400};

/// One watched series, of scores that are normal around `mean`.
class Stream {
 public:
  explicit Stream(unsigned seed)
      : random_(seed), window_(data::ServedValues(Spec()), {Reference()}, kSmall) {}

  /// Requests until a slot closes; the report then.
  DriftModel Look(double mean = 0) {
    for (std::uint64_t i = 0; i < kSmall.slot_requests; ++i) {
      Serve(mean);
    }
    return window_.Report({});
  }

  void Serve(double mean) {
    std::normal_distribution<double> normal(mean, 1);
    const double score = normal(random_);
    window_.Add({}, std::span(&score, 1), Micros{time_++});
  }

  FeatureWindow& window() { return window_; }

 private:
  static data::FeatureSpec Spec() {
    auto spec = data::FeatureSpec::Fit({}, {}, {}, data::Vocabulary({"a"}), Micros{1});
    EXPECT_TRUE(spec.ok()) << spec.status().message();
    return std::move(spec).value();
  }
  static ReferenceHistogram Reference() {
    std::mt19937 random(1);
    std::normal_distribution<double> normal;
    std::vector<double> values(5000);
    for (double& value : values) value = normal(random);
    return data::FreezeHistogram(std::string(data::kScoresSeries), values);
  }

  std::mt19937 random_;
  FeatureWindow window_;
  std::int64_t time_ = 0;
};

TEST(FeatureWindowTest, HundredsOfLooksRaiseFewFalseAlarms) {
  constexpr int kStreams = 40;
  constexpr int kLooks = 300;
  int alarms = 0;
  for (unsigned seed = 1; seed <= kStreams; ++seed) {
    Stream stream(seed);
    bool raised = false;
    for (int look = 0; look < kLooks && !raised; ++look) {
      raised = stream.Look().drifted > 0;
    }
    alarms += raised ? 1 : 0;
  }
  EXPECT_LE(alarms, 7) << "2 expected of 40 at stream_alpha 0.05; 8 or more have probability 7e-4";
}

TEST(FeatureWindowTest, AChangeIsFoundAfterManyLooks) {
  for (unsigned seed = 1; seed <= 5; ++seed) {
    Stream stream(seed);
    for (int look = 0; look < 200; ++look) stream.Look();
    int needed = 0;
    while (needed < 12 && stream.Look(0.6).drifted == 0) ++needed;
    EXPECT_LT(needed, 12) << "seed " << seed;
  }
}

TEST(FeatureWindowTest, AskingBetweenSlotsSaysTheSame) {
  Stream stream(3);
  const DriftModel first = stream.Look();
  EXPECT_EQ(first.looks, 1U);
  for (int i = 0; i < 49; ++i) {
    stream.Serve(5);
    const DriftModel again = stream.window().Report({});
    EXPECT_EQ(again.looks, 1U);
    EXPECT_EQ(again.window_requests, 50U);
    EXPECT_EQ(again.series[0].training.p_value, first.series[0].training.p_value);
  }
  stream.Serve(5);
  EXPECT_EQ(stream.window().Report({}).looks, 2U);
}

TEST(FeatureWindowTest, LooksSurviveARestart) {
  Stream stream(4);
  for (int look = 0; look < 20; ++look) stream.Look();
  Stream other(5);
  ASSERT_TRUE(other.window().Load(stream.window().Save()).ok());
  EXPECT_EQ(other.window().Report({}).looks, 20U);
  EXPECT_EQ(other.window().Report({}).series[0].training.alpha,
            stream.window().Report({}).series[0].training.alpha);

  // Counters from before looks were counted: all but the newest slot were closed.
  nlohmann::json old = stream.window().Save();
  old.erase("looks");
  for (nlohmann::json& slot : old["ring"]) slot.erase(4);
  ASSERT_TRUE(other.window().Load(old).ok());
  EXPECT_EQ(other.window().Report({}).looks, 7U);
}

}  // namespace
}  // namespace vitrine::monitor
