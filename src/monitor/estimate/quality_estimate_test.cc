#include "monitor/estimate/quality_estimate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <random>
#include <set>

#include "monitor/attribution.h"
#include "monitor/reports_json.h"
#include "monitor/windows/window_counts.h"

namespace vitrine::monitor {
namespace {

constexpr std::size_t kPlaces = 10;

/// A shop whose clicks follow the model: the logistic of a score, less the further down.
class ModelShop {
 public:
  explicit ModelShop(unsigned seed) : random_(seed), attribution_(Options()) {}

  static AttributionOptions Options() {
    AttributionOptions options;
    options.purchase_window = options.click_window;
    return options;
  }

  void Hour(const std::string& model, int answers, double scores_at, double worth = 1,
            double scale = 1) {
    std::normal_distribution<double> draw(scores_at, 1);
    std::uniform_real_distribution<double> uniform;
    for (int i = 0; i < answers; ++i) {
      Impression answer;
      answer.request_id = std::to_string(next_++);
      answer.subject = "shopper-" + std::to_string(random_() % 500);
      answer.model = model;
      answer.scene = "home";
      answer.ts = {hour_ * kMicrosPerHour + i * kMicrosPerHour / (answers + 1)};
      std::vector<double> scores(kPlaces);
      for (double& score : scores) score = draw(random_);
      std::sort(scores.rbegin(), scores.rend());
      for (std::size_t p = 0; p < kPlaces; ++p) {
        answer.items.push_back({"item-" + std::to_string(p), scale * scores[p], ""});
      }
      attribution_.Add(answer);
      for (std::size_t p = 0; p < kPlaces; ++p) {
        const double chance =
            worth / (1 + std::exp(2 - scores[p])) / std::sqrt(static_cast<double>(p) + 1);
        if (uniform(random_) < chance) {
          Event click;
          click.type = EventType::kClick;
          click.user_id = answer.subject;
          click.request_id = answer.request_id;
          click.ts = answer.ts;
          click.items.push_back({.item_id = answer.items[p].item_id});
          attribution_.Record(click);
        }
      }
    }
    ++hour_;
  }
  /// Nothing more comes of what there was.
  void Rest() {
    hour_ += 2;
    Event event;
    event.ts = {hour_ * kMicrosPerHour};
    attribution_.Record(event);
  }

  [[nodiscard]] EstimateRow Row(const std::string& model) const {
    for (const EstimateRow& row : attribution_.estimates().Report()) {
      if (row.model == model && row.label == Label::kClick) {
        return row;
      }
    }
    return {};
  }
  [[nodiscard]] MetricValue Ctr(const std::string& model, std::int64_t hour) const {
    const HourEstimates* found = attribution_.estimates().Find({hour, model + "\nhome"});
    return found == nullptr ? MetricValue() : EstimatedCtr(found->labels[0]);
  }
  [[nodiscard]] double Came(const std::string& model, std::int64_t hour) const {
    for (const auto* hours : {&attribution_.hours(), &attribution_.final_hours()}) {
      if (const auto found = hours->find({hour, model + "\nhome"}); found != hours->end()) {
        return CountedCtr(found->second, Label::kClick);
      }
    }
    return -1;
  }
  [[nodiscard]] std::int64_t hour() const { return hour_; }
  Attribution& attribution() { return attribution_; }
  std::mt19937& random() { return random_; }

 private:
  std::mt19937 random_;
  Attribution attribution_;
  std::int64_t hour_ = 1000;
  int next_ = 0;
};

TEST(QualityEstimates, KnowWhatWillCome) {
  ModelShop shop(1);
  for (int hour = 0; hour < 60; ++hour) {
    shop.Hour("m:1", 400, 0.5 * std::sin(hour));  // what is shown changes by the hour
  }
  shop.Rest();
  const EstimateRow row = shop.Row("m:1");
  EXPECT_GT(row.ctr.hours, 50);
  EXPECT_NEAR(row.ctr.error / row.ctr.hours, 0, 0.003);
  EXPECT_GE(row.ctr.covered / row.ctr.hours, 0.88);
  EXPECT_LT(row.ctr.absolute / row.ctr.hours,
            0.6 * row.ctr.carried_absolute / row.ctr.carried_hours);
  ASSERT_EQ(row.ndcg.size(), 3U);
  EXPECT_NEAR(row.ndcg[1].error / row.ndcg[1].hours, 0, 0.01);
  EXPECT_GE(row.ndcg[1].covered / row.ndcg[1].hours, 0.88);
}

TEST(QualityEstimates, SeeWorseListsBeforeAnybodyClicks) {
  ModelShop shop(2);
  for (int hour = 0; hour < 20; ++hour) {
    shop.Hour("m:1", 400, 0);
  }
  const std::int64_t changed = shop.hour();
  shop.Hour("m:1", 400, -1.5);
  const MetricValue before = shop.Ctr("m:1", changed - 1);
  const MetricValue after = shop.Ctr("m:1", changed);
  EXPECT_LT(after.mean, 0.6 * before.mean);
  EXPECT_EQ(shop.Row("m:1").from, changed);  // labels of the hour before are in since half past
  shop.Rest();
  EXPECT_NEAR(after.mean, shop.Came("m:1", changed), 0.15 * before.mean);
}

TEST(QualityEstimates, SayTooMuchWhereTasteTurnsUntilLabelsCome) {
  ModelShop shop(3);
  for (int hour = 0; hour < 20; ++hour) {
    shop.Hour("m:1", 400, 0);
  }
  const std::int64_t changed = shop.hour();
  for (int hour = 0; hour < 6; ++hour) {
    shop.Hour("m:1", 400, 0, 0.5);  // the same scores, half the clicks
  }
  shop.Rest();
  EXPECT_GT(shop.Ctr("m:1", changed).mean, 1.5 * shop.Came("m:1", changed));
  EXPECT_NEAR(shop.Ctr("m:1", changed + 5).mean, shop.Came("m:1", changed + 5),
              0.25 * shop.Came("m:1", changed + 5));
}

TEST(QualityEstimates, TheNextVersionBeginsWithWhatIsKnown) {
  ModelShop shop(4);
  for (int hour = 0; hour < 12; ++hour) {
    shop.Hour("m:1", 400, 0);
  }
  const std::int64_t fresh = shop.hour();
  shop.Hour("m:2", 200, 1);  // the same scores, better lists
  const EstimateRow same = shop.Row("m:2");
  EXPECT_EQ(same.before, "m:1");
  EXPECT_EQ(same.origin, CalibrationOrigin::kBefore);
  EXPECT_GT(EstimatedCtr(same.open).mean, 1.3 * shop.Ctr("m:1", fresh - 1).mean);
  shop.Hour("other:1", 200, 1, 1, 1000);  // scores of another scale
  const EstimateRow other = shop.Row("other:1");
  EXPECT_EQ(other.origin, CalibrationOrigin::kPositions);
  EXPECT_NEAR(EstimatedCtr(other.open).mean, shop.Came("m:1", fresh - 1),
              0.35 * shop.Came("m:1", fresh - 1));
  for (int hour = 0; hour < 30; ++hour) {
    shop.Hour("other:1", 400, 1, 1, 1000);
  }
  shop.Rest();
  EXPECT_EQ(shop.Row("other:1").origin, CalibrationOrigin::kOwn);
  EXPECT_NEAR(shop.Ctr("other:1", shop.hour() - 3).mean, shop.Came("other:1", shop.hour() - 3),
              0.15 * shop.Came("other:1", shop.hour() - 3));
}

TEST(QualityEstimates, ScenesWithoutScoresRestOnPositions) {
  ModelShop shop(5);
  for (int hour = 0; hour < 10; ++hour) {
    shop.Hour("", 300, 0, 1, 0);
  }
  shop.Rest();
  const EstimateRow row = shop.Row("");
  EXPECT_GT(row.ctr.hours, 5);
  EXPECT_NEAR(row.ctr.error / row.ctr.hours, 0, 0.01);
}

// The plug-in NDCG against the mean over simulated lists of the same chances.
TEST(QualityEstimates, NdcgIsWhatIndependentPlacesGive) {
  ModelShop shop(6);
  for (int hour = 0; hour < 40; ++hour) {
    shop.Hour("m:1", 400, 1);
  }
  shop.Rest();
  const EstimateRow row = shop.Row("m:1");
  for (std::size_t k = 0; k < 3; ++k) {
    EXPECT_NEAR(row.ndcg[k].error / row.ndcg[k].hours, 0, 0.01);
    EXPECT_LT(row.ndcg[k].absolute / row.ndcg[k].hours, 0.03);
  }
}

TEST(QualityEstimates, GoOnAfterARestartAsIfThereHadBeenNone) {
  ModelShop one(7);
  ModelShop two(7);
  for (int hour = 0; hour < 12; ++hour) {
    const std::string model = hour < 6 ? "m:1" : "m:2";
    one.Hour(model, 100 + hour, 0);
    two.Hour(model, 100 + hour, 0);
    Attribution kept(ModelShop::Options());
    ASSERT_TRUE(kept.Load(nlohmann::json::parse(two.attribution().Save())).ok());
    two.attribution() = std::move(kept);
  }
  EXPECT_EQ(one.attribution().Save(), two.attribution().Save());
}

TEST(QualityEstimates, KeepNoMoreVersionsThanTheyMay) {
  ModelShop shop(8);
  for (int hour = 0; hour < 6; ++hour) {
    shop.Hour("m:0", 200, 0);
  }
  const std::int64_t last = shop.hour() - 1;
  EXPECT_GT(shop.Ctr("m:0", last).mean, 0);
  for (int version = 1; version < 100; ++version) {
    shop.Hour("m:" + std::to_string(version), 2, 0);
  }
  const auto rows = shop.attribution().estimates().Report();
  EXPECT_EQ(rows.size(), 48 * kLabels);
  EXPECT_GT(shop.Ctr("m:0", last).mean, 0);  // what it said is still known
}

TEST(QualityEstimates, HistoryHasWhatWasSaidBesideWhatCame) {
  ModelShop shop(9);
  for (int hour = 0; hour < 12; ++hour) {
    shop.Hour("m:1", 300, 0);
  }
  const Attribution& attribution = shop.attribution();
  std::vector<WindowRow> rows;
  double came = 0;
  for (const auto* hours : {&attribution.final_hours(), &attribution.hours()}) {
    for (const auto& [key, counts] : *hours) {
      rows.push_back(
          {WindowKind::kQuality, key.first, key.second,
           QualityWindowText(counts, attribution.options().ks, attribution.estimates().Find(key),
                             attribution.behaviour().Find(key)),
           hours == &attribution.final_hours()});
      came = CountedCtr(counts, Label::kClick);
    }
  }
  const auto history = QualityHistory(rows, 1);
  ASSERT_TRUE(history.ok()) << history.status().message();
  ASSERT_EQ(history->size(), 12U);
  const QualityRow& open = history->back().rows.at(0);
  ASSERT_EQ(open.estimates.at(0).label, "click");
  EXPECT_EQ(open.estimates[0].answers, 300U);
  EXPECT_NEAR(open.estimates[0].ctr.estimate.mean, came, 0.2 * came);
  EXPECT_FALSE(open.estimates[0].ctr.came.has_value());  // not before the hour's labels are in
  EXPECT_FALSE(open.scores.has_value());
  EXPECT_NEAR(open.behaviour.value_or(BehaviourCounts()).places, 750, 250);  // one answer in four
  const QualityRow& closed = (*history)[10].rows.at(0);
  EXPECT_EQ(closed.estimates.at(0).ctr.came.value_or(-1), closed.ctr);
  EXPECT_TRUE(closed.estimates[0].ctr.carried.has_value());
  EXPECT_TRUE(closed.estimates[0].ndcg.contains(10));
  const ScoreHour scores = closed.scores.value_or(ScoreHour());
  EXPECT_EQ(scores.places, 3000);
  EXPECT_GT(scores.wins, 0.6 * scores.pairs);
  const auto json = nlohmann::json::parse(ToJson(*history));
  const auto& said = json.at("points").at(10).at("rows").at(0).at("estimates").at(0).at("ctr");
  EXPECT_NEAR(said.at("error").get<double>(),
              said.at("mean").get<double>() - said.at("came").get<double>(), 1e-12);
  EXPECT_TRUE(said.at("covered").is_boolean());

  // A day is the sum of its hours.
  const auto days = QualityHistory(rows, 24);
  ASSERT_TRUE(days.ok());
  std::uint64_t answers = 0;
  for (const auto& day : *days) {
    answers += day.rows.at(0).estimates.empty() ? 0 : day.rows[0].estimates[0].answers;
  }
  std::uint64_t by_hour = 0;
  for (const auto& hour : *history) {
    by_hour += hour.rows.at(0).estimates.empty() ? 0 : hour.rows[0].estimates[0].answers;
  }
  EXPECT_EQ(answers, by_hour);
}

TEST(QualityEstimates, AnotherStateIsRefused) {
  QualityEstimates estimates({5}, {Micros{1}, Micros{1}});
  EXPECT_THROW(estimates.Load(nlohmann::json::parse(R"({"series": 3})")),
               nlohmann::json::exception);
}

}  // namespace
}  // namespace vitrine::monitor
