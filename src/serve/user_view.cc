#include "serve/user_view.h"

#include <algorithm>
#include <utility>

namespace vitrine::serve {
namespace {

void SortDistinct(std::vector<data::ItemNumber>& numbers) {
  std::sort(numbers.begin(), numbers.end());
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
}

}  // namespace

Result<UserView> ReadUser(const data::EventLog& log, std::string_view subject, Micros as_of) {
  UserView view;
  auto state = log.GetUserState(subject);
  if (!state.ok()) {
    if (state.status().code() == Code::kNotFound) {
      return view;
    }
    return state.status().WithContext("reading the user's state");
  }
  view.events = std::move(state->events);
  std::erase_if(view.events, [as_of](const data::StateEvent& e) { return e.ts > as_of; });
  view.bought = std::move(state->bought);
  view.hidden = std::move(state->hidden);
  view.user.id = subject;
  view.user.attributes = std::move(state->attributes);
  view.known = !view.events.empty() || !view.bought.empty() || !view.hidden.empty() ||
               !view.user.attributes.empty();
  return view;
}

UserView GivenUser(const data::EventLog& log, std::span<const SeenEvent> history, Micros as_of) {
  UserView view;
  view.known = true;
  view.given = true;
  std::vector<const SeenEvent*> kept;
  for (const SeenEvent& event : history) {
    if (event.ts <= as_of) {
      kept.push_back(&event);
    }
  }
  std::stable_sort(kept.begin(), kept.end(),
                   [](const SeenEvent* a, const SeenEvent* b) { return a->ts < b->ts; });
  for (const SeenEvent* event : kept) {
    const data::ItemNumber number = log.FindItem(event->item_id).value_or(kNoNumber);
    view.events.push_back(
        {.item = number, .ts = event->ts, .type = event->type, .basket = event->basket});
    view.ids.push_back(event->item_id);
    if (event->type == EventType::kPurchase) {
      view.bought.push_back(number);
    } else if (event->type == EventType::kHide) {
      view.hidden.push_back(number);
    }
  }
  SortDistinct(view.bought);
  SortDistinct(view.hidden);
  return view;
}

void MapHistory(const UserView& view, const ServedModel& model, History& history,
                std::vector<std::uint32_t>& from) {
  history.clear();
  from.clear();
  for (std::uint32_t i = 0; i < view.events.size(); ++i) {
    const data::StateEvent& seen = view.events[i];
    history.push_back({.item = model.space().IndexOf(seen.item),
                       .ts = seen.ts,
                       .type = seen.type,
                       .basket = seen.basket});
    from.push_back(i);
  }
  model.KeepWhatCounts(history, from);
}

}  // namespace vitrine::serve
