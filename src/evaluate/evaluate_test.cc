#include "evaluate/evaluate.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <set>
#include <thread>

#include <gtest/gtest.h>

#include "evaluate/compare.h"
#include "evaluate/gate.h"
#include "evaluate/ranking_metrics.h"
#include "evaluate/top_k.h"

namespace vitrine::evaluate {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Scores from a function of (history, item).
class FakeScorer : public Scorer {
 public:
  using Rule = std::function<double(const History&, ItemIndex)>;
  FakeScorer(std::size_t width, Rule rule) : width_(width), rule_(std::move(rule)) {}
  [[nodiscard]] std::size_t width() const override { return width_; }
  Status Score(std::span<const History> histories, std::vector<double>& scores) const override {
    scores.clear();
    for (const History& history : histories) {
      for (ItemIndex i = 0; i < width_; ++i) scores.push_back(rule_(history, i));
    }
    return fail_;
  }
  Status fail_;

 private:
  std::size_t width_;
  Rule rule_;
};

data::Vocabulary Words(int n) {
  std::vector<std::string> ids;
  for (int i = 0; i < n; ++i) ids.push_back("i" + std::to_string(i));
  return data::Vocabulary(ids);
}

/// Random cases over items i0 .. i{items-1}; the vocabulary may be smaller.
Holdout RandomCases(int cases, int items, HistoryRule rule, unsigned seed) {
  std::mt19937 random(seed);
  Holdout h;
  h.protocol = "random";
  h.history = rule;
  h.ks = {2, 5};
  h.slices = {"even"};
  for (int i = 0; i < items; ++i) h.items.push_back("i" + std::to_string(i));
  for (int c = 0; c < cases; ++c) {
    HoldoutCase& made = h.cases.emplace_back();
    made.part = Part::kTest;
    made.user = "u" + std::to_string(c);
    made.slices = c % 2 == 0 ? 1 : 0;
    for (auto n = 1 + random() % 4; n > 0; --n) {
      made.history.push_back(
          {static_cast<std::uint32_t>(random() % h.items.size()), {}, EventType::kView, 0});
    }
    std::set<std::uint32_t> target;
    for (auto n = 1 + random() % 3; n > 0; --n) {
      target.insert(static_cast<std::uint32_t>(random() % h.items.size()));
    }
    made.target.assign(target.begin(), target.end());
  }
  return h;
}

/// Few distinct values, so that ties are common.
double Clumsy(const History& history, ItemIndex item) {
  unsigned hash = item * 2654435761U;
  for (const HistoryEvent& event : history) hash = hash * 31 + event.item;
  return static_cast<double>(hash % 5);
}

/// Everything sorted, the slow and obvious way.
std::vector<std::uint32_t> OracleRanks(const Holdout& h, const HoldoutCase& c,
                                       const data::Vocabulary& words, const FakeScorer& scorer,
                                       std::size_t k) {
  History history;
  for (const auto& event : c.history)
    history.push_back({words.Find(h.items[event.item]), {}, event.type, 0});
  std::vector<double> scores;
  EXPECT_TRUE(scorer.Score(std::span(&history, 1), scores).ok());
  std::vector<ItemIndex> order;
  for (ItemIndex i = kFirstItem; i < words.width(); ++i) {
    const bool seen =
        std::any_of(history.begin(), history.end(), [&](const auto& e) { return e.item == i; });
    if (!(seen && h.history == HistoryRule::kFiltered)) order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](ItemIndex a, ItemIndex b) { return scores[a] > scores[b]; });
  std::vector<std::uint32_t> ranks;
  for (std::uint32_t r = 0; r < std::min(k, order.size()); ++r) {
    for (const auto item : c.target) {
      if (words.Find(h.items[item]) == order[r]) ranks.push_back(r);
    }
  }
  return ranks;
}

TEST(EvaluateTest, RanksEqualTheSortingOracle) {
  for (const auto rule : {HistoryRule::kFiltered, HistoryRule::kKept}) {
    const Holdout h = RandomCases(200, 40, rule, 9);
    const auto words = Words(30);  // ten items are outside
    const FakeScorer scorer(words.width(), Clumsy);
    const auto report = Evaluate(scorer, h, words, {.model = "m", .batch = 7}, {});
    ASSERT_TRUE(report.ok()) << report.status().message();
    ASSERT_EQ(report->rows.size(), 200U);
    double ndcg = 0;
    for (std::size_t i = 0; i < 200; ++i) {
      EXPECT_EQ(report->rows[i].ranks, OracleRanks(h, h.cases[i], words, scorer, 5)) << i;
      EXPECT_EQ(report->rows[i].relevant, h.cases[i].target.size());
      ndcg += RankMetricsAt(report->rows[i].ranks, report->rows[i].relevant, 5)[1] / 200;
    }
    EXPECT_NEAR(report->Find("all", "ndcg@5")->mean, ndcg, 1e-12);
    EXPECT_EQ(report->slices[1].cases, 100U);
    std::uint64_t unknown = 0;
    for (const auto& c : h.cases) {
      for (const auto t : c.target) unknown += words.Find(h.items[t]) == kUnknownItem ? 1 : 0;
    }
    EXPECT_EQ(report->unknown_targets, unknown);
    EXPECT_GT(unknown, 0U);
  }
}

TEST(EvaluateTest, ThreadsAndBatchesChangeNothing) {
  const Holdout h = RandomCases(100, 20, HistoryRule::kFiltered, 4);
  const auto words = Words(20);
  const FakeScorer scorer(words.width(), Clumsy);
  const auto one = Evaluate(scorer, h, words, {.threads = 1, .batch = 100}, {});
  const auto three = Evaluate(scorer, h, words, {.threads = 3, .batch = 3}, {});
  ASSERT_TRUE(one.ok() && three.ok());
  EXPECT_EQ(one->rows, three->rows);
  EXPECT_EQ(one->Find("all", "recall@5")->low, three->Find("all", "recall@5")->low);
  EXPECT_EQ(one->catalogue[1].coverage, three->catalogue[1].coverage);
  EXPECT_EQ(one->cases_hash, three->cases_hash);
}

TEST(EvaluateTest, MinusInfinityIsNoCandidate) {
  const Holdout h = RandomCases(5, 10, HistoryRule::kKept, 1);
  const auto words = Words(10);
  const FakeScorer scorer(words.width(), [](const History&, ItemIndex) { return -kInfinity; });
  const auto report = Evaluate(scorer, h, words, {}, {});
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->catalogue[1].coverage, 0);
  EXPECT_EQ(report->Find("all", "hit_rate@5")->mean, 0);
}

TEST(EvaluateTest, BrokenInputsAreNamed) {
  const Holdout h = RandomCases(5, 10, HistoryRule::kKept, 1);
  const auto words = Words(10);
  const FakeScorer nan(words.width(),
                       [](const History&, ItemIndex i) { return i == 4 ? std::nan("") : 0; });
  EXPECT_EQ(Evaluate(nan, h, words, {}, {}).status().code(), Code::kInternal);
  const FakeScorer narrow(5, Clumsy);
  EXPECT_EQ(Evaluate(narrow, h, words, {}, {}).status().code(), Code::kInvalidArgument);
  FakeScorer down(words.width(), Clumsy);
  down.fail_ = Unavailable("gone");
  EXPECT_EQ(Evaluate(down, h, words, {}, {}).status(), Unavailable("gone"));
  const FakeScorer fine(words.width(), Clumsy);
  EXPECT_EQ(Evaluate(fine, h, words, {.part = Part::kValidation}, {}).status().code(),
            Code::kFailedPrecondition);
  EXPECT_EQ(Evaluate(fine, h, words, {.ks = {10, 5}}, {}).status().code(), Code::kInvalidArgument);
}

TEST(EvaluateTest, StopsWhenAskedTo) {
  const Holdout h = RandomCases(1000, 10, HistoryRule::kKept, 1);
  const auto words = Words(10);
  const FakeScorer scorer(words.width(), Clumsy);
  std::stop_source stop;
  double done = 0;
  Progress progress;
  progress.stop = stop.get_token();
  progress.report = [&](const ProgressReport& r) {
    done = r.done;
    stop.request_stop();
  };
  EXPECT_EQ(Evaluate(scorer, h, words, {.batch = 10}, progress).status().code(), Code::kCancelled);
  EXPECT_LT(done, 500);
}

TEST(TopKTest, EqualsSorting) {
  std::mt19937 random(6);
  for (int round = 0; round < 500; ++round) {
    std::vector<double> scores(2 + random() % 50);
    for (double& s : scores) s = random() % 7 == 0 ? -kInfinity : static_cast<double>(random() % 6);
    const std::size_t k = 1 + random() % 12;
    std::vector<ItemIndex> order;
    for (ItemIndex i = kFirstItem; i < scores.size(); ++i) {
      if (scores[i] != -kInfinity) order.push_back(i);
    }
    std::stable_sort(order.begin(), order.end(),
                     [&](auto a, auto b) { return scores[a] > scores[b]; });
    order.resize(std::min(order.size(), k));
    std::vector<ItemIndex> ours;
    TopK top(k);
    ASSERT_TRUE(top.Select(scores, ours));
    EXPECT_EQ(ours, order);
  }
}

/// A report whose case i hits at rank ranks[i] (below 0: a miss).
EvalReport Hits(const std::string& model, const std::vector<int>& ranks) {
  EvalReport report;
  report.model = model;
  report.protocol = "p";
  report.ks = {10};
  report.cases_hash = "h";
  report.slice_names = {"first_half", "few"};
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    CaseResult& row = report.rows.emplace_back();
    row.relevant = 1;
    row.slices = (i < ranks.size() / 2 ? 1U : 0U) | (i < 3 ? 2U : 0U);
    if (ranks[i] >= 0) row.ranks = {static_cast<std::uint32_t>(ranks[i])};
  }
  report.slices.push_back({"all", ranks.size(), {}});
  return report;
}

std::vector<int> Mixed(int n, int share_of_ten) {
  std::vector<int> ranks;
  for (int i = 0; i < n; ++i) ranks.push_back(i % 10 < share_of_ten ? i % 3 : -1);
  return ranks;
}

TEST(GateTest, TheSameModelPassesAgainstItself) {
  const auto champion = Hits("champion:1", Mixed(1000, 3));
  const auto verdict =
      Judge(Hits("new:2", Mixed(1000, 3)), &champion, nullptr, {.guard_slices = {"first_half"}});
  EXPECT_TRUE(verdict.pass);
  ASSERT_EQ(verdict.checks.size(), 2U);
  EXPECT_EQ(verdict.checks[0].difference.low, 0);
}

TEST(GateTest, ClearlyBetterAndClearlyWorse) {
  const auto low = Hits("low:1", Mixed(1000, 2));
  const auto high = Hits("high:1", Mixed(1000, 4));
  const auto better = Judge(high, &low, nullptr, {.must_improve = true});
  EXPECT_TRUE(better.pass);
  EXPECT_NE(better.reasons.at(0).find("Better"), std::string::npos) << better.reasons.at(0);
  const auto worse = Judge(low, &high, nullptr, {});
  EXPECT_FALSE(worse.pass);
  EXPECT_NE(worse.reasons.at(0).find("worse by more"), std::string::npos) << worse.reasons.at(0);
}

TEST(GateTest, TheSameIsNotAnImprovement) {
  const auto champion = Hits("champion:1", Mixed(1000, 3));
  EXPECT_FALSE(
      Judge(Hits("new:2", Mixed(1000, 3)), &champion, nullptr, {.must_improve = true}).pass);
}

TEST(GateTest, AGuardSliceStopsAModelThatIsBetterOverall) {
  auto old_ranks = Mixed(1000, 3);
  auto new_ranks = Mixed(1000, 8);
  for (std::size_t i = 0; i < 500; ++i) new_ranks[i] = i % 10 == 0 ? 0 : -1;
  const auto champion = Hits("champion:1", old_ranks);
  const auto verdict =
      Judge(Hits("new:2", new_ranks), &champion, nullptr, {.guard_slices = {"first_half", "few"}});
  EXPECT_FALSE(verdict.pass);
  EXPECT_NE(verdict.reasons.at(0).find("first_half"), std::string::npos);
  EXPECT_NE(verdict.reasons.back().find("few has 3 cases"), std::string::npos);
}

TEST(GateTest, FewCasesOrOtherCasesDecideNothing) {
  const auto champion = Hits("champion:1", Mixed(1000, 3));
  EXPECT_FALSE(Judge(Hits("new:2", Mixed(50, 9)), &champion, nullptr, {}).pass);
  auto other = Hits("new:2", Mixed(1000, 9));
  other.cases_hash = "elsewhere";
  const auto verdict = Judge(other, &champion, nullptr, {});
  EXPECT_FALSE(verdict.pass);
  EXPECT_NE(verdict.reasons.at(0).find("same cases"), std::string::npos);
}

TEST(GateTest, TheFirstVersionMustBeatTheFloorOrFindSomething) {
  const auto floor = Hits("popularity", Mixed(1000, 2));
  EXPECT_TRUE(Judge(Hits("new:1", Mixed(1000, 3)), nullptr, &floor, {}).pass);
  EXPECT_FALSE(Judge(Hits("new:1", Mixed(1000, 1)), nullptr, &floor, {}).pass);
  EXPECT_TRUE(Judge(Hits("new:1", Mixed(1000, 1)), nullptr, nullptr, {}).pass);
  EXPECT_FALSE(Judge(Hits("new:1", Mixed(1000, 0)), nullptr, nullptr, {}).pass);
}

TEST(ReportTest, JsonKeepsEverything) {
  const Holdout h = RandomCases(50, 20, HistoryRule::kFiltered, 4);
  const auto words = Words(20);
  const auto report = Evaluate(FakeScorer(words.width(), Clumsy), h, words, {.model = "m:1"}, {});
  ASSERT_TRUE(report.ok());
  const auto back = ParseEvalReport(ToJson(*report, true));
  ASSERT_TRUE(back.ok()) << back.status().message();
  EXPECT_EQ(back->rows, report->rows);
  EXPECT_EQ(ToJson(*back, true), ToJson(*report, true));
  EXPECT_TRUE(ParseEvalReport(ToJson(*report, false))->rows.empty());
  EXPECT_EQ(ParseEvalReport("{}").status().code(), Code::kInvalidArgument);
  EXPECT_EQ(ParseEvalReport("{\"format\":99}").status().code(), Code::kFailedPrecondition);
  const auto metrics = ManifestMetrics(*report);
  EXPECT_TRUE(metrics.contains("ndcg@5"));
  EXPECT_TRUE(metrics.contains("even/recall@2"));
  EXPECT_TRUE(metrics.contains("coverage@5"));
}

TEST(ReportTest, UnknownNamesAreAnswered) {
  const auto report = Hits("m", Mixed(10, 5));
  EXPECT_EQ(CaseValues(report, "no", "ndcg@10").status().code(), Code::kNotFound);
  EXPECT_NE(CaseValues(report, "all", "ndgc@10").status().message().find("ndcg@K"),
            std::string::npos);
  EXPECT_EQ(CaseValues(report, "all", "ndcg@11").status().code(), Code::kInvalidArgument);
  EXPECT_EQ(CaseValues(report, "all", "ndcg@0").status().code(), Code::kInvalidArgument);
}

TEST(ComparisonTableTest, ShowsEachModelAndItsDifference) {
  auto a = Hits("champion:1", Mixed(100, 5));
  auto b = Hits("popularity", Mixed(100, 1));
  auto c = Hits("elsewhere", Mixed(100, 1));
  c.cases_hash = "other";
  a.slices[0].metrics["ndcg@10"] = {0.5, 0.4, 0.6};
  b.slices[0].metrics["ndcg@10"] = {0.1, 0.05, 0.15};
  const EvalReport* reports[] = {&a, &b, &c};
  const std::string table = ComparisonTable(reports, {.metrics = {"ndcg@10"}});
  EXPECT_NE(table.find("all: 100 cases of p, test\n"), std::string::npos) << table;
  EXPECT_NE(table.find("champion:1   0.5000"), std::string::npos) << table;
  EXPECT_NE(table.find("-0.2833 [-0.3"), std::string::npos) << table;
  EXPECT_NE(table.find("other cases"), std::string::npos) << table;
}

}  // namespace
}  // namespace vitrine::evaluate
