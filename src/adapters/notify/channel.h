/// Channels that messages about alerts go to.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/notify/curl_calls.h"
#include "core/status.h"
#include "core/time.h"
#include "monitor/alerts/notification_channel.h"

namespace vitrine::adapters {

enum class ChannelKind : std::uint8_t {
  kWebhook,       ///< JSON, signed (Standard Webhooks)
  kDingTalk,      ///< a robot of a group
  kFeishu,        ///< a robot of a group; Lark too
  kWeCom,         ///< a robot of a group
  kSlack,         ///< an incoming webhook
  kEmail,         ///< SMTP
  kAlertmanager,  ///< API v2
};
std::string_view ChannelKindName(ChannelKind kind);
/// Errors: kInvalidArgument (names the kinds there are).
Result<ChannelKind> ParseChannelKind(std::string_view name);

struct ChannelOptions {
  ChannelKind kind = ChannelKind::kWebhook;
  std::string url;  ///< a secret where it holds a token
  std::string
      secret;  ///< signs; of mail the password, of Alertmanager a bearer token; empty where none is needed
  std::string user;  ///< of mail; empty: no AUTH
  std::string from;
  std::vector<std::string> to;
  bool encrypted = true;  ///< of mail; others say it by their URL
  CallOptions call;
  std::function<Micros()> now;  ///< null: the system clock
};

/// Connects to nobody yet.
/// Errors: kInvalidArgument (what is missing or wrong; holds neither the URL nor the secret).
Result<std::shared_ptr<monitor::NotificationChannel>> MakeChannel(ChannelOptions options);

/// `text` without line breaks, at most 200 bytes, each occurrence of a secret (of 6 bytes or more) as "[secret]": what a
/// platform answered, fit for messages.
std::string Harmless(std::string_view text, const std::vector<std::string>& secrets);

}  // namespace vitrine::adapters
