#include "monitor/estimate/score_bins.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace vitrine::monitor {

using nlohmann::json;

void ScoreBins::Learn(double score) {
  if (ready_ || !std::isfinite(score)) {
    return;
  }
  if (sample_.empty()) {
    sample_.reserve(kSample);
  }
  sample_.push_back(score);
  if (sample_.size() == kSample) {
    Freeze();
  }
}

void ScoreBins::Freeze() {
  std::sort(sample_.begin(), sample_.end());
  lowest_ = sample_.front();
  highest_ = sample_.back();
  for (std::size_t edge = 0; edge + 1 < kBins; ++edge) {
    edges_[edge] = sample_[(edge + 1) * kSample / kBins];
  }
  sample_ = {};
  ready_ = true;
}

json ScoreBins::Save() const {
  if (!ready_) {
    return {{"sample", sample_}};
  }
  return {{"edges", edges_}, {"lowest", lowest_}, {"highest", highest_}};
}

ScoreBins ScoreBins::Load(const json& saved) {
  ScoreBins bins;
  if (saved.contains("sample")) {
    for (const double score : saved.at("sample").get<std::vector<double>>()) {
      bins.Learn(score);
    }
    return bins;
  }
  bins.edges_ = saved.at("edges").get<std::array<double, kBins>>();
  bins.lowest_ = saved.at("lowest").get<double>();
  bins.highest_ = saved.at("highest").get<double>();
  bins.ready_ = true;
  return bins;
}

}  // namespace vitrine::monitor
