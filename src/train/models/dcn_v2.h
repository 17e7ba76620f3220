/// DCN-V2: crosses of all columns, layer by layer, beside or before hidden layers. LibTorch stays behind
/// this header (its files are compiled by g++ only).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "train/models/row_options.h"
#include "train/ranker.h"

namespace vitrine::train {

struct DcnV2Options {
  RowOptions train;
  std::int64_t crosses = 2;                     ///< cross layers
  std::int64_t rank = 0;                        ///< of a cross layer's matrix; 0: a full one
  std::string structure = "parallel";           ///< or "stacked"
  std::vector<std::int64_t> hidden = {64, 32};  ///< may be empty
};

/// x0 = all columns side by side (as mlp.h); x <- x0 * (W x + b) + x, W of low rank where asked for; the
/// hidden layers read x0 (parallel) or the last x (stacked): Wang et al., DCN V2, WWW 2021, equations
/// 1 and 3 and figure 1; without its mixture of low-rank experts.
/// Fit's errors: row_model.h.
std::unique_ptr<TrainableRanker> MakeDcnV2(const DcnV2Options& options);

/// "dcn_v2" and its parameters.
RankerFactory DcnV2Factory();

}  // namespace vitrine::train
