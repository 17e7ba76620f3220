/// A closed list of words and their numbers: 0 missing, 1 other, 2.. the list in order.
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vitrine::data::features {

class Levels {
 public:
  /// Precondition: distinct.
  explicit Levels(std::vector<std::string> words) : words_(std::move(words)) {
    sorted_.resize(words_.size());
    std::iota(sorted_.begin(), sorted_.end(), std::size_t{0});
    std::sort(sorted_.begin(), sorted_.end(),
              [this](std::size_t a, std::size_t b) { return words_[a] < words_[b]; });
  }
  [[nodiscard]] std::int64_t Find(const std::optional<std::string_view>& text) const {
    if (!text) {
      return 0;
    }
    const auto at =
        std::lower_bound(sorted_.begin(), sorted_.end(), *text,
                         [this](std::size_t a, std::string_view b) { return words_[a] < b; });
    return at != sorted_.end() && words_[*at] == *text ? 2 + static_cast<std::int64_t>(*at) : 1;
  }
  [[nodiscard]] const std::vector<std::string>& words() const { return words_; }

  /// True where a word stands there twice.
  static bool HasRepeats(std::vector<std::string> words) {
    std::sort(words.begin(), words.end());
    return std::adjacent_find(words.begin(), words.end()) != words.end();
  }

 private:
  std::vector<std::string> words_;
  std::vector<std::size_t> sorted_;
};

}  // namespace vitrine::data::features
