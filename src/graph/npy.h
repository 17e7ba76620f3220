/// Reads a matrix of float32 from numpy's .npy file, as `numpy.save` writes it.
/// Source: numpy/lib/format, versions 1.0 and 2.0.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "core/status.h"

namespace vitrine::graph {

struct NpyMatrix {
  std::size_t rows = 0;
  std::size_t columns = 0;
  std::vector<float> values;  ///< [rows, columns]
};

/// Errors: kInvalidArgument (not a .npy file, another version, type, order or number of axes, or not as
///         long as its header says: says what numpy call gives the right one).
Result<NpyMatrix> ParseNpyMatrix(std::string_view bytes);

}  // namespace vitrine::graph
