/// The part "drift" of the benchmark of monitoring: how often each drift method raises a false alarm
/// and how often it finds a change, by simulation, beside what it promises; what a thousand looks at
/// one stream raise; and what a comparison of files costs.
#pragma once

#include <string>
#include <vector>

#include "bench/report.h"

namespace vitrine::bench {

/// `runs` simulations of each rate, from fixed seeds.
void MeasureDriftRates(int runs, std::vector<Bar>& bars);

/// `streams` streams of 1,000 looks each, through the live window.
void MeasureLooks(int streams, std::vector<Bar>& bars);

/// CPU time and memory of `vitrine-lake drift` on frames of a million rows and 20 columns, made on
/// the spot; `folder` takes them and goes afterwards.
void MeasureOfflineCost(const std::string& lake_program, const std::string& folder,
                        std::vector<Bar>& bars);

}  // namespace vitrine::bench
