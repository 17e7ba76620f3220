/// Training-serving skew: features of sampled answers are made again from the logged impression, by
/// the same FeatureSpec, and compared value by value with those that were served.
/// Threads: any; the callback runs outside the lock.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/impression.h"
#include "core/status.h"
#include "core/tensor.h"
#include "monitor/reports.h"

namespace vitrine::monitor {

struct SkewOptions {
  std::uint64_t every = 16;        ///< one answer of so many, chosen by its request_id; 0: none
  std::size_t most_waiting = 256;  ///< samples kept until they are checked; the oldest leave
  double tolerance = 1e-6;         ///< relative, of floating values; whole numbers must be equal
};

class SkewChecks {
 public:
  explicit SkewChecks(SkewOptions options) : options_(options) {}

  /// Keeps the served tensors of a sampled request.
  void OnServed(std::string_view model, std::string_view request_id,
                std::span<const Tensor> features);
  /// The record of the same request: from now on the sample can be checked.
  void OnImpression(const Impression& impression);

  /// Makes the features of an impression again (version named by impression.model).
  using Recompute = std::function<Result<std::vector<Tensor>>(const Impression&)>;
  /// Checks at most `most` samples; returns how many.
  std::size_t Run(const Recompute& recompute, std::size_t most);

  [[nodiscard]] SkewReport Report() const;

 private:
  struct Sample {
    std::string model;
    std::vector<Tensor> features;
  };
  struct Ready {
    Sample sample;
    Impression impression;
  };
  struct Tally {
    std::uint64_t checks = 0;
    std::uint64_t failures = 0;
    std::map<std::string, SkewFeature> features;
  };

  [[nodiscard]] bool Sampled(std::string_view request_id) const;

  SkewOptions options_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Sample> served_;
  std::deque<std::string> served_order_;
  std::deque<Ready> ready_;
  std::map<std::string, Tally> tallies_;
};

/// Compares two tensors of one name; counts values and mismatches into `tally`.
/// Tensors of other type or shape mismatch in every value.
void CompareTensors(const Tensor& served, const Tensor& recomputed, double tolerance,
                    std::string_view request_id, SkewFeature& tally);

}  // namespace vitrine::monitor
