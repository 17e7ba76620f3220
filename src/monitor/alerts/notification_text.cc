#include "monitor/alerts/notification_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace vitrine::monitor {
namespace {

struct Words {
  std::string_view fired;
  std::string_view worsened;
  std::string_view resolved;
  std::string_view reminder;
  std::string_view critical;
  std::string_view warning;
  std::string_view bound;
  std::string_view since;
  std::string_view more;
  std::string_view to_do;
};

constexpr Words kEnglish = {.fired = "firing",
                            .worsened = "worse",
                            .resolved = "over",
                            .reminder = "still firing",
                            .critical = "critical",
                            .warning = "warning",
                            .bound = "bound",
                            .since = "since",
                            .more = "and {} more",
                            .to_do = "What to do"};
constexpr Words kChinese = {.fired = "告警",
                            .worsened = "加重",
                            .resolved = "已恢复",
                            .reminder = "仍在告警",
                            .critical = "严重",
                            .warning = "警告",
                            .bound = "阈值",
                            .since = "开始于",
                            .more = "另有 {} 条",
                            .to_do = "处理建议"};

const Words& In(Language language) { return language == Language::kChinese ? kChinese : kEnglish; }

std::string Number(double value, std::string_view unit) {
  if (unit == "share") {
    return fmt::format("{:.3g} %", 100 * value);
  }
  if (unit == "s") {
    return std::abs(value) < 1 ? fmt::format("{:.3g} ms", 1000 * value)
                               : fmt::format("{:.3g} s", value);
  }
  return fmt::format("{:.4g}", value);
}

std::string LabelsText(const Labels& labels) {
  std::string text;
  for (const auto& [name, value] : labels) {
    text += (text.empty() ? "" : ", ") + name + " " + value;
  }
  return text;
}

/// Item names and labels come from outside: nothing of theirs may look like markup or another line.
std::string Plain(std::string_view text) {
  std::string plain;
  for (const char c : text) {
    const bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    plain += control || std::string_view("*_`<>[]()#@").find(c) != std::string_view::npos ? ' ' : c;
  }
  return plain;
}

std::string Name(const Alert& alert) {
  const std::string labels = LabelsText(alert.labels);
  return Plain(labels.empty() ? alert.rule : fmt::format("{} · {}", alert.rule, labels));
}

std::string Line(const Alert& alert, std::string_view state, Language language) {
  const Words& words = In(language);
  return fmt::format("- **{}** {} {}: {} ({} {})\n", state,
                     alert.severity == Severity::kCritical ? words.critical : words.warning,
                     Name(alert), ValueText(alert, language), words.since,
                     FormatIso({alert.since.value / kMicrosPerSecond * kMicrosPerSecond}));
}

std::string_view StateWord(const AlertChange& change, const Words& words) {
  switch (change.kind) {
    case AlertChangeKind::kFired:
      return words.fired;
    case AlertChangeKind::kWorsened:
      return words.worsened;
    case AlertChangeKind::kResolved:
      return words.resolved;
  }
  return words.fired;
}

}  // namespace

std::string ValueText(const Alert& alert, Language language) {
  const SignalDef* signal = FindSignal(alert.signal);
  const std::string_view unit = signal == nullptr ? "" : std::string_view(signal->unit);
  return fmt::format("{} {}, {} {}", alert.signal, Number(alert.value, unit), In(language).bound,
                     Number(alert.bound, unit));
}

NotificationText TextOf(const Notification& notification, Language language,
                        const std::function<std::string(std::string_view rule)>& runbook) {
  const Words& words = In(language);
  std::size_t firing = notification.reminders.size();
  std::size_t over = 0;
  bool critical = false;
  for (const AlertChange& change : notification.changes) {
    const bool resolved = change.kind == AlertChangeKind::kResolved;
    ++(resolved ? over : firing);
    critical = critical || (!resolved && change.alert.severity == Severity::kCritical);
  }
  NotificationText text;
  text.title = fmt::format("[{}]", firing == 0 ? words.resolved
                                   : critical  ? words.critical
                                               : words.warning);
  if (firing > 0) {
    text.title += fmt::format(" {} {}", firing, words.fired);
  }
  if (over > 0) {
    text.title += fmt::format("{} {} {}", firing > 0 ? "," : "", over, words.resolved);
  }
  const Alert& first = notification.changes.empty() ? notification.reminders.front()
                                                    : notification.changes.front().alert;
  text.title += fmt::format(": {}", Name(first));

  std::size_t listed = 0;
  std::set<std::string> rules;
  const auto list = [&](const Alert& alert, std::string_view state, bool open) {
    if (listed++ >= kListedAlerts) {
      return;
    }
    text.body += Line(alert, state, language);
    if (open) {
      rules.insert(alert.rule);
    }
  };
  for (const AlertChange& change : notification.changes) {
    list(change.alert, StateWord(change, words), change.kind != AlertChangeKind::kResolved);
  }
  for (const Alert& alert : notification.reminders) {
    list(alert, words.reminder, true);
  }
  if (listed > kListedAlerts) {
    text.body +=
        fmt::format("- {}\n", fmt::format(fmt::runtime(words.more), listed - kListedAlerts));
  }
  for (const std::string& rule : rules) {
    if (const std::string todo = runbook(rule); !todo.empty()) {
      text.body += fmt::format("\n{} ({}): {}\n", words.to_do, Plain(rule), todo);
    }
  }
  return text;
}

}  // namespace vitrine::monitor
