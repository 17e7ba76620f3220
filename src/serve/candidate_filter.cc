#include "serve/candidate_filter.h"

#include <algorithm>

#include "search/top_k.h"

namespace vitrine::serve {
namespace {

bool Holds(const std::vector<data::ItemNumber>& sorted, data::ItemNumber number) {
  return std::binary_search(sorted.begin(), sorted.end(), number);
}

void SetBit(std::vector<std::uint64_t>& bits, ItemIndex index) {
  bits[index / 64] |= std::uint64_t{1} << (index % 64);
}

void ClearBit(std::vector<std::uint64_t>& bits, ItemIndex index) {
  bits[index / 64] &= ~(std::uint64_t{1} << (index % 64));
}

}  // namespace

CandidateFilter::CandidateFilter(const FilterInput& input)
    : in_(input), excluded_(input.numbers->excluded), included_(input.numbers->included) {
  excluded_.clear();
  included_.clear();
  const SceneFilters& scene = in_.scene->filters;
  const RequestFilter& request = *in_.request;
  const UserView& user = *in_.user;
  out_of_stock_ = request.exclude_out_of_stock.value_or(scene.exclude_out_of_stock);
  uncatalogued_ = request.exclude_unknown.value_or(scene.exclude_unknown) && in_.table->rows > 0;
  const auto add = [this](std::span<const data::ItemNumber> numbers) {
    excluded_.insert(excluded_.end(), numbers.begin(), numbers.end());
  };
  if (request.exclude_bought.value_or(scene.exclude_bought)) {
    add(user.bought);
  }
  if (request.exclude_hidden.value_or(scene.exclude_hidden)) {
    add(user.hidden);
  }
  if (request.exclude_seen.value_or(scene.exclude_seen)) {
    for (const data::StateEvent& event : user.events) {
      excluded_.push_back(event.item);
    }
  }
  for (const std::string& id : request.exclude) {
    if (const auto number = in_.log->FindItem(id)) {
      excluded_.push_back(*number);
    }
  }
  for (std::size_t r = 0; in_.rules != nullptr && r < in_.scene->rules.size(); ++r) {
    const Rule& rule = in_.scene->rules[r];
    if (rule.kind == RuleKind::kHide && rule.ActiveAt(in_.now)) {
      add(in_.rules->Of(r));
    }
  }
  if (in_.asked_about != kNoNumber) {
    excluded_.push_back(in_.asked_about);
  }
  std::sort(excluded_.begin(), excluded_.end());
  for (const std::string& id : request.include) {
    if (const auto number = in_.log->FindItem(id)) {
      included_.push_back(*number);
    }
  }
  std::sort(included_.begin(), included_.end());
}

void CandidateFilter::FillSkip(const ItemSpace& space, const StateView& states,
                               std::vector<std::uint64_t>& skip) const {
  const bool only_included = !in_.request->include.empty();
  skip.assign(search::SkipWords(space.width()), only_included ? ~std::uint64_t{0} : 0);
  for (const data::ItemNumber number : included_) {
    ClearBit(skip, space.IndexOf(number));
  }
  SetBit(skip, kPaddingItem);
  states.OrInto(Blocked::kDown, skip);
  if (out_of_stock_) {
    states.OrInto(Blocked::kOutOfStock, skip);
  }
  if (uncatalogued_) {
    states.OrInto(Blocked::kUncatalogued, skip);
  }
  for (const data::ItemNumber number : excluded_) {
    SetBit(skip, space.IndexOf(number));
  }
  SetBit(skip, kUnknownItem);
}

bool CandidateFilter::Accepts(data::ItemNumber number) const {
  const ItemPredicate& where = in_.request->where;
  if (where.empty()) {
    return true;
  }
  const ItemFields* fields = in_.table->Find(number);
  if (fields != nullptr) {
    return where.Matches(fields->id, fields);
  }
  return !where.items.empty() && where.Matches(in_.log->ItemId(number), nullptr);
}

bool CandidateFilter::ShopAllows(data::ItemNumber number) const {
  const ItemStates& items = *in_.items;
  return !items.IsBlocked(number, Blocked::kDown) &&
         !(out_of_stock_ && items.IsBlocked(number, Blocked::kOutOfStock)) &&
         !(uncatalogued_ && items.IsBlocked(number, Blocked::kUncatalogued));
}

bool CandidateFilter::Allows(data::ItemNumber number, std::string_view id) const {
  if (number == kNoNumber) {
    // Nothing is known of it: it passes only where the request alone decides.
    const RequestFilter& request = *in_.request;
    const auto named = [id](const std::vector<std::string>& ids) {
      return std::find(ids.begin(), ids.end(), id) != ids.end();
    };
    return !uncatalogued_ && !named(request.exclude) &&
           (request.include.empty() || named(request.include)) &&
           (request.where.empty() || request.where.Matches(id, nullptr));
  }
  return ShopAllows(number) && !Holds(excluded_, number) &&
         (in_.request->include.empty() || Holds(included_, number)) && Accepts(number);
}

}  // namespace vitrine::serve
