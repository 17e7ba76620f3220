#include "train/models/popularity.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>
#include <vector>

#include "train/models/counting_model.h"
#include "train/sequences.h"

namespace vitrine::train {
namespace {

/// Newest time of each distinct item, or (item, basket) pair, of one history.
struct Newest {
  ItemIndex item;
  std::uint32_t basket;  ///< 0 where users are counted
  Micros ts;
  double weight;  ///< of its heaviest event as an example
};

std::vector<Newest> DistinctOf(const TrainingSequences& sequences, std::size_t user,
                               PopularityOptions::Count count) {
  std::vector<Newest> all;
  const History& history = sequences.users[user];
  for (std::size_t e = 0; e < history.size(); ++e) {
    if (history[e].item >= kFirstItem) {
      const bool baskets = count == PopularityOptions::Count::kBaskets;
      const double weight =
          sequences.weights.empty() ? 1 : static_cast<double>(sequences.weights[user][e]);
      all.push_back({history[e].item, baskets ? history[e].basket : 0, history[e].ts, weight});
    }
  }
  std::sort(all.begin(), all.end(), [](const Newest& a, const Newest& b) {
    return std::tie(a.item, a.basket, b.ts) < std::tie(b.item, b.basket, a.ts);
  });
  std::vector<Newest> distinct;
  for (const Newest& one : all) {
    if (!distinct.empty() && distinct.back().item == one.item &&
        distinct.back().basket == one.basket) {
      distinct.back().weight = std::max(distinct.back().weight, one.weight);
    } else {
      distinct.push_back(one);
    }
  }
  return distinct;
}

class Popularity : public TrainableModel {
 public:
  explicit Popularity(PopularityOptions options) : options_(options) {}

  [[nodiscard]] std::vector<data::FeatureDef> Features() const override {
    // The history only says how many rows there are: one place is enough.
    return HistoryFeatures({.length = 1, .age_unit = "", .distinct = false});
  }

  Result<FitOutcome> Fit(const TrainingSequences& sequences, const FitContext& context) override {
    if (!(options_.half_life_days >= 0) || std::isinf(options_.half_life_days)) {
      return InvalidArgument("half_life_days must be 0 (no decay) or a number of days above 0");
    }
    if (options_.half_life_days > 0 && sequences.ordinal_time) {
      return FailedPrecondition(
          "half_life_days needs times, and this snapshot has only an order (ts = sequence); "
          "leave half_life_days at 0");
    }
    Micros newest{std::numeric_limits<std::int64_t>::min()};
    for (const History& history : sequences.users) {
      for (const HistoryEvent& e : history) {
        newest = std::max(newest, e.ts);
      }
    }
    counts_.assign(sequences.width, 0);
    for (std::size_t u = 0; u < sequences.users.size(); ++u) {
      if (context.progress.cancelled()) {
        return Cancelled("fitting popularity was cancelled");
      }
      for (const Newest& n : DistinctOf(sequences, u, options_.count)) {
        if (n.item >= counts_.size()) {
          return InvalidArgument(fmt::format("a history holds item {}, the vocabulary ends at {}",
                                             n.item, sequences.width - 1));
        }
        counts_[n.item] += WeightOf(newest, n.ts) * n.weight;
      }
    }
    return FitOutcome{};
  }

  Status Score(std::span<const Tensor> inputs, Tensor& scores) const override {
    ASSIGN_OR_RETURN(const HistoryBatch batch, ReadHistories(inputs, false, counts_.size()));
    const std::span<double> values = ResetScores(batch, counts_.size(), scores);
    for (std::size_t row = 0; row < batch.rows; ++row) {
      std::copy(counts_.begin(), counts_.end(),
                values.begin() + static_cast<std::ptrdiff_t>(row * counts_.size()));
    }
    return Status::Ok();
  }

  Status ExportGraph(graph::Builder& b) const override {
    const graph::Value history = HistoryInput(b);
    const auto width = static_cast<std::int64_t>(counts_.size());
    const graph::Value counts = b.Initializer("popularity", {1, width}, counts_);
    const graph::Value rows = b.Slice(b.ShapeOf(history), 0, 0, 1);
    ScoresOutput(b, b.Expand(counts, b.Concat({rows, b.Constants({width})}, 0)), counts_.size());
    return Status::Ok();
  }

 private:
  [[nodiscard]] double WeightOf(Micros newest, Micros ts) const {
    if (options_.half_life_days == 0) {
      return 1;
    }
    const double days = static_cast<double>(newest.value - ts.value) / double{kMicrosPerDay};
    return std::pow(0.5, days / options_.half_life_days);
  }

  PopularityOptions options_;
  std::vector<double> counts_;  ///< by ItemIndex
};

}  // namespace

std::unique_ptr<TrainableModel> MakePopularity(const PopularityOptions& options) {
  return std::make_unique<Popularity>(options);
}

ModelFactory PopularityFactory() {
  return {.algorithm = "popularity",
          .summary = "What most users have: the floor, and the answer for shoppers nobody knows.",
          .parameters = {{.name = "count",
                          .standard = std::string("users"),
                          .help = "What is counted: users who have the item, or their baskets.",
                          .choices = {"users", "baskets"}},
                         {.name = "half_life_days",
                          .standard = 0.0,
                          .help = "A count loses half its weight in this many days; 0: none.",
                          .min = 0}},
          .create = [](const Parameters& p) -> Result<std::unique_ptr<TrainableModel>> {
            return MakePopularity({.count = p.Word("count") == "baskets"
                                                ? PopularityOptions::Count::kBaskets
                                                : PopularityOptions::Count::kUsers,
                                   .half_life_days = p.Number("half_life_days")});
          },
          .weighs_examples = true};
}

}  // namespace vitrine::train
