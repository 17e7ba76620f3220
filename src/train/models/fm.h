/// FM: all pairs of a row's columns by inner products of vectors. LibTorch stays behind this header (its
/// files are compiled by g++ only).
#pragma once

#include <memory>

#include "train/models/row_options.h"
#include "train/ranker.h"

namespace vitrine::train {

struct FmOptions {
  RowOptions train;  ///< `width` is the number of factors, k
};

/// logit = w0 + sum of w_j x_j + sum over pairs of columns of <v_i, v_j> x_i x_j, in linear time
/// (Rendle, Factorization Machines, ICDM 2010, equations 1 and 5). A history is one column, the mean of
/// its known places: places of one history form no pairs among each other.
/// Fit's errors: row_model.h.
std::unique_ptr<TrainableRanker> MakeFm(const FmOptions& options);

/// "fm" and its parameters.
RankerFactory FmFactory();

}  // namespace vitrine::train
