#include "apps/vitrine/rollout_counts.h"

#include <utility>
#include <variant>
#include <vector>

#include "monitor/stable_hash.h"
#include "serve/recommend.h"

namespace vitrine::apps {

RolloutCounts::RolloutCounts(const RolloutCountsOptions& options) : options_(options) {
  if (options.share > 0 && options.share < 1) {
    ratio_.emplace(options.share);
  }
}

void RolloutCounts::OnRecord(const data::LogRecord& record) {
  if (const auto* impression = std::get_if<Impression>(&record.body)) {
    if (impression->rollout == options_.rollout && impression->ts >= options_.since) {
      const std::scoped_lock lock(mutex_);
      impression->interleaved() ? OnInterleaved(*impression) : OnImpression(*impression);
    }
  } else if (const auto* event = std::get_if<Event>(&record.body)) {
    if (event->type == EventType::kClick || event->type == EventType::kPurchase) {
      const std::scoped_lock lock(mutex_);
      OnEvent(*event);
    }
  }
}

void RolloutCounts::OnImpression(const Impression& impression) {
  const std::uint64_t subject = monitor::StableHash(impression.subject);
  const bool treatment = impression.arm == serve::ArmName(serve::Arm::kTreatment);
  const auto found = users_.find(subject);
  if (found == users_.end()) {
    if (users_.size() >= options_.most_users) {
      return;
    }
    User user;
    user.treatment = treatment;
    user.clicks.weight = 1;
    user.last = impression.ts;
    users_.emplace(subject, user);
    Of(clicks_, user).Add(user.clicks);
    Of(revenue_, user).Add(user.revenue);
    (treatment ? buyers_.treatment : buyers_.control).Add(false);
    if (ratio_) {
      ratio_->Add(treatment ? rollout::Arm::kTreatment : rollout::Arm::kControl);
    }
  } else {
    User& user = found->second;
    if (user.treatment != treatment) {
      return;  // an answer of the stage before, on its way through the log
    }
    const rollout::Unit before = user.clicks;
    user.clicks.weight += 1;
    user.last = std::max(user.last, impression.ts);
    Of(clicks_, user).Replace(before, user.clicks);
  }
  KeepAnswer(impression, {.user = subject, .ts = impression.ts});
}

void RolloutCounts::OnInterleaved(const Impression& impression) {
  const std::uint64_t subject = monitor::StableHash(impression.subject);
  if (!interleaved_.contains(subject) && interleaved_.size() >= options_.most_users) {
    return;
  }
  interleaved_.try_emplace(subject);
  Answer answer{.user = subject, .ts = impression.ts};
  for (const ShownItem& item : impression.items) {
    if (item.team == Team::kControl) {
      answer.by_control.push_back(monitor::StableHash(item.item_id));
    } else if (item.team == Team::kCandidate) {
      answer.by_candidate.push_back(monitor::StableHash(item.item_id));
    }
  }
  KeepAnswer(impression, std::move(answer));
}

void RolloutCounts::KeepAnswer(const Impression& impression, Answer answer) {
  const std::uint64_t request = monitor::StableHash(impression.request_id);
  if (answers_.emplace(request, std::move(answer)).second) {
    order_.push_back(request);
  }
  while (order_.size() > options_.most_answers) {
    answers_.erase(order_.front());
    order_.pop_front();
  }
}

// An item counts once an answer, however often it is clicked.
void RolloutCounts::Credit(const Event& event, Answer& answer) {
  const auto user = interleaved_.find(answer.user);
  if (user == interleaved_.end()) {
    return;
  }
  const rollout::Credit before = user->second;
  for (const EventItem& item : event.items) {
    const std::uint64_t id = monitor::StableHash(item.item_id);
    user->second.Add(rollout::Arm::kControl,
                     static_cast<double>(std::erase(answer.by_control, id)));
    user->second.Add(rollout::Arm::kTreatment,
                     static_cast<double>(std::erase(answer.by_candidate, id)));
  }
  preference_.Update(before, user->second);
}

RolloutCounts::User* RolloutCounts::UserOf(std::uint64_t user) {
  const auto found = users_.find(user);
  return found == users_.end() ? nullptr : &found->second;
}

void RolloutCounts::OnEvent(const Event& event) {
  Answer* answer = nullptr;
  if (!event.request_id.empty()) {
    const auto found = answers_.find(monitor::StableHash(event.request_id));
    answer = found == answers_.end() ? nullptr : &found->second;
  }
  if (event.type == EventType::kPurchase) {
    // A shop seldom says which answer led to an order: whoever was answered counts with what they buy.
    User* user = UserOf(answer != nullptr ? answer->user : monitor::StableHash(event.subject()));
    if (user != nullptr) {
      OnPurchase(event, *user);
    }
    return;
  }
  const bool late =
      answer != nullptr && event.ts.value > answer->ts.value + options_.click_window.value;
  if (answer == nullptr || late) {
    return;
  }
  if (!answer->by_control.empty() || !answer->by_candidate.empty()) {
    Credit(event, *answer);
    return;
  }
  if (answer->clicked) {
    return;
  }
  if (User* user = UserOf(answer->user); user != nullptr) {
    answer->clicked = true;
    const rollout::Unit before = user->clicks;
    user->clicks.value += 1;
    Of(clicks_, *user).Replace(before, user->clicks);
  }
}

void RolloutCounts::OnPurchase(const Event& event, User& user) {
  if (event.ts < options_.since ||
      event.ts.value > user.last.value + options_.purchase_window.value) {
    return;
  }
  if (!user.bought) {
    user.bought = true;
    ++(user.treatment ? buyers_.treatment : buyers_.control).hits;
  }
  const rollout::Unit before = user.revenue;
  for (const EventItem& item : event.items) {
    user.revenue.value += item.price * item.quantity;
  }
  Of(revenue_, user).Replace(before, user.revenue);
}

void RolloutCounts::FillIn(rollout::Stretch& stretch) const {
  const std::scoped_lock lock(mutex_);
  stretch.clicks = clicks_;
  stretch.revenue = revenue_;
  stretch.buyers = buyers_;
  stretch.control_users = buyers_.control.n;
  stretch.treatment_users = buyers_.treatment.n + interleaved_.size();
  stretch.preference = preference_;
}

double RolloutCounts::SampleRatioP() const {
  const std::scoped_lock lock(mutex_);
  return ratio_ ? ratio_->PValue() : 1;
}

}  // namespace vitrine::apps
