/// What the ops over one field share (hash, bucket, level, standardise, context, tokens): a field of
/// an item is encoded once at fit and kept by item index, so that an answer does not depend on who
/// holds the catalogue; a field of user or context is encoded when asked.
#pragma once

#include <algorithm>
#include <array>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "data/features/fitted.h"
#include "data/features/options.h"
#include "data/features/source.h"
#include "data/features/transform.h"

namespace vitrine::data::features {

/// Errors: kInvalidArgument: no item of the catalogue has the field (with the nearest one that is
/// there). Fields of user and context are not in a snapshot's training rows: nothing to check.
Status CheckFieldExists(const FeatureDef& def, const Source& source, const FitData& data);

/// The number of every catalogue item that has one, in index order.
std::vector<double> CatalogueNumbers(const Source& source, const FitData& data);

template <typename T>
class FieldTransform : public Transform {
 public:
  explicit FieldTransform(Source source) : source_(std::move(source)) {}

  [[nodiscard]] DType dtype() const override { return DTypeOf<T>(); }

  Status Apply(const Batch& batch, Tensor& out) const override {
    const auto per_row = static_cast<std::size_t>(std::max<std::int64_t>(columns(), 1));
    const std::array<std::int64_t, 2> shape = {static_cast<std::int64_t>(batch.rows), columns()};
    out.Resize(dtype(), std::span(shape).first(columns() == 0 ? 1 : 2));
    const std::span<T> values = out.values<T>();
    ItemIndex largest = 0;
    ForEachRow(batch.inputs, [&](std::size_t row, const FeatureInput& input, ItemIndex candidate,
                                 const Item* item) {
      const std::span<T> cells = values.subspan(row * per_row, per_row);
      if (source_.owner == Owner::kItem && item == nullptr) {
        largest = std::max(largest, candidate);
        const std::size_t at = candidate < width_ ? candidate : std::size_t{kPaddingItem};
        std::copy_n(frozen_.begin() + static_cast<std::ptrdiff_t>(at * per_row), per_row,
                    cells.begin());
        return;
      }
      Encode({item, input.user, input.context}, cells);
    });
    if (source_.owner == Owner::kItem && largest >= width_) {
      return InvalidArgument(
          fmt::format("candidate {} is outside the vocabulary of {} (padding and "
                      "unknown included)",
                      largest, width_));
    }
    return Status::Ok();
  }

  /// Encodes every catalogue item. Call once the parameters are there.
  void Freeze(const FitData& data) {
    if (source_.owner != Owner::kItem) {
      return;
    }
    const auto per_row = static_cast<std::size_t>(std::max<std::int64_t>(columns(), 1));
    width_ = data.vocabulary.width();
    frozen_.assign(width_ * per_row, T{});
    for (std::size_t i = 0; i < width_; ++i) {
      Encode({data.catalogue[i], nullptr, nullptr},
             std::span(frozen_).subspan(i * per_row, per_row));
    }
  }

  /// Adds the encoded items to what was fitted.
  void SaveItems(Json& fitted) const {
    if (source_.owner == Owner::kItem) {
      fitted["items"] = frozen_;
    }
  }
  Status LoadItems(const FeatureDef& def, const Json& fitted, std::size_t width) {
    if (source_.owner != Owner::kItem) {
      return Status::Ok();
    }
    const auto per_row = static_cast<std::size_t>(std::max<std::int64_t>(columns(), 1));
    width_ = width;
    if constexpr (std::is_integral_v<T>) {
      ASSIGN_OR_RETURN(frozen_, FittedInts(def, fitted, "items"));
    } else {
      ASSIGN_OR_RETURN(const std::vector<double> values, FittedNumbers(def, fitted, "items"));
      frozen_.clear();
      for (const double value : values) {
        frozen_.push_back(static_cast<T>(value));
      }
    }
    if (frozen_.size() != width * per_row) {
      return FeatureError(def, fmt::format("fitted.items has {} values, {} items need {}",
                                           frozen_.size(), width, width * per_row));
    }
    return Status::Ok();
  }

 protected:
  /// One row's value(s); all fields null where there is nothing. `cells` may hold anything before.
  virtual void Encode(const Fields& fields, std::span<T> cells) const = 0;
  [[nodiscard]] const Source& source() const { return source_; }

 private:
  Source source_;
  std::size_t width_ = 1;
  std::vector<T> frozen_;  // [width, columns]
};

}  // namespace vitrine::data::features
