#include "apps/vitrine/channels.h"

#include <gmock/gmock.h>

#include <fstream>

namespace vitrine::apps {
namespace {

using testing::HasSubstr;
using testing::Not;

class ChannelsTest : public testing::Test {
 protected:
  static std::string Write(const std::string& name, const std::string& text) {
    const std::string path = testing::TempDir() + name;
    std::ofstream(path) << text;
    return path;
  }
  static Result<std::vector<monitor::AlertChannel>> Open(
      const std::vector<std::string>& overrides) {
    const auto settings =
        Settings::Load("", [](const std::string&) { return std::nullopt; }, overrides);
    EXPECT_TRUE(settings.ok()) << settings.status().ToString();
    return OpenChannels(*settings);
  }
  static std::string Why(const std::vector<std::string>& overrides) {
    return Open(overrides).status().message();
  }
};

TEST_F(ChannelsTest, OpenFromFiles) {
  EXPECT_TRUE(Open({})->empty());
  const auto channels =
      Open({"channel.ops.kind=dingtalk", "channel.ops.language=zh",
            "channel.ops.url_file=" + Write("url", "https://h.example/x\n"),
            "channel.ops.secret_file=" + Write("secret", "SECabc\n"),
            "channel.am.kind=alertmanager", "channel.am.url=http://10.0.0.1:9093"});
  ASSERT_TRUE(channels.ok()) << channels.status().ToString();
  ASSERT_EQ(channels->size(), 2U);
  EXPECT_EQ((*channels)[0].name, "am");
  EXPECT_EQ((*channels)[1].language, monitor::Language::kChinese);
}

TEST_F(ChannelsTest, WhatIsWrongIsNamedWithoutWhatIsSecret) {
  EXPECT_THAT(Why({"channel.ops.language=en"}), HasSubstr("channel.ops.kind"));
  EXPECT_THAT(Why({"channel.ops.kind=slack"}), HasSubstr("channel.ops.url_file is empty"));
  EXPECT_THAT(Why({"channel.ops.kind=slack", "channel.ops.url_file=/nowhere"}),
              HasSubstr("cannot be read"));
  EXPECT_THAT(Why({"channel.ops.kind=slack", "channel.ops.url=https://h/token-of-mine"}),
              AllOf(HasSubstr("is a secret"), Not(HasSubstr("token-of-mine"))));
  EXPECT_THAT(Why({"channel.ops.kind=slack",
                   "channel.ops.url_file=" + Write("bad", "https://me:token-of-mine@h/")}),
              AllOf(HasSubstr("[channel.ops]"), Not(HasSubstr("token-of-mine"))));
  EXPECT_THAT(Why({"channel.m.kind=email", "channel.m.url=smtp://h:25", "channel.m.from=a@b"}),
              HasSubstr("'to' names nobody"));
  EXPECT_THAT(
      Why({"channel.m.kind=alertmanager", "channel.m.url=https://h", "channel.m.language=fr"}),
      HasSubstr("channel.m.language"));
  EXPECT_THAT(Why({"channel.m.kind=alertmanager", "channel.m.url=https://h",
                   "channel.m.timeout_seconds=0"}),
              HasSubstr("channel.m.timeout_seconds"));
  EXPECT_THAT(Why({"alerts.allow_private=ten"}), HasSubstr("alerts.allow_private"));
}

}  // namespace
}  // namespace vitrine::apps
