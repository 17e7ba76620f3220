/// DIN: the candidate looks at the history places that matter to it. LibTorch stays behind this header
/// (its files are compiled by g++ only).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "train/models/row_options.h"
#include "train/ranker.h"

namespace vitrine::train {

struct DinOptions {
  RowOptions train = {.share_items = true};
  std::vector<std::int64_t> hidden = {64, 32};
  std::vector<std::int64_t> attention = {36};  ///< widths of the unit that weighs a place
  std::string weights = "free";                ///< or "softmax"
};

/// Each history is the sum of its known places' vectors e, weighed by a(e, c): hidden layers (PReLU)
/// over e, e * c, e - c and c, c being the candidate's vector; then as mlp.h with PReLU. Zhou et al., Deep
/// Interest Network, KDD 2018, sections 4.2 and 4.3: the weights are not normalised (`weights` =
/// "free"), so that many like places say more than one; "softmax" makes them sum to 1.
/// Fit's errors: row_model.h; kInvalidArgument where the rows have no item column or no history.
std::unique_ptr<TrainableRanker> MakeDin(const DinOptions& options);

/// "din" and its parameters.
RankerFactory DinFactory();

}  // namespace vitrine::train
