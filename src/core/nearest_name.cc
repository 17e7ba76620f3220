#include "core/nearest_name.h"

#include <algorithm>
#include <cctype>
#include <vector>

namespace vitrine {
namespace {

char Lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

std::size_t Edits(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1);  // row i - 2
  std::vector<std::size_t> above(b.size() + 1);   // row i - 1
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) {
    row[j] = j;
  }
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::swap(before, above);
    std::swap(above, row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t differs = Lower(a[i - 1]) == Lower(b[j - 1]) ? 0 : 1;
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + differs});
      if (i > 1 && j > 1 && Lower(a[i - 1]) == Lower(b[j - 2]) &&
          Lower(a[i - 2]) == Lower(b[j - 1])) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
  }
  return row[b.size()];
}

}  // namespace

std::string NearestName(std::string_view word, std::span<const std::string> known) {
  const std::string* best = nullptr;
  std::size_t best_edits = 0;
  for (const std::string& name : known) {
    const std::size_t edits = Edits(word, name);
    if (best == nullptr || edits < best_edits) {
      best = &name;
      best_edits = edits;
    }
  }
  const bool near = best != nullptr &&
                    best_edits <= std::max<std::size_t>(1, std::max(word.size(), best->size()) / 3);
  return near ? *best : std::string();
}

std::string DidYouMean(std::string_view word, std::span<const std::string> known) {
  const std::string name = NearestName(word, known);
  return name.empty() ? std::string() : "; did you mean '" + name + "'?";
}

}  // namespace vitrine
