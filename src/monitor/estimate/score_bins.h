/// A fixed number of bins for the scores of one version in one scene, whatever their scale: the quantiles of the first
/// scores that were served. Once there, they never change, so that counts of different hours can be added.
/// Threads: one caller at a time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace vitrine::monitor {

class ScoreBins {
 public:
  static constexpr std::size_t kBins = 256;
  static constexpr std::size_t kSample = 2048;  ///< scores that the bins are learnt from

  /// Takes one more score until there are enough; one that is not finite is left out.
  void Learn(double score);
  [[nodiscard]] bool ready() const { return ready_; }

  /// Rises with the score; equal scores share a bin. 0 before `ready`, and for a NaN.
  [[nodiscard]] std::uint8_t BinOf(double score) const {
    std::size_t bin = 0;
    for (std::size_t step = kBins / 2; step > 0; step /= 2) {
      bin += edges_[bin + step - 1] <= score ? step : 0;
    }
    return static_cast<std::uint8_t>(ready_ ? bin : 0);
  }
  /// Smallest and largest of the scores that were learnt from.
  [[nodiscard]] double lowest() const { return lowest_; }
  [[nodiscard]] double highest() const { return highest_; }

  [[nodiscard]] nlohmann::json Save() const;
  /// Throws nlohmann::json::exception where it is none.
  static ScoreBins Load(const nlohmann::json& saved);

 private:
  void Freeze();

  bool ready_ = false;
  double lowest_ = 0;
  double highest_ = 0;
  std::array<double, kBins> edges_{};  ///< rising; the last one is not looked at
  std::vector<double> sample_;         ///< empty once ready
};

}  // namespace vitrine::monitor
