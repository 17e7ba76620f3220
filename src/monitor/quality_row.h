/// Counts of quality as figures with intervals.
/// Threads: pure functions.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/artifact.h"
#include "monitor/attribution.h"
#include "monitor/reports.h"

namespace vitrine::monitor {

/// Wilson's 95 % interval of a share; nothing where n is 0.   Source: Wilson 1927
MetricValue WilsonInterval(std::uint64_t hits, std::uint64_t n);

/// Student's 97.5 % quantile, to 0.2 % from 5 degrees of freedom on and to 2 % from 3 on.
/// Source: Abramowitz and Stegun 26.7.5
double StudentQuantile(double freedom);

/// A share of answers with a 95 % interval that respects that one shopper's answers are alike: by leaving out one
/// group of shoppers after the other (delete-a-group jackknife), with Student's quantile. Of that interval and Wilson's
/// the wider one on each side: with few groups, or hits in none, the jackknife knows too little.
/// Source: Kott, "The Delete-a-Group Jackknife", Journal of Official Statistics 17 (2001)
MetricValue ClusteredShare(std::span<const ShopperGroup> groups,
                           std::uint32_t ShopperGroup::* hits);

/// `key`: model and scene joined by '\n'.
QualityRow QualityRowOf(const std::string& key, const QualityCounts& counts,
                        const std::vector<int>& ks);

/// Adds the counts of other answers. Both are of the same cut-offs.
void AddCounts(QualityCounts& sum, const QualityCounts& other);

}  // namespace vitrine::monitor
