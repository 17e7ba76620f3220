/// What history_items and history_ages share: a [B, L] int64 tensor, newest last, left-padded,
/// written from the places of the shared step.
#pragma once

#include <array>
#include <utility>

#include "data/features/history_sequence.h"
#include "data/features/transform.h"

namespace vitrine::data::features {

class SequenceTransform : public Transform {
 public:
  explicit SequenceTransform(Selection selection) : selection_(std::move(selection)) {}
  [[nodiscard]] DType dtype() const override { return DType::kInt64; }
  [[nodiscard]] std::int64_t columns() const override {
    return static_cast<std::int64_t>(selection_.length);
  }
  [[nodiscard]] const Selection* selection() const override { return &selection_; }

 protected:
  /// write(input, places, p) is the value of place p of the batch; `padding` stands before the
  /// oldest. Rows of one input's candidates are the same.
  template <typename F>
  static void Write(const Batch& batch, std::int64_t padding, Tensor& out, F&& write) {
    const SequencePlaces& places = *batch.places;
    const std::array<std::int64_t, 2> shape = {static_cast<std::int64_t>(batch.rows),
                                               static_cast<std::int64_t>(places.width)};
    out.Resize(DType::kInt64, shape);
    const std::span<std::int64_t> values = out.values<std::int64_t>();
    std::int64_t* row = values.data();
    for (std::size_t b = 0; b < batch.inputs.size(); ++b) {
      const FeatureInput& input = batch.inputs[b];
      std::int64_t* const first = row;
      const std::size_t begin = places.begin[b];
      const std::size_t count = places.begin[b + 1] - begin;
      const std::size_t pad = places.width - count;
      for (std::size_t i = 0; i < pad; ++i) {
        *row++ = padding;
      }
      for (std::size_t i = count; i-- > 0;) {
        *row++ = write(input, places, begin, begin + i);
      }
      for (std::size_t copy = 1; copy < input.candidates.size(); ++copy) {
        std::copy(first, first + places.width, row);
        row += places.width;
      }
    }
  }

 private:
  Selection selection_;
};

}  // namespace vitrine::data::features
