#include "adapters/notify/channel.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "adapters/notify/http_channel.h"
#include "adapters/notify/mail_channel.h"
#include "adapters/notify/message_bodies.h"
#include "adapters/notify/signatures.h"

namespace vitrine::adapters {
namespace {

constexpr std::array kKinds = {
    ChannelKind::kWebhook, ChannelKind::kDingTalk, ChannelKind::kFeishu,      ChannelKind::kWeCom,
    ChannelKind::kSlack,   ChannelKind::kEmail,    ChannelKind::kAlertmanager};

Status CheckWebhook(const ChannelOptions& options) {
  constexpr std::string_view kPrefix = "whsec_";
  if (options.secret.empty()) {
    return InvalidArgument("a webhook needs a secret that its messages are signed with");
  }
  if (options.secret.starts_with(kPrefix) &&
      FromBase64(std::string_view(options.secret).substr(kPrefix.size())).empty()) {
    return InvalidArgument("a secret that begins with whsec_ goes on with base64");
  }
  return Status::Ok();
}

Status CheckMail(const ChannelOptions& options) {
  if (!IsMailAddress(options.from)) {
    return InvalidArgument("'from' is no mail address");
  }
  if (options.to.empty()) {
    return InvalidArgument("'to' names nobody");
  }
  for (const std::string& address : options.to) {
    if (!IsMailAddress(address)) {
      return InvalidArgument(fmt::format("'to' names '{}', which is no mail address", address));
    }
  }
  if (options.user.empty() != options.secret.empty()) {
    return InvalidArgument("a user and the file of the password come together, or neither");
  }
  return Status::Ok();
}

}  // namespace

std::string_view ChannelKindName(ChannelKind kind) {
  switch (kind) {
    case ChannelKind::kWebhook:
      return "webhook";
    case ChannelKind::kDingTalk:
      return "dingtalk";
    case ChannelKind::kFeishu:
      return "feishu";
    case ChannelKind::kWeCom:
      return "wecom";
    case ChannelKind::kSlack:
      return "slack";
    case ChannelKind::kEmail:
      return "email";
    case ChannelKind::kAlertmanager:
      return "alertmanager";
  }
  return "webhook";
}

Result<ChannelKind> ParseChannelKind(std::string_view name) {
  std::string known;
  for (const ChannelKind kind : kKinds) {
    if (ChannelKindName(kind) == name) {
      return kind;
    }
    known += (known.empty() ? "" : ", ") + std::string(ChannelKindName(kind));
  }
  return InvalidArgument(fmt::format("'{}' is no kind of channel; there are {}", name, known));
}

Result<std::shared_ptr<monitor::NotificationChannel>> MakeChannel(ChannelOptions options) {
  const bool mail = options.kind == ChannelKind::kEmail;
  RETURN_IF_ERROR(CheckUrl(options.url, mail ? std::vector<std::string>{"smtp", "smtps"}
                                             : std::vector<std::string>{"https", "http"}));
  if (options.kind == ChannelKind::kWebhook) {
    RETURN_IF_ERROR(CheckWebhook(options));
  }
  if (mail) {
    RETURN_IF_ERROR(CheckMail(options));
    return std::shared_ptr<monitor::NotificationChannel>(
        std::make_shared<MailChannel>(std::move(options)));
  }
  return std::shared_ptr<monitor::NotificationChannel>(
      std::make_shared<HttpChannel>(std::move(options)));
}

std::string Harmless(std::string_view text, const std::vector<std::string>& secrets) {
  constexpr std::size_t kBytes = 200;
  constexpr std::size_t kLeastSecret = 6;
  std::string out(text);
  for (const std::string& secret : secrets) {
    for (std::size_t at = secret.size() < kLeastSecret ? std::string::npos : out.find(secret);
         at != std::string::npos; at = out.find(secret, at)) {
      out.replace(at, secret.size(), "[secret]");
      at += 8;
    }
  }
  for (char& c : out) {
    c = static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
  }
  return Shortened(out, kBytes);
}

}  // namespace vitrine::adapters
