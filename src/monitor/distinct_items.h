/// How many distinct items were shown, in a fixed 16 KiB whatever the catalogue.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace vitrine::monitor {

/// Linear counting over hashes; the error stays below 1 % up to some 200,000 distinct items.
/// Source: Whang, Vander-Zanden & Taylor 1990.   Threads: one caller at a time.
class DistinctItems {
 public:
  void Add(std::uint64_t hash) {
    words_[(hash >> 6U) % kWords] |= std::uint64_t{1} << (hash & 63U);
  }

  [[nodiscard]] double Estimate() const {
    double empty = 0;
    for (const std::uint64_t word : words_) {
      empty += 64 - std::popcount(word);
    }
    constexpr double kBits = 64.0 * kWords;
    return kBits * std::log(kBits / std::max(empty, 1.0));
  }

  [[nodiscard]] const std::vector<std::uint64_t>& words() const { return words_; }
  /// False where the size is not ours.
  bool Restore(std::vector<std::uint64_t> words) {
    if (words.size() != kWords) {
      return false;
    }
    words_ = std::move(words);
    return true;
  }

 private:
  static constexpr std::size_t kWords = 2048;
  std::vector<std::uint64_t> words_ = std::vector<std::uint64_t>(kWords, 0);
};

}  // namespace vitrine::monitor
