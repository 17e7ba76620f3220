// Which filters keep an item out, by name. The same tests as CandidateFilter::Allows, one by one.
#include <algorithm>

#include "serve/candidate_filter.h"

namespace vitrine::serve {
namespace {

bool Holds(std::span<const data::ItemNumber> numbers, data::ItemNumber number) {
  return std::find(numbers.begin(), numbers.end(), number) != numbers.end();
}

bool Names(const std::vector<std::string>& ids, std::string_view id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

}  // namespace

void CandidateFilter::AddShopsWord(data::ItemNumber number, std::vector<AbsenceReason>& why) const {
  const ItemStates& items = *in_.items;
  if (items.IsBlocked(number, Blocked::kDown)) {
    why.push_back({.cause = AbsenceCause::kDown});
  }
  if (out_of_stock_ && items.IsBlocked(number, Blocked::kOutOfStock)) {
    why.push_back({.cause = AbsenceCause::kOutOfStock});
  }
  if (uncatalogued_ && items.IsBlocked(number, Blocked::kUncatalogued)) {
    why.push_back({.cause = AbsenceCause::kNotInCatalogue});
  }
  for (std::size_t r = 0; in_.rules != nullptr && r < in_.scene->rules.size(); ++r) {
    const Rule& rule = in_.scene->rules[r];
    if (rule.kind == RuleKind::kHide && rule.ActiveAt(in_.now) && Holds(in_.rules->Of(r), number)) {
      why.push_back({.cause = AbsenceCause::kHiddenByRule, .rule = rule.name, .text = {}});
    }
  }
}

void CandidateFilter::AddUsersWord(data::ItemNumber number, std::vector<AbsenceReason>& why) const {
  const SceneFilters& scene = in_.scene->filters;
  const RequestFilter& request = *in_.request;
  const UserView& user = *in_.user;
  if (request.exclude_hidden.value_or(scene.exclude_hidden) && Holds(user.hidden, number)) {
    why.push_back({.cause = AbsenceCause::kHiddenByUser});
  }
  if (request.exclude_bought.value_or(scene.exclude_bought) && Holds(user.bought, number)) {
    why.push_back({.cause = AbsenceCause::kBought});
  }
  const bool seen = std::any_of(user.events.begin(), user.events.end(),
                                [number](const auto& event) { return event.item == number; });
  if (request.exclude_seen.value_or(scene.exclude_seen) && seen) {
    why.push_back({.cause = AbsenceCause::kSeen});
  }
}

void CandidateFilter::AddRequestsWord(data::ItemNumber number, std::string_view id,
                                      std::vector<AbsenceReason>& why) const {
  const RequestFilter& request = *in_.request;
  if (Names(request.exclude, id)) {
    why.push_back({.cause = AbsenceCause::kExcluded});
  }
  if (!request.include.empty() && !Names(request.include, id)) {
    why.push_back({.cause = AbsenceCause::kNotIncluded});
  }
  const bool matches = number == kNoNumber
                           ? request.where.empty() || request.where.Matches(id, nullptr)
                           : Accepts(number);
  if (!matches) {
    why.push_back({.cause = AbsenceCause::kNoMatch});
  }
}

std::vector<AbsenceReason> CandidateFilter::WhyNot(data::ItemNumber number,
                                                   std::string_view id) const {
  std::vector<AbsenceReason> why;
  if (number != kNoNumber) {
    AddShopsWord(number, why);
    AddUsersWord(number, why);
  } else if (uncatalogued_) {
    why.push_back({.cause = AbsenceCause::kNotInCatalogue});
  }
  AddRequestsWord(number, id, why);
  if (number != kNoNumber && number == in_.asked_about) {
    why.push_back({.cause = AbsenceCause::kAskedAbout});
  }
  return why;
}

}  // namespace vitrine::serve
