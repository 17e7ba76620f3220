/// What is counted of answers and of what shoppers did with them.
/// Threads: values.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace vitrine::monitor {

/// Places of an answer that are watched; those behind are not.
inline constexpr std::size_t kMostPlaces = 64;

/// What a label is about. Clicks and views of an item say the same; so each place counts once.
enum class Label : std::uint8_t { kClick, kPurchase };
inline constexpr std::size_t kLabels = 2;
std::string_view LabelName(Label label);

/// Shoppers are cut into so many groups, for intervals that know that one shopper's answers are alike.
inline constexpr std::size_t kShopperGroups = 32;

/// The answers of one group of shoppers.
struct ShopperGroup {
  std::uint32_t answers = 0;
  std::uint32_t clicked = 0;  ///< answers with a clicked place
  std::uint32_t bought = 0;
};

/// Sums over the answers of one row; means are taken when reported.
struct QualityCounts {
  struct OfLabel {
    std::uint64_t answers = 0;      ///< with a labelled item, shown or missed
    std::uint64_t hit_answers = 0;  ///< with a labelled place
    std::uint64_t places = 0;
    std::uint64_t missed = 0;
    std::vector<double> recall;  ///< by index of ks
    std::vector<double> ndcg;
    double reciprocal = 0;  ///< 1 / place of the first labelled item, 0 where none was shown
  };
  std::uint64_t answers = 0;
  std::uint64_t mature = 0;
  std::uint64_t shown = 0;
  std::uint64_t clicks = 0;
  std::array<OfLabel, kLabels> labels;
  std::array<ShopperGroup, kShopperGroups> groups{};
};

/// Key of a row of one hour: hours since 1970 of its answers, model and scene joined by '\n'.
using HourRow = std::pair<std::int64_t, std::string>;

/// As they are kept. `same_ks`: false where the cut-offs have changed since; the labels' sums then start anew.
nlohmann::json QualityCountsToJson(const QualityCounts& counts);
/// `Json`: nlohmann::json, JsonView. Throws nlohmann::json::exception where it is none.
template <typename Json>
QualityCounts QualityCountsFromJson(const Json& json, std::size_t ks, bool same_ks);

}  // namespace vitrine::monitor
