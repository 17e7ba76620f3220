#include "explain/global_attributions.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace vitrine::explain {
namespace {

// Additive: an event adds its type's weight over (its place from the newest + 1), signs by the item.
double WeightOf(const History& history, std::size_t place, ItemIndex target) {
  const HistoryEvent& event = history[place];
  const double type = event.type == EventType::kPurchase ? 4 : 1;
  const double back = static_cast<double>(history.size() - 1 - place);
  return ((event.item + target) % 2 == 0 ? 1 : -1) * type / (back + 1);
}

class WeightScorer final : public Scorer {
 public:
  [[nodiscard]] std::size_t width() const override { return 30; }
  Status Score(std::span<const History> histories, std::vector<double>& scores) const override {
    scores.clear();
    for (const History& history : histories) {
      for (ItemIndex item = 0; item < width(); ++item) {
        double score = 0.125 * item;
        for (std::size_t place = 0; place < history.size(); ++place) {
          score += history[place].item >= kFirstItem ? WeightOf(history, place, item) : 0;
        }
        scores.push_back(score);
      }
    }
    return Status::Ok();
  }
};

data::Vocabulary Names() {
  std::vector<std::string> ids;
  for (int i = 0; i < 28; ++i) {
    ids.push_back("item" + std::to_string(i));
  }
  return data::Vocabulary(ids);
}

History Make(std::size_t length, EventType last) {
  History history;
  for (std::size_t i = 0; i < length; ++i) {
    history.push_back({.item = static_cast<ItemIndex>(kFirstItem + i % 5),
                       .ts = Micros{static_cast<std::int64_t>(i)},
                       .type = i + 1 == length ? last : EventType::kView});
  }
  return history;
}

double MeanOf(const std::vector<Importance>& rows, std::string_view feature) {
  for (const Importance& row : rows) {
    if (row.feature == feature) {
      return row.mean;
    }
  }
  return -1;
}

TEST(GlobalAttributions, AreTheMeansOfWhatEachEventGave) {
  GlobalAttributions attributions({.items = 4, .pairs = 4});
  const WeightScorer scorer;
  const std::vector<History> histories = {Make(2, EventType::kPurchase), Make(7, EventType::kView),
                                          Make(25, EventType::kPurchase)};
  for (const History& history : histories) {
    ASSERT_TRUE(attributions.Add(scorer, history).ok());
  }
  ASSERT_TRUE(attributions.Add(scorer, {}).ok());  // nothing to say of it
  const GlobalReport report = attributions.Report("near:1", "holdout", Micros{7}, Names());
  EXPECT_EQ(report.answers, 3U);
  EXPECT_EQ(report.exact, 3U);
  const SegmentImportance* all = report.Find("all");
  ASSERT_NE(all, nullptr);
  // |contribution| does not depend on the target here, so that the oracle needs no ranking.
  double purchases = 0;
  double newest = 0;
  double total = 0;
  for (const History& history : histories) {
    for (std::size_t place = 0; place < history.size(); ++place) {
      const double size = std::fabs(WeightOf(history, place, 2));
      total += size;
      purchases += history[place].type == EventType::kPurchase ? size : 0;
      newest += place + 1 == history.size() ? size : 0;
    }
  }
  EXPECT_NEAR(MeanOf(all->families.at(Family::kEvent), "purchase"), purchases / 3, 1e-9);
  EXPECT_NEAR(MeanOf(all->families.at(Family::kEvent), "view"), (total - purchases) / 3, 1e-9);
  EXPECT_NEAR(MeanOf(all->families.at(Family::kRecency), "1"), newest / 3, 1e-9);
  EXPECT_EQ(all->families.at(Family::kRecency).front().feature, "1");
  for (const Family family : {Family::kEvent, Family::kRecency, Family::kItem}) {
    double share = 0;
    double mean = 0;
    for (const Importance& row : all->families.at(family)) {
      share += row.share;
      mean += row.mean;
    }
    EXPECT_NEAR(share, 1, 1e-9);
    EXPECT_NEAR(mean, total / 3, 1e-9);
  }
  EXPECT_EQ(report.Find("new")->answers, 1U);
  EXPECT_EQ(report.Find("middle")->answers, 1U);
  EXPECT_EQ(report.Find("long")->answers, 1U);
  EXPECT_NEAR(MeanOf(report.Find("long")->families.at(Family::kRecency), "21+"),
              1.0 / 21 + 1.0 / 22 + 1.0 / 23 + 1.0 / 24 + 1.0 / 25, 1e-6);
  EXPECT_FALSE(report.Find("long")->families.contains(Family::kItem));
}

TEST(GlobalAttributions, ComeBackFromJson) {
  GlobalAttributions attributions;
  const WeightScorer scorer;
  ASSERT_TRUE(attributions.Add(scorer, Make(6, EventType::kPurchase)).ok());
  const GlobalReport report = attributions.Report("near:1", "live", Micros{7}, Names());
  const auto read = ParseGlobalReport(ToJson(report));
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  EXPECT_EQ(*read, report);
  EXPECT_EQ(ParseGlobalReport("{}").status().code(), Code::kDataLoss);
  EXPECT_EQ(ParseGlobalReport("not json").status().code(), Code::kDataLoss);
}

// By the definition, over every order: the ideal is the best that any order reaches.
double SlowNdcg(const std::vector<Importance>& reference, const std::vector<Importance>& now) {
  std::vector<std::size_t> order(reference.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    order[i] = i;
  }
  const auto dcg = [&](const std::vector<std::size_t>& ranked) {
    double sum = 0;
    for (std::size_t i = 0; i < ranked.size(); ++i) {
      sum += reference[ranked[i]].share / std::log2(static_cast<double>(i) + 2);
    }
    return sum;
  };
  double best = 0;
  do {
    best = std::max(best, dcg(order));
  } while (std::next_permutation(order.begin(), order.end()));
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return now[a].share > now[b].share; });
  return dcg(order) / best;
}

std::vector<Importance> Of(const std::vector<double>& shares) {
  std::vector<Importance> rows;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    rows.push_back({.feature = "f" + std::to_string(i), .mean = shares[i], .share = shares[i]});
  }
  return rows;
}

TEST(AttributionNdcg, IsThatOfTheDefinition) {
  const std::vector<std::vector<double>> many = {
      {0.5, 0.3, 0.2}, {0.2, 0.3, 0.5}, {0.7, 0.1, 0.2}, {0.34, 0.33, 0.33001}};
  for (const auto& reference : many) {
    for (const auto& now : many) {
      EXPECT_NEAR(AttributionNdcg(Of(reference), Of(now)), SlowNdcg(Of(reference), Of(now)), 1e-12);
    }
    EXPECT_DOUBLE_EQ(AttributionNdcg(Of(reference), Of(reference)), 1);
  }
  EXPECT_LT(AttributionNdcg(Of({0.9, 0.08, 0.02}), Of({0.02, 0.08, 0.9})), kSameAttributions);
  EXPECT_DOUBLE_EQ(AttributionNdcg(Of({1}), Of({0.5, 0.5})), 1);  // nothing to order
  EXPECT_DOUBLE_EQ(AttributionNdcg(Of({0.6, 0.4}), {}), 1);       // no order now: the reference's
}

GlobalReport ReportOf(const std::vector<double>& recency, std::uint64_t answers) {
  GlobalReport report{.version = "m:1", .source = "holdout", .answers = answers, .segments = {}};
  SegmentImportance all{.segment = "all", .answers = answers, .families = {}};
  all.families[Family::kEvent] = Of({1});
  all.families[Family::kRecency] = Of(recency);
  report.segments = {all, {.segment = "new", .answers = 0, .families = {}}};
  return report;
}

TEST(Compare, NamesWhatMovedMostAndTakesTheWorstFamily) {
  const GlobalComparison same = Compare(ReportOf({0.6, 0.4}, 50), ReportOf({0.7, 0.3}, 80));
  EXPECT_TRUE(same.agrees());
  ASSERT_EQ(same.parts.size(), 2U);  // of "new" there are no answers
  EXPECT_EQ(same.parts[1].answers, 50U);
  const GlobalComparison moved =
      Compare(ReportOf({0.9, 0.08, 0.02}, 50), ReportOf({0.02, 0.08, 0.9}, 50));
  EXPECT_FALSE(moved.agrees());
  EXPECT_DOUBLE_EQ(moved.ndcg, moved.parts[1].ndcg);
  EXPECT_EQ(moved.parts[1].changes[2].feature, "f1");
  EXPECT_DOUBLE_EQ(moved.parts[1].changes[2].now, 0.08);
}

}  // namespace
}  // namespace vitrine::explain
