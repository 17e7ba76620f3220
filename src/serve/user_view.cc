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

void Clear(UserView& view) {
  view.known = false;
  view.given = false;
  view.events = {};
  view.ids.clear();
  view.bought = {};
  view.hidden = {};
  view.user.id.clear();
  view.user.attributes.clear();
  view.state.reset();
}

Status ReadUser(const data::EventLog& log, std::string_view subject, Micros as_of, UserView& view) {
  Clear(view);
  auto state = log.ViewUserState(subject);
  if (!state.ok()) {
    return state.status().WithContext("reading the user's state");
  }
  view.state = std::move(state).value();
  if (view.state == nullptr) {
    return Status::Ok();
  }
  const std::vector<data::StateEvent>& events = view.state->events;
  const auto end = std::upper_bound(events.begin(), events.end(), as_of,
                                    [](Micros t, const data::StateEvent& e) { return t < e.ts; });
  view.events = {events.begin(), end};
  view.bought = view.state->bought;
  view.hidden = view.state->hidden;
  view.user.id = subject;
  view.user.attributes = view.state->attributes;
  view.known = !view.events.empty() || !view.bought.empty() || !view.hidden.empty() ||
               !view.user.attributes.empty();
  return Status::Ok();
}

void ReadGivenUser(const data::EventLog& log, std::span<const SeenEvent> history, Micros as_of,
                   UserView& view) {
  Clear(view);
  view.known = true;
  view.given = true;
  view.own_events.clear();
  view.own_bought.clear();
  view.own_hidden.clear();
  thread_local std::vector<const SeenEvent*> kept;
  kept.clear();
  for (const SeenEvent& event : history) {
    if (event.ts <= as_of) {
      kept.push_back(&event);
    }
  }
  const auto earlier = [](const SeenEvent* a, const SeenEvent* b) { return a->ts < b->ts; };
  if (!std::is_sorted(kept.begin(), kept.end(), earlier)) {  // a stable sort asks for memory
    std::stable_sort(kept.begin(), kept.end(), earlier);
  }
  for (const SeenEvent* event : kept) {
    const data::ItemNumber number = log.FindItem(event->item_id).value_or(kNoNumber);
    view.own_events.push_back(
        {.item = number, .ts = event->ts, .type = event->type, .basket = event->basket});
    view.ids.push_back(event->item_id);
    if (event->type == EventType::kPurchase) {
      view.own_bought.push_back(number);
    } else if (event->type == EventType::kHide) {
      view.own_hidden.push_back(number);
    }
  }
  SortDistinct(view.own_bought);
  SortDistinct(view.own_hidden);
  view.events = view.own_events;
  view.bought = view.own_bought;
  view.hidden = view.own_hidden;
}

Status AddStoredUser(const data::EventLog& log, std::string_view subject, Micros as_of,
                     UserView& view) {
  UserView stored;
  RETURN_IF_ERROR(ReadUser(log, subject, as_of, stored));
  if (stored.state == nullptr) {
    return Status::Ok();
  }
  // What the state still tells to have been bought later alone was not bought then.
  std::vector<data::ItemNumber> later;
  std::vector<data::ItemNumber> before;
  for (const data::StateEvent& event : stored.state->events) {
    if (event.type == EventType::kPurchase) {
      (event.ts > as_of ? later : before).push_back(event.item);
    }
  }
  const auto holds = [](const std::vector<data::ItemNumber>& numbers, data::ItemNumber number) {
    return std::find(numbers.begin(), numbers.end(), number) != numbers.end();
  };
  for (const data::ItemNumber number : stored.bought) {
    if (!holds(later, number) || holds(before, number)) {
      view.own_bought.push_back(number);
    }
  }
  view.own_hidden.insert(view.own_hidden.end(), stored.hidden.begin(), stored.hidden.end());
  SortDistinct(view.own_bought);
  SortDistinct(view.own_hidden);
  view.bought = view.own_bought;
  view.hidden = view.own_hidden;
  view.user = std::move(stored.user);
  return Status::Ok();
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
