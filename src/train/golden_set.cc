#include "train/golden_set.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>
#include <limits>
#include <random>
#include <span>

#include "data/reference_histograms.h"
#include "train/model_scorer.h"

namespace vitrine::train {
namespace {
constexpr std::size_t kBatch = 64;

/// At most `count` users with a history, in an order drawn by the seed.
std::vector<std::size_t> DrawUsers(const TrainingSet& set, std::size_t count, std::uint64_t seed) {
  std::vector<std::size_t> users;
  for (std::size_t u = 0; u < set.sequences.users.size(); ++u) {
    if (!set.sequences.users[u].empty()) {
      users.push_back(u);
    }
  }
  std::mt19937_64 random(seed);
  count = std::min(count, users.size());
  for (std::size_t i = 0; i < count; ++i) {
    std::swap(users[i], users[i + random() % (users.size() - i)]);
  }
  users.resize(count);
  return users;
}

History Newest(const History& history, std::size_t places) {
  const std::size_t from = history.size() - std::min(history.size(), places);
  return {history.begin() + static_cast<std::ptrdiff_t>(from), history.end()};
}

/// A row that two runtimes may rightly answer differently tests neither.
Status KeepSteady(const TrainableModel& model, const TrainingSet& set,
                  std::vector<History>& histories) {
  std::vector<Tensor> tensors;
  RETURN_IF_ERROR(ApplyFeatures(set.features, histories, tensors));
  ASSIGN_OR_RETURN(const std::vector<bool> steady, model.Steady(InputsOf(model, tensors)));
  std::size_t kept = 0;
  for (std::size_t i = 0; i < histories.size(); ++i) {
    if (steady[i]) {
      std::swap(histories[kept++], histories[i]);
    }
  }
  histories.resize(std::min(kept, kGoldenRows));
  return histories.empty() ? Internal("no history is answered steadily enough for a golden set")
                           : Status::Ok();
}

/// Twice as many as are wanted: some may not be steady.
std::vector<History> GoldenHistories(const TrainingSet& set, std::uint64_t seed) {
  std::vector<History> histories;
  histories.emplace_back();
  histories.push_back({HistoryEvent{kUnknownItem, set.to, EventType::kView, 0}});
  const std::vector<std::size_t> users = DrawUsers(set, 2 * kGoldenRows, seed);
  std::vector<History> drawn;
  for (const std::size_t u : users) {
    drawn.push_back(Newest(set.sequences.users[u], kGoldenPlaces));
  }
  const std::size_t plain = std::min(drawn.size(), kGoldenRows - 4);
  History longest = histories.back();
  for (std::size_t i = 0; i < plain; ++i) {
    longest = drawn[i].size() > longest.size() ? drawn[i] : longest;
  }
  for (const std::size_t from_end : {std::size_t{1}, longest.size() / 2 + 1}) {
    History removed = longest;
    removed[removed.size() - from_end].item = kPaddingItem;
    histories.push_back(std::move(removed));
  }
  histories.insert(histories.end(), drawn.begin(), drawn.end());
  return histories;
}
}  // namespace

Result<graph::Golden> MakeGolden(const TrainableModel& model, const TrainingSet& set,
                                 std::uint64_t seed) {
  std::vector<History> histories = GoldenHistories(set, seed);
  RETURN_IF_ERROR(KeepSteady(model, set, histories));
  graph::Golden golden;
  golden.output = "scores";
  RETURN_IF_ERROR(ApplyFeatures(set.features, histories, golden.inputs));
  golden.inputs.resize(InputsOf(model, golden.inputs).size());
  std::vector<double> scores;
  const ModelScorer scorer(model, set.features);
  RETURN_IF_ERROR(scorer.Score(histories, scores));
  for (std::size_t row = 0; row < histories.size(); ++row) {
    golden.rows.push_back(graph::TopOf(
        std::span<const double>(scores).subspan(row * scorer.width(), scorer.width())));
  }
  return golden;
}

Result<std::vector<ReferenceHistogram>> MakeReferences(const TrainableModel& model,
                                                       const TrainingSet& set, bool filtered,
                                                       std::uint64_t seed) {
  const data::ServedValues watched(set.features);
  std::vector<std::vector<double>> values(watched.series().size());
  std::vector<double> best;
  const std::vector<std::size_t> users = DrawUsers(set, kReferenceRows, seed);
  const ModelScorer scorer(model, set.features);
  std::vector<double> scores;
  std::vector<Tensor> tensors;
  for (std::size_t begin = 0; begin < users.size(); begin += kBatch) {
    std::vector<History> histories;
    for (std::size_t i = begin; i < std::min(begin + kBatch, users.size()); ++i) {
      histories.push_back(set.sequences.users[users[i]]);
    }
    RETURN_IF_ERROR(ApplyFeatures(set.features, histories, tensors));
    watched.Read(tensors,
                 [&values](std::size_t series, double value) { values[series].push_back(value); });
    RETURN_IF_ERROR(scorer.Score(histories, scores));
    for (std::size_t i = 0; i < histories.size(); ++i) {
      const auto row = std::span<double>(scores).subspan(i * scorer.width(), scorer.width());
      row[kPaddingItem] = row[kUnknownItem] = -std::numeric_limits<double>::infinity();
      for (const HistoryEvent& event : histories[i]) {
        if (filtered) {
          row[event.item] = -std::numeric_limits<double>::infinity();
        }
      }
      const std::size_t k = std::min(data::kScoresWatched, row.size());
      std::partial_sort(row.begin(), row.begin() + static_cast<std::ptrdiff_t>(k), row.end(),
                        std::greater<>());
      std::copy_if(row.begin(), row.begin() + static_cast<std::ptrdiff_t>(k),
                   std::back_inserter(best), [](double score) { return std::isfinite(score); });
    }
  }
  std::vector<ReferenceHistogram> references;
  for (std::size_t s = 0; s < values.size(); ++s) {
    references.push_back(data::FreezeHistogram(watched.series()[s], std::move(values[s])));
  }
  references.push_back(data::FreezeHistogram(std::string(data::kScoresSeries), std::move(best)));
  return references;
}

}  // namespace vitrine::train
