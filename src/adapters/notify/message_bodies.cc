#include "adapters/notify/message_bodies.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "monitor/alerts/alert_json.h"

namespace vitrine::adapters {
namespace {

using Json = nlohmann::ordered_json;
using monitor::AlertChangeKind;
using monitor::Notification;
using monitor::NotificationText;

constexpr std::size_t kDingTalkBytes = 18'000;  // of 20,000, with room for escapes
constexpr std::size_t kFeishuBytes = 16'000;    // of 20 KB, the same
constexpr std::size_t kWeComBytes = 3'900;      // of 4,096
constexpr std::size_t kSlackBytes = 30'000;
constexpr std::size_t kTitleBytes = 200;

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string_view ChangeName(AlertChangeKind kind) {
  switch (kind) {
    case AlertChangeKind::kFired:
      return "fired";
    case AlertChangeKind::kWorsened:
      return "worsened";
    case AlertChangeKind::kResolved:
      return "resolved";
  }
  return "fired";
}

/// Robots of chats may let only messages through that hold a keyword: this one is in each.
std::string Title(const NotificationText& text) {
  return Shortened("Vitrine " + text.title, kTitleBytes);
}

std::string Replaced(std::string text, std::string_view what, std::string_view by) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at)) {
    text.replace(at, what.size(), by);
    at += by.size();
  }
  return text;
}

bool AnyCritical(const NotificationText& text) {
  return text.title.find("critical") != std::string::npos ||
         text.title.find("严重") != std::string::npos;
}

// Alertmanager knows an alert by its labels: what changes while it is open is no label.
Json AlertOf(const monitor::Alert& alert, bool resolved, Micros now) {
  Json labels = {{"alertname", alert.rule}, {"signal", alert.signal}, {"source", "vitrine"}};
  for (const auto& [name, value] : alert.labels) {
    labels[name] = value;
  }
  const Micros end = resolved ? alert.resolved.value_or(now) : Micros{now.value + kMicrosPerDay};
  return {{"labels", std::move(labels)},
          {"annotations",
           {{"severity", monitor::SeverityName(alert.severity)},
            {"summary", monitor::ValueText(alert, monitor::Language::kEnglish)}}},
          {"startsAt", FormatIso(alert.since)},
          {"endsAt", FormatIso(end)}};
}

Status Refused(bool too_many, std::string what) {
  return too_many ? ResourceExhausted(std::move(what)) : Unavailable(std::move(what));
}

/// `code` and `words` are the names of the members that say it; 0 is yes.
Status JudgeCode(const HttpAnswer& answer, std::initializer_list<const char*> codes,
                 std::initializer_list<const char*> words, std::initializer_list<int> too_many) {
  const Json json = Json::parse(answer.body, nullptr, false);
  if (!json.is_object()) {
    return Unavailable("the answer is not what this platform gives; is the address its robot's?");
  }
  for (const char* name : codes) {
    const auto code = json.find(name);
    if (code == json.end() || !code->is_number_integer()) {
      continue;
    }
    if (*code == 0) {
      return Status::Ok();
    }
    std::string said;
    for (const char* word : words) {
      const auto text = json.find(word);
      said = text != json.end() && text->is_string() ? text->get<std::string>() : said;
    }
    const bool limit =
        std::find(too_many.begin(), too_many.end(), code->get<std::int64_t>()) != too_many.end();
    return Refused(limit, fmt::format("refused with code {}: {}", code->get<std::int64_t>(), said));
  }
  return Unavailable("the answer holds no code; is the address this platform's robot's?");
}

}  // namespace

std::string Shortened(std::string_view text, std::size_t bytes) {
  if (text.size() <= bytes) {
    return std::string(text);
  }
  constexpr std::string_view kMore = "…";
  std::size_t end = bytes - std::min(bytes, kMore.size());
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U) {
    --end;
  }
  return std::string(text.substr(0, end)).append(kMore);
}

std::string WebhookBody(const Notification& message, const NotificationText& text, Micros now) {
  Json changes = Json::array();
  for (const monitor::AlertChange& change : message.changes) {
    changes.push_back({{"change", ChangeName(change.kind)}, {"alert", ToJson(change.alert)}});
  }
  Json reminders = Json::array();
  for (const monitor::Alert& alert : message.reminders) {
    reminders.push_back(ToJson(alert));
  }
  const bool test = changes.empty() && reminders.empty();
  return Dump({{"type", test ? "test" : "alerts"},
               {"id", message.id},
               {"time", FormatIso(now)},
               {"attempt", message.attempt},
               {"title", text.title},
               {"body", text.body},
               {"changes", std::move(changes)},
               {"reminders", std::move(reminders)}});
}

std::string DingTalkBody(const NotificationText& text) {
  const std::string title = Title(text);
  return Dump(
      {{"msgtype", "markdown"},
       {"markdown",
        {{"title", title},
         {"text", Shortened(fmt::format("### {}\n\n{}", title, text.body), kDingTalkBytes)}}}});
}

std::string FeishuBody(const NotificationText& text, std::int64_t seconds,
                       const std::string& sign) {
  Json body = Json::object();
  if (!sign.empty()) {
    body["timestamp"] = std::to_string(seconds);
    body["sign"] = sign;
  }
  body["msg_type"] = "interactive";
  body["card"] = {
      {"header",
       {{"template", AnyCritical(text) ? "red" : "orange"},
        {"title", {{"tag", "plain_text"}, {"content", Title(text)}}}}},
      {"elements",
       Json::array({{{"tag", "markdown"}, {"content", Shortened(text.body, kFeishuBytes)}}})}};
  return Dump(body);
}

std::string WeComBody(const NotificationText& text) {
  return Dump(
      {{"msgtype", "markdown"},
       {"markdown",
        {{"content", Shortened(fmt::format("### {}\n{}", Title(text), text.body), kWeComBytes)}}}});
}

std::string SlackBody(const NotificationText& text) {
  std::string all = fmt::format("**{}**\n{}", Title(text), text.body);
  all = Replaced(std::move(all), "&", "&amp;");
  all = Replaced(std::move(all), "<", "&lt;");
  all = Replaced(std::move(all), ">", "&gt;");
  all = Replaced(std::move(all), "**", "*");
  return Dump({{"text", Shortened(all, kSlackBytes)}});
}

std::string AlertmanagerBody(const Notification& message, const NotificationText& text,
                             Micros now) {
  Json alerts = Json::array();
  for (const monitor::AlertChange& change : message.changes) {
    alerts.push_back(AlertOf(change.alert, change.kind == AlertChangeKind::kResolved, now));
  }
  for (const monitor::Alert& alert : message.reminders) {
    alerts.push_back(AlertOf(alert, false, now));
  }
  if (alerts.empty()) {  // a test: over as soon as it begins
    alerts.push_back({{"labels", {{"alertname", "VitrineTest"}, {"source", "vitrine"}}},
                      {"annotations", {{"summary", text.title}}},
                      {"startsAt", FormatIso(now)},
                      {"endsAt", FormatIso({now.value + 60 * kMicrosPerSecond})}});
  }
  return Dump(alerts);
}

Status JudgeAnswer(ChannelKind kind, const HttpAnswer& answer) {
  if (answer.status >= 300 && answer.status < 400) {
    return Unavailable(fmt::format(
        "answered {}, a redirect, which is not followed; name the final address", answer.status));
  }
  if (answer.status < 200 || answer.status >= 300) {
    return Refused(answer.status == 429,
                   fmt::format("answered {}: {}", answer.status, answer.body));
  }
  switch (kind) {
    case ChannelKind::kDingTalk:
      return JudgeCode(answer, {"errcode"}, {"errmsg"}, {130101, 410100, 660026});
    case ChannelKind::kWeCom:
      return JudgeCode(answer, {"errcode"}, {"errmsg"}, {45009, 45033});
    case ChannelKind::kFeishu:
      return JudgeCode(answer, {"code", "StatusCode"}, {"StatusMessage", "msg"}, {11232, 99991400});
    case ChannelKind::kSlack:
      return answer.body.starts_with("ok")
                 ? Status::Ok()
                 : Unavailable(fmt::format("answered '{}' where Slack says ok", answer.body));
    case ChannelKind::kWebhook:
    case ChannelKind::kEmail:
    case ChannelKind::kAlertmanager:
      break;
  }
  return Status::Ok();
}

}  // namespace vitrine::adapters
