/// Ports of the alert keeper: where messages go, and where its state is kept.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "core/status.h"
#include "monitor/alerts/notification_text.h"
#include "monitor/alerts/outbox.h"

namespace vitrine::monitor {

/// Somewhere that messages go to: a chat, a mailbox, another system.
class NotificationChannel {
 public:
  virtual ~NotificationChannel() = default;
  /// Sends one message and waits for the answer. A message without changes and reminders is a test: its text says so.
  /// Errors:  any; the message holds no secret and no address, since people and other programs read it
  /// Threads: any; ends within its own time limit, and soon after `stop` is requested
  virtual Status Send(const Notification& message, const NotificationText& text,
                      const std::stop_token& stop) = 0;
};

struct AlertChannel {
  std::string name;  ///< as rules call it
  std::string kind;  ///< "webhook", "dingtalk", ...; for people
  Language language = Language::kEnglish;
  std::shared_ptr<NotificationChannel> channel;
};

/// Keeps texts by name. Threads: one caller at a time.
class AlertStore {
 public:
  virtual ~AlertStore() = default;
  /// On disk when it returns; either the old text or the new one is there, never a part.
  virtual Status Keep(std::string_view name, std::string_view text) = 0;
  /// Empty where nothing was kept yet. Errors: kUnavailable (it is there and cannot be read).
  virtual Result<std::string> Read(std::string_view name) = 0;
};

}  // namespace vitrine::monitor
