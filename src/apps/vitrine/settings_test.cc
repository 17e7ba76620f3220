#include "apps/vitrine/settings.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace vitrine::apps {
namespace {

class SettingsTest : public testing::Test {
 protected:
  ~SettingsTest() override { std::filesystem::remove(file_); }
  Result<Settings> Load(const std::string& toml, const std::map<std::string, std::string>& env = {},
                        const std::vector<std::string>& overrides = {}) {
    std::ofstream(file_) << toml;
    return Settings::Load(
        file_,
        [&env](const std::string& name) -> std::optional<std::string> {
          const auto it = env.find(name);
          return it == env.end() ? std::nullopt : std::optional(it->second);
        },
        overrides);
  }
  std::string file_ = testing::TempDir() + "settings_test.toml";
};

TEST_F(SettingsTest, FlagBeatsEnvironmentBeatsFileBeatsDefault) {
  const std::string toml = "[server]\nlisten = \"127.0.0.1:1\"\nthreads = 3\n";
  const auto settings =
      Load(toml, {{"VITRINE_SERVER_LISTEN", "127.0.0.1:2"}}, {"server.listen=127.0.0.1:4"});
  ASSERT_TRUE(settings.ok()) << settings.status().ToString();
  EXPECT_EQ(settings->Text("server.listen"), "127.0.0.1:4");
  EXPECT_EQ(settings->values().at("server.listen").origin, "--set");
  EXPECT_EQ(settings->Integer("server.threads"), 3);
  EXPECT_EQ(settings->values().at("server.threads").origin, "settings_test.toml:3");
  EXPECT_FALSE(settings->Flag("server.require_keys"));
}

TEST_F(SettingsTest, ListsComeFromTomlArrays) {
  const auto settings = Load("[train]\nspecs = [\"markov\", \"sasrec\"]\n");
  EXPECT_EQ(settings->List("train.specs"), (std::vector<std::string>{"markov", "sasrec"}));
  EXPECT_TRUE(settings->List("server.hosts").empty());
}

TEST_F(SettingsTest, SharesLieBetweenZeroAndOne) {
  EXPECT_EQ(*Load("", {}, {"trace.sample_ratio=0.25"})->Share("trace.sample_ratio"), 0.25);
  for (const char* text : {"1.01", "-0.1", "nan", "half", "", "0.1x"}) {
    const auto share =
        Load("", {}, {std::string("trace.sample_ratio=") + text})->Share("trace.sample_ratio");
    EXPECT_NE(share.status().message().find("trace.sample_ratio"), std::string::npos) << text;
  }
}

TEST_F(SettingsTest, UnknownKeysNameTheNearest) {
  const auto settings = Load("[server]\nlisen = \"x\"\n");
  EXPECT_EQ(settings.status().code(), Code::kInvalidArgument);
  EXPECT_NE(settings.status().message().find("did you mean 'server.listen'"), std::string::npos)
      << settings.status().message();
}

TEST_F(SettingsTest, ATableOfARemoteBringsItsDefaultsAndItsVariables) {
  const auto settings = Load("[remote.ctr-a]\nurl = \"http://h:1\"\n",
                             {{"VITRINE_REMOTE_CTR_A_DEADLINE_MS", "7"}}, {"remote.b.model=m"});
  ASSERT_TRUE(settings.ok()) << settings.status().ToString();
  EXPECT_EQ(settings->Remotes(), (std::vector<std::string>{"b", "ctr-a"}));
  EXPECT_EQ(settings->Text("remote.ctr-a.url"), "http://h:1");
  EXPECT_EQ(settings->Integer("remote.ctr-a.deadline_ms"), 7);
  EXPECT_EQ(settings->Integer("remote.ctr-a.in_flight"), 16);
  EXPECT_EQ(settings->Text("remote.b.model"), "m");
  EXPECT_TRUE(Load("")->Remotes().empty());
  EXPECT_NE(Load("[remote.ctr]\nurk = \"x\"\n").status().message().find("'remote.ctr.url'"),
            std::string::npos);
  for (const char* name : {"remote.1.url=x", "remote.Ctr.url=x", "remote.url=x", "remote..url=x",
                           "remote.ctr.url.x=x"}) {
    EXPECT_FALSE(Load("", {}, {name}).ok()) << name;
  }
  const auto wrong = Load("[remote.ctr]\nin_flight = \"many\"\n");
  EXPECT_NE(wrong.status().message().find("remote.ctr.in_flight must be a whole number"),
            std::string::npos)
      << wrong.status().message();
}

TEST_F(SettingsTest, WrongTypesAndSyntaxNameTheLine) {
  EXPECT_NE(Load("[server]\nthreads = \"many\"\n").status().message().find(":2"),
            std::string::npos);
  EXPECT_NE(Load("[server\n").status().message().find(":1"), std::string::npos);
  EXPECT_FALSE(Load("", {}, {"server.threads"}).ok());
  EXPECT_FALSE(Load("", {}, {"server.threads=-1"}).ok());
  EXPECT_EQ(Settings::Load("/nonexistent.toml", [](const std::string&) { return std::nullopt; }, {})
                .status()
                .code(),
            Code::kNotFound);
}

TEST_F(SettingsTest, ChannelsAreTablesToo) {
  const auto settings = Load("[channel.ops]\nkind = \"slack\"\nto = [\"a@b\", \"c@d\"]\n");
  ASSERT_TRUE(settings.ok()) << settings.status().ToString();
  EXPECT_EQ(settings->Channels(), (std::vector<std::string>{"ops"}));
  EXPECT_TRUE(settings->Remotes().empty());
  EXPECT_EQ(settings->Text("channel.ops.language"), "en");
  EXPECT_EQ(settings->List("channel.ops.to").size(), 2U);
  EXPECT_NE(Load("[channel.ops]\nkinds = \"x\"\n").status().message().find("'channel.ops.kind'"),
            std::string::npos);
  EXPECT_NE(Load("[channel.Ops]\nkind = \"x\"\n").status().message().find("names no channel"),
            std::string::npos);
}

}  // namespace
}  // namespace vitrine::apps
