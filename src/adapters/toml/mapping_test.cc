#include "adapters/toml/mapping.h"

#include <gtest/gtest.h>

namespace vitrine::adapters {
namespace {

using data::RuleAction;
using data::RuleKind;
using data::TableKind;
using data::TestKind;

constexpr std::string_view kSmall = R"(
name = "shop"
[[events]]
files = ["*.csv"]
default_event = "purchase"
[events.fields]
user_id = { column = "Customer", strip_suffix = ".0" }
item_id = ["Code", "Sku"]
ts = { column = "Date", pattern = "%d/%m/%Y", zone = "Europe/London" }
)";

std::string Message(std::string_view text) {
  const auto mapping = ParseMapping(text, "shop.toml");
  return mapping.ok() ? "ok" : mapping.status().message();
}

TEST(ParseMapping, ReadsBindings) {
  const auto mapping = ParseMapping(kSmall, "shop.toml");
  ASSERT_TRUE(mapping.ok()) << mapping.status().message();
  ASSERT_EQ(mapping->sources.size(), 1U);
  const data::Source& source = mapping->sources[0];
  EXPECT_EQ(source.table, TableKind::kEvents);
  EXPECT_EQ(source.fields.at("user_id").strip_suffix, ".0");
  EXPECT_EQ(source.fields.at("item_id").columns, (std::vector<std::string>{"Code", "Sku"}));
  EXPECT_EQ(source.time.notation, data::TimeNotation::kPattern);
  EXPECT_EQ(source.time.zone, "Europe/London");
  EXPECT_EQ(mapping->rules.size(), data::DefaultRules().size());
  EXPECT_EQ(mapping->text, kSmall);
}

TEST(ParseMapping, ADefaultRuleIsChangedByItsName) {
  const auto mapping = ParseMapping(std::string(kSmall) + R"(
[[rules]]
name = "free"
field = "price"
at_most = 0
[[rules]]
name = "bots"
action = "flag"
)",
                                    "shop.toml");
  ASSERT_TRUE(mapping.ok()) << mapping.status().message();
  EXPECT_EQ(mapping->rules[0].test.test, TestKind::kAtMost);
  EXPECT_EQ(mapping->rules[1].kind, RuleKind::kBot);
  EXPECT_EQ(mapping->rules[1].action, RuleAction::kFlag);
  EXPECT_GT(mapping->rules[1].per_hour, 0);
  EXPECT_EQ(mapping->rules.size(), data::DefaultRules().size() + 1);
}

TEST(ParseMapping, NamesTheLineAndTheNearestKey) {
  EXPECT_EQ(Message("name = \"x\"\nevnets = 1\n"),
            "shop.toml:2:1: unknown key 'evnets'; did you mean 'events'?");
  EXPECT_NE(Message("name = \"x\"\n[[events]]\nfiels = [\"a\"]\n").find("did you mean 'files'?"),
            std::string::npos);
  EXPECT_NE(Message("name = \"x\"\n[[events]]\n[events.fields]\nuser_di = \"u\"\n")
                .find("unknown field 'user_di'; did you mean 'user_id'?"),
            std::string::npos);
  EXPECT_NE(Message(std::string(kSmall) + "[[rules]]\nname = \"r\"\nkind = \"outlire\"\n")
                .find("did you mean 'outlier'?"),
            std::string::npos);
  EXPECT_NE(Message("name = \"x").find("shop.toml:1:"), std::string::npos);
}

TEST(ParseMapping, RefusesWhatCannotWork) {
  EXPECT_NE(Message("name = \"x\"\n").find("describes no file"), std::string::npos);
  EXPECT_NE(Message("name = \"x\"\n[[events]]\ndefault_event = \"view\"\n[events.fields]\n"
                    "user_id = \"u\"\nts = \"t\"\n")
                .find("bind `item_id`"),
            std::string::npos);
  EXPECT_NE(Message(std::string(kSmall) + "[event_names]\nbuy = \"bought\"\n")
                .find("'bought' is not an event of ours"),
            std::string::npos);
  EXPECT_NE(Message(std::string(kSmall) +
                    "[[rules]]\nname = \"r\"\nfield = \"price\"\nat_most = 0\nabove = 3\n")
                .find("one test at a time"),
            std::string::npos);
}

TEST(ParseMapping, RulesByTimeNeedTime) {
  constexpr std::string_view kOrdinal =
      "name = \"x\"\n[[events]]\nformat = \"sequences\"\n"
      "default_event = \"view\"\n";
  const auto mapping = ParseMapping(kOrdinal, "x.toml");
  ASSERT_TRUE(mapping.ok()) << mapping.status().message();
  for (const data::Rule& rule : mapping->rules) {
    EXPECT_FALSE(data::NeedsTime(rule)) << rule.name;
  }
  EXPECT_NE(Message(std::string(kOrdinal) + "[[rules]]\nname = \"bots\"\nper_hour = 5\n")
                .find("needs real time"),
            std::string::npos);
}

TEST(ReadyMappings, AreSortedAndValid) {
  std::vector<std::string> names;
  for (const ReadyMapping& ready : ReadyMappings()) {
    names.emplace_back(ready.name);
    const auto mapping = LoadMapping(std::string(ready.name));
    ASSERT_TRUE(mapping.ok()) << mapping.status().message();
    EXPECT_EQ(mapping->name, ready.name);
    EXPECT_FALSE(mapping->description.empty());
  }
  EXPECT_EQ(names, (std::vector<std::string>{"airec", "ga4", "online-retail", "recbole", "segment",
                                             "sequences", "vitrine"}));
}

TEST(LoadMapping, AnUnknownNameListsTheReadyOnes) {
  const auto mapping = LoadMapping("online-retial");
  ASSERT_FALSE(mapping.ok());
  EXPECT_EQ(mapping.status().code(), Code::kNotFound);
  EXPECT_NE(mapping.status().message().find("did you mean 'online-retail'?"), std::string::npos);
}

}  // namespace
}  // namespace vitrine::adapters
