// Which rows a model is fitted on, and how its items are numbered.
#include <algorithm>
#include <string_view>
#include <utility>

#include "core/check.h"
#include "evaluate/split.h"

namespace vitrine::evaluate {
namespace {

bool IsNumber(const std::string& id) {
  return !id.empty() && id.find_first_not_of("0123456789") == std::string::npos;
}

/// Orders digit strings by value; equal values ("7", "07") by bytes.
bool LessAsNumbers(std::string_view a, std::string_view b) {
  const auto bare = [](std::string_view digits) {
    digits.remove_prefix(std::min(digits.find_first_not_of('0'), digits.size()));
    return digits;
  };
  const std::string_view x = bare(a);
  const std::string_view y = bare(b);
  if (x.size() != y.size()) {
    return x.size() < y.size();
  }
  return x != y ? x < y : a < b;
}

}  // namespace

std::vector<bool> FittedRows(const data::Interactions& interactions, const Split& split,
                             const Protocol& protocol, FitFor purpose) {
  CHECK(split.part.size() == interactions.rows());
  std::vector<bool> fitted(split.part.size());
  for (std::size_t row = 0; row < fitted.size(); ++row) {
    const Part part = split.part[row];
    switch (purpose) {
      case FitFor::kValidation:
        fitted[row] = part == Part::kTraining;
        break;
      case FitFor::kTest:
        fitted[row] = part == Part::kTraining ||
                      (part == Part::kValidation && protocol.fit_validation_for_test);
        break;
      case FitFor::kRefit:
        fitted[row] = part != Part::kUnused;
        break;
    }
  }
  return fitted;
}

std::vector<std::uint64_t> Popularity(const data::Interactions& interactions,
                                      const std::vector<bool>& fitted, PopularityUnit unit) {
  CHECK(fitted.size() == interactions.rows());
  std::vector<std::uint64_t> popularity(interactions.items.size(), 0);
  std::vector<std::pair<std::uint32_t, std::uint32_t>> units;  // item, basket (0 for users)
  for (std::size_t user = 0; user + 1 < interactions.user_begin.size(); ++user) {
    units.clear();
    for (std::size_t row = interactions.user_begin[user]; row < interactions.user_begin[user + 1];
         ++row) {
      if (!fitted[row]) {
        continue;
      }
      if (unit == PopularityUnit::kEvents) {
        ++popularity[interactions.item[row]];
      } else {
        units.emplace_back(interactions.item[row],
                           unit == PopularityUnit::kBaskets ? interactions.basket[row] : 0);
      }
    }
    std::sort(units.begin(), units.end());
    units.erase(std::unique(units.begin(), units.end()), units.end());
    for (const auto& [item, basket] : units) {
      ++popularity[item];
    }
  }
  return popularity;
}

std::vector<std::uint32_t> VocabularyOrder(const std::vector<std::string>& ids,
                                           const std::vector<std::uint64_t>& popularity,
                                           bool whole_catalogue) {
  CHECK(popularity.size() == ids.size());
  std::vector<std::uint32_t> order;
  for (std::uint32_t item = 0; item < ids.size(); ++item) {
    if (whole_catalogue || popularity[item] > 0) {
      order.push_back(item);
    }
  }
  const bool numbers = std::all_of(order.begin(), order.end(),
                                   [&](std::uint32_t item) { return IsNumber(ids[item]); });
  std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    if (popularity[a] != popularity[b]) {
      return popularity[a] > popularity[b];
    }
    return numbers ? LessAsNumbers(ids[a], ids[b]) : ids[a] < ids[b];
  });
  return order;
}

}  // namespace vitrine::evaluate
