#include "train/models/factor_model.h"

#include <fmt/format.h>

#include "train/models/vector_math.h"

namespace vitrine::train {

std::vector<data::FeatureDef> FactorModel::Features() const {
  return HistoryFeatures({.length = length_, .age_unit = "position", .distinct = false});
}

Status FactorModel::CheckShape(std::int64_t factors) const {
  if (!(decay_ > 0 && decay_ <= 1)) {
    return InvalidArgument(fmt::format("decay is {}, it must be above 0 and at most 1", decay_));
  }
  if (factors < 8 || factors > 1024 || factors % static_cast<std::int64_t>(kLanes) != 0) {
    return InvalidArgument(
        fmt::format("factors is {}, it must be a multiple of 8 from 8 to 1,024", factors));
  }
  return Status::Ok();
}

Status FactorModel::Score(std::span<const Tensor> inputs, Tensor& scores) const {
  ASSIGN_OR_RETURN(const HistoryBatch batch, ReadHistories(inputs, true, items_.rows));
  scores.set_name("scores");
  const std::int64_t shape[] = {static_cast<std::int64_t>(batch.rows),
                                static_cast<std::int64_t>(items_.rows)};
  scores.Resize(DType::kFloat32, shape);
  const std::span<float> out = scores.values<float>();
  std::vector<double> weights(batch.length);
  std::vector<double> query(items_.query_width());
  for (std::size_t row = 0; row < batch.rows; ++row) {
    const auto items = batch.items.subspan(row * batch.length, batch.length);
    for (std::size_t p = 0; p < items.size(); ++p) {
      const bool known = items[p] >= static_cast<std::int64_t>(kFirstItem);
      weights[p] = known ? AgeWeight(decay_, batch.ages[row * batch.length + p]) : 0;
    }
    Query(items, weights, query);
    const std::vector<float> asked(query.begin(), query.end());
    for (std::size_t j = 0; j < items_.rows; ++j) {
      const float* vector = items_.values.data() + j * items_.width;
      const float bias = items_.bias ? vector[asked.size()] : 0;
      out[row * items_.rows + j] = Dot(vector, asked.data(), asked.size()) + bias;
    }
  }
  return Status::Ok();
}

FactorModel::WeightedHistory FactorModel::ExportHistory(graph::Builder& b) const {
  const graph::Value items = HistoryInput(b);
  const graph::Value known =
      b.GreaterOrEqual(items, b.Scalar(static_cast<std::int64_t>(kFirstItem)));
  const graph::Value weights = AgeWeights(b, decay_, AgeInput(b));
  return {.items = items, .weights = b.Where(known, weights, b.Scalar(0.0))};
}

void FactorModel::ExportQuery(graph::Builder& b, const graph::Value& query) const {
  const auto size = static_cast<std::int64_t>(items_.query_width());
  b.Output("query", b.Reshape(b.Cast(query, DType::kFloat32), {-1, size}), DType::kFloat32,
           {"batch", size});
}

std::vector<ParameterDef> FactorParameters(double decay, std::int64_t length,
                                           std::int64_t factors) {
  return {{.name = "factors",
           .standard = factors,
           .help = "Values of an item's vector, a multiple of 8.",
           .min = 8,
           .max = 1024},
          {.name = "decay",
           .standard = decay,
           .help = "Weight of one step back in the history; 1: all the same.",
           .min = 1e-6,
           .max = 1},
          {.name = "length",
           .standard = length,
           .help = "Newest places of a history that are looked at.",
           .min = 1}};
}

}  // namespace vitrine::train
