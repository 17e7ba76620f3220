#include "search/item_matrix.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "core/history.h"
#include "search/vector_codes.h"

namespace vitrine::search {
namespace {

constexpr std::size_t kLanes = 16;  // floats of a cache line
constexpr double kRounding = 0x1p-24;

// A row's part of the bound, docs/search.md: with u the rounding of one float operation, a score
// takes at most stride / 16 + 4 of them a value, its bound at most 6 more on each of its terms.
void FillTerms(const CodeTerms& row, std::size_t stride, std::size_t i, BlockTerms& terms) {
  const std::size_t steps = stride / kLanes + 16;
  const double all = row.length + row.code_length + row.error;
  terms.scale[i] = row.scale;
  terms.error[i] = RoundUp(row.error + static_cast<double>(steps) * kRounding * all);
  terms.length[i] = RoundUp(row.code_length * (1 + 16 * kRounding));
}

}  // namespace

Result<ItemMatrix> ItemMatrix::Make(std::span<const float> values, std::size_t rows,
                                    std::size_t width) {
  if (width == 0 || width > kWidestVector) {
    return InvalidArgument("item vectors have " + std::to_string(width) + " values; 1 to " +
                           std::to_string(kWidestVector) + " can be searched");
  }
  if (rows > std::numeric_limits<ItemIndex>::max() || values.size() != rows * width) {
    return InvalidArgument(std::to_string(values.size()) + " values are not " +
                           std::to_string(rows) + " item vectors of " + std::to_string(width));
  }
  ItemMatrix matrix;
  matrix.rows_ = rows;
  matrix.width_ = width;
  matrix.stride_ = (width + kLanes - 1) / kLanes * kLanes;
  const std::size_t padded = matrix.blocks() * kBlockRows;
  matrix.values_ = AlignedArray<float>(padded * matrix.stride_);
  matrix.codes_ = AlignedArray<std::uint8_t>(padded * matrix.stride_);
  matrix.terms_ = AlignedArray<BlockTerms>(matrix.blocks());
  RETURN_IF_ERROR(matrix.Fill(values));
  return matrix;
}

Status ItemMatrix::Fill(std::span<const float> values) {
  std::vector<std::int8_t> row_codes(stride_);
  for (std::size_t row = 0; row < rows_; ++row) {
    const std::span<const float> from = values.subspan(row * width_, width_);
    if (!std::all_of(from.begin(), from.end(), [](float v) { return std::isfinite(v); })) {
      return InvalidArgument("item vector " + std::to_string(row) +
                             " has a value that is not finite; leave the item out");
    }
    const CodeTerms terms = Encode(from, 127, row_codes.data());
    if (terms.length > kLongestVector) {
      return InvalidArgument("item vector " + std::to_string(row) +
                             " is longer than 1e18; scale the vectors down");
    }
    std::copy(from.begin(), from.end(), values_.data() + row * stride_);
    const std::size_t block = row / kBlockRows;
    const std::size_t i = row % kBlockRows;
    FillTerms(terms, stride_, i, terms_.data()[block]);
    std::uint8_t* codes = codes_.data() + block * kBlockRows * stride_;
    for (std::size_t j = 0; j < stride_; ++j) {
      codes[(j / 4 * kBlockRows + i) * 4 + j % 4] =
          static_cast<std::uint8_t>(row_codes[j] + kRowCodeOffset);
    }
  }
  return {};
}

}  // namespace vitrine::search
