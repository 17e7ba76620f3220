#include "train/models/item_knn.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>
#include <vector>

#include "train/models/counting_model.h"
#include "train/models/incidence.h"
#include "train/models/item_knn_weighted.h"
#include "train/models/sparse_rows.h"
#include "train/sequences.h"

namespace vitrine::train {
namespace {

class ItemKnn : public TrainableModel {
 public:
  explicit ItemKnn(ItemKnnOptions options) : options_(options) {}

  [[nodiscard]] std::vector<data::FeatureDef> Features() const override {
    return HistoryFeatures(
        {.length = options_.length, .age_unit = decays() ? "position" : "", .distinct = false});
  }

  Result<FitOutcome> Fit(const TrainingSequences& sequences, const FitContext& context) override {
    if (!(options_.decay > 0 && options_.decay <= 1)) {
      return InvalidArgument(
          fmt::format("decay is {}, it must be above 0 and at most 1", options_.decay));
    }
    weighted_ = nullptr;
    if (!sequences.weights.empty()) {  // counts are whole
      weighted_ = MakeWeightedItemKnn(options_);
      return weighted_->Fit(sequences, context);
    }
    ASSIGN_OR_RETURN(const Incidence incidence, IncidenceOf(sequences));
    scale_.assign(sequences.width, 1);
    for (std::size_t i = 0; i < sequences.width; ++i) {
      const auto users = static_cast<double>(incidence.UsersOf(i).size());
      scale_[i] = 1 / std::sqrt(std::max(users, 1.0));
    }
    RETURN_IF_ERROR(CountPairs(incidence, context.progress));
    FitOutcome outcome;
    outcome.notes["pairs"] = static_cast<double>(together_.entries());
    return outcome;
  }

  Status Score(std::span<const Tensor> inputs, Tensor& scores) const override {
    if (weighted_ != nullptr) {
      return weighted_->Score(inputs, scores);
    }
    const std::size_t width = together_.rows();
    ASSIGN_OR_RETURN(const HistoryBatch batch, ReadHistories(inputs, decays(), width));
    const std::span<double> values = ResetScores(batch, width, scores);
    for (std::size_t at = 0; at < batch.items.size(); ++at) {
      const auto item = static_cast<std::size_t>(batch.items[at]);
      const double weight = decays() ? AgeWeight(options_.decay, batch.ages[at]) : 1;
      const double place_scale = scale_[item] * weight;
      double* row = values.data() + at / batch.length * width;
      const auto columns = together_.ColumnsOf(item);
      const auto counts = together_.CountsOf(item);
      for (std::size_t e = 0; e < columns.size(); ++e) {
        const auto column = static_cast<std::size_t>(columns[e]);
        row[column] += counts[e] * place_scale * scale_[column];
      }
    }
    return Status::Ok();
  }

  Status ExportGraph(graph::Builder& b) const override {
    if (weighted_ != nullptr) {
      return weighted_->ExportGraph(b);
    }
    const std::size_t width = together_.rows();
    const graph::Value history = HistoryInput(b);
    const graph::Value places = b.Reshape(history, {-1});
    const graph::Value scales = b.Initializer("scale", {static_cast<std::int64_t>(width)}, scale_);
    const GatheredRows found = GatherRows(b, together_, places);
    graph::Value place_scale = b.Gather(scales, places);
    if (decays()) {
      const graph::Value ages = b.Reshape(AgeInput(b), {-1});
      place_scale = b.Mul(place_scale, AgeWeights(b, options_.decay, ages));
    }
    const graph::Value from = b.Mul(found.value, Pick(b, place_scale, found.place));
    const graph::Value amounts = b.Mul(from, Pick(b, scales, found.column));
    const graph::Value length = b.Gather(b.ShapeOf(history), b.Scalar<std::int64_t>(1));
    ScoresOutput(b, AddUp(b, history, width, found.place, length, found.column, amounts), width);
    return Status::Ok();
  }

 private:
  [[nodiscard]] bool decays() const { return options_.decay != 1; }

  /// One row an item: walks the items of each of its users (Gustavson's product of the incidence
  /// with itself), so that memory is one row, whatever the shop's size.
  Status CountPairs(const Incidence& incidence, const Progress& progress) {
    const std::size_t width = scale_.size();
    together_ = {};
    std::vector<std::int32_t> count(width, 0);
    std::vector<ItemIndex> touched;
    std::vector<RowEntry> row;
    const std::size_t keep = EntriesPerRow(options_.neighbours, width);
    for (std::size_t i = 0; i < width; ++i) {
      if (i % 256 == 0) {
        if (progress.cancelled()) {
          return Cancelled("fitting item_knn was cancelled");
        }
        progress.report({.stage = "count pairs",
                         .done = static_cast<double>(i),
                         .total = static_cast<double>(width),
                         .unit = "items",
                         .detail = ""});
      }
      for (const std::uint32_t user : incidence.UsersOf(i)) {
        for (const ItemIndex j : incidence.ItemsOf(user)) {
          if (count[j]++ == 0) {
            touched.push_back(j);
          }
        }
      }
      row.clear();
      for (const ItemIndex j : touched) {
        const std::int32_t n = std::exchange(count[j], 0);
        if (j != i) {
          row.push_back({static_cast<std::int32_t>(j), n, n * scale_[i] * scale_[j]});
        }
      }
      touched.clear();
      RETURN_IF_ERROR(AppendRow(row, keep, together_));
    }
    return Status::Ok();
  }

  ItemKnnOptions options_;
  SparseRows together_;                       ///< users with both items
  std::vector<double> scale_;                 ///< 1 / sqrt(users with the item)
  std::unique_ptr<TrainableModel> weighted_;  ///< where examples weigh: in place of the above
};

}  // namespace

std::unique_ptr<TrainableModel> MakeItemKnn(const ItemKnnOptions& options) {
  const bool counts = options.asymmetry == 0.5 && options.shrinkage == 0 && options.user_power == 0;
  if (!counts) {
    return MakeWeightedItemKnn(options);
  }
  return std::make_unique<ItemKnn>(options);
}

ModelFactory ItemKnnFactory() {
  return {
      .algorithm = "item_knn",
      .summary = "Items that the same users have, by cosine; newer history can weigh more.",
      .parameters = {{.name = "decay",
                      .standard = 1.0,
                      .help = "Weight of one step back in the history; 1: all the same.",
                      .min = 1e-6,
                      .max = 1},
                     {.name = "neighbours",
                      .standard = std::int64_t{0},
                      .help = "Most similar items kept per item; 0: all, up to 64 million pairs.",
                      .min = 0},
                     {.name = "length",
                      .standard = std::int64_t{512},
                      .help = "Newest places of a history that are looked at.",
                      .min = 1},
                     {.name = "asymmetry",
                      .standard = 0.5,
                      .help = "Power of the history item's popularity that divides, 1 less this of "
                              "the other's; 0.5: cosine, 1: the share of its users.",
                      .min = 0,
                      .max = 1},
                     {.name = "shrinkage",
                      .standard = 0.0,
                      .help = "Added to what divides: few users in common say less.",
                      .min = 0},
                     {.name = "user_power",
                      .standard = 0.0,
                      .help = "A user of n items counts 1 / n^this; 0: all the same.",
                      .min = 0,
                      .max = 2}},
      .create = [](const Parameters& p) -> Result<std::unique_ptr<TrainableModel>> {
        return MakeItemKnn({.decay = p.Number("decay"),
                            .neighbours = static_cast<std::size_t>(p.Int("neighbours")),
                            .length = static_cast<std::size_t>(p.Int("length")),
                            .asymmetry = p.Number("asymmetry"),
                            .shrinkage = p.Number("shrinkage"),
                            .user_power = p.Number("user_power")});
      },
      .weighs_examples = true};
}

}  // namespace vitrine::train
