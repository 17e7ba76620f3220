#include "train/models/neighbour_model.h"

#include <fmt/format.h>

#include "train/models/counting_model.h"

namespace vitrine::train {

std::vector<data::FeatureDef> NeighbourModel::Features() const {
  return HistoryFeatures(
      {.length = places_.length, .age_unit = decays() ? places_.unit : "", .distinct = false});
}

Status NeighbourModel::CheckPlaces() const {
  if (!(places_.decay > 0 && places_.decay <= 1)) {
    return InvalidArgument(
        fmt::format("decay is {}, it must be above 0 and at most 1", places_.decay));
  }
  if (places_.unit != "position" && places_.unit != "basket" && places_.unit != "day") {
    return InvalidArgument(
        fmt::format("unit is '{}', it must be position, basket or day", places_.unit));
  }
  return Status::Ok();
}

Status NeighbourModel::Score(std::span<const Tensor> inputs, Tensor& scores) const {
  const std::size_t width = table_.rows();
  ASSIGN_OR_RETURN(const HistoryBatch batch, ReadHistories(inputs, decays(), width));
  const std::span<double> values = ResetScores(batch, width, scores);
  for (std::size_t at = 0; at < batch.items.size(); ++at) {
    const auto item = static_cast<std::size_t>(batch.items[at]);
    const double place = decays() ? AgeWeight(places_.decay, batch.ages[at]) : 1;
    double* row = values.data() + at / batch.length * width;
    const auto columns = table_.ColumnsOf(item);
    const auto weights = table_.WeightsOf(item);
    for (std::size_t e = 0; e < columns.size(); ++e) {
      row[static_cast<std::size_t>(columns[e])] += static_cast<double>(weights[e]) * place;
    }
  }
  return Status::Ok();
}

Status NeighbourModel::ExportGraph(graph::Builder& b) const {
  const std::size_t width = table_.rows();
  const graph::Value history = HistoryInput(b);
  const graph::Value places = b.Reshape(history, {-1});
  const GatheredRows found = GatherRows(b, table_, places);
  graph::Value amounts = found.value;
  if (decays()) {
    const graph::Value weights = AgeWeights(b, places_.decay, b.Reshape(AgeInput(b), {-1}));
    amounts = b.Mul(amounts, Pick(b, weights, found.place));
  }
  const graph::Value length = b.Gather(b.ShapeOf(history), b.Scalar<std::int64_t>(1));
  ScoresOutput(b, AddUp(b, history, width, found.place, length, found.column, amounts), width);
  return Status::Ok();
}

std::vector<ParameterDef> NeighbourParameters(const PlaceWeights& places, std::int64_t neighbours) {
  return {{.name = "decay",
           .standard = places.decay,
           .help = "Weight of one step back in the history; 1: all the same.",
           .min = 1e-6,
           .max = 1},
          {.name = "unit",
           .standard = places.unit,
           .help = "What a step back is; a day needs a source with times.",
           .choices = {"position", "basket", "day"}},
          {.name = "length",
           .standard = static_cast<std::int64_t>(places.length),
           .help = "Newest places of a history that are looked at.",
           .min = 1},
          {.name = "neighbours",
           .standard = neighbours,
           .help = "Items of highest weight kept per item; 0: all.",
           .min = 0}};
}

PlaceWeights PlacesOf(const Parameters& parameters) {
  return {.decay = parameters.Number("decay"),
          .unit = parameters.Word("unit"),
          .length = static_cast<std::size_t>(parameters.Int("length"))};
}

}  // namespace vitrine::train
