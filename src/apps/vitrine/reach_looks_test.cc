#include "apps/vitrine/reach_looks.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "apps/vitrine/diagnosis_print.h"
#include "monitor/diagnosis/diagnose.h"
#include "monitor/diagnosis/diagnosis_json.h"

namespace vitrine::apps {
namespace {

using monitor::CauseCode;
using monitor::Question;

/// Answers one connection with these bytes, whatever it asks.
class OneAnswer {
 public:
  explicit OneAnswer(std::string answer) : listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(listener_, 1), 0);
    EXPECT_EQ(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::jthread([this, text = std::move(answer)] {
      const int one = ::accept(listener_, nullptr, nullptr);
      char byte = 0;
      EXPECT_EQ(::recv(one, &byte, 1, 0), 1);
      EXPECT_EQ(::send(one, text.data(), text.size(), MSG_NOSIGNAL),
                static_cast<ssize_t>(text.size()));
      ::shutdown(one, SHUT_WR);
      while (::recv(one, &byte, 1, 0) > 0) {
      }
      ::close(one);
    });
  }
  ~OneAnswer() {
    thread_.join();
    ::close(listener_);
  }
  OneAnswer(const OneAnswer&) = delete;
  OneAnswer& operator=(const OneAnswer&) = delete;
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  int listener_;
  std::uint16_t port_ = 0;
  std::jthread thread_;
};

monitor::Evidence Seen(const std::string& answer, bool tls = false) {
  const OneAnswer server(answer);
  monitor::Evidence evidence;
  evidence.reach = LookFromHere({.port = server.port(), .tls = tls},
                                std::vector{"127.0.0.1:" + std::to_string(server.port())});
  return evidence;
}

CauseCode First(const monitor::Evidence& evidence) {
  const auto causes = Diagnose(Question::kMonitorCannotBeReached, evidence);
  EXPECT_FALSE(causes.empty());
  return causes.empty() ? CauseCode::kLargerModel : causes.front().code;
}

TEST(ReachLooks, WhatAnswersIsRead) {
  EXPECT_TRUE(
      Diagnose(Question::kMonitorCannotBeReached, Seen("HTTP/1.1 200 OK\r\n\r\nx 1\n")).empty());
  // A TLS server meets a plain request with an alert.
  EXPECT_EQ(First(Seen(std::string("\x15\x03\x01\x00\x02\x02\x46", 7))), CauseCode::kTlsMismatch);
  EXPECT_EQ(First(Seen("HTTP/1.1 200 OK\r\n\r\nx 1\n", true)), CauseCode::kTlsMismatch);
  EXPECT_EQ(First(Seen("HTTP/1.1 401 Unauthorized\r\n\r\n{\"code\":\"key_missing\"}")),
            CauseCode::kKeyRefused);
  EXPECT_EQ(First(Seen("HTTP/1.1 403 Forbidden\r\n\r\n{\"code\":\"host_not_allowed\"}")),
            CauseCode::kHostRefused);
  EXPECT_EQ(First(Seen("HTTP/1.1 503 Service Unavailable\r\n\r\n{\"code\":\"not_ready\"}")),
            CauseCode::kServerError);
  EXPECT_FALSE(Seen("nonsense").reach.http_status.has_value());
}

// A port that was bound and is not listened at.
TEST(ReachLooks, NobodyThereIsRefused) {
  const int held = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  ASSERT_EQ(::bind(held, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::getsockname(held, reinterpret_cast<sockaddr*>(&address), &size), 0);
  monitor::Evidence evidence;
  evidence.reach = LookFromHere({.port = ntohs(address.sin_port)}, std::nullopt);
  ::close(held);
  EXPECT_EQ(evidence.reach.connect, monitor::ConnectResult::kRefused);
  EXPECT_EQ(First(evidence), CauseCode::kServerDown);
  // Where it listens is known: then the port is what is wrong.
  evidence.reach.server_alive = true;
  evidence.reach.listeners = {"127.0.0.1:1"};
  EXPECT_EQ(First(evidence), CauseCode::kPortWrong);
}

TEST(ReachLooks, AddressesAreReadAsPeopleWriteThem) {
  const auto read = [](const char* text) {
    const auto target = ParseReachTarget(text);
    EXPECT_TRUE(target.ok()) << text;
    return target.ok() ? target->host + " " + std::to_string(target->port) + " " + target->path +
                             (target->tls ? " tls" : "")
                       : "";
  };
  EXPECT_EQ(read("shop.example.com:7700"), "shop.example.com 7700 /metrics");
  EXPECT_EQ(read("http://shop/"), "shop 80 /metrics");
  EXPECT_EQ(read("https://shop/m/x"), "shop 443 /m/x tls");
  EXPECT_EQ(read("[::1]:9"), "::1 9 /metrics");
  EXPECT_EQ(read("::1"), "::1 80 /metrics");
  for (const char* bad : {"", "http://", "ftp://a", "a:0", "a:b", "a:70000"}) {
    EXPECT_EQ(ParseReachTarget(bad).status().code(), Code::kInvalidArgument) << bad;
  }
}

TEST(DiagnosisPrint, TwoAreOneAndTheSurestIsFirst) {
  monitor::Evidence server;
  server.reach.server_alive = true;
  server.data.behind = 90'000;
  server.data.counted = 10;
  monitor::Evidence here;
  here.reach.server_alive = true;
  here.reach.connect = monitor::ConnectResult::kConnected;
  here.reach.http_status = 401;
  const auto language = monitor::Language::kEnglish;
  const nlohmann::json both = Together(
      nlohmann::json::parse(ToJson(Examine(Question::kAll, server), language)),
      nlohmann::json::parse(ToJson(Examine(Question::kMonitorCannotBeReached, here), language)));
  ASSERT_EQ(both["causes"].size(), 2U);
  EXPECT_EQ(both["causes"][0]["code"], "key_refused");
  EXPECT_EQ(both["causes"][1]["code"], "joining_behind");
  EXPECT_NE(both["healthy"].dump().find("\"connect\""), std::string::npos);
  const std::string open = both["not_looked_at"].dump();
  EXPECT_EQ(open.find("\"connect\""), std::string::npos);
  EXPECT_EQ(open.find("\"http\""), std::string::npos);
  EXPECT_NE(open.find("\"scrape\""), std::string::npos);
  const std::string text = DiagnosisText(both, language);
  EXPECT_NE(text.find("1. The API key"), std::string::npos) << text;
  EXPECT_NE(text.find("HTTP status: 401"), std::string::npos) << text;
  EXPECT_NE(text.find("next: vitrine key list"), std::string::npos) << text;
}

}  // namespace
}  // namespace vitrine::apps
