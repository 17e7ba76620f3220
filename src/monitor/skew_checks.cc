#include "monitor/skew_checks.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "monitor/stable_hash.h"

namespace vitrine::monitor {
namespace {

constexpr std::size_t kMostModels = 64;

template <typename T>
void CompareValues(const Tensor& served, const Tensor& recomputed, double tolerance,
                   std::string_view request_id, SkewFeature& tally) {
  const auto a = served.values<T>();
  const auto b = recomputed.values<T>();
  for (std::size_t i = 0; i < a.size(); ++i) {
    const auto x = static_cast<double>(a[i]);
    const auto y = static_cast<double>(b[i]);
    // A relative tolerance is for floating values only; == also takes care of infinities.
    const bool same = a[i] == b[i] ||
                      (std::is_floating_point_v<T> &&
                       (std::abs(x - y) <= tolerance * std::max({1.0, std::abs(x), std::abs(y)}) ||
                        (std::isnan(x) && std::isnan(y))));
    if (!same) {
      ++tally.mismatches;
      tally.example =
          fmt::format("request {}, value {}: served {}, recomputed {}", request_id, i, x, y);
    }
  }
}

std::string ShapeText(const Tensor& tensor) {
  std::string text(DTypeName(tensor.dtype()));
  for (const std::int64_t size : tensor.shape()) {
    text += fmt::format(" {}", size);
  }
  return text;
}

}  // namespace

void CompareTensors(const Tensor& served, const Tensor& recomputed, double tolerance,
                    std::string_view request_id, SkewFeature& tally) {
  tally.values += static_cast<std::uint64_t>(served.size());
  if (served.dtype() != recomputed.dtype() || served.shape() != recomputed.shape()) {
    tally.mismatches += static_cast<std::uint64_t>(served.size());
    tally.example = fmt::format("request {}: served {}, recomputed {}", request_id,
                                ShapeText(served), ShapeText(recomputed));
    return;
  }
  switch (served.dtype()) {
    case DType::kBool:
      return CompareValues<bool>(served, recomputed, tolerance, request_id, tally);
    case DType::kInt8:
      return CompareValues<std::int8_t>(served, recomputed, tolerance, request_id, tally);
    case DType::kInt16:
      return CompareValues<std::int16_t>(served, recomputed, tolerance, request_id, tally);
    case DType::kUint8:
      return CompareValues<std::uint8_t>(served, recomputed, tolerance, request_id, tally);
    case DType::kUint16:
      return CompareValues<std::uint16_t>(served, recomputed, tolerance, request_id, tally);
    case DType::kUint32:
      return CompareValues<std::uint32_t>(served, recomputed, tolerance, request_id, tally);
    case DType::kUint64:
      return CompareValues<std::uint64_t>(served, recomputed, tolerance, request_id, tally);
    case DType::kInt32:
      return CompareValues<std::int32_t>(served, recomputed, tolerance, request_id, tally);
    case DType::kInt64:
      return CompareValues<std::int64_t>(served, recomputed, tolerance, request_id, tally);
    case DType::kFloat32:
      return CompareValues<float>(served, recomputed, tolerance, request_id, tally);
    case DType::kFloat64:
      return CompareValues<double>(served, recomputed, tolerance, request_id, tally);
    case DType::kFloat16:
    case DType::kString:
      break;  // no FeatureSpec makes them
  }
}

bool SkewChecks::Sampled(std::string_view request_id) const {
  return options_.every > 0 && StableHash(request_id) % options_.every == 0;
}

void SkewChecks::OnServed(std::string_view model, std::string_view request_id,
                          std::span<const Tensor> features) {
  if (!Sampled(request_id)) {
    return;
  }
  Sample sample{std::string(model), std::vector<Tensor>(features.begin(), features.end())};
  const std::scoped_lock lock(mutex_);
  if (!served_.insert_or_assign(std::string(request_id), std::move(sample)).second) {
    return;
  }
  served_order_.emplace_back(request_id);
  if (served_order_.size() > options_.most_waiting) {
    served_.erase(served_order_.front());
    served_order_.pop_front();
  }
}

void SkewChecks::OnImpression(const Impression& impression) {
  if (!Sampled(impression.request_id)) {
    return;
  }
  const std::scoped_lock lock(mutex_);
  const auto found = served_.find(impression.request_id);
  if (found == served_.end() || found->second.model != impression.model) {
    return;
  }
  ready_.push_back({std::move(found->second), impression});
  served_.erase(found);
  std::erase(served_order_, impression.request_id);
  if (ready_.size() > options_.most_waiting) {
    ready_.pop_front();
  }
}

std::size_t SkewChecks::Run(const Recompute& recompute, std::size_t most) {
  std::size_t done = 0;
  for (; done < most; ++done) {
    Ready next;
    {
      const std::scoped_lock lock(mutex_);
      if (ready_.empty()) {
        break;
      }
      next = std::move(ready_.front());
      ready_.pop_front();
    }
    const Result<std::vector<Tensor>> again = recompute(next.impression);
    const std::scoped_lock lock(mutex_);
    if (tallies_.size() >= kMostModels && !tallies_.contains(next.sample.model)) {
      tallies_.erase(tallies_.begin());
    }
    Tally& tally = tallies_[next.sample.model];
    ++tally.checks;
    if (!again.ok() || again->size() != next.sample.features.size()) {
      ++tally.failures;
      continue;
    }
    for (std::size_t i = 0; i < again->size(); ++i) {
      const Tensor& served = next.sample.features[i];
      SkewFeature& feature = tally.features[served.name()];
      feature.feature = served.name();
      CompareTensors(served, (*again)[i], options_.tolerance, next.impression.request_id, feature);
    }
  }
  return done;
}

SkewReport SkewChecks::Report() const {
  const std::scoped_lock lock(mutex_);
  SkewReport report;
  for (const auto& [model, tally] : tallies_) {
    SkewModel& row = report.models.emplace_back();
    row.model = model;
    row.checks = tally.checks;
    row.failures = tally.failures;
    std::uint64_t values = 0;
    std::uint64_t mismatches = 0;
    for (const auto& [name, feature] : tally.features) {
      row.features.push_back(feature);
      values += feature.values;
      mismatches += feature.mismatches;
    }
    row.mismatch_share =
        values == 0 ? 0 : static_cast<double>(mismatches) / static_cast<double>(values);
  }
  return report;
}

}  // namespace vitrine::monitor
