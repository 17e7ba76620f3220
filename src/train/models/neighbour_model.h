/// Models that know, for every item, which items go with it and how strongly, and add that up over a history.
/// What differs is how the table is fitted; reading, scoring and the graph are one.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "train/model.h"
#include "train/models/sparse_rows.h"

namespace vitrine::train {

/// How much each place of a history counts.
struct PlaceWeights {
  double decay = 1;          ///< a place weighs decay^age; 1: all the same
  std::string unit;          ///< of age: "position" or "basket"; day where the source has times
  std::size_t length = 512;  ///< newest places that are looked at
};

/// score(j) = sum over history places p of decay^age(p) * table(item(p), j), in float64, oldest place first;
/// the graph computes the same bit for bit. Places that are padding or unknown have empty rows.
class NeighbourModel : public TrainableModel {
 public:
  [[nodiscard]] std::vector<data::FeatureDef> Features() const override;
  Status Score(std::span<const Tensor> inputs, Tensor& scores) const override;
  Status ExportGraph(graph::Builder& b) const override;

 protected:
  explicit NeighbourModel(PlaceWeights places) : places_(std::move(places)) {}

  /// Errors: kInvalidArgument (decay outside (0, 1], an unknown unit).
  [[nodiscard]] Status CheckPlaces() const;

  WeightedRows table_;  ///< one row an index of the vocabulary, filled by Fit

 private:
  [[nodiscard]] bool decays() const { return places_.decay != 1; }
  PlaceWeights places_;
};

/// `decay`, `unit`, `length` and `neighbours` with these defaults, for a model's factory.
std::vector<ParameterDef> NeighbourParameters(const PlaceWeights& places, std::int64_t neighbours);
PlaceWeights PlacesOf(const Parameters& parameters);

}  // namespace vitrine::train
