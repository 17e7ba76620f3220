#include "train/models/item_knn_weighted.h"

#include <fmt/format.h>

#include <cmath>
#include <vector>

#include "train/models/incidence.h"
#include "train/models/neighbour_model.h"
#include "train/models/row_sum.h"

namespace vitrine::train {
namespace {

double At(std::span<const float> weights, std::size_t place) {
  return weights.empty() ? 1 : static_cast<double>(weights[place]);
}

class WeightedItemKnn : public NeighbourModel {
 public:
  explicit WeightedItemKnn(const ItemKnnOptions& options)
      : NeighbourModel({.decay = options.decay, .unit = "position", .length = options.length}),
        options_(options) {}

  Result<FitOutcome> Fit(const TrainingSequences& sequences, const FitContext& context) override {
    RETURN_IF_ERROR(CheckPlaces());
    if (!(options_.asymmetry >= 0 && options_.asymmetry <= 1)) {
      return InvalidArgument(fmt::format("asymmetry is {}, it must be 0 to 1", options_.asymmetry));
    }
    if (!(options_.shrinkage >= 0) || !(options_.user_power >= 0)) {
      return InvalidArgument(
          fmt::format("shrinkage is {} and user_power {}, neither can be below 0",
                      options_.shrinkage, options_.user_power));
    }
    ASSIGN_OR_RETURN(const Incidence incidence, IncidenceOf(sequences));
    RETURN_IF_ERROR(CountPairs(incidence, sequences.width, context.progress));
    FitOutcome outcome;
    outcome.notes["pairs"] = static_cast<double>(table_.entries());
    return outcome;
  }

 private:
  [[nodiscard]] std::vector<double> UserWeights(const Incidence& incidence) const {
    std::vector<double> weight(incidence.user_begin.size() - 1, 0);
    for (std::size_t u = 0; u < weight.size(); ++u) {
      const auto items = static_cast<double>(incidence.ItemsOf(u).size());
      weight[u] = items > 0 ? std::pow(items, -options_.user_power) : 0;
    }
    return weight;
  }

  Status CountPairs(const Incidence& incidence, std::size_t width, const Progress& progress) {
    const std::vector<double> weight = UserWeights(incidence);
    std::vector<double> from(width, 0);
    std::vector<double> to(width, 0);
    for (std::size_t i = 0; i < width; ++i) {
      double users = 0;
      const auto own = incidence.UsersOf(i);
      const auto examples = incidence.UserWeightsOf(i);
      for (std::size_t p = 0; p < own.size(); ++p) {
        users += weight[own[p]] * At(examples, p) * At(examples, p);
      }
      from[i] = std::pow(users, options_.asymmetry);
      to[i] = std::pow(users, 1 - options_.asymmetry);
    }
    table_ = {};
    RowSum sum(width);
    std::vector<WeightedEntry> row;
    const std::size_t keep = EntriesPerRow(options_.neighbours, width);
    for (std::size_t i = 0; i < width; ++i) {
      RETURN_IF_ERROR(ReportItem(progress, "count pairs", i, width));
      const auto users = incidence.UsersOf(i);
      const auto examples = incidence.UserWeightsOf(i);
      for (std::size_t p = 0; p < users.size(); ++p) {
        const auto items = incidence.ItemsOf(users[p]);
        const auto others = incidence.ItemWeightsOf(users[p]);
        const double own = weight[users[p]] * At(examples, p);
        for (std::size_t q = 0; q < items.size(); ++q) {
          if (items[q] != i) {
            sum.Add(items[q], own * At(others, q));
          }
        }
      }
      sum.Take(row);
      for (WeightedEntry& e : row) {
        e.weight /= from[i] * to[static_cast<std::size_t>(e.column)] + options_.shrinkage;
      }
      RETURN_IF_ERROR(AppendRow(row, keep, table_));
    }
    return Status::Ok();
  }

  ItemKnnOptions options_;
};

}  // namespace

std::unique_ptr<TrainableModel> MakeWeightedItemKnn(const ItemKnnOptions& options) {
  return std::make_unique<WeightedItemKnn>(options);
}

}  // namespace vitrine::train
