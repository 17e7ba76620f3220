#include "adapters/memory/state_replay.h"

#include <algorithm>
#include <limits>
#include <tuple>

namespace vitrine::adapters {
namespace {

using data::ItemNumber;
using data::StateEvent;
constexpr std::size_t kNowhere = std::numeric_limits<std::size_t>::max();

bool Shows(EventType type) {
  return NeedsItem(type) && type != EventType::kImpression && type != EventType::kReturn;
}

double Pieces(const EventItem& item) { return item.quantity > 0 ? item.quantity : 1; }

}  // namespace

StateReplay::StateReplay(const std::vector<ReplayStep>& steps) {
  for (const ReplayStep& step : steps) {
    std::visit([this](const auto& s) { Play(s); }, step);
  }
}

std::string StateReplay::OwnerOf(const Event& event) const {
  if (!event.user_id.empty()) {
    return event.user_id;
  }
  const auto alias = aliases_.find(event.anonymous_id);
  return alias == aliases_.end() ? event.anonymous_id : alias->second;
}

void StateReplay::Play(const ReplayEvent& step) {
  const Event& event = step.event;
  if (event.type == EventType::kIdentify && event.user_id != event.anonymous_id) {
    Person visitor = std::move(people_[event.anonymous_id]);
    people_.erase(event.anonymous_id);
    Person& user = people_[event.user_id];
    user.events.insert(user.events.end(), visitor.events.begin(), visitor.events.end());
    std::sort(user.events.begin(), user.events.end(),
              [](const auto* a, const auto* b) { return a->sequence < b->sequence; });
    user.absorbed.merge(visitor.absorbed);
    for (const StateEvent& loaded : visitor.loaded.events) {
      user.loaded.events.push_back(loaded);
    }
    for (const ItemNumber item : visitor.loaded.purchases_without_event) {
      user.loaded.purchases_without_event.push_back(item);
    }
    for (const ItemNumber item : visitor.loaded.hidden) {
      user.loaded.hidden.push_back(item);
    }
    user.ids.merge(visitor.ids);
    user.ids.insert(event.anonymous_id);
    aliases_[event.anonymous_id] = event.user_id;
  }
  people_[OwnerOf(event)].events.push_back(&step);
  if (!event.replaces.empty() && replaced_.insert(event.replaces).second && loaded_) {
    for (auto& [subject, person] : people_) {
      for (const ReplayEvent* earlier : person.events) {
        if (earlier->event.event_id == event.replaces &&
            person.absorbed.contains(earlier->sequence)) {
          TakeBackFromLoaded(*earlier, person);
        }
      }
    }
  }
}

void StateReplay::Play(const ReplayLoad& step) {
  loaded_ = true;
  Person& person = people_[step.subject];
  person.loaded = {};
  person.loaded.events = step.state.events;
  std::set<ItemNumber> bought;
  for (const StateEvent& event : step.state.events) {
    if (event.type == EventType::kPurchase) {
      bought.insert(event.item);
    }
  }
  for (const ItemNumber item : step.state.bought) {
    if (!bought.contains(item)) {
      person.loaded.purchases_without_event.push_back(item);
    }
  }
  person.loaded.hidden = step.state.hidden;
  if (!step.state.events.empty()) {
    person.loaded.first_basket =
        std::min_element(step.state.events.begin(), step.state.events.end(),
                         [](const StateEvent& a, const StateEvent& b) { return a.ts < b.ts; })
            ->basket;
  }
  person.absorbed.clear();
  for (const ReplayEvent* event : person.events) {
    if (event->sequence <= step.watermark) {
      person.absorbed.insert(event->sequence);
    }
  }
  for (const ReplayEvent* event : person.events) {
    if (event->sequence <= step.watermark || event->event.replaces.empty()) {
      continue;
    }
    for (const ReplayEvent* earlier : person.events) {
      if (earlier->event.event_id == event->event.replaces &&
          person.absorbed.contains(earlier->sequence)) {
        TakeBackFromLoaded(*earlier, person);
      }
    }
  }
}

void StateReplay::TakeBackFromLoaded(const ReplayEvent& earlier, Person& person) {
  for (const ItemNumber item : earlier.numbers) {
    auto& events = person.loaded.events;
    const auto found = std::find_if(events.begin(), events.end(), [&](const StateEvent& e) {
      return e.item == item && e.type == earlier.event.type && e.ts == earlier.event.ts;
    });
    if (found != events.end()) {
      events.erase(found);
    }
    if (earlier.event.type == EventType::kHide) {
      auto& hidden = person.loaded.hidden;
      const auto place = std::find(hidden.begin(), hidden.end(), item);
      if (place != hidden.end()) {
        hidden.erase(place);
      }
    }
  }
}

std::string StateReplay::Resolve(const std::string& subject) const {
  const auto alias = aliases_.find(subject);
  return Knows(subject) || alias == aliases_.end() ? subject : alias->second;
}

std::set<std::uint64_t> StateReplay::EventsOf(const std::string& subject) const {
  std::set<std::uint64_t> sequences;
  if (const auto found = people_.find(subject); found != people_.end()) {
    for (const ReplayEvent* event : found->second.events) {
      sequences.insert(event->sequence);
    }
  }
  return sequences;
}

std::set<std::string> StateReplay::IdsOf(const std::string& subject) const {
  const auto found = people_.find(subject);
  return found == people_.end() ? std::set<std::string>() : found->second.ids;
}

void StateReplay::Collect(const Person& person, std::vector<Candidate>& candidates,
                          std::vector<Purchase>& purchases) const {
  for (const StateEvent& event : person.loaded.events) {
    if (event.type == EventType::kPurchase) {
      purchases.push_back({event.item, "", false, 1, candidates.size()});
    }
    candidates.push_back({event, 0, "loaded " + std::to_string(event.basket)});
  }
  for (const ItemNumber item : person.loaded.purchases_without_event) {
    purchases.push_back({item, "", false, 1, kNowhere});
  }
  for (const ReplayEvent* step : person.events) {
    const Event& event = step->event;
    if (person.absorbed.contains(step->sequence) || replaced_.contains(event.event_id)) {
      continue;
    }
    const std::string basket = event.order_id.empty() ? "moment " + std::to_string(event.ts.value)
                                                      : "order " + event.order_id;
    for (std::size_t i = 0; i < step->numbers.size(); ++i) {
      if (event.type == EventType::kPurchase) {
        purchases.push_back({step->numbers[i], event.order_id, !event.order_id.empty(),
                             Pieces(event.items[i]), candidates.size()});
      }
      if (Shows(event.type)) {
        candidates.push_back({{step->numbers[i], event.ts, event.type, 0}, step->sequence, basket});
      }
    }
  }
}

void StateReplay::Return(const Person& person, std::vector<Purchase>& purchases) const {
  for (const ReplayEvent* step : person.events) {
    if (step->event.type != EventType::kReturn || person.absorbed.contains(step->sequence) ||
        replaced_.contains(step->event.event_id)) {
      continue;
    }
    const bool ordered = !step->event.order_id.empty();
    for (std::size_t i = 0; i < step->numbers.size(); ++i) {
      double left = Pieces(step->event.items[i]);
      const auto take = [&](auto&& fits) {
        for (auto p = purchases.rbegin(); p != purchases.rend(); ++p) {
          if (p->item == step->numbers[i] && fits(*p)) {
            const double part = std::min(left, p->left);
            p->left -= part;
            left -= part;
          }
        }
      };
      take([&](const Purchase& p) {
        return ordered && p.has_order && p.order == step->event.order_id;
      });
      take([&](const Purchase& p) { return !ordered || !p.has_order; });
    }
  }
}

void StateReplay::Show(const Person& person, data::UserState& view) const {
  std::vector<Candidate> candidates;
  std::vector<Purchase> purchases;
  Collect(person, candidates, purchases);
  Return(person, purchases);
  std::set<ItemNumber> bought;
  std::set<std::size_t> gone;
  std::set<std::tuple<std::uint64_t, ItemNumber, std::int64_t>> kept;
  const auto mark = [&](std::size_t place) {
    const Candidate& c = candidates[place];
    return std::tuple(c.sequence, c.event.item, c.event.ts.value);
  };
  for (const Purchase& p : purchases) {
    if (p.left > 0) {
      bought.insert(p.item);
      if (p.place != kNowhere) {
        kept.insert(mark(p.place));
      }
    } else if (p.place != kNowhere) {
      gone.insert(p.place);
    }
  }
  view.bought.assign(bought.begin(), bought.end());
  std::vector<Candidate> shown;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (!gone.contains(i) || kept.contains(mark(i))) {
      shown.push_back(candidates[i]);
    }
  }
  std::stable_sort(shown.begin(), shown.end(), [](const Candidate& a, const Candidate& b) {
    return std::tie(a.event.ts, a.sequence) < std::tie(b.event.ts, b.sequence);
  });
  if (shown.size() > data::kMaxStateEvents) {
    shown.erase(shown.begin(), shown.end() - data::kMaxStateEvents);
  }
  std::map<std::string, std::uint32_t> baskets;
  for (const Candidate& c : shown) {
    const auto number = baskets
                            .emplace(c.basket, person.loaded.first_basket +
                                                   static_cast<std::uint32_t>(baskets.size()))
                            .first->second;
    view.events.push_back({c.event.item, c.event.ts, c.event.type, number});
  }
}

data::UserState StateReplay::View(const std::string& subject) const {
  const Person& person = people_.at(subject);
  data::UserState view;
  Show(person, view);
  std::set<ItemNumber> hidden(person.loaded.hidden.begin(), person.loaded.hidden.end());
  for (const ReplayEvent* step : person.events) {
    if (step->event.type == EventType::kHide && !person.absorbed.contains(step->sequence) &&
        !replaced_.contains(step->event.event_id)) {
      hidden.insert(step->numbers.begin(), step->numbers.end());
    }
  }
  view.hidden.assign(hidden.begin(), hidden.end());
  return view;
}

}  // namespace vitrine::adapters
