// Mail against a server on this machine: STARTTLS, AUTH, and refusals.
#include "adapters/notify/mail_channel.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <chrono>

#include "adapters/notify/receiver_testing.h"
#include "adapters/notify/signatures.h"
#include "core/guarded.h"

namespace vitrine::adapters {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kPassword = "pass-word-of-mine";

/// A mail server's side of one conversation.
class MailServer {
 public:
  struct Seen {
    bool encrypted = false;
    std::string user;
    std::string password;
    std::vector<std::string> envelope;
    std::string text;
  };
  bool offers_tls = true;
  bool refuses_login = false;
  bool refuses_receiver = false;

  void Talk(TestWire& wire) {
    Seen seen;
    wire.Write("220 test ESMTP\r\n");
    for (std::string line = wire.ReadUntil("\r\n"); !line.empty(); line = wire.ReadUntil("\r\n")) {
      line.resize(line.size() - 2);
      if (!Answer(wire, line, seen)) {
        break;
      }
    }
    seen_.With([&](Seen& mine) { mine = seen; });
  }
  [[nodiscard]] Seen seen() const {
    return seen_.With([](const Seen& mine) { return mine; });
  }

 private:
  bool Answer(TestWire& wire, const std::string& line, Seen& seen) const {
    if (line.starts_with("EHLO")) {
      wire.Write(offers_tls && !seen.encrypted ? "250-test\r\n250 STARTTLS\r\n"
                                               : "250-test\r\n250 AUTH PLAIN\r\n");
    } else if (line == "STARTTLS") {
      wire.Write("220 go\r\n");
      seen.encrypted = wire.StartTls();
      return seen.encrypted;
    } else if (line.starts_with("AUTH PLAIN")) {
      std::string given = line.size() > 11 ? line.substr(11) : "";
      if (given.empty()) {
        wire.Write("334 \r\n");
        given = wire.ReadUntil("\r\n");
        given.resize(given.size() - std::min<std::size_t>(2, given.size()));
      }
      const std::string plain = FromBase64(given);
      const std::size_t second = plain.find('\0', 1);
      seen.user = plain.substr(1, second - 1);
      seen.password = plain.substr(second + 1);
      wire.Write(refuses_login ? "535 5.7.8 no\r\n" : "235 yes\r\n");
    } else if (line.starts_with("MAIL FROM") || line.starts_with("RCPT TO")) {
      seen.envelope.push_back(line);
      wire.Write(refuses_receiver && line[0] == 'R' ? "550 5.1.1 nobody\r\n" : "250 ok\r\n");
    } else if (line == "DATA") {
      wire.Write("354 go\r\n");
      seen.text = wire.ReadUntil("\r\n.\r\n");
      wire.Write("250 taken\r\n");
    } else if (line == "QUIT") {
      wire.Write("221 bye\r\n");
      return false;
    } else {
      wire.Write("250 ok\r\n");
    }
    return true;
  }
  Guarded<Seen> seen_;
};

class MailChannelTest : public testing::Test {
 protected:
  MailChannelTest() : receiver_([this](TestWire& wire) { server_.Talk(wire); }) {
    options_.kind = ChannelKind::kEmail;
    options_.url = fmt::format("smtp://127.0.0.1:{}", receiver_.port());
    options_.user = "vitrine";
    options_.secret = kPassword;
    options_.from = "vitrine@shop.example";
    options_.to = {"li@shop.example", "ops@shop.example"};
    options_.call.addresses = AddressPolicy::Parse({"true"}).value();
    options_.call.ca_file = receiver_.ca_file();
    options_.now = [] { return Micros{1'800'000'000'000'000}; };
  }
  Status Send() {
    const auto channel = MakeChannel(options_);
    EXPECT_TRUE(channel.ok()) << channel.status().ToString();
    return channel.ok()
               ? (*channel)->Send(
                     {.id = "n1", .channel = "mail", .changes = {}},
                     {.title = "[严重] 1 告警: 回答变慢", .body = "- **告警** 严重\n.\nlast\n"}, {})
               : channel.status();
  }

  MailServer server_;
  TestReceiver receiver_;
  ChannelOptions options_;
};

TEST_F(MailChannelTest, GoesEncryptedWithAPassword) {
  const Status status = Send();
  ASSERT_TRUE(status.ok()) << status.ToString();
  const auto until = std::chrono::steady_clock::now() + 30s;
  while (server_.seen().text.empty() && std::chrono::steady_clock::now() < until) {
    std::this_thread::yield();
  }
  const MailServer::Seen seen = server_.seen();
  EXPECT_TRUE(seen.encrypted);
  EXPECT_EQ(seen.user, "vitrine");
  EXPECT_EQ(seen.password, kPassword);
  ASSERT_EQ(seen.envelope.size(), 3U);
  EXPECT_THAT(seen.envelope[0], HasSubstr("<vitrine@shop.example>"));
  EXPECT_THAT(seen.envelope[2], HasSubstr("<ops@shop.example>"));
  EXPECT_THAT(seen.text, HasSubstr("To: li@shop.example,\r\n ops@shop.example\r\n"));
  EXPECT_THAT(seen.text, HasSubstr("Date: Fri, 15 Jan 2027 08:00:00 +0000\r\n"));
  EXPECT_THAT(seen.text, HasSubstr("Subject: =?UTF-8?B?" + Base64("[严重] 1 告警: 回答变慢")));
  EXPECT_THAT(seen.text, HasSubstr(Base64("- 告警 严重\n.\nlast\n")));
}

TEST_F(MailChannelTest, WithoutTlsNothingIsSent) {
  server_.offers_tls = false;
  EXPECT_THAT(Send().message(), HasSubstr("no STARTTLS"));
  EXPECT_TRUE(server_.seen().password.empty());
  // Only where the settings say so, and only to a private address.
  options_.encrypted = false;
  EXPECT_TRUE(Send().ok());
}

TEST_F(MailChannelTest, ACertificateOfNobodyIsRefused) {
  options_.call.ca_file.clear();
  EXPECT_THAT(Send().message(), HasSubstr("certificate is not valid"));
}

TEST_F(MailChannelTest, RefusalsHoldTheServersCodeAndNoPassword) {
  server_.refuses_login = true;
  const Status login = Send();
  EXPECT_EQ(login.code(), Code::kUnavailable);
  EXPECT_THAT(login.message(), HasSubstr("535"));
  EXPECT_THAT(login.message(), Not(HasSubstr(std::string(kPassword))));
  server_.refuses_login = false;
  server_.refuses_receiver = true;
  EXPECT_THAT(Send().message(), HasSubstr("550"));
}

TEST_F(MailChannelTest, APrivateServerIsRefusedUnlessItIsAllowed) {
  options_.call.addresses = AddressPolicy();
  EXPECT_EQ(Send().code(), Code::kPermissionDenied);
  EXPECT_EQ(receiver_.connections(), 0);
}

TEST_F(MailChannelTest, AddressesThatCouldAddALineAreRefused) {
  for (const char* address :
       {"", "nobody", "a@b@c", "a@b\r\nBcc: x@y", "a b@c", "<a@b>", "@b", "a@"}) {
    EXPECT_FALSE(IsMailAddress(address)) << address;
    options_.to = {address};
    EXPECT_EQ(MakeChannel(options_).status().code(), Code::kInvalidArgument) << address;
  }
  options_.to.clear();
  EXPECT_FALSE(MakeChannel(options_).ok());
}

TEST_F(MailChannelTest, ALongSubjectIsFoldedAtCharacters) {
  std::string title;
  for (int i = 0; i < 60; ++i) {
    title += "重";
  }
  const std::string text = MailText(options_, {.id = "n1", .channel = "c", .changes = {}},
                                    {.title = title, .body = "x"}, {});
  std::size_t begin = text.find("Subject: ");
  ASSERT_NE(begin, std::string::npos);
  std::string joined;
  for (std::size_t at = text.find("=?UTF-8?B?", begin); at != std::string::npos;
       at = text.find("=?UTF-8?B?", at + 1)) {
    const std::size_t end = text.find("?=", at);
    const std::string part = FromBase64(text.substr(at + 10, end - at - 10));
    EXPECT_EQ(part.size() % 3, 0U) << "a character in two words";
    EXPECT_LE(end + 2 - at, 75U);
    joined += part;
  }
  EXPECT_EQ(joined, title);
}

}  // namespace
}  // namespace vitrine::adapters
