/// Models with a vector for every item and one made of the history; a score is their inner product.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "train/model.h"
#include "train/models/counting_model.h"

namespace vitrine::train {

/// What models of factors share: how a history is read, Score as inner products, the item vectors.
class FactorModel : public TrainableModel {
 public:
  [[nodiscard]] std::vector<data::FeatureDef> Features() const override;
  /// float32; padding and unknown have zero vectors.
  Status Score(std::span<const Tensor> inputs, Tensor& scores) const override;
  [[nodiscard]] std::optional<graph::ItemVectors> ItemVectors() const override { return items_; }

 protected:
  FactorModel(double decay, std::size_t length) : decay_(decay), length_(length) {}

  /// The query of one row of a batch, in float64; the graph computes the same.
  virtual void Query(std::span<const std::int64_t> items, std::span<const double> weights,
                     std::span<double> query) const = 0;

  /// Errors: kInvalidArgument (decay outside (0, 1], not a multiple of 8 factors).
  [[nodiscard]] Status CheckShape(std::int64_t factors) const;

  /// Inputs of the graph: items [batch, length] int64, weights [batch, length] float64: decay^age, 0 where the item is
  /// not known.
  struct WeightedHistory {
    graph::Value items;
    graph::Value weights;
  };
  [[nodiscard]] WeightedHistory ExportHistory(graph::Builder& b) const;
  /// Names `query` [batch, d] (any float) as the graph's answer.
  void ExportQuery(graph::Builder& b, const graph::Value& query) const;

  graph::ItemVectors items_;  ///< filled by Fit

 private:
  double decay_;
  std::size_t length_;
};

/// `decay`, `length` and `factors` with these defaults.
std::vector<ParameterDef> FactorParameters(double decay, std::int64_t length, std::int64_t factors);

}  // namespace vitrine::train
