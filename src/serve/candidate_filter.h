/// Which items one request may show: the shop's word, the scene's, the request's, and the user's.
/// Threads: immutable after construction; its numbers are in memory that the caller lends.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "data/event_log.h"
#include "serve/item_space.h"
#include "serve/item_states.h"
#include "serve/recommend.h"
#include "serve/rule_matches.h"
#include "serve/scene.h"
#include "serve/user_view.h"

namespace vitrine::serve {

/// Memory that filters use one after another.
struct FilterNumbers {
  std::vector<data::ItemNumber> excluded;
  std::vector<data::ItemNumber> included;
};

/// What is filtered by; everything outlives the filter.
struct FilterInput {
  const data::EventLog* log = nullptr;
  const ItemStates* items = nullptr;
  const ItemTable* table = nullptr;
  const Scene* scene = nullptr;
  const RequestFilter* request = nullptr;
  const UserView* user = nullptr;
  const RuleMatches* rules = nullptr;        ///< null where the scene has none
  data::ItemNumber asked_about = kNoNumber;  ///< the item whose like is asked for
  Micros now;
  FilterNumbers* numbers = nullptr;  ///< of this filter alone while it lives
};

class CandidateFilter {
 public:
  explicit CandidateFilter(const FilterInput& input);

  /// Skip bits over a space: all that is decided without looking at item fields. Padding and
  /// unknown are skipped. Ends with words for space.width() items.
  void FillSkip(const ItemSpace& space, const StateView& states,
                std::vector<std::uint64_t>& skip) const;

  /// The rest: the request's `where`. Asked only of items that would enter the answer.
  [[nodiscard]] bool Accepts(data::ItemNumber number) const;
  [[nodiscard]] bool accepts_all() const { return in_.request->where.empty(); }

  /// Both for one item, also one that no space holds.
  [[nodiscard]] bool Allows(data::ItemNumber number, std::string_view id) const;
  /// Everything that keeps it out, the shop's word first; empty where Allows says yes. Slow: it is for explanations.
  [[nodiscard]] std::vector<AbsenceReason> WhyNot(data::ItemNumber number,
                                                  std::string_view id) const;

 private:
  void AddShopsWord(data::ItemNumber number, std::vector<AbsenceReason>& why) const;
  void AddUsersWord(data::ItemNumber number, std::vector<AbsenceReason>& why) const;
  void AddRequestsWord(data::ItemNumber number, std::string_view id,
                       std::vector<AbsenceReason>& why) const;
  [[nodiscard]] bool ShopAllows(data::ItemNumber number) const;

  FilterInput in_;
  bool out_of_stock_ = false;
  bool uncatalogued_ = false;
  std::vector<data::ItemNumber>& excluded_;  // sorted: bought, hidden, seen, named, hidden by rules
  std::vector<data::ItemNumber>& included_;  // sorted; counts where the request names any
};

}  // namespace vitrine::serve
