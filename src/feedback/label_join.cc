#include "feedback/label_join.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include <nlohmann/json.hpp>

namespace vitrine::feedback {
namespace {

using data::LogRecord;

/// Clocks of shop and server differ: an event may seem a little older than the answer it names.
constexpr Micros kClockSlack{5 * kMicrosPerSecond};

std::uint32_t BitOf(EventType type) { return 1U << static_cast<unsigned>(type); }

enum class Window : std::uint8_t { kNone, kClick, kPurchase };

Window WindowOf(EventType type) {
  switch (type) {
    case EventType::kClick:
    case EventType::kView:
    case EventType::kLike:
    case EventType::kDwell:
    case EventType::kHide:
      return Window::kClick;
    case EventType::kCart:
    case EventType::kFavourite:
    case EventType::kPurchase:
    case EventType::kShare:
    case EventType::kRating:
      return Window::kPurchase;
    case EventType::kImpression:
    case EventType::kSearch:
    case EventType::kReturn:
    case EventType::kIdentify:
      break;
  }
  return Window::kNone;
}

class Join {
 public:
  Join(std::span<const LogRecord> records, const LabelOptions& options)
      : records_(records), options_(options) {}

  LabelResult Run() {
    ReadIdentities();
    ReadAnswers();
    // By the events' own time: a purchase that arrived after its return is still before it.
    std::stable_sort(events_.begin(), events_.end(), [](const LogRecord* a, const LogRecord* b) {
      return std::get<Event>(a->body).ts < std::get<Event>(b->body).ts;
    });
    for (const LogRecord* record : events_) {
      Record(*record, std::get<Event>(record->body));
    }
    return Finish();
  }

 private:
  struct Answer {
    const Impression* shown;
    std::uint64_t sequence;
    std::string subject;
    std::vector<Example> examples;
  };
  struct Sale {
    Example* example;
    double revenue;
    Micros ts;
  };
  /// Shopper, order ("" unknown), item.
  using SaleKey = std::tuple<std::string, std::string, std::string>;

  /// First reading: who is who, what is replaced, who is erased, how late it is.
  void ReadIdentities() {
    as_of_ = options_.as_of;
    for (const LogRecord& record : records_) {
      if (const auto* event = std::get_if<Event>(&record.body)) {
        if (event->type == EventType::kIdentify && !event->user_id.empty()) {
          users_[event->anonymous_id] = event->user_id;
        }
        if (!event->replaces.empty()) {
          replaced_.insert(event->replaces);
        }
        NewestIs(event->ts);
      } else if (const auto* impression = std::get_if<Impression>(&record.body)) {
        NewestIs(impression->ts);
      } else if (const auto* erasure = std::get_if<data::UserErasure>(&record.body)) {
        erased_[Canonical(erasure->subject)] = record.sequence;
      }
    }
  }

  void NewestIs(Micros ts) {
    if (options_.as_of.value == 0) {
      as_of_ = std::max(as_of_, ts);
    }
  }

  std::string Canonical(std::string_view subject) const {
    const auto user = users_.find(std::string(subject));
    return user == users_.end() ? std::string(subject) : user->second;
  }

  bool Erased(const std::string& subject, std::uint64_t sequence) const {
    const auto erasure = erased_.find(subject);
    return erasure != erased_.end() && sequence < erasure->second;
  }

  void ReadAnswers() {
    std::unordered_set<std::string_view> known;
    for (const LogRecord& record : records_) {
      if (const auto* impression = std::get_if<Impression>(&record.body)) {
        AddAnswer(record.sequence, *impression);
      } else if (const auto* event = std::get_if<Event>(&record.body)) {
        const bool counts = event->event_id.empty() || (!replaced_.contains(event->event_id) &&
                                                        known.insert(event->event_id).second);
        if (counts) {
          events_.push_back(&record);
        } else {
          ++result_.counts.replaced;
        }
      }
    }
    for (Answer& answer : answers_) {  // addresses are final only now
      by_request_[answer.shown->request_id] = &answer;
      if (!answer.subject.empty()) {
        by_subject_[answer.subject].push_back(&answer);
      }
    }
    for (auto& [subject, own] : by_subject_) {
      std::stable_sort(own.begin(), own.end(), [](const Answer* a, const Answer* b) {
        return a->shown->ts < b->shown->ts;
      });
    }
  }

  void AddAnswer(std::uint64_t sequence, const Impression& impression) {
    const std::string subject = Canonical(impression.subject);
    if (Erased(subject, sequence)) {
      return;
    }
    ++result_.counts.answers;
    Answer& answer = answers_.emplace_back(Answer{&impression, sequence, subject, {}});
    for (std::size_t i = 0; i < impression.items.size(); ++i) {
      if (impression.items[i].item_id.empty()) {
        continue;
      }
      Example& example = answer.examples.emplace_back();
      example.request_id = impression.request_id;
      example.subject = subject;
      example.scene = impression.scene;
      example.model = impression.model;
      example.item_id = impression.items[i].item_id;
      example.position = static_cast<std::int32_t>(i);
      example.score = impression.items[i].score;
      example.source = impression.items[i].source;
      example.ts = impression.ts;
    }
  }

  void Record(const LogRecord& record, const Event& event) {
    const std::string subject = Canonical(event.subject());
    if (Erased(subject, record.sequence)) {
      return;
    }
    for (const EventItem& item : event.items) {
      if (event.type == EventType::kReturn) {
        Reverse(subject, event.order_id, item.item_id);
        continue;
      }
      if (WindowOf(event.type) == Window::kNone) {
        continue;
      }
      Example* example = Find(event, subject, item.item_id);
      if (example == nullptr) {
        ++result_.counts.unjoined;
        continue;
      }
      ++result_.counts.labels;
      result_.counts.late +=
          record.received.value > event.ts.value + options_.late_after.value ? 1 : 0;
      Label(event, subject, item, *example);
    }
  }

  bool InTime(const Answer& answer, const Event& event) const {
    const Micros window =
        WindowOf(event.type) == Window::kClick ? options_.click_window : options_.purchase_window;
    const std::int64_t slack = event.request_id.empty() ? 0 : kClockSlack.value;
    return answer.shown->ts.value - slack <= event.ts.value &&
           event.ts.value <= answer.shown->ts.value + window.value;
  }

  static Example* Place(Answer& answer, const std::string& item) {
    for (Example& example : answer.examples) {
      if (example.item_id == item) {
        return &example;
      }
    }
    return nullptr;
  }

  Example* Find(const Event& event, const std::string& subject, const std::string& item) {
    if (!event.request_id.empty()) {
      const auto found = by_request_.find(event.request_id);
      return found != by_request_.end() && InTime(*found->second, event)
                 ? Place(*found->second, item)
                 : nullptr;
    }
    const auto found = by_subject_.find(subject);
    if (subject.empty() || found == by_subject_.end()) {
      return nullptr;
    }
    for (auto answer = found->second.rbegin(); answer != found->second.rend(); ++answer) {
      if (Example* example = InTime(**answer, event) ? Place(**answer, item) : nullptr) {
        return example;
      }
    }
    return nullptr;
  }

  void Label(const Event& event, const std::string& subject, const EventItem& item,
             Example& example) {
    example.events |= BitOf(event.type);
    switch (event.type) {
      case EventType::kDwell:
        example.dwell_seconds += event.seconds;
        example.clicked = true;
        break;
      case EventType::kClick:
      case EventType::kView:
      case EventType::kLike:
      case EventType::kShare:
      case EventType::kRating:
        example.clicked = true;
        break;
      case EventType::kCart:
      case EventType::kFavourite:
        example.carted = true;
        break;
      case EventType::kHide:
        example.disliked = true;
        break;
      case EventType::kPurchase: {
        const double revenue = item.price * item.quantity;
        example.purchased = true;
        example.returned = false;
        example.revenue += revenue;
        sales_[{subject, event.order_id, item.item_id}].push_back({&example, revenue, event.ts});
        ++open_sales_[&example];
        break;
      }
      default:
        break;
    }
  }

  /// The purchases that a return may mean: those of its order, or without one all of the shopper's.
  std::vector<Sale>* SalesOf(const std::string& subject, const std::string& order,
                             const std::string& item) {
    if (const auto exact = sales_.find({subject, order, item});
        exact != sales_.end() && !exact->second.empty()) {
      return &exact->second;
    }
    std::vector<Sale>* newest = nullptr;
    if (order.empty()) {
      for (auto sale = sales_.lower_bound({subject, "", ""});
           sale != sales_.end() && std::get<0>(sale->first) == subject; ++sale) {
        if (std::get<2>(sale->first) == item && !sale->second.empty() &&
            (newest == nullptr || newest->back().ts < sale->second.back().ts)) {
          newest = &sale->second;
        }
      }
    }
    return newest;
  }

  void Reverse(const std::string& subject, const std::string& order, const std::string& item) {
    std::vector<Sale>* sales = SalesOf(subject, order, item);
    if (sales == nullptr) {
      return;
    }
    const Sale sale = sales->back();
    sales->pop_back();
    ++result_.counts.reversed;
    sale.example->revenue -= sale.revenue;
    sale.example->purchased = --open_sales_[sale.example] > 0;
    sale.example->returned = !sale.example->purchased;
    if (!sale.example->purchased) {
      sale.example->events &= ~BitOf(EventType::kPurchase);
    }
  }

  LabelResult Finish() {
    const std::int64_t window =
        std::max(options_.click_window.value, options_.purchase_window.value);
    result_.resume_from = records_.empty() ? 0 : records_.back().sequence + 1;
    for (Answer& answer : answers_) {
      if (answer.shown->ts.value + window >= as_of_.value) {
        result_.resume_from = std::min(result_.resume_from, answer.sequence);
        continue;
      }
      ++result_.counts.ripe;
      std::move(answer.examples.begin(), answer.examples.end(),
                std::back_inserter(result_.examples));
    }
    std::stable_sort(result_.examples.begin(), result_.examples.end(),
                     [](const Example& a, const Example& b) { return a.ts < b.ts; });
    return std::move(result_);
  }

  std::span<const LogRecord> records_;
  const LabelOptions& options_;
  LabelResult result_;
  Micros as_of_;
  std::unordered_map<std::string, std::string> users_;  ///< anonymous id -> user id
  std::unordered_set<std::string> replaced_;
  std::unordered_map<std::string, std::uint64_t> erased_;  ///< subject -> sequence of the erasure
  std::vector<Answer> answers_;
  std::vector<const LogRecord*> events_;
  std::unordered_map<std::string, Answer*> by_request_;
  std::unordered_map<std::string, std::vector<Answer*>> by_subject_;
  std::map<SaleKey, std::vector<Sale>> sales_;  ///< not taken back, by time
  std::unordered_map<const Example*, std::uint32_t> open_sales_;
};

}  // namespace

LabelResult JoinLabels(std::span<const LogRecord> records, const LabelOptions& options) {
  return Join(records, options).Run();
}

bool IsLabelled(const Example& example, const std::set<EventType>& types) {
  return std::any_of(types.begin(), types.end(),
                     [&example](EventType type) { return (example.events & BitOf(type)) != 0; });
}

std::string ToJsonLine(const Example& e) {
  const nlohmann::json line = {
      {"request_id", e.request_id}, {"subject", e.subject},   {"scene", e.scene},
      {"model", e.model},           {"item_id", e.item_id},   {"position", e.position},
      {"score", e.score},           {"source", e.source},     {"ts", e.ts.value},
      {"clicked", e.clicked},       {"carted", e.carted},     {"purchased", e.purchased},
      {"returned", e.returned},     {"disliked", e.disliked}, {"dwell_seconds", e.dwell_seconds},
      {"revenue", e.revenue}};
  return line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace vitrine::feedback
