/// The vectors of all items, as a dense search reads them: floats row by row, and the same rows as
/// 8-bit codes in blocks of 64, of which a scan reads a fifth of the bytes.
/// Memory:  5 bytes a value and 12 a row (width rounded up to 16, rows to 64).
/// Threads: immutable after construction.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/status.h"
#include "search/aligned_array.h"

namespace vitrine::search {

/// Rows of a block: one word of skip bits.
inline constexpr std::size_t kBlockRows = 64;
inline constexpr std::size_t kWidestVector = 16'384;
/// Codes of rows lie this much higher, so that they are unsigned.
inline constexpr int kRowCodeOffset = 128;

/// From the codes of a block's rows to bounds of their scores; see docs/search.md.
struct BlockTerms {
  alignas(kCacheLine) std::array<float, kBlockRows> scale;
  std::array<float, kBlockRows> error;   ///< per unit of the query's length
  std::array<float, kBlockRows> length;  ///< per unit of the query's error
};

class ItemMatrix {
 public:
  /// Shapes:  values [rows, width] f32, row-major; copied. No rows are fine.
  /// Errors:  kInvalidArgument (no width or too wide, too many rows, size is not rows x width,
  ///          a value that is not finite, a row longer than kLongestVector)
  static Result<ItemMatrix> Make(std::span<const float> values, std::size_t rows,
                                 std::size_t width);

  [[nodiscard]] std::size_t rows() const { return rows_; }
  [[nodiscard]] std::size_t width() const { return width_; }
  /// Floats from one row to the next, a multiple of 16; what pads a row is zero.
  [[nodiscard]] std::size_t stride() const { return stride_; }
  [[nodiscard]] std::size_t blocks() const { return (rows_ + kBlockRows - 1) / kBlockRows; }

  /// Aligned to 64 bytes; blocks() x 64 rows can be read, those past the last are zero.
  [[nodiscard]] const float* values() const { return values_.data(); }
  /// [stride / 4][64 rows][4]: four neighbouring values of a row are one 32-bit lane.
  [[nodiscard]] const std::uint8_t* codes(std::size_t block) const {
    return codes_.data() + block * kBlockRows * stride_;
  }
  [[nodiscard]] const BlockTerms& terms(std::size_t block) const { return terms_.data()[block]; }

 private:
  ItemMatrix() = default;
  Status Fill(std::span<const float> values);

  std::size_t rows_ = 0;
  std::size_t width_ = 0;
  std::size_t stride_ = 0;
  AlignedArray<float> values_;
  AlignedArray<std::uint8_t> codes_;
  AlignedArray<BlockTerms> terms_;
};

}  // namespace vitrine::search
