#include "monitor/diagnosis/answer_times.h"

#include <algorithm>
#include <cmath>

namespace vitrine::monitor {

void BatchMeans::AddSums(const Row& sums, std::uint64_t rows) {
  for (std::size_t v = 0; v < kValues; ++v) {
    open_.sums[v] += sums[v];
  }
  open_.rows += rows;
  if (open_.rows < size_) {
    return;
  }
  whole_.push_back(open_);
  open_ = {};
  if (whole_.size() < kMostBatches) {
    return;
  }
  for (std::size_t i = 0; i < kMostBatches / 2; ++i) {
    Batch joined = whole_[2 * i];
    const Batch& next = whole_[2 * i + 1];
    for (std::size_t v = 0; v < kValues; ++v) {
      joined.sums[v] += next.sums[v];
    }
    joined.rows += next.rows;
    whole_[i] = joined;
  }
  whole_.resize(kMostBatches / 2);
  size_ *= 2;
}

// The mean is a ratio of sums over batches; its error is the ratio estimator's (Cochran, "Sampling Techniques", 6.4).
MeanSample BatchMeans::Of(Stage stage) const {
  const auto value = static_cast<std::size_t>(stage);
  MeanSample sample;
  sample.batches = whole_.size();
  double sum = 0;
  for (const Batch& batch : whole_) {
    sum += batch.sums[value];
    sample.rows += batch.rows;
  }
  const auto closed = static_cast<double>(sample.rows);
  if (whole_.size() > 1) {
    const auto batches = static_cast<double>(whole_.size());
    double squares = 0;
    for (const Batch& batch : whole_) {
      squares += std::pow(batch.sums[value] - static_cast<double>(batch.rows) * sum / closed, 2);
    }
    sample.standard_error = std::sqrt(squares * batches / (batches - 1)) / closed;
  }
  sample.rows += open_.rows;
  if (sample.rows > 0) {
    sample.mean = (sum + open_.sums[value]) / static_cast<double>(sample.rows);
  }
  return sample;
}

void AnswerTimes::Add(const AnswerSeconds& seconds) {
  means_.Add({seconds.whole, seconds.features, seconds.graph,
              std::max(seconds.whole - seconds.features - seconds.graph, 0.0), 0});
  latencies_.Add(seconds.whole);
}

void AnswerTimes::AddList(std::size_t places) { ++lists_[std::min(places, kMostPlaces)]; }

void AnswerTimes::FillIn(VersionEvidence& version) const {
  const Histogram::View& view = latencies_.view();
  if (view.count > 0) {
    const MeanSample whole = means_.Of(Stage::kWhole);
    version.latency = LatencySample{.mean_seconds = whole.mean,
                                    .p50_seconds = view.Quantile(0.5),
                                    .p95_seconds = view.Quantile(0.95),
                                    .p99_seconds = view.Quantile(0.99),
                                    .buckets = view.counts,
                                    .seconds = whole};
    version.features_seconds = means_.Of(Stage::kFeatures);
    version.graph_seconds = means_.Of(Stage::kGraph);
    version.rest_seconds = means_.Of(Stage::kRest);
  }
  std::vector<std::uint64_t> positions(kMostPlaces);
  std::uint64_t longer = 0;
  for (std::size_t place = kMostPlaces; place > 0; --place) {
    longer += lists_[place];
    positions[place - 1] = longer;
  }
  if (longer > 0) {
    version.positions = std::move(positions);
  }
}

}  // namespace vitrine::monitor
