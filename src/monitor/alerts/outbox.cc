#include "monitor/alerts/outbox.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

namespace vitrine::monitor {
namespace {

constexpr std::int64_t kMinute = 60 * kMicrosPerSecond;

std::int64_t MicrosOf(std::chrono::seconds time) { return time.count() * kMicrosPerSecond; }

bool MoreUrgent(const AlertChange& a, const AlertChange& b) {
  const auto key = [](const AlertChange& change) {
    return std::tuple(change.kind == AlertChangeKind::kResolved,
                      change.alert.severity != Severity::kCritical, change.alert.priority,
                      change.alert.since);
  };
  return key(a) < key(b);
}

}  // namespace

void Outbox::Put(Lane& lane, const AlertChange& change) {
  const auto same = std::find_if(
      lane.changes.begin(), lane.changes.end(),
      [&change](const AlertChange& waiting) { return waiting.alert.id == change.alert.id; });
  if (same == lane.changes.end()) {
    lane.changes.push_back(change);
    return;
  }
  if (same->kind == AlertChangeKind::kFired) {
    if (change.kind != AlertChangeKind::kResolved) {
      same->alert = change.alert;  // worsened: it still is one that fired
      return;
    }
    if (!lane.reminded.contains(change.alert.id)) {
      lane.changes.erase(same);  // nobody was told, nobody need be
      return;
    }
  }
  // A resolved one that fires again, or one that ends which somebody may have heard of: the newest word is the true one.
  *same = change;
}

void Outbox::Add(std::string_view channel, Micros now, std::span<const AlertChange> changes) {
  if (changes.empty()) {
    return;
  }
  Lane& lane = lanes_.try_emplace(std::string(channel)).first->second;
  for (const AlertChange& change : changes) {
    Put(lane, change);
  }
  if (lane.changes.empty()) {
    lane.ready.reset();
    lane.failed.reset();
  } else if (!lane.ready) {
    lane.ready = Micros{now.value + MicrosOf(options_.gather)};
    if (!lane.sent.empty()) {
      lane.ready->value =
          std::max(lane.ready->value, lane.sent.back().value + MicrosOf(options_.between));
    }
  }
}

bool Outbox::MaySend(Lane& lane, Micros now) const {
  while (!lane.sent.empty() && lane.sent.front().value <= now.value - kMinute) {
    lane.sent.pop_front();
  }
  return !lane.under_way && lane.sent.size() < options_.per_minute;
}

std::vector<Alert> Outbox::RemindersFor(std::string_view channel, const Lane& lane, Micros now,
                                        std::span<const Alert> open) const {
  const bool renews = options_.renewed.contains(channel);
  std::vector<Alert> reminders;
  for (const Alert& alert : open) {
    const bool heard = alert.state == AlertState::kFiring && alert.quiet_by.empty();
    const auto told = lane.reminded.find(alert.id);
    if (told == lane.reminded.end() || !(renews ? alert.open() : heard)) {
      continue;
    }
    std::chrono::seconds wait = options_.remind;
    if (lane.unheard.contains(alert.id)) {
      wait = options_.longest_retry;
    } else if (renews) {
      wait = wait.count() > 0 && heard ? std::min<std::chrono::seconds>(wait, options_.renew)
                                       : options_.renew;
    } else if (wait.count() == 0) {
      continue;
    }
    if (now.value - told->second.value >= MicrosOf(wait)) {
      reminders.push_back(alert);
    }
  }
  return reminders;
}

// What failed goes under its own name again where it says the same: a receiver that took it, and whose answer was lost,
// knows it by that. With anything else in it, it is another message.
std::optional<Notification> Outbox::Compose(Lane& lane, std::vector<Alert> reminders,
                                            std::span<const Alert> open) {
  const std::optional<Notification> failed = std::exchange(lane.failed, std::nullopt);
  Notification message;
  message.changes = std::exchange(lane.changes, {});
  lane.ready.reset();
  std::stable_sort(message.changes.begin(), message.changes.end(), MoreUrgent);
  if (failed.has_value()) {
    for (const Alert& before : failed->reminders) {
      const bool still = std::any_of(open.begin(), open.end(), [&before](const Alert& alert) {
        return alert.id == before.id && alert.state == before.state;
      });
      std::erase_if(reminders, [&before](const Alert& alert) { return alert.id == before.id; });
      if (still) {
        message.reminders.push_back(before);
      }
    }
  }
  message.reminders.insert(message.reminders.end(), reminders.begin(), reminders.end());
  std::set<std::string_view> changed;
  for (const AlertChange& change : message.changes) {
    changed.insert(change.alert.id);
  }
  std::erase_if(message.reminders,
                [&changed](const Alert& alert) { return changed.contains(alert.id); });
  if (message.changes.empty() && message.reminders.empty()) {
    return std::nullopt;  // what was to be said again is over
  }
  const bool same = failed.has_value() && failed->changes == message.changes &&
                    failed->reminders == message.reminders;
  message.id = same ? failed->id : fmt::format("n{}", next_id_++);
  message.attempt = failed.has_value() ? failed->attempt : 1;
  return message;
}

std::vector<Notification> Outbox::Due(Micros now, std::span<const Alert> open) {
  std::vector<Notification> due;
  for (auto& [channel, lane] : lanes_) {
    std::vector<Alert> reminders = RemindersFor(channel, lane, now, open);
    const bool ready = lane.ready && *lane.ready <= now;
    // A reminder does not shorten the pause after a failure.
    if ((!ready && (reminders.empty() || lane.failed)) || !MaySend(lane, now)) {
      continue;
    }
    std::optional<Notification> message = Compose(lane, std::move(reminders), open);
    if (!message.has_value()) {
      continue;
    }
    message->channel = channel;
    for (const AlertChange& change : message->changes) {
      if (change.kind != AlertChangeKind::kResolved) {
        lane.reminded[change.alert.id] = now;  // from here on somebody may have heard of it
      }
    }
    lane.sent.push_back(now);
    due.push_back(*message);
    lane.under_way = std::move(message);
  }
  return due;
}

void Outbox::Delivered(Lane& lane, const Notification& message, Micros now) {
  for (const AlertChange& change : message.changes) {
    if (change.kind == AlertChangeKind::kResolved) {
      lane.reminded.erase(change.alert.id);
    } else {
      lane.reminded[change.alert.id] = now;
    }
    lane.unheard.erase(change.alert.id);
  }
  for (const Alert& alert : message.reminders) {
    lane.reminded[alert.id] = now;
    lane.unheard.erase(alert.id);
  }
}

// What nobody heard of is said as a reminder, as long as it fires.
void Outbox::GivenUp(Lane& lane, const Notification& message, Micros now) {
  for (const AlertChange& change : message.changes) {
    if (change.kind == AlertChangeKind::kResolved) {
      lane.reminded.erase(change.alert.id);
      lane.unheard.erase(change.alert.id);
    } else {
      lane.reminded[change.alert.id] = now;
      lane.unheard.insert(change.alert.id);
    }
  }
}

void Outbox::TryAgain(Lane& lane, Notification message, Micros now) {
  // What came while it was under way joins it: older word first, so that the newer one counts.
  const std::vector<AlertChange> newer = std::exchange(lane.changes, message.changes);
  for (const AlertChange& change : newer) {
    Put(lane, change);
  }
  if (lane.changes.empty()) {
    lane.ready.reset();  // reminders only: they have a pause of their own
    return;
  }
  const std::int64_t wait =
      std::min(MicrosOf(options_.first_retry) << std::min(message.attempt - 1, 20),
               MicrosOf(options_.longest_retry));
  lane.ready = Micros{now.value + wait};
  message.attempt += 1;
  lane.failed = std::move(message);
}

void Outbox::Report(const Notification& sent, Micros now, const Status& outcome) {
  const auto found = lanes_.find(sent.channel);
  if (found == lanes_.end()) {
    return;
  }
  Lane& lane = found->second;
  if (!lane.under_way || lane.under_way->id != sent.id) {
    return;  // an older word, or one on a message that Due never gave
  }
  Notification message = std::move(*lane.under_way);
  lane.under_way.reset();
  const bool given_up = !outcome.ok() && message.attempt >= options_.attempts;
  records_.push_front({.id = message.id,
                       .channel = message.channel,
                       .at = now,
                       .attempt = message.attempt,
                       .alerts = message.changes.size() + message.reminders.size(),
                       .delivered = outcome.ok(),
                       .given_up = given_up,
                       .error = outcome.ok() ? "" : outcome.message()});
  if (records_.size() > kMostRecords) {
    records_.pop_back();
  }
  if (outcome.ok()) {
    Delivered(lane, message, now);
    if (lane.ready) {
      lane.ready->value = std::max(lane.ready->value, now.value + MicrosOf(options_.between));
    }
    return;
  }
  // A reminder that did not get there is tried again later, not at each look.
  for (const Alert& alert : message.reminders) {
    lane.reminded[alert.id] = now;
    lane.unheard.insert(alert.id);
  }
  if (given_up) {
    GivenUp(lane, message, now);
  } else {
    TryAgain(lane, std::move(message), now);
  }
}

std::optional<Micros> Outbox::NextDue() const {
  std::optional<Micros> next;
  for (const auto& [channel, lane] : lanes_) {
    if (!lane.ready || lane.under_way) {
      continue;
    }
    Micros at = *lane.ready;
    if (lane.sent.size() >= options_.per_minute) {
      at.value = std::max(at.value, lane.sent.front().value + kMinute);
    }
    next = next ? std::min(*next, at) : at;
  }
  return next;
}

std::size_t Outbox::waiting() const {
  std::size_t count = 0;
  for (const auto& [channel, lane] : lanes_) {
    count += lane.changes.size() + (lane.under_way ? lane.under_way->changes.size() : 0);
  }
  return count;
}

}  // namespace vitrine::monitor
