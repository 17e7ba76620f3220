#include "adapters/notify/http_channel.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "adapters/notify/message_bodies.h"
#include "adapters/notify/signatures.h"

namespace vitrine::adapters {
namespace {

/// The address behind its host, whole and in parts: any of them may be the token.
std::vector<std::string> SecretsOf(const ChannelOptions& options) {
  std::vector<std::string> secrets = {options.secret, options.url};
  const std::size_t host = options.url.find("://");
  const std::size_t path =
      host == std::string::npos ? std::string::npos : options.url.find_first_of("/?", host + 3);
  if (path != std::string::npos && options.kind != ChannelKind::kAlertmanager) {
    std::string_view rest = std::string_view(options.url).substr(path + 1);
    secrets.emplace_back(rest);
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find_first_of("/?&="), rest.size());
      // Words of the platform ("robot", "access_token") are no secrets, and are short.
      if (end >= 16) {
        secrets.emplace_back(rest.substr(0, end));
      }
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  return secrets;
}

std::string WithQuery(const std::string& url, const std::string& query) {
  return url + (url.find('?') == std::string::npos ? "?" : "&") + query;
}

}  // namespace

HttpChannel::HttpChannel(ChannelOptions options)
    : options_(std::move(options)), secrets_(SecretsOf(options_)) {}

HttpPost HttpChannel::PostOf(const monitor::Notification& message,
                             const monitor::NotificationText& text, Micros now) const {
  const std::int64_t seconds = now.value / kMicrosPerSecond;
  HttpPost post{.url = options_.url,
                .headers = {"Content-Type: application/json; charset=utf-8"},
                .body = {}};
  switch (options_.kind) {
    case ChannelKind::kWebhook:
    case ChannelKind::kEmail:
      post.body = WebhookBody(message, text, now);
      post.headers.push_back("webhook-id: " + message.id);
      post.headers.push_back(fmt::format("webhook-timestamp: {}", seconds));
      post.headers.push_back("webhook-signature: " +
                             WebhookSignature(message.id, seconds, post.body, options_.secret));
      break;
    case ChannelKind::kDingTalk:
      post.body = DingTalkBody(text);
      if (!options_.secret.empty()) {
        post.url = WithQuery(options_.url, DingTalkQuery(now.value / 1000, options_.secret));
      }
      break;
    case ChannelKind::kFeishu:
      post.body = FeishuBody(
          text, seconds,
          options_.secret.empty() ? std::string() : FeishuSign(seconds, options_.secret));
      break;
    case ChannelKind::kWeCom:
      post.body = WeComBody(text);
      break;
    case ChannelKind::kSlack:
      post.body = SlackBody(text);
      break;
    case ChannelKind::kAlertmanager:
      post.url += post.url.ends_with('/') ? "api/v2/alerts" : "/api/v2/alerts";
      post.body = AlertmanagerBody(message, text, now);
      if (!options_.secret.empty()) {
        post.headers.push_back("Authorization: Bearer " + options_.secret);
      }
      break;
  }
  return post;
}

Status HttpChannel::Send(const monitor::Notification& message,
                         const monitor::NotificationText& text, const std::stop_token& stop) {
  const Micros now = options_.now ? options_.now() : Now();
  const Result<HttpAnswer> answer = PostByCurl(PostOf(message, text, now), options_.call, stop);
  const Status status = answer.ok() ? JudgeAnswer(options_.kind, *answer) : answer.status();
  return status.ok() ? status : Status(status.code(), Harmless(status.message(), secrets_));
}

}  // namespace vitrine::adapters
