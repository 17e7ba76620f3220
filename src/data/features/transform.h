/// What every op of a FeatureSpec is: fitted once, kept as JSON, applied the same everywhere.
/// One op a file in this folder; maker.h lists them.
/// Threads: a Transform is immutable; Apply from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "core/artifact.h"
#include "core/status.h"
#include "core/tensor.h"
#include "data/feature_spec.h"
#include "data/interactions.h"

namespace vitrine::data::features {

using Json = nlohmann::json;
struct Selection;       // history_sequence.h
struct SequencePlaces;  // history_sequence.h

/// What Fit may look at.
struct FitData {
  const Interactions& interactions;
  const Vocabulary& vocabulary;
  Micros until;                        ///< rows at or after it do not exist
  std::vector<const Item*> catalogue;  ///< by ItemIndex; null where there is no row
  std::vector<ItemIndex> index;        ///< by item number of `interactions`
};

/// One batch on its way through the transforms.
struct Batch {
  std::span<const FeatureInput> inputs;
  std::size_t rows = 0;                    ///< one per candidate, one for an input without
  const SequencePlaces* places = nullptr;  ///< of the transform's own selection
};

class Transform {
 public:
  virtual ~Transform() = default;
  [[nodiscard]] virtual DType dtype() const = 0;
  /// Columns at most; 0: one value a row ([B]).
  [[nodiscard]] virtual std::int64_t columns() const { return 0; }
  /// Which places of the history it writes out; null for the others.
  [[nodiscard]] virtual const Selection* selection() const { return nullptr; }
  /// What was fitted, for featurespec.json.
  [[nodiscard]] virtual Json Fitted() const = 0;
  /// `out` takes dtype and shape [rows] or [rows, n].
  virtual Status Apply(const Batch& batch, Tensor& out) const = 0;
};

using TransformPtr = std::unique_ptr<Transform>;

/// How an op is named, and made from data or from what was fitted before.
struct Maker {
  std::string op;
  std::vector<std::string> options;
  std::function<Result<TransformPtr>(const FeatureDef&, const FitData&)> fit;
  /// `width`: of the vocabulary, padding and unknown included.
  std::function<Result<TransformPtr>(const FeatureDef&, const Json& fitted, std::size_t width)>
      parse;
};

/// Calls f(row, input, candidate, item) for every row of a batch; candidate is kPaddingItem and item
/// null where there is none.
template <typename F>
void ForEachRow(std::span<const FeatureInput> inputs, F&& f) {
  std::size_t row = 0;
  for (const FeatureInput& input : inputs) {
    if (input.candidates.empty()) {
      f(row++, input, kPaddingItem, nullptr);
    }
    for (std::size_t c = 0; c < input.candidates.size(); ++c) {
      f(row++, input, input.candidates[c],
        c < input.candidate_items.size() ? input.candidate_items[c] : nullptr);
    }
  }
}

}  // namespace vitrine::data::features
