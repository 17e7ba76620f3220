/// What every ranker does with its rows the same way: checks them, writes its graph's inputs, and the
/// probabilities that its logits are.
/// Threads: pure functions.
#pragma once

#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include "core/status.h"
#include "data/feature_spec.h"
#include "graph/builder.h"
#include "train/ranker.h"

namespace vitrine::train {

inline double Sigmoid(double logit) { return 1 / (1 + std::exp(-logit)); }
/// log(p / (1 - p)), p kept 2^-52 away from 0 and 1.
double Logit(double probability);

/// The columns that a FeatureSpec makes.
/// Errors: kInvalidArgument (a feature that is neither a number, a level, the candidate nor a history:
///         named).
Result<std::vector<RankerColumn>> ColumnsOf(const data::FeatureSpec& features);

/// Tensors are what the columns say, `rows` of each.
/// Errors: kInvalidArgument: another number of tensors, type or shape; a level outside its width or a
///         number that is not finite: names the row and the column.
Status CheckColumns(std::span<const RankerColumn> columns, std::span<const Tensor> tensors,
                    std::size_t rows);

/// Rows that can be learnt from: also as many labels, weights and groups, and both labels.
/// Errors: kInvalidArgument, as CheckColumns.
Status CheckRows(const LabelledRows& rows);

/// Share of positives, by weight. Precondition: rows that CheckRows takes.
double ShareOfPositives(const LabelledRows& rows);

/// An input of the graph for each column: [batch] float32 or int64, histories [batch, L] int64.
std::vector<graph::Value> WriteInputs(graph::Builder& builder,
                                      std::span<const RankerColumn> columns);

}  // namespace vitrine::train
