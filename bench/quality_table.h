/// How measured quality is shown: a table of Markdown for each data set.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "bench/quality_sets.h"

namespace vitrine::bench {

/// Mean of a metric on a slice of one row of results; 0 where it is not there.
double Mean(const nlohmann::json& row, const char* metric, const std::string& slice);

void PrintHead(const DataSet& set);
/// One spec's results, a row a seed.
void PrintRow(const DataSet& set, const std::string& spec, const std::vector<nlohmann::json>& rows);
/// After how many CPU seconds of fitting the validation value first was `value`.
void PrintReached(const std::string& spec, const nlohmann::json& row, double value);

}  // namespace vitrine::bench
