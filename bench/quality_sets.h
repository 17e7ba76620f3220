/// The public data sets that quality is measured on.
#pragma once

#include <string>
#include <vector>

namespace vitrine::bench {

/// What a set's cases are: users whose next items are to be ranked, or rows with a label.
enum class Kind { kCases, kRows, kTable };

/// A public data set with its protocol.
struct DataSet {
  std::string name;
  std::string files;
  std::string mapping;  ///< of a table: the column that is the label
  std::string protocol;
  Kind kind = Kind::kCases;
  std::vector<std::string> leave_out = {};  ///< columns of a table
};

/// Below VITRINE_TEST_DATA (default ../shared).
std::vector<DataSet> DataSets();

/// What a set of the kind is judged by; the first two are what its table begins with.
std::vector<std::string> MetricsOf(Kind kind);

}  // namespace vitrine::bench
