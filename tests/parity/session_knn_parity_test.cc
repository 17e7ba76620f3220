// session_knn in ONNX Runtime must compute bit for bit what its native Score computes, and both what a slow,
// obvious comparison with every session gives.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "parity/exported.h"
#include "parity/random_shop.h"
#include "train/models/session_knn.h"

namespace vitrine {
namespace {

using train::SessionKnnOptions;
using train::TrainingSequences;

using Weights = std::map<std::int64_t, double>;

/// Every session's item weights.
std::vector<Weights> SlowSessions(const TrainingSequences& s, const SessionKnnOptions& o) {
  std::vector<Weights> sessions;
  for (const History& h : s.users) {
    std::vector<History> parts;
    for (std::size_t p = 0; p < h.size(); ++p) {
      const double hours =
          p == 0 ? 0 : static_cast<double>(h[p].ts.value - h[p - 1].ts.value) / 3.6e9;
      const bool cut = o.session == "basket" ? p > 0 && h[p].basket != h[p - 1].basket
                                             : o.pause_hours > 0 && hours > o.pause_hours;
      if (p == 0 || cut) {
        parts.emplace_back();
      }
      parts.back().push_back(h[p]);
    }
    for (const History& part : parts) {
      Weights weights;
      for (std::size_t p = 0; p < part.size(); ++p) {
        double age = static_cast<double>(part.size() - 1 - p);
        if (o.unit == "basket") {
          std::set<std::uint32_t> later;
          for (std::size_t q = p; q < part.size(); ++q) {
            later.insert(part[q].basket);
          }
          age = static_cast<double>(later.size() - 1);
        }
        if (part[p].item >= kFirstItem) {
          weights[part[p].item] += std::pow(o.session_decay, age);
        }
      }
      if (!weights.empty()) {
        sessions.push_back(weights);
      }
    }
  }
  return sessions;
}

std::vector<double> SlowScores(const TrainingSequences& s, const SessionKnnOptions& o,
                               std::span<const std::int64_t> items,
                               std::span<const std::int64_t> ages) {
  const std::vector<Weights> sessions = SlowSessions(s, o);
  const auto idf = [&](std::int64_t item) {
    const auto with = std::count_if(sessions.begin(), sessions.end(),
                                    [&](const Weights& w) { return w.contains(item); });
    return std::log(1 + static_cast<double>(sessions.size()) / static_cast<double>(with));
  };
  std::vector<std::pair<double, std::size_t>>
      similar;  // less the similarity, so that sorting is best first
  std::vector<double> squares(sessions.size(), 0);
  for (std::size_t n = 0; n < sessions.size(); ++n) {
    for (const auto& [item, weight] : sessions[n]) {
      squares[n] += weight * weight;
    }
    double sim = 0;
    for (std::size_t p = 0; p < items.size(); ++p) {
      if (sessions[n].contains(items[p])) {
        sim += std::pow(o.decay, ages[p]) * std::pow(idf(items[p]), o.match_idf) *
               sessions[n].at(items[p]) / std::pow(squares[n], o.session_power);
      }
    }
    similar.emplace_back(-sim, n);
  }
  std::sort(similar.begin(), similar.end());
  similar.resize(std::min(similar.size(), o.sessions));
  double total = 0;
  for (const auto& [less, n] : similar) {
    total -= less;
  }
  std::vector<double> scores(kWidth, 0);
  for (const auto& [less, n] : similar) {
    for (const auto& [item, weight] : total > 0 ? sessions[n] : Weights()) {
      scores[static_cast<std::size_t>(item)] += (1 - o.own) * -less / total * weight *
                                                std::pow(idf(item), o.vote_idf) /
                                                std::pow(squares[n], o.vote_power);
    }
  }
  for (std::size_t p = 0; p < items.size(); ++p) {
    if (items[p] >= static_cast<std::int64_t>(kFirstItem)) {
      scores[static_cast<std::size_t>(items[p])] += o.own * std::pow(o.decay, ages[p]);
    }
  }
  return scores;
}

struct Case {
  std::string name;
  SessionKnnOptions options;
};

/// What is cut at `sessions` depends on the last bit of a similarity, which float32 tables do not keep: the
/// slow comparison is made where everybody votes.
std::vector<Case> Cases() {
  return {{"users", {.sessions = 100'000}},
          {"cosine_of_users", {.sessions = 100'000, .session_decay = 1, .match_idf = 0}},
          {"baskets", {.session = "basket", .sessions = 100'000, .unit = "basket"}},
          {"pauses", {.pause_hours = 24.0 * 20, .sessions = 100'000, .vote_power = .5}},
          {"own_too", {.sessions = 100'000, .decay = .8, .unit = "basket", .own = .3}}};
}

class SessionKnnParity : public testing::TestWithParam<Case> {};

TEST_P(SessionKnnParity, NativeGraphAndSlowComparisonAgree) {
  const TrainingSequences sequences = RandomSequences(7);
  const auto model = train::MakeSessionKnn(GetParam().options);
  ASSERT_EQ(model->Fit(sequences, {}).status(), Status());
  const auto graph = LoadedForTest(*model);
  ASSERT_NE(graph, nullptr);
  const std::pair<std::int64_t, std::int64_t> sizes[] = {{1, 1}, {1, 17}, {5, 1}, {9, 12}};
  for (const auto& [rows, length] : sizes) {
    const std::vector<Tensor> batch = RandomBatch(static_cast<unsigned>(rows * 100), rows, length);
    Tensor native;
    ASSERT_EQ(model->Score(batch, native), Status());
    std::vector<Tensor> outputs;
    ASSERT_EQ(graph->Run(batch, outputs), Status());
    const auto served = outputs[0].values<double>();
    ASSERT_THAT(served, testing::ElementsAreArray(native.values<double>()));
    const auto places = static_cast<std::size_t>(length);
    for (std::size_t row = 0; row < static_cast<std::size_t>(rows); ++row) {
      const std::vector<double> expected =
          SlowScores(sequences, GetParam().options,
                     batch[1].values<std::int64_t>().subspan(row * places, places),
                     batch[0].values<std::int64_t>().subspan(row * places, places));
      for (std::size_t i = 0; i < kWidth; ++i) {
        ASSERT_NEAR(served[row * kWidth + i], expected[i], 1e-6) << "row " << row << " item " << i;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Models, SessionKnnParity, testing::ValuesIn(Cases()),
                         [](const auto& p) { return p.param.name; });

TEST(SessionKnnParityTest, OnlyTheMostSimilarAndTheNewestVoteAndTheGraphChoosesTheSame) {
  const TrainingSequences sequences = RandomSequences(5);
  for (const SessionKnnOptions& options :
       {SessionKnnOptions{.sessions = 1}, SessionKnnOptions{.sessions = 7},
        SessionKnnOptions{.recent = 3, .sessions = 20}}) {
    const auto model = train::MakeSessionKnn(options);
    ASSERT_EQ(model->Fit(sequences, {}).status(), Status());
    const auto graph = LoadedForTest(*model);
    ASSERT_NE(graph, nullptr);
    const std::vector<Tensor> batch = RandomBatch(4, 33, 12);
    Tensor native;
    ASSERT_EQ(model->Score(batch, native), Status());
    std::vector<Tensor> outputs;
    ASSERT_EQ(graph->Run(batch, outputs), Status());
    EXPECT_THAT(outputs[0].values<double>(), testing::ElementsAreArray(native.values<double>()));
  }
}

TEST(SessionKnnParityTest, TheOneMostSimilarSessionGivesItsItems) {
  TrainingSequences sequences;
  sequences.width = 8;
  const auto history = [](const std::vector<ItemIndex>& items) {
    History h;
    for (const ItemIndex item : items) {
      h.push_back({.item = item, .basket = static_cast<std::uint32_t>(h.size())});
    }
    return h;
  };
  sequences.users = {history({2, 3, 4}), history({5, 6, 7})};
  const auto model = train::MakeSessionKnn({.sessions = 1});
  ASSERT_EQ(model->Fit(sequences, {}).status(), Status());
  const std::vector<Tensor> asked = {
      Tensor::Of<std::int64_t>("history", {1, 1}, std::vector<std::int64_t>{6}),
      Tensor::Of<std::int64_t>("age", {1, 1}, std::vector<std::int64_t>{0})};
  Tensor scores;
  ASSERT_EQ(model->Score(asked, scores), Status());
  for (std::size_t i = 0; i < 8; ++i) {
    EXPECT_EQ(scores.values<double>()[i] > 0, i >= 5) << i;
  }
}

TEST(SessionKnnParityTest, NothingLearntStillLoadsAndScoresZero) {
  TrainingSequences empty;
  empty.width = 4;
  const auto model = train::MakeSessionKnn({});
  ASSERT_EQ(model->Fit(empty, {}).status(), Status());
  const auto graph = LoadedForTest(*model);
  ASSERT_NE(graph, nullptr);
  const std::vector<Tensor> batch = {
      Tensor::Of<std::int64_t>("history", {2, 2}, std::vector<std::int64_t>{0, 0, 0, 1}),
      Tensor::Of<std::int64_t>("age", {2, 2}, std::vector<std::int64_t>{-1, -1, -1, 0})};
  std::vector<Tensor> outputs;
  ASSERT_EQ(graph->Run(batch, outputs), Status());
  EXPECT_THAT(outputs[0].values<double>(), testing::Each(0.0));
}

TEST(SessionKnnParityTest, StopsWhenAskedAndRefusesWhatCannotBe) {
  TrainingSequences sequences = RandomSequences(1);
  std::stop_source stop;
  stop.request_stop();
  train::FitContext context;
  context.progress.stop = stop.get_token();
  EXPECT_EQ(train::MakeSessionKnn({})->Fit(sequences, context).status().code(), Code::kCancelled);
  const auto refused = [&](const SessionKnnOptions& options) {
    return train::MakeSessionKnn(options)->Fit(sequences, {}).status();
  };
  EXPECT_THAT(refused({.sessions = 0}).message(), testing::HasSubstr("sessions"));
  EXPECT_THAT(refused({.decay = 2}).message(), testing::HasSubstr("decay"));
  EXPECT_THAT(refused({.own = 2}).message(), testing::HasSubstr("own"));
  sequences.ordinal_time = true;
  EXPECT_EQ(refused({.pause_hours = 1}).code(), Code::kFailedPrecondition);
}

}  // namespace
}  // namespace vitrine
