/// What is watched of served features and scores, and its frozen reference. The trainer freezes with
/// the same reader that monitoring counts with, so that the two cannot differ in what they look at.
/// Series: per feature its values (sequences: each place that is no padding, plus NAME.length, the
/// places of a row); "scores": the scores of the kScoresWatched best items of an answer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/artifact.h"
#include "core/tensor.h"
#include "data/feature_spec.h"

namespace vitrine::data {

inline constexpr std::string_view kScoresSeries = "scores";
inline constexpr std::size_t kScoresWatched = 10;
inline constexpr std::size_t kReferenceBins = 20;

/// Threads: immutable; any.
class ServedValues {
 public:
  explicit ServedValues(const FeatureSpec& spec);

  /// Names of the series, in the order that Read numbers them; scores are not among them.
  [[nodiscard]] const std::vector<std::string>& series() const { return series_; }

  /// Calls f(series, value) for every watched value of what Apply made.
  /// Precondition: `features` are the spec's tensors in its order.
  template <typename F>
  void Read(std::span<const Tensor> features, F&& f) const {
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      switch (features[i].dtype()) {
        case DType::kInt64:
          ReadTensor(columns_[i], features[i].values<std::int64_t>(), features[i].shape(), f);
          break;
        case DType::kFloat32:
          ReadTensor(columns_[i], features[i].values<float>(), features[i].shape(), f);
          break;
        default:
          break;
      }
    }
  }

 private:
  struct Column {
    std::size_t values = 0;    ///< series of the values
    std::size_t length = 0;    ///< series of the lengths; 0 where the feature is no sequence
    std::int64_t padding = 0;  ///< value of a place that is none
  };

  template <typename T, typename F>
  static void ReadTensor(const Column& column, std::span<const T> values, const Shape& shape,
                         F&& f) {
    if (column.length == 0) {
      for (const T value : values) {
        f(column.values, static_cast<double>(value));
      }
      return;
    }
    const auto width = static_cast<std::size_t>(shape[1]);
    for (std::size_t row = 0; row < values.size(); row += width) {
      std::size_t places = 0;
      for (const T value : values.subspan(row, width)) {
        if (value != static_cast<T>(column.padding)) {
          f(column.values, static_cast<double>(value));
          ++places;
        }
      }
      f(column.length, static_cast<double>(places));
    }
  }

  std::vector<Column> columns_;  // by feature
  std::vector<std::string> series_;
};

/// Bin of a value: (edges[b-1], edges[b]], first and last open.
std::size_t BinOf(const ReferenceHistogram& reference, double value);

/// A histogram of at most kReferenceBins bins of like share; values of which there are few get a bin
/// each. Empty `values` give one bin of share 0.
ReferenceHistogram FreezeHistogram(std::string feature, std::vector<double> values);

}  // namespace vitrine::data
