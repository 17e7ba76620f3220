/// The part "cost" of the benchmark of monitoring: what watching costs a request, a state and a month of hours.
#pragma once

#include <string>
#include <vector>

#include "bench/report.h"

namespace vitrine::bench {

/// CPU time of the server for an answer of /v1/recommend, watched and not: two servers on two copies of one data
/// directory, asked in turns. What reads the log behind the answers is in it, up to the last record.
void MeasureWatching(std::vector<Bar>& bars);

/// CPU time of keeping a state with as many waiting answers as there may be, and of counting one.
void MeasureState(std::vector<Bar>& bars);

/// Heap that a watched version takes beside what all share.
void MeasureMemory(std::vector<Bar>& bars);

/// A month of hours of 20 versions in 5 scenes: size on disk, and time of a page over all of it.
void MeasureMonth(std::vector<Bar>& bars);

}  // namespace vitrine::bench
