#include "train/models/markov.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "train/models/counting_model.h"
#include "train/models/sparse_rows.h"
#include "train/sequences.h"

namespace vitrine::train {
namespace {

/// Every pair of neighbouring places as (first << 32 | second), sorted.
Result<std::vector<std::uint64_t>> NeighbouringPairs(const TrainingSequences& sequences,
                                                     const Progress& progress) {
  std::vector<std::uint64_t> pairs;
  for (const History& history : sequences.users) {
    if (progress.cancelled()) {
      return Cancelled("fitting markov was cancelled");
    }
    for (std::size_t i = 0; i < history.size(); ++i) {
      if (history[i].item >= sequences.width) {
        return InvalidArgument(fmt::format("a history holds item {}, the vocabulary ends at {}",
                                           history[i].item, sequences.width - 1));
      }
      if (i > 0 && history[i - 1].item >= kFirstItem && history[i].item >= kFirstItem) {
        pairs.push_back(std::uint64_t{history[i - 1].item} << 32 | history[i].item);
      }
    }
  }
  std::sort(pairs.begin(), pairs.end());
  return pairs;
}

class Markov : public TrainableModel {
 public:
  explicit Markov(MarkovOptions options) : options_(options) {}

  [[nodiscard]] std::vector<data::FeatureDef> Features() const override {
    return HistoryFeatures({.length = 1, .age_unit = "", .distinct = false});
  }

  Result<FitOutcome> Fit(const TrainingSequences& sequences, const FitContext& context) override {
    ASSIGN_OR_RETURN(const std::vector<std::uint64_t> pairs,
                     NeighbouringPairs(sequences, context.progress));
    followers_ = {};
    std::vector<RowEntry> row;
    auto next = pairs.begin();
    for (std::size_t item = 0; item < sequences.width; ++item) {
      row.clear();
      while (next != pairs.end() && *next >> 32 == item) {
        const auto end = std::upper_bound(next, pairs.end(), *next);
        const auto count = static_cast<std::int32_t>(end - next);
        row.push_back({static_cast<std::int32_t>(*next & 0xFFFFFFFFU), count, double{1} * count});
        next = end;
      }
      RETURN_IF_ERROR(AppendRow(row, options_.followers, followers_));
    }
    FitOutcome outcome;
    outcome.notes["pairs"] = static_cast<double>(followers_.entries());
    return outcome;
  }

  Status Score(std::span<const Tensor> inputs, Tensor& scores) const override {
    const std::size_t width = followers_.rows();
    ASSIGN_OR_RETURN(const HistoryBatch batch, ReadHistories(inputs, false, width));
    const std::span<double> values = ResetScores(batch, width, scores);
    for (std::size_t row = 0; row < batch.rows && batch.length > 0; ++row) {
      const auto last = static_cast<std::size_t>(batch.items[(row + 1) * batch.length - 1]);
      const auto columns = followers_.ColumnsOf(last);
      const auto counts = followers_.CountsOf(last);
      for (std::size_t e = 0; e < columns.size(); ++e) {
        values[row * width + static_cast<std::size_t>(columns[e])] = counts[e];
      }
    }
    return Status::Ok();
  }

  Status ExportGraph(graph::Builder& b) const override {
    const graph::Value history = HistoryInput(b);
    const graph::Value last = b.Gather(history, b.Scalar<std::int64_t>(-1), 1);
    const GatheredRows found = GatherRows(b, followers_, last);
    const graph::Value one = b.Scalar<std::int64_t>(1);
    const graph::Value scores =
        AddUp(b, history, followers_.rows(), found.place, one, found.column, found.value);
    ScoresOutput(b, scores, followers_.rows());
    return Status::Ok();
  }

 private:
  MarkovOptions options_;
  SparseRows followers_;
};

}  // namespace

std::unique_ptr<TrainableModel> MakeMarkov(const MarkovOptions& options) {
  return std::make_unique<Markov>(options);
}

ModelFactory MarkovFactory() {
  return {.algorithm = "markov",
          .summary = "What came right after the newest item, by counts.",
          .parameters = {{.name = "followers",
                          .standard = std::int64_t{0},
                          .help = "Most frequent followers kept per item; 0: all.",
                          .min = 0}},
          .create = [](const Parameters& p) -> Result<std::unique_ptr<TrainableModel>> {
            return MakeMarkov({.followers = static_cast<std::size_t>(p.Int("followers"))});
          }};
}

}  // namespace vitrine::train
