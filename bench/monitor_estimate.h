/// The part "estimate" of the benchmark of monitoring: CTR and NDCG@10 estimated before labels came, window by window,
/// beside what came and beside the last labelled window carried forward; on simulated shops and on real logs in time.
#pragma once

#include <vector>

#include "bench/report.h"

namespace vitrine::bench {

/// Simulated shops: one that stays as it is, one whose candidates get worse, one whose tastes drift, one whose tastes turn.
void MeasureSimulatedEstimates(std::vector<Bar>& bars);

/// ml-100k and online-retail below VITRINE_TEST_DATA: a model of the first half serves the second in time. Says so where
/// they are not there.
void MeasureReplayedEstimates(std::vector<Bar>& bars);

/// CPU time that estimating adds to counting an answer and its labels from the log.
void MeasureEstimateCost(std::vector<Bar>& bars);

}  // namespace vitrine::bench
