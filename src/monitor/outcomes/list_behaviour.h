/// What a model's lists look like, by version, scene and hour: how new what they show is, how mixed, how much of it
/// everybody sees anyway, and whether its scores still tell places apart.
///   novelty        mean self-information of shown places, -log2 of the item's share of what shoppers did (clicks, views,
///                  carts, purchases), in bits; an item that nobody did anything with counts half of one
///   diversity      mean over lists of the share of pairs from different categories, of items whose category is known
///   head share     places with one of the items that make up the top 5 % by what shoppers did
///   gini           inequality of how often each shown item was shown, over items that were shown; 0: all as often
///   tied share     places with the score of the place before: scores that have run into an end, or say nothing
///   outside share  places with a score beyond those that the version's first answers had
/// Source: Castells, Hurley & Vargas, "Novelty and Diversity in Recommender Systems", Recommender Systems Handbook 2015;
///         counts of items: Cormode & Muthukrishnan, count-min sketch, 2005
/// Memory: 2 x 8,192 counters (an item counts too much where both of its counters are shared: it makes novelty small,
/// never large); categories of 16,384 items, the first that the log names; 512 shown items an hour, sampled by hash beyond.
/// Follows from the log alone. Threads: one caller at a time.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "core/impression.h"
#include "monitor/outcomes/hash_sample.h"

namespace vitrine::monitor {

/// Sums over the answers of an hour; they add, but for the Gini coefficient, whose places weigh it.
struct BehaviourCounts {
  double places = 0;
  double novelty = 0;
  double head = 0;
  double tied = 0;
  double outside = 0;  ///< of scored places
  double scored = 0;   ///< places once the version's scores are known
  double lists = 0;    ///< with two items or more whose category is known
  double diversity = 0;
  double known = 0;  ///< places whose category is known
  double gini = 0;   ///< coefficient x places
  double gini_places = 0;
};
void AddBehaviour(BehaviourCounts& sum, const BehaviourCounts& other);
nlohmann::json BehaviourToJson(const BehaviourCounts& counts);
/// Throws nlohmann::json::exception where it is none.
template <typename Json>  // nlohmann::json, JsonView
BehaviourCounts BehaviourFromJson(const Json& json);

/// Gini coefficient of counts: 0 where all are equal, (n - 1) / n where one has all. Sorts them.
double Gini(std::vector<double>& counts);

/// One version in one scene since it began.
struct BehaviourRow {
  std::string model;
  std::string scene;
  BehaviourCounts counts;
};

/// What shoppers did with items, and which category they are of.
class ItemsSeen {
 public:
  ItemsSeen();
  void OnAction(std::uint64_t item);
  /// The first category counts; further ones of an item are left out.
  void OnItem(std::uint64_t item, std::string_view category);
  [[nodiscard]] double Information(std::uint64_t item) const;
  [[nodiscard]] bool InHead(std::uint64_t item) const { return CountOf(item) >= head_from_; }
  /// 0: not known.
  [[nodiscard]] std::uint16_t CategoryOf(std::uint64_t item) const;
  /// Finds anew where the head begins.
  void FindHead();

  [[nodiscard]] nlohmann::json Save() const;
  void Load(const nlohmann::json& saved);

 private:
  static constexpr std::size_t kCounters = 8192;
  static constexpr std::size_t kCategorySlots = 32'768;
  static constexpr std::size_t kMostCategorised = kCategorySlots / 2;
  [[nodiscard]] std::uint32_t CountOf(std::uint64_t item) const;
  [[nodiscard]] std::size_t SlotOf(std::uint32_t item) const;

  std::vector<std::uint32_t> counters_;  ///< two rows
  double actions_ = 0;
  std::uint32_t head_from_ = UINT32_MAX;
  std::vector<std::uint32_t> items_;  ///< open addressing, 0: empty
  std::vector<std::uint16_t> categories_;
  std::size_t categorised_ = 0;
};

class ListBehaviour {
 public:
  /// `lowest` and `highest` of the version's first scores; `scored` false: not known yet.
  struct ScoreRange {
    bool scored = false;
    double lowest = 0;
    double highest = 0;
  };
  /// `items`: hashes of the shown items, as many as are watched.
  void OnAnswer(const std::string& row, const Impression& impression,
                std::span<const std::uint64_t> items, const ScoreRange& range, std::int64_t hour);
  ItemsSeen& items() { return items_; }
  /// Hours before it are over, and change no more.
  void Finish(std::int64_t before);
  /// Of an hour that is not dropped; nothing where there is none.
  [[nodiscard]] std::optional<BehaviourCounts> Find(
      const std::pair<std::int64_t, std::string>& hour) const;
  void DropFinalHours(const std::vector<std::pair<std::int64_t, std::string>>& hours);
  /// Since each version began, by row.
  [[nodiscard]] const std::map<std::string, BehaviourCounts>& totals() const { return totals_; }

  [[nodiscard]] nlohmann::json Save() const;
  /// Replaces everything; throws nlohmann::json::exception where it is none.
  void Load(const nlohmann::json& saved);

 private:
  static constexpr std::size_t kMostRows = 256;
  static constexpr std::size_t kMostHours = 40'960;  ///< that nobody takes away; the oldest leave
  static constexpr std::size_t kMostOpen = 48;
  static constexpr std::size_t kShownItems = 512;
  struct Shown {
    std::uint64_t key = 0;
    std::uint64_t sampled_by = 0;
    double times = 0;
  };
  /// The newest hour of a row: what was shown in it.
  struct Open {
    std::string row;
    std::int64_t hour = 0;
    BehaviourCounts counts;
    HashSample<Shown> shown{kShownItems};
  };
  [[nodiscard]] BehaviourCounts Measure(const Impression& impression,
                                        std::span<const std::uint64_t> items,
                                        const ScoreRange& range) const;
  void Close(Open& open);
  void Keep(const std::pair<std::int64_t, std::string>& hour, const BehaviourCounts& counts);
  static BehaviourCounts WithGini(const Open& open);
  Open& OpenOf(const std::string& row, std::int64_t hour);

  ItemsSeen items_;
  std::int64_t newest_hour_ = INT64_MIN;
  std::int64_t final_before_ = INT64_MIN;
  std::map<std::string, BehaviourCounts> totals_;
  std::vector<Open> open_;
  std::map<std::pair<std::int64_t, std::string>, BehaviourCounts> hours_;
};

}  // namespace vitrine::monitor
