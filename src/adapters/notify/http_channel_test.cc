// The channels over HTTP against receivers on this machine that check each signature, and ones that misbehave.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <chrono>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "adapters/notify/channel.h"
#include "adapters/notify/message_bodies.h"
#include "adapters/notify/receiver_testing.h"
#include "adapters/notify/signatures.h"
#include "core/guarded.h"

namespace vitrine::adapters {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

constexpr std::int64_t kSeconds = 1'800'000'000;
constexpr std::string_view kToken = "token-0123456789abcdef";

monitor::Notification TheMessage() {
  monitor::Alert alert{.id = "a1",
                       .rule = "slow-answers",
                       .signal = "service.p99_seconds",
                       .labels = {{"model", "m:1"}, {"scene", "home"}},
                       .state = monitor::AlertState::kFiring};
  alert.value = 0.72;
  alert.bound = 0.5;
  alert.since = {kSeconds * kMicrosPerSecond};
  return {.id = "n1", .channel = "ops", .changes = {{monitor::AlertChangeKind::kFired, alert}}};
}

monitor::NotificationText TheText() {
  return {.title = "[critical] 1 firing: slow-answers <b>",
          .body = "- **firing** critical slow-answers: 0.72 s & more\n"};
}

class HttpChannelTest : public testing::Test {
 protected:
  /// Keeps each post, and answers what the test set.
  TestReceiver::Talk Answering() {
    return [this](TestWire& wire) {
      ReceivedPost post = ReadPost(wire);
      const auto [status, body, headers] = answer_.With([](const auto& a) { return a; });
      posts_.With([&](auto& posts) { posts.push_back(std::move(post)); });
      WriteAnswer(wire, status, body, headers);
    };
  }
  void Say(int status, std::string body, std::string headers = "") {
    answer_.With([&](auto& a) { a = {status, std::move(body), std::move(headers)}; });
  }
  ReceivedPost Last() {
    return posts_.With([](const auto& posts) {
      EXPECT_FALSE(posts.empty());
      return posts.empty() ? ReceivedPost() : posts.back();
    });
  }
  static ChannelOptions Options(ChannelKind kind, int port, std::string_view path,
                                const std::string& secret = "") {
    ChannelOptions options;
    options.kind = kind;
    options.url = fmt::format("http://127.0.0.1:{}{}", port, path);
    options.secret = secret;
    options.call.addresses = AddressPolicy::Parse({"true"}).value();
    options.call.time = 10s;
    options.now = [] { return Micros{kSeconds * kMicrosPerSecond}; };
    return options;
  }
  static Status Send(ChannelOptions options) {
    auto channel = MakeChannel(std::move(options));
    EXPECT_TRUE(channel.ok()) << channel.status().ToString();
    return channel.ok() ? (*channel)->Send(TheMessage(), TheText(), {}) : channel.status();
  }

  struct Answer {
    int status = 200;
    std::string body = "{}";
    std::string headers = {};
  };
  Guarded<Answer> answer_;
  Guarded<std::vector<ReceivedPost>> posts_;
};

TEST_F(HttpChannelTest, AWebhookIsSigned) {
  TestReceiver receiver(Answering());
  const Status status =
      Send(Options(ChannelKind::kWebhook, receiver.port(), "/hook?a=1", "plain-secret"));
  ASSERT_TRUE(status.ok()) << status.ToString();
  const ReceivedPost post = Last();
  EXPECT_EQ(post.target, "/hook?a=1");
  EXPECT_EQ(post.headers.at("webhook-id"), "n1");
  EXPECT_EQ(post.headers.at("webhook-timestamp"), std::to_string(kSeconds));
  EXPECT_EQ(post.headers.at("webhook-signature"),
            WebhookSignature("n1", kSeconds, post.body, "plain-secret"));
  const json body = json::parse(post.body);
  EXPECT_EQ(body["type"], "alerts");
  EXPECT_EQ(body["changes"][0]["change"], "fired");
  EXPECT_EQ(body["changes"][0]["alert"]["rule"], "slow-answers");
}

TEST_F(HttpChannelTest, DingTalkIsSignedInTheQuery) {
  TestReceiver receiver(Answering());
  Say(200, R"({"errcode":0,"errmsg":"ok"})");
  const ChannelOptions options = Options(ChannelKind::kDingTalk, receiver.port(),
                                         "/robot/send?access_token=t", "SECd5a1f0c2b7e94");
  ASSERT_TRUE(Send(options).ok());
  EXPECT_EQ(Last().target,
            "/robot/send?access_token=t&timestamp=1800000000000&sign="
            "NlGkPUAZYM0G9H%2BZdjVnUm%2BGqNevXwpttlYMl3ciJME%3D");
  const json body = json::parse(Last().body);
  EXPECT_EQ(body["msgtype"], "markdown");
  EXPECT_THAT(body["markdown"]["text"].get<std::string>(), HasSubstr("**firing**"));
  Say(200, R"({"errcode":310000,"errmsg":"sign not match"})");
  EXPECT_THAT(Send(options).message(), HasSubstr("310000: sign not match"));
  Say(200, R"({"errcode":130101,"errmsg":"send too fast"})");
  EXPECT_EQ(Send(options).code(), Code::kResourceExhausted);
}

TEST_F(HttpChannelTest, FeishuIsSignedInTheBody) {
  TestReceiver receiver(Answering());
  Say(200, R"({"code":0,"msg":"success","data":{}})");
  const ChannelOptions options =
      Options(ChannelKind::kFeishu, receiver.port(), "/open-apis/bot/v2/hook/x", "Fq1jd83kfLw0");
  ASSERT_TRUE(Send(options).ok());
  const json body = json::parse(Last().body);
  EXPECT_EQ(body["timestamp"], "1800000000");
  EXPECT_EQ(body["sign"], "4J64AOqYjtgUxo+lJXTpuktTbphE6CzLlwchOAMDxes=");
  EXPECT_EQ(body["card"]["header"]["template"], "red");
  Say(200, R"({"StatusCode":0,"StatusMessage":"success"})");
  EXPECT_TRUE(Send(options).ok());
  Say(200, R"({"code":19021,"msg":"sign match fail or timestamp is not within one hour"})");
  EXPECT_THAT(Send(options).message(), HasSubstr("19021"));
  Say(200, R"({"code":11232,"msg":"frequency limited"})");
  EXPECT_EQ(Send(options).code(), Code::kResourceExhausted);
}

TEST_F(HttpChannelTest, WeComHoldsItsKeyInTheAddress) {
  TestReceiver receiver(Answering());
  Say(200, R"({"errcode":0,"errmsg":"ok"})");
  const ChannelOptions options =
      Options(ChannelKind::kWeCom, receiver.port(), fmt::format("/send?key={}", kToken));
  ASSERT_TRUE(Send(options).ok());
  EXPECT_LE(json::parse(Last().body)["markdown"]["content"].get<std::string>().size(), 4096U);
  // What it answers may repeat the key; what we say never does.
  Say(200, fmt::format(R"({{"errcode":93000,"errmsg":"invalid webhook url {}"}})", kToken));
  const Status status = Send(options);
  EXPECT_THAT(status.message(), HasSubstr("93000"));
  EXPECT_THAT(status.message(), Not(HasSubstr(std::string(kToken))));
}

TEST_F(HttpChannelTest, SlackSaysOk) {
  TestReceiver receiver(Answering());
  Say(200, "ok");
  const ChannelOptions options =
      Options(ChannelKind::kSlack, receiver.port(), fmt::format("/services/{}", kToken));
  ASSERT_TRUE(Send(options).ok());
  const std::string text = json::parse(Last().body)["text"];
  EXPECT_THAT(text, HasSubstr("*Vitrine [critical] 1 firing: slow-answers &lt;b&gt;*"));
  EXPECT_THAT(text, HasSubstr("0.72 s &amp; more"));
  Say(403, "invalid_token");
  EXPECT_THAT(Send(options).message(), HasSubstr("answered 403: invalid_token"));
  Say(200, "<html>log in</html>");
  EXPECT_FALSE(Send(options).ok());
}

TEST_F(HttpChannelTest, AlertmanagerTakesAlerts) {
  TestReceiver receiver(Answering());
  const ChannelOptions options =
      Options(ChannelKind::kAlertmanager, receiver.port(), "", "bearer-of-news");
  ASSERT_TRUE(Send(options).ok());
  EXPECT_EQ(Last().target, "/api/v2/alerts");
  EXPECT_EQ(Last().headers.at("authorization"), "Bearer bearer-of-news");
  const json alert = json::parse(Last().body)[0];
  EXPECT_EQ(alert["labels"]["alertname"], "slow-answers");
  EXPECT_EQ(alert["labels"]["scene"], "home");
  EXPECT_EQ(alert["startsAt"], "2027-01-15T08:00:00Z");
  EXPECT_EQ(alert["endsAt"], "2027-01-16T08:00:00Z");
}

TEST(MessageBodiesTest, AnAlertIsOneToAlertmanagerHoweverBadItGets) {
  monitor::Notification message = TheMessage();
  const auto post = [&message](monitor::AlertChangeKind kind, monitor::Severity severity) {
    message.changes[0].kind = kind;
    message.changes[0].alert.severity = severity;
    message.changes[0].alert.resolved.reset();
    if (kind == monitor::AlertChangeKind::kResolved) {
      message.changes[0].alert.resolved = Micros{(kSeconds + 60) * kMicrosPerSecond};
    }
    return json::parse(
        AlertmanagerBody(message, TheText(), {(kSeconds + 90) * kMicrosPerSecond}))[0];
  };
  const json fired = post(monitor::AlertChangeKind::kFired, monitor::Severity::kWarning);
  const json worse = post(monitor::AlertChangeKind::kWorsened, monitor::Severity::kCritical);
  const json ended = post(monitor::AlertChangeKind::kResolved, monitor::Severity::kCritical);
  EXPECT_EQ(worse["labels"], fired["labels"]) << "the labels are what it is known by";
  EXPECT_EQ(ended["labels"], fired["labels"]);
  EXPECT_EQ(fired["annotations"]["severity"], "warning");
  EXPECT_EQ(worse["annotations"]["severity"], "critical");
  EXPECT_EQ(worse["endsAt"], "2027-01-16T08:01:30Z");
  EXPECT_EQ(ended["endsAt"], "2027-01-15T08:01:00Z");
}

TEST_F(HttpChannelTest, EveryNoIsAFailureThatHoldsNoSecret) {
  TestReceiver receiver(Answering());
  for (const ChannelKind kind :
       {ChannelKind::kWebhook, ChannelKind::kDingTalk, ChannelKind::kFeishu, ChannelKind::kWeCom,
        ChannelKind::kSlack, ChannelKind::kAlertmanager}) {
    const ChannelOptions options =
        Options(kind, receiver.port(), fmt::format("/x/{}", kToken), "secret-of-mine");
    for (const int status : {301, 302, 307, 400, 404, 429, 500, 503}) {
      Say(status, fmt::format("{} secret-of-mine", options.url),
          fmt::format("Location: http://127.0.0.1:{}/elsewhere\r\n", receiver.port()));
      const int before = receiver.connections();
      const Status said = Send(options);
      EXPECT_EQ(receiver.connections(), before + 1) << "a redirect was followed";
      EXPECT_EQ(said.code(), status == 429 ? Code::kResourceExhausted : Code::kUnavailable)
          << said.ToString();
      EXPECT_THAT(said.message(), HasSubstr(std::to_string(status)));
      EXPECT_THAT(said.message(), Not(HasSubstr("secret-of-mine")));
      if (kind != ChannelKind::kAlertmanager) {
        EXPECT_THAT(said.message(), Not(HasSubstr(std::string(kToken))));
      }
    }
  }
  for (const ChannelKind kind :
       {ChannelKind::kDingTalk, ChannelKind::kFeishu, ChannelKind::kWeCom, ChannelKind::kSlack}) {
    for (const char* body : {"", "[]", "{}", "null", R"({"errcode":"0","code":"0"})"}) {
      Say(200, body);
      EXPECT_FALSE(Send(Options(kind, receiver.port(), "/")).ok()) << body;
    }
  }
}

TEST_F(HttpChannelTest, AReceiverThatDoesNotAnswerCostsItsTime) {
  TestReceiver receiver([](TestWire& wire) { wire.WaitForEnd(); });
  ChannelOptions options = Options(ChannelKind::kWebhook, receiver.port(), "/", "s");
  options.call.time = 200ms;
  EXPECT_EQ(Send(options).code(), Code::kDeadlineExceeded);
}

TEST_F(HttpChannelTest, OneThatCannotBeConnectedToIsToldSoWithThatTime) {
  TestReceiver receiver([](TestWire& wire) { wire.WaitForEnd(); });  // says nothing of TLS
  ChannelOptions options = Options(ChannelKind::kWebhook, receiver.port(), "/", "s");
  options.url = fmt::format("https://127.0.0.1:{}/", receiver.port());
  options.call.connect_time = 200ms;
  options.call.time = 60s;
  const Status status = Send(options);
  EXPECT_EQ(status.code(), Code::kDeadlineExceeded);
  EXPECT_THAT(status.message(), HasSubstr("no connection within 200 ms"));
}

TEST_F(HttpChannelTest, AStopEndsASendSoon) {
  TestReceiver receiver([](TestWire& wire) { wire.WaitForEnd(); });
  ChannelOptions options = Options(ChannelKind::kWebhook, receiver.port(), "/", "s");
  options.call.time = 60s;
  const auto channel = MakeChannel(options);
  ASSERT_TRUE(channel.ok());
  Status status;
  {
    const std::jthread sender([&](const std::stop_token& stop) {
      status = (*channel)->Send(TheMessage(), TheText(), stop);
    });
    const auto until = std::chrono::steady_clock::now() + 30s;
    while (receiver.connections() == 0 && std::chrono::steady_clock::now() < until) {
      std::this_thread::yield();
    }
  }
  EXPECT_EQ(status.code(), Code::kCancelled);
}

TEST_F(HttpChannelTest, OneThatClosesEarlyOrTalksTooMuchIsAFailure) {
  TestReceiver closing([](TestWire& wire) { ReadPost(wire); });
  EXPECT_EQ(Send(Options(ChannelKind::kWebhook, closing.port(), "/", "s")).code(),
            Code::kUnavailable);
  TestReceiver half([](TestWire& wire) {
    ReadPost(wire);
    wire.Write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{");
  });
  EXPECT_EQ(Send(Options(ChannelKind::kWebhook, half.port(), "/", "s")).code(), Code::kUnavailable);
  TestReceiver endless(Answering());
  Say(200, std::string(100'000, 'x'));
  const Status status = Send(Options(ChannelKind::kWebhook, endless.port(), "/", "s"));
  EXPECT_EQ(status.code(), Code::kResourceExhausted);
  EXPECT_THAT(status.message(), HasSubstr("longer than"));
}

TEST_F(HttpChannelTest, AddressesOfThisMachineAreRefusedUnlessTheyAreAllowed) {
  TestReceiver receiver(Answering());
  for (const char* host : {"127.0.0.1", "localhost", "0x7f.1", "2130706433", "[::ffff:127.0.0.1]",
                           "0.0.0.0", "[::1]"}) {
    for (const char* scheme : {"http", "https"}) {
      ChannelOptions options = Options(ChannelKind::kWebhook, receiver.port(), "/", "s");
      options.url = fmt::format("{}://{}:{}/", scheme, host, receiver.port());
      options.call.addresses = AddressPolicy();
      EXPECT_EQ(Send(options).code(), Code::kPermissionDenied) << options.url;
    }
  }
  EXPECT_EQ(receiver.connections(), 0);
}

TEST_F(HttpChannelTest, CertificatesAreVerified) {
  TestReceiver receiver(Answering(), true);
  ChannelOptions options = Options(ChannelKind::kWebhook, receiver.port(), "/", "s");
  options.url = fmt::format("https://127.0.0.1:{}/", receiver.port());
  EXPECT_THAT(Send(options).message(), HasSubstr("certificate is not valid"));
  options.call.ca_file = receiver.ca_file();
  EXPECT_TRUE(Send(options).ok());
  // The right authority, and another name than the certificate's.
  options.url = fmt::format("https://localhost:{}/", receiver.port());
  EXPECT_FALSE(Send(options).ok());
}

TEST_F(HttpChannelTest, WhatCannotBeAChannelIsRefusedBeforeItIsUsed) {
  for (const char* url :
       {"", "ftp://a/b", "https://", "https://user:pw@host/", "https://h/#x", "https://user@host/",
        "host/path", "https://h/a b", "file:///etc/passwd", "gopher://h/"}) {
    ChannelOptions options;
    options.url = url;
    options.secret = "s";
    const auto channel = MakeChannel(options);
    EXPECT_EQ(channel.status().code(), Code::kInvalidArgument) << url;
    EXPECT_THAT(channel.status().message(), Not(HasSubstr("pw")));
  }
  ChannelOptions options;
  options.url = "https://h/";
  EXPECT_FALSE(MakeChannel(options).ok()) << "a webhook without a secret";
  options.secret = "whsec_***";
  EXPECT_FALSE(MakeChannel(options).ok());
  EXPECT_EQ(ParseChannelKind("pager").status().code(), Code::kInvalidArgument);
}

TEST(MessageBodiesTest, LongTextsAreCutAtACharacter) {
  EXPECT_EQ(Shortened("short", 5), "short");
  EXPECT_EQ(Shortened("严重告警严重", 11), "严重…");
  monitor::NotificationText text{.title = "t", .body = {}};
  for (int i = 0; i < 20'000; ++i) {
    text.body += "告警";
  }
  EXPECT_LE(json::parse(WeComBody(text))["markdown"]["content"].get<std::string>().size(), 4096U);
  EXPECT_LE(DingTalkBody(text).size(), 20'000U);
  EXPECT_LE(FeishuBody(text, 0, "").size(), 20'480U);
}

TEST(MessageBodiesTest, ATestIsOneWithoutAlerts) {
  const monitor::Notification message{.id = "test-1", .channel = "ops", .changes = {}};
  EXPECT_EQ(json::parse(WebhookBody(message, {}, {}))["type"], "test");
  EXPECT_EQ(json::parse(AlertmanagerBody(message, {}, {}))[0]["labels"]["alertname"],
            "VitrineTest");
}

}  // namespace
}  // namespace vitrine::adapters
