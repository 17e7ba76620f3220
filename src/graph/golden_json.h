/// golden.json: inputs and the answers expected for them, written by the trainer, checked by
/// `model probe` in the serving runtime before a version can exist.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/history.h"
#include "core/status.h"
#include "core/tensor.h"

namespace vitrine::graph {

inline constexpr std::size_t kGoldenItems = 20;

/// The best items of one row of scores: score descending, equal scores by lower index; padding and
/// unknown left out.
struct GoldenRow {
  std::vector<ItemIndex> items;
  std::vector<double> scores;
};

struct Golden {
  std::vector<Tensor> inputs;  ///< one batch, by the graph's input names
  std::string output;          ///< name of the output the rows are of, [rows, width]
  std::vector<GoldenRow> rows;
};

/// The best kGoldenItems of one row of scores, `scores[item]`.
GoldenRow TopOf(std::span<const double> scores);

/// Errors: kInvalidArgument (a number that is not finite: names the row or tensor).
Result<std::string> GoldenToJson(const Golden& golden);
/// Errors: kInvalidArgument (names the field), kFailedPrecondition (newer format).
Result<Golden> ParseGolden(std::string_view json);

}  // namespace vitrine::graph
