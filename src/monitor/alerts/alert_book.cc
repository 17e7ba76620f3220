#include "monitor/alerts/alert_book.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>
#include <utility>

#include "data/json_fields.h"
#include "monitor/alerts/alert_json.h"
#include "monitor/stable_hash.h"

namespace vitrine::monitor {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::int64_t kKeepQuietTimes = 7 * kMicrosPerDay;

std::int64_t MicrosOf(std::chrono::seconds time) { return time.count() * kMicrosPerSecond; }

std::string IdOf(const AlertRule& rule, const Labels& labels) {
  return fmt::format("{:016x}", StableHash(SeriesName(rule.name, labels)));
}

double BoundOf(const AlertRule& rule, Severity severity) {
  const bool critical = severity == Severity::kCritical || !rule.warning;
  return (critical ? rule.critical : rule.warning).value_or(0);
}

/// Open before pending, then the worse, the more urgent, the older.
auto Urgency(const Alert& alert) {
  return std::tuple(!alert.open(), alert.severity != Severity::kCritical, alert.priority,
                    alert.since, alert.id);
}

}  // namespace

std::string_view AlertStateName(AlertState state) {
  switch (state) {
    case AlertState::kPending:
      return "pending";
    case AlertState::kFiring:
      return "firing";
    case AlertState::kAcknowledged:
      return "acknowledged";
    case AlertState::kResolved:
      return "resolved";
  }
  return "pending";
}

Status AlertBook::SetRules(std::vector<AlertRule> rules) {
  if (rules.size() > kMostRules) {
    return InvalidArgument(
        fmt::format("{} alert rules; there can be {}", rules.size(), kMostRules));
  }
  std::set<std::string_view> names;
  for (const AlertRule& rule : rules) {
    RETURN_IF_ERROR(Validate(rule));
    if (!names.insert(rule.name).second) {
      return InvalidArgument(fmt::format("the rule '{}' stands there twice", rule.name));
    }
  }
  rules_ = std::move(rules);
  return Status::Ok();
}

// Where there is nothing to compare with yet, a rule that compares says nothing.
std::optional<double> AlertBook::ValueFor(const AlertRule& rule, const std::string& series,
                                          const Signal& signal, Micros now) const {
  if (signal.rows < rule.least_rows) {
    return std::nullopt;
  }
  if (rule.against == Against::kBounds) {
    return signal.value;
  }
  const std::int64_t days = rule.against == Against::kLastDay ? 1 : 7;
  const auto then = history_.At(series, {now.value - days * kMicrosPerDay});
  if (!then || then->value == 0) {
    return std::nullopt;
  }
  return MayBeChance(signal, *then) ? 0 : signal.value / then->value - 1;
}

std::vector<AlertChange> AlertBook::Look(Micros now, std::span<const Signal> signals) {
  std::map<std::string_view, std::map<std::string, const Signal*>> by_name;
  for (const Signal& signal : signals) {
    by_name[signal.name][SeriesName(signal.name, signal.labels)] = &signal;
  }
  if (std::exchange(loaded_, false)) {
    for (auto& [id, entry] : alerts_) {
      if (entry.alert.open()) {
        entry.alert.seen = std::max(entry.alert.seen, now);
      }
    }
  }
  std::vector<AlertChange> changes;
  unlisted_ = 0;
  std::set<std::string_view> remembered;
  for (const AlertRule& rule : rules_) {
    const auto found = by_name.find(rule.signal);
    if (!rule.enabled || found == by_name.end()) {
      continue;
    }
    for (const auto& [series, signal] : found->second) {
      if (!Matches(rule.where, signal->labels)) {
        continue;
      }
      LookAt(rule, *signal, series, now, changes);
      if (rule.against != Against::kBounds && remembered.insert(series).second) {
        history_.Add(series, now, signal->value, signal->rows);
      }
    }
  }
  EndThoseGone(now, changes);
  Forget(now);
  return changes;
}

void AlertBook::LookAt(const AlertRule& rule, const Signal& signal, const std::string& series,
                       Micros now, std::vector<AlertChange>& changes) {
  const std::optional<double> value = ValueFor(rule, series, signal, now);
  const std::string id = IdOf(rule, signal.labels);
  auto found = alerts_.find(id);
  if (found != alerts_.end()) {
    found->second.alert.seen = now;
  }
  if (!value) {
    return;
  }
  const std::optional<Severity> severity = Judge(rule, *value);
  if (found == alerts_.end()) {
    if (!severity) {
      return;
    }
    if (alerts_.size() >= options_.most_alerts) {
      ++unlisted_;
      return;
    }
    Alert alert{.id = id, .rule = rule.name, .signal = rule.signal, .labels = signal.labels};
    alert.since = alert.seen = now;
    alert.severity = *severity;
    found = alerts_.emplace(id, Entry{.alert = std::move(alert)}).first;
  }
  Entry& entry = found->second;
  Alert& alert = entry.alert;
  alert.value = *value;
  alert.priority = rule.priority;
  if (severity) {
    alert.good_since.reset();
    const bool worse = *severity > alert.severity;
    alert.severity = alert.open() ? std::max(alert.severity, *severity) : *severity;
    alert.bound = BoundOf(rule, *severity);
    if (alert.state == AlertState::kAcknowledged && worse) {
      alert.state = AlertState::kFiring;  // what was acknowledged was less than this
    }
    if (alert.state == AlertState::kPending &&
        now.value - alert.since.value >= MicrosOf(rule.bad_for)) {
      alert.state = AlertState::kFiring;
      alert.fired = now;
    }
  } else if (alert.state == AlertState::kPending) {
    alerts_.erase(found);
    return;
  } else if (Recovered(rule, *value)) {
    alert.good_since = alert.good_since.value_or(now);
    if (now.value - alert.good_since->value >= MicrosOf(rule.good_for)) {
      Resolve(entry, now, "", changes);
      alerts_.erase(found);
      return;
    }
  } else {
    alert.good_since.reset();
  }
  Tell(rule, entry, now, changes);
}

void AlertBook::Tell(const AlertRule& rule, Entry& entry, Micros now,
                     std::vector<AlertChange>& changes) {
  Alert& alert = entry.alert;
  const QuietTime* quiet = QuietFor(quiet_, now, rule.name, rule.rests_in_sales, alert.labels);
  alert.quiet_by = quiet == nullptr ? "" : quiet->id;
  if (!alert.open() || quiet != nullptr) {
    return;
  }
  if (!entry.told) {
    changes.push_back({AlertChangeKind::kFired, alert});
  } else if (alert.severity > entry.told_severity) {
    changes.push_back({AlertChangeKind::kWorsened, alert});
  } else {
    return;
  }
  entry.told = true;
  entry.told_severity = alert.severity;
}

// Who was called is told that it is over, also where the alert was silenced meanwhile.
void AlertBook::Resolve(Entry& entry, Micros now, std::string_view why,
                        std::vector<AlertChange>& changes) {
  Alert& alert = entry.alert;
  alert.state = AlertState::kResolved;
  alert.resolved = now;
  if (!why.empty()) {
    alert.note = why;
  }
  if (entry.told) {
    changes.push_back({AlertChangeKind::kResolved, alert});
  }
  resolved_.push_back(alert);
}

void AlertBook::EndThoseGone(Micros now, std::vector<AlertChange>& changes) {
  std::set<std::string_view> watched;
  for (const AlertRule& rule : rules_) {
    if (rule.enabled) {
      watched.insert(rule.name);
    }
  }
  const std::int64_t gone_after = MicrosOf(options_.gone_after);
  for (auto at = alerts_.begin(); at != alerts_.end();) {
    Entry& entry = at->second;
    const bool unwatched = !watched.contains(entry.alert.rule);
    if (!unwatched && now.value - entry.alert.seen.value < gone_after) {
      ++at;
      continue;
    }
    if (entry.alert.open()) {
      Resolve(
          entry, now,
          unwatched ? "its rule is gone or switched off" : "what it watched is not there any more",
          changes);
    }
    at = alerts_.erase(at);
  }
}

void AlertBook::Forget(Micros now) {
  const std::int64_t oldest = now.value - MicrosOf(options_.keep_resolved);
  auto keep = std::find_if(resolved_.begin(), resolved_.end(), [oldest](const Alert& alert) {
    return alert.resolved->value >= oldest;
  });
  if (static_cast<std::size_t>(resolved_.end() - keep) > options_.most_resolved) {
    keep = resolved_.end() - static_cast<std::ptrdiff_t>(options_.most_resolved);
  }
  resolved_.erase(resolved_.begin(), keep);
  std::erase_if(quiet_, [now](const QuietTime& quiet) {
    return quiet.until.value + kKeepQuietTimes < now.value;
  });
  history_.Trim(now);
}

Status AlertBook::Acknowledge(std::string_view id, std::string_view who, std::string_view note) {
  const auto found = alerts_.find(id);
  if (found == alerts_.end()) {
    return NotFound(fmt::format("no alert '{}' is open", id));
  }
  Alert& alert = found->second.alert;
  if (!alert.open()) {
    return FailedPrecondition(
        fmt::format("'{}' is {}: only an alert that fires can be acknowledged", id,
                    AlertStateName(alert.state)));
  }
  alert.state = AlertState::kAcknowledged;
  alert.acknowledged_by = who;
  alert.note = note;
  return Status::Ok();
}

Result<QuietTime> AlertBook::AddQuiet(QuietTime quiet) {
  RETURN_IF_ERROR(Validate(quiet));
  if (quiet_.size() >= kMostQuietTimes) {
    return ResourceExhausted(
        fmt::format("there are {} quiet times already; end one first", kMostQuietTimes));
  }
  quiet.id = fmt::format("q{}", next_quiet_++);
  quiet_.push_back(quiet);
  return quiet;
}

Status AlertBook::EndQuiet(std::string_view id, Micros now) {
  const auto found = std::find_if(quiet_.begin(), quiet_.end(),
                                  [id](const QuietTime& quiet) { return quiet.id == id; });
  if (found == quiet_.end()) {
    return NotFound(fmt::format("there is no quiet time '{}'", id));
  }
  found->until = std::min(found->until, now);
  return Status::Ok();
}

std::vector<Alert> AlertBook::Alerts() const {
  std::vector<Alert> all;
  all.reserve(alerts_.size() + resolved_.size());
  for (const auto& [id, entry] : alerts_) {
    all.push_back(entry.alert);
  }
  std::sort(all.begin(), all.end(),
            [](const Alert& a, const Alert& b) { return Urgency(a) < Urgency(b); });
  all.insert(all.end(), resolved_.rbegin(), resolved_.rend());
  return all;
}

const Alert* AlertBook::Find(std::string_view id) const {
  if (const auto found = alerts_.find(id); found != alerts_.end()) {
    return &found->second.alert;
  }
  const auto found = std::find_if(resolved_.rbegin(), resolved_.rend(),
                                  [id](const Alert& alert) { return alert.id == id; });
  return found == resolved_.rend() ? nullptr : &*found;
}

std::string AlertBook::ToJson() const {
  Json alerts = Json::array();
  for (const auto& [id, entry] : alerts_) {
    alerts.push_back({{"alert", monitor::ToJson(entry.alert)},
                      {"told", entry.told},
                      {"told_severity", SeverityName(entry.told_severity)}});
  }
  Json resolved = Json::array();
  for (const Alert& alert : resolved_) {
    resolved.push_back(monitor::ToJson(alert));
  }
  Json quiet = Json::array();
  for (const QuietTime& time : quiet_) {
    quiet.push_back(monitor::ToJson(time));
  }
  return Json{{"format", 1},
              {"alerts", std::move(alerts)},
              {"resolved", std::move(resolved)},
              {"quiet", std::move(quiet)},
              {"next_quiet", next_quiet_}}
      .dump(-1, ' ', false, Json::error_handler_t::replace);
}

Status AlertBook::Load(std::string_view text) {
  AlertBook read(options_);
  const auto load = [&]() -> Status {
    ASSIGN_OR_RETURN(const Json json, data::ParseJson(text));
    data::JsonFields fields(json, "");
    int format = 0;
    fields.Read("format", format);
    fields.Read("next_quiet", read.next_quiet_);
    const Json none = Json::array();
    const auto list = [&](const char* name) -> const Json& {
      const Json* found = fields.Find(name);
      return found != nullptr && found->is_array() ? *found : none;
    };
    for (const Json& each : list("alerts")) {
      data::JsonFields one(each, "alerts");
      Entry entry;
      one.Read("told", entry.told);
      one.ReadName("told_severity", entry.told_severity, {Severity::kWarning, Severity::kCritical},
                   SeverityName);
      const Json* alert = one.Find("alert");
      RETURN_IF_ERROR(one.Finish());
      ASSIGN_OR_RETURN(entry.alert, ReadAlert(alert == nullptr ? none : *alert, "alerts.alert"));
      std::string id = entry.alert.id;
      read.alerts_.emplace(std::move(id), std::move(entry));
    }
    for (const Json& each : list("resolved")) {
      ASSIGN_OR_RETURN(Alert alert, ReadAlert(each, "resolved"));
      if (!alert.resolved) {
        return DataLoss("resolved.resolved is missing");
      }
      read.resolved_.push_back(std::move(alert));
    }
    for (const Json& each : list("quiet")) {
      ASSIGN_OR_RETURN(QuietTime quiet, ReadQuietTime(each, "quiet"));
      read.quiet_.push_back(std::move(quiet));
    }
    return fields.Finish();
  };
  if (const Status status = load(); !status.ok()) {
    return DataLoss(fmt::format("the kept alerts cannot be read: {}", status.message()));
  }
  alerts_ = std::move(read.alerts_);
  resolved_ = std::move(read.resolved_);
  quiet_ = std::move(read.quiet_);
  next_quiet_ = read.next_quiet_;
  loaded_ = true;
  return Status::Ok();
}

}  // namespace vitrine::monitor
