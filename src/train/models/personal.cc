#include "train/models/personal.h"

#include <fmt/format.h>

#include <limits>
#include <utility>
#include <vector>

#include "train/models/counting_model.h"
#include "train/sequences.h"

namespace vitrine::train {
namespace {

class Personal : public TrainableModel {
 public:
  explicit Personal(PersonalOptions options) : options_(std::move(options)) {}

  [[nodiscard]] std::vector<data::FeatureDef> Features() const override {
    return HistoryFeatures({.length = options_.length,
                            .age_unit = options_.unit,
                            .distinct = options_.unit == "basket"});
  }

  Result<FitOutcome> Fit(const TrainingSequences& sequences, const FitContext&) override {
    if (!(options_.decay > 0 && options_.decay <= 1)) {
      return InvalidArgument(
          fmt::format("decay is {}, it must be above 0 and at most 1", options_.decay));
    }
    if (options_.unit != "basket" && options_.unit != "position") {
      return InvalidArgument(
          fmt::format("unit is '{}', it must be basket or position", options_.unit));
    }
    width_ = sequences.width;
    return FitOutcome{};
  }

  Status Score(std::span<const Tensor> inputs, Tensor& scores) const override {
    ASSIGN_OR_RETURN(const HistoryBatch batch, ReadHistories(inputs, true, width_));
    const std::span<double> values = ResetScores(batch, width_, scores);
    for (std::size_t row = 0; row < batch.rows; ++row) {
      for (std::size_t place = batch.length; place-- > 0;) {
        const std::size_t at = row * batch.length + place;
        const auto item = static_cast<std::size_t>(batch.items[at]);
        if (item >= kFirstItem) {
          values[row * width_ + item] += AgeWeight(options_.decay, batch.ages[at]);
        }
      }
    }
    return Status::Ok();
  }

  Status ExportGraph(graph::Builder& b) const override {
    const graph::Value history = HistoryInput(b);
    const graph::Value ages = AgeInput(b);
    // Newest first, because float sums depend on their order.
    constexpr std::int64_t kBeforeFirst = std::numeric_limits<std::int64_t>::min();
    const graph::Value items = b.Slice(history, 1, -1, kBeforeFirst, -1);
    const graph::Value weights =
        AgeWeights(b, options_.decay, b.Slice(ages, 1, -1, kBeforeFirst, -1));
    const graph::Value known =
        b.GreaterOrEqual(items, b.Scalar(static_cast<std::int64_t>(kFirstItem)));
    const graph::Value amounts = b.Where(known, weights, b.Scalar(0.0));
    ScoresOutput(b, b.ScatterAdd(ZeroScores(b, history, width_), items, amounts, 1), width_);
    return Status::Ok();
  }

 private:
  PersonalOptions options_;
  std::size_t width_ = kFirstItem;
};

}  // namespace

std::unique_ptr<TrainableModel> MakePersonal(const PersonalOptions& options) {
  return std::make_unique<Personal>(options);
}

ModelFactory PersonalFactory() {
  return {.algorithm = "personal",
          .summary = "What the shopper had before, again; ties by popularity.",
          .parameters = {{.name = "decay",
                          .standard = 1.0,
                          .help = "Weight of one age step; 1: every past basket counts the same.",
                          .min = 1e-6,
                          .max = 1},
                         {.name = "unit",
                          .standard = std::string("basket"),
                          .help = "What age counts in; by basket an item counts once a basket.",
                          .choices = {"basket", "position"}},
                         {.name = "length",
                          .standard = std::int64_t{8192},
                          .help = "Newest places of a history that are looked at.",
                          .min = 1}},
          .create = [](const Parameters& p) -> Result<std::unique_ptr<TrainableModel>> {
            return MakePersonal({.decay = p.Number("decay"),
                                 .unit = p.Word("unit"),
                                 .length = static_cast<std::size_t>(p.Int("length"))});
          }};
}

}  // namespace vitrine::train
