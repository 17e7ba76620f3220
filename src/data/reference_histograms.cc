#include "data/reference_histograms.h"

#include <algorithm>
#include <utility>

namespace vitrine::data {

ServedValues::ServedValues(const FeatureSpec& spec) {
  for (const FeatureDef& def : spec.defs()) {
    Column column;
    column.values = series_.size();
    series_.push_back(def.name);
    if (def.op.starts_with("history_") || def.op == "tokens") {
      column.length = series_.size();
      column.padding = def.op == "history_ages" ? -1 : 0;
      series_.push_back(def.name + ".length");
    }
    columns_.push_back(column);
  }
}

std::size_t BinOf(const ReferenceHistogram& reference, double value) {
  return static_cast<std::size_t>(
      std::lower_bound(reference.edges.begin(), reference.edges.end(), value) -
      reference.edges.begin());
}

ReferenceHistogram FreezeHistogram(std::string feature, std::vector<double> values) {
  ReferenceHistogram reference;
  reference.feature = std::move(feature);
  reference.rows = values.size();
  std::sort(values.begin(), values.end());
  for (std::size_t b = 1; b < kReferenceBins && !values.empty(); ++b) {
    const double edge = values[(b * values.size() + kReferenceBins - 1) / kReferenceBins - 1];
    if (edge < values.back() && (reference.edges.empty() || edge > reference.edges.back())) {
      reference.edges.push_back(edge);
    }
  }
  reference.shares.assign(reference.edges.size() + 1, 0);
  for (const double value : values) {
    reference.shares[BinOf(reference, value)] += 1;
  }
  for (double& share : reference.shares) {
    share /= static_cast<double>(std::max<std::size_t>(values.size(), 1));
  }
  return reference;
}

}  // namespace vitrine::data
