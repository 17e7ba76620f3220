/// Port between the trainer and what says how likely a shopper takes a candidate: rankers and CTR models,
/// one implementation a file under train/models. Beside train/model.h, whose models order a vocabulary.
/// Road: rows of features with labels in (Fit) -> probabilities in process (Score) -> the same
/// probabilities as an ONNX graph (ExportGraph).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/progress.h"
#include "core/status.h"
#include "core/tensor.h"
#include "graph/value.h"
#include "train/model.h"
#include "train/parameters.h"

namespace vitrine::graph {
class Builder;
}

namespace vitrine::train {

/// What a column of the rows holds.
enum class RankerColumnKind : std::uint8_t {
  kNumber,   ///< [n] float32, about standard scale; 0 where missing
  kLevel,    ///< [n] int64 in [0, width); 0 where missing
  kItem,     ///< [n] int64: the candidate as ItemIndex, width = the vocabulary's
  kHistory,  ///< [n, L] int64: ItemIndex of each place, newest last, 0 padding
};

struct RankerColumn {
  std::string name;  ///< of the feature, and of the graph's input
  RankerColumnKind kind = RankerColumnKind::kNumber;
  std::size_t width = 0;  ///< values that an int64 column can have; 0 of kNumber
  friend bool operator==(const RankerColumn&, const RankerColumn&) = default;
};

/// Rows to learn from or to be judged on, oldest first where they have times. What a row's features
/// say was known before its label.
struct LabelledRows {
  std::vector<RankerColumn> columns;
  std::vector<Tensor> features;      ///< one a column, n rows each
  std::vector<std::uint8_t> labels;  ///< [n]; 0 or 1
  std::vector<float> weights;        ///< [n] or empty: all 1
  std::vector<std::uint32_t> group;  ///< [n]: number of the row's user; what intervals resample

  [[nodiscard]] std::size_t rows() const { return labels.size(); }
};

struct RankerContext {
  std::uint64_t seed = 0;
  Chosen chosen;           ///< from an earlier fit of the same spec; empty on the first one
  std::string checkpoint;  ///< as FitContext's
  std::string fingerprint;
  Progress progress;
};

/// Threads: Fit by one thread; Score and ExportGraph from any after Fit.
class TrainableRanker {
 public:
  virtual ~TrainableRanker() = default;

  /// Fits from nothing (or from context.checkpoint). With `watched` (rows of the same columns, later ones)
  /// it may stop early; without, it runs as long as context.chosen says.
  /// Errors: kCancelled; kInvalidArgument (labels all alike, a level outside its width, a number that is
  ///         not finite: names column and row); kResourceExhausted; kInternal (the loss is no number).
  virtual Result<FitOutcome> Fit(const LabelledRows& rows, const LabelledRows* watched,
                                 const RankerContext& context) = 0;

  /// Shapes:  inputs: one tensor a column, n rows; probabilities: [n], in (0, 1), not calibrated yet.
  /// Errors:  kInvalidArgument (shape, type, a level outside its width).
  virtual Status Score(std::span<const Tensor> inputs, std::vector<float>& probabilities) const = 0;

  /// Writes graph inputs (the columns, first size free) and nodes, and answers the value `logit` [n] float32:
  /// log(p / (1 - p)) of Score's p. Calibration and the output are the caller's.
  virtual Result<graph::Value> WriteLogit(graph::Builder& builder) const = 0;
};

/// How a ranker is named, described and made.
struct RankerFactory {
  std::string algorithm;
  std::string summary;  ///< one sentence
  std::vector<ParameterDef> parameters;
  std::function<Result<std::unique_ptr<TrainableRanker>>(const Parameters&)> create;
};

}  // namespace vitrine::train
