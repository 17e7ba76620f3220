/// What each platform is sent, and what of its answers means that it took the message.
/// Threads: pure functions.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "adapters/notify/channel.h"
#include "core/status.h"
#include "core/time.h"
#include "monitor/alerts/notification_text.h"
#include "monitor/alerts/outbox.h"

namespace vitrine::adapters {

/// {"type": "alerts", "id", "time", "attempt", "title", "body", "changes": [{"change", "alert"}], "reminders": [alert]}
/// Of a test, "type" is "test" and both lists are empty.
std::string WebhookBody(const monitor::Notification& message, const monitor::NotificationText& text,
                        Micros now);

/// Markdown, at most 20,000 bytes.   Source: DingTalk, "Custom robots: message types"
std::string DingTalkBody(const monitor::NotificationText& text);

/// A card, at most 20 KB. `sign` empty: the robot does not ask for one.   Source: Feishu, "Custom bot"
std::string FeishuBody(const monitor::NotificationText& text, std::int64_t seconds,
                       const std::string& sign);

/// Markdown, at most 4,096 bytes.   Source: WeCom, "Group robots"
std::string WeComBody(const monitor::NotificationText& text);

/// Slack's own markup, at most 40,000 characters.   Source: Slack, "Incoming webhooks"
std::string SlackBody(const monitor::NotificationText& text);

/// A list of alerts. One that is open lasts for a day there unless a reminder or its end comes first, since
/// Alertmanager forgets what nobody repeats.   Source: Alertmanager, API v2, postAlerts
std::string AlertmanagerBody(const monitor::Notification& message,
                             const monitor::NotificationText& text, Micros now);

/// Whether the platform took it. Chats say no inside a 200, by a code of their own.
/// Errors: kResourceExhausted (too many messages), kUnavailable (any other no: its status or code, and its words).
Status JudgeAnswer(ChannelKind kind, const HttpAnswer& answer);

/// At most `bytes` of UTF-8 text, no character halved; "…" where something was left out.
std::string Shortened(std::string_view text, std::size_t bytes);

}  // namespace vitrine::adapters
