// What events say of answers.
#include <algorithm>
#include <utility>

#include "monitor/attribution.h"
#include "monitor/stable_hash.h"

namespace vitrine::monitor {

void Attribution::Record(const Event& event) {
  Advance(event.ts);
  if (event.type == EventType::kIdentify) {
    Identify(event);
    return;
  }
  for (const EventItem& item : event.items) {
    const std::uint64_t hash = StableHash(item.item_id);
    switch (event.type) {
      case EventType::kClick:
      case EventType::kView:
        behaviour_.items().OnAction(hash);
        RecordItem(event, Label::kClick, item, hash);
        break;
      case EventType::kCart:
        behaviour_.items().OnAction(hash);
        break;
      case EventType::kPurchase:
        behaviour_.items().OnAction(hash);
        RecordItem(event, Label::kPurchase, item, hash);
        break;
      case EventType::kReturn:
        RecordReturn(event, item);
        break;
      case EventType::kDwell:
        RecordDwell(event, hash);
        break;
      default:
        break;
    }
  }
}

void Attribution::OnItem(const Item& item) {
  if (item.categories.empty()) {
    return;
  }
  // "Audio > Soundbar": lists are mixed by what stands first.
  std::string_view category = item.categories.front();
  category = category.substr(0, category.find('>'));
  while (!category.empty() && category.back() == ' ') {
    category.remove_suffix(1);
  }
  behaviour_.items().OnItem(StableHash(item.id), category);
}

void Attribution::RecordItem(const Event& event, Label label, const EventItem& item,
                             std::uint64_t hash) {
  JoinCounts& join = joins_[static_cast<std::size_t>(event.type)];
  ++join.events;
  const auto place_of = [hash](const Answer& answer) {
    return static_cast<std::size_t>(std::find(answer.items.begin(), answer.items.end(), hash) -
                                    answer.items.begin());
  };
  const auto joined = [&](Answer& answer, std::size_t place) {
    if (event.type == EventType::kClick) {
      ++answer.row->second.clicks;
      if (QualityCounts* hour = HourOf(answer)) {
        ++hour->clicks;
      }
    }
    if (label == Label::kPurchase) {
      outcomes_.OnValue(answer.outcomes_row, answer.visitor, answer.group,
                        item.price * item.quantity,
                        event.order_id.empty() ? 0 : StableHash(event.order_id));
    }
    SetPlace(answer, label, place, true);
  };
  if (!event.request_id.empty()) {
    Answer* answer = FindRequest(event.request_id);
    if (answer != nullptr && event.ts.value <= answer->ts.value + WindowOf(label).value) {
      const std::size_t place = place_of(*answer);
      if (place < answer->items.size()) {
        ++join.by_request;
        joined(*answer, place);
      } else {
        ++join.unshown;
        AddMissed(*answer, label, hash);
      }
      return;
    }
    ++join.orphans;
    return;
  }
  const auto answers = AnswersOf(StableHash(event.subject()), event.ts, WindowOf(label));
  for (Answer* answer : answers) {
    const std::size_t place = place_of(*answer);
    if (place < answer->items.size()) {
      ++join.by_subject;
      joined(*answer, place);
      return;
    }
  }
  ++join.unjoined;
  if (!answers.empty()) {
    AddMissed(*answers.front(), label, hash);
  }
}

void Attribution::RecordDwell(const Event& event, std::uint64_t hash) {
  std::vector<Answer*> answers;
  if (event.request_id.empty()) {
    answers = AnswersOf(StableHash(event.subject()), event.ts, options_.click_window);
  } else if (Answer* answer = FindRequest(event.request_id)) {
    answers.push_back(answer);
  }
  for (const Answer* answer : answers) {
    if (std::find(answer->items.begin(), answer->items.end(), hash) != answer->items.end()) {
      outcomes_.OnDwell(answer->outcomes_row, answer->group, event.seconds);
      return;
    }
  }
}

void Attribution::RecordReturn(const Event& event, const EventItem& item) {
  const std::uint64_t hash = StableHash(item.item_id);
  constexpr auto kBought = static_cast<std::size_t>(Label::kPurchase);
  for (Answer* answer :
       AnswersOf(StableHash(event.subject()), event.ts, options_.purchase_window)) {
    for (std::size_t place = 0; place < answer->items.size(); ++place) {
      if (answer->items[place] == hash && (answer->labels[kBought].places >> place & 1U) != 0) {
        SetPlace(*answer, Label::kPurchase, place, false);
        outcomes_.OnValue(answer->outcomes_row, answer->visitor, answer->group,
                          -item.price * item.quantity, 0);
        return;
      }
    }
  }
}

void Attribution::Identify(const Event& event) {
  if (event.user_id.empty() || event.anonymous_id.empty()) {
    return;
  }
  const auto anonymous = by_subject_.find(StableHash(event.anonymous_id));
  if (anonymous == by_subject_.end()) {
    return;
  }
  std::vector<std::uint64_t> moved = std::move(anonymous->second);
  by_subject_.erase(anonymous);
  const std::uint64_t user = StableHash(event.user_id);
  for (const std::uint64_t sequence : moved) {
    if (sequence >= first_) {
      waiting_[sequence - first_].subject = user;
    }
  }
  auto& answers = by_subject_[user];
  answers.insert(answers.end(), moved.begin(), moved.end());
  std::sort(answers.begin(), answers.end());
  for (; answers.size() > kAnswersPerSubject; answers.erase(answers.begin())) {
    LeaveSubject(answers.front());
  }
}

}  // namespace vitrine::monitor
