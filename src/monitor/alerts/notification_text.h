/// A notification in words, in English and Chinese.
/// Threads: pure functions.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "monitor/alerts/outbox.h"

namespace vitrine::monitor {

enum class Language : std::uint8_t { kEnglish, kChinese };

struct NotificationText {
  std::string
      title;  ///< one line: "[critical] 3 alerts fire, 1 is over: slow-answers (cart) 0.72 s"
  std::string body;  ///< Markdown that each chat understands: bold, lists, no tables
};

/// Alerts beyond it are counted, not listed.
inline constexpr std::size_t kListedAlerts = 10;

/// `runbook` gives a rule's runbook in that language; empty: none.
NotificationText TextOf(const Notification& notification, Language language,
                        const std::function<std::string(std::string_view rule)>& runbook);

/// "p99 0.72 s, bound 0.5 s": the value of an alert as people read it.
std::string ValueText(const Alert& alert, Language language);

}  // namespace vitrine::monitor
