/// monitor::SortedNumbers in memory, and from a query that is sorted already.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "adapters/duckdb/database.h"
#include "monitor/offline/frame_pair.h"

namespace vitrine::duckdb {

/// Ascending order of finite doubles by radix: about 10 ns a value, and as much memory again.
/// -0.0 and 0.0 are one value.
void SortFinite(std::vector<double>& values);

/// Both sides, each ascending.
std::unique_ptr<monitor::SortedNumbers> NumbersInMemory(std::vector<double> reference,
                                                        std::vector<double> current);

/// Over a query of (value, reference, current), DOUBLE, ascending; asked anew at each visit.
std::unique_ptr<monitor::SortedNumbers> NumbersOfQuery(Database& database, std::string query,
                                                       double reference, double current);

}  // namespace vitrine::duckdb
