/// Gradient boosted trees (XGBoost) over labelled rows, written as the standard operator
/// TreeEnsembleRegressor.
#pragma once

#include "train/ranker.h"

namespace vitrine::train {

/// Reads numbers, and levels in the order of their numbers. The candidate and the history are not looked at:
/// a tree would split them by an item's number, which means nothing; what counts and rates say of an item
/// or a shopper it reads as numbers.
/// Source: Chen & Guestrin, KDD 2016
RankerFactory GbdtFactory();

}  // namespace vitrine::train
