#include "evaluate/labelled_set.h"

#include <gtest/gtest.h>

#include "evaluate/test_log.h"

namespace vitrine::evaluate {
namespace {

using test::MakeItems;
using test::MakeLog;

Protocol Labelled(double validation = 0.25, double test = 0.25) {
  Protocol protocol;
  protocol.name = "labelled";
  protocol.kind = ProtocolKind::kLabelled;
  protocol.target_events = {EventType::kLike};
  protocol.validation_share = validation;
  protocol.test_share = test;
  return protocol;
}

/// Two users; user 10 stands after user 9, as numbers do. Both labels in each quarter.
data::Interactions Log() {
  using enum EventType;
  return MakeLog({{"9", "a", 10, kLike, 0},
                  {"9", "b", 20, kRating, 1},
                  {"9", "a", 40, kLike, 2},
                  {"9", "b", 40, kRating, 2},
                  {"10", "a", 20, kRating, 0},
                  {"10", "b", 30, kLike, 1},
                  {"10", "a", 50, kLike, 2},
                  {"10", "b", 60, kRating, 3}});
}

TEST(LabelledSet, RowsStandByTimeUserItemAndKnowWhatIsStrictlyOlder) {
  const data::Interactions log = Log();
  const auto set = MakeLabelledSet(log, MakeItems(log), {}, Labelled());
  ASSERT_TRUE(set.ok()) << set.status().ToString();
  struct Row {
    const char* user;
    const char* item;
    std::int64_t ts;
    int label;
    std::uint32_t known;
    Part part;
  };
  const std::vector<Row> wanted = {
      {"9", "a", 10, 1, 0, Part::kTraining},   {"9", "b", 20, 0, 1, Part::kTraining},
      {"10", "a", 20, 0, 0, Part::kTraining},  {"10", "b", 30, 1, 1, Part::kTraining},
      {"9", "a", 40, 1, 2, Part::kValidation}, {"9", "b", 40, 0, 2, Part::kValidation},
      {"10", "a", 50, 1, 2, Part::kTest},      {"10", "b", 60, 0, 3, Part::kTest}};
  ASSERT_EQ(set->rows.size(), wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const LabelledRow& row = set->rows[i];
    EXPECT_EQ(set->users[row.user].user.id, wanted[i].user) << i;
    EXPECT_EQ(set->items[row.item], wanted[i].item) << i;
    EXPECT_EQ(row.ts.value, wanted[i].ts) << i;
    EXPECT_EQ(row.label, wanted[i].label) << i;
    EXPECT_EQ(row.known, wanted[i].known) << i;  // at 40 the other row of 40 is not known
    EXPECT_EQ(row.part, wanted[i].part) << i;
  }
}

TEST(LabelledSet, InputsAreTheKnownHistoryTheMomentAndTheCandidate) {
  const data::Interactions log = Log();
  data::UserTable users;
  users.rows.resize(2);
  users.rows[0].attributes["level"] = std::string("gold");  // of user 10, first by bytes
  const auto set = MakeLabelledSet(log, MakeItems(log), users, Labelled());
  ASSERT_TRUE(set.ok());
  const data::Vocabulary vocabulary({"b"});  // a is unknown
  const RowInputs inputs(*set, vocabulary);
  const data::FeatureInput input = inputs.Of(6);
  ASSERT_EQ(input.history.size(), 2U);
  EXPECT_EQ(input.history[0].item, kUnknownItem);
  EXPECT_EQ(input.history[1].item, kFirstItem);
  EXPECT_EQ(input.history[1].type, EventType::kLike);
  EXPECT_EQ(input.as_of.value, 50);
  ASSERT_EQ(input.candidates.size(), 1U);
  EXPECT_EQ(input.candidates[0], kUnknownItem);
  ASSERT_NE(input.user, nullptr);
  EXPECT_EQ(std::get<std::string>(input.user->attributes.at("level")), "gold");
}

TEST(LabelledSet, AnIndexRuleTakesRowsByTheirPlace) {
  Protocol protocol = Labelled();
  protocol.test_rows = {5, 4};
  protocol.validation_rows = {5, 3};
  std::vector<LabelledRow> rows(11);
  AssignParts(protocol, rows);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i].part, i % 5 == 4   ? Part::kTest
                            : i % 5 == 3 ? Part::kValidation
                                         : Part::kTraining)
        << i;
  }
}

TEST(LabelledSet, SharesAreOfTheNewestRows) {
  std::vector<LabelledRow> rows(1000);
  AssignParts(Labelled(0.1, 0.1), rows);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i].part, i < 800   ? Part::kTraining
                            : i < 900 ? Part::kValidation
                                      : Part::kTest)
        << i;
  }
}

TEST(LabelledSet, SlicesLookAtTheRowsOwnMoment) {
  Protocol protocol = Labelled();
  protocol.slices = {{"new", "history.length < 1"}};
  const data::Interactions log = Log();
  const auto set = MakeLabelledSet(log, MakeItems(log), {}, protocol);
  ASSERT_TRUE(set.ok()) << set.status().ToString();
  for (std::size_t i = 0; i < set->rows.size(); ++i) {
    EXPECT_EQ(set->rows[i].slices, i == 0 || i == 2 ? 1U : 0U) << i;
  }
}

TEST(LabelledSet, WhatCannotBeLabelledIsSaid) {
  const data::Interactions log = Log();
  const auto message = [&log](const Protocol& protocol, const data::Interactions& of) {
    return MakeLabelledSet(of, MakeItems(log), {}, protocol).status();
  };
  Protocol none = Labelled();
  none.target_events.clear();
  EXPECT_NE(message(none, log).message().find("target_events"), std::string::npos);
  data::Interactions ordinal = log;
  ordinal.ordinal_time = true;
  EXPECT_EQ(message(Labelled(), ordinal).code(), Code::kFailedPrecondition);
  Protocol one = Labelled();
  one.target_events = {EventType::kLike, EventType::kRating};
  const Status alike = message(one, log);
  EXPECT_EQ(alike.code(), Code::kFailedPrecondition);
  EXPECT_NE(alike.message().find("4 rows with label 1 and 0 with label 0"), std::string::npos)
      << alike.message();
}

Protocol Shown(double validation, double test) {
  Protocol protocol = Labelled(validation, test);
  protocol.rows = RowSource::kShown;
  return protocol;
}

TEST(ShownSet, RowsKnowWhatIsStrictlyOlderThanTheirAnswer) {
  const data::Interactions log = Log();  // users 10 and 9, items a and b
  data::UserTable users;
  users.rows.resize(4);
  users.rows[2].id = "only-shown";
  const std::vector<ShownRow> rows = {
      {1, 0, 0, Micros{20}, 1},  {1, 1, 0, Micros{20}, 0},  // user 9 at its second event
      {2, 0, 1, Micros{25}, 1},  {2, 1, 1, Micros{25}, 0},  // nothing is known of these two
      {3, 0, 2, Micros{30}, 0},  {3, 1, 2, Micros{30}, 1},
      {0, 0, 3, Micros{999}, 0}, {0, 1, 3, Micros{999}, 1}};
  const auto set = MakeShownSet(log, MakeItems(log), users, rows, Shown(0.25, 0.25));
  ASSERT_TRUE(set.ok()) << set.status().ToString();
  ASSERT_EQ(set->users.size(), 4U);
  EXPECT_EQ(set->users[0].user.id, "10");
  EXPECT_EQ(set->users[2].user.id, "only-shown");
  EXPECT_EQ(set->users[3].user.id, "");
  const std::vector<std::uint32_t> known = {1, 1, 0, 0, 0, 0, 4, 4};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(set->rows[i].known, known[i]) << i;
    EXPECT_EQ(set->rows[i].label, rows[i].label) << i;
    EXPECT_EQ(set->rows[i].user, rows[i].user) << i;
    EXPECT_EQ(set->rows[i].item, rows[i].item) << i;
    EXPECT_TRUE(set->rows[i].context.empty()) << i;
    EXPECT_EQ(set->rows[i].part, i < 4   ? Part::kTraining
                                 : i < 6 ? Part::kValidation
                                         : Part::kTest)
        << i;
  }
}

TEST(ShownSet, NoAnswerIsCutBetweenParts) {
  const data::Interactions log = Log();
  // Answers of 1 to 7 rows; the bounds of 20 % fall into some of them.
  for (const double share : {0.1, 0.2, 0.25, 0.3}) {
    std::vector<ShownRow> rows;
    for (std::uint32_t answer = 0; rows.size() < 200; ++answer) {
      for (std::uint32_t place = 0; place <= answer * 5 % 7; ++place) {
        rows.push_back({answer % 2, place % 2, answer, Micros{100 + answer},
                        static_cast<std::uint8_t>((answer + place) % 2)});
      }
    }
    const auto set = MakeShownSet(log, MakeItems(log), {}, rows, Shown(share, share));
    ASSERT_TRUE(set.ok()) << set.status().ToString();
    for (std::size_t i = 1; i < rows.size(); ++i) {
      EXPECT_LE(set->rows[i - 1].part, set->rows[i].part) << i;  // oldest first
      if (rows[i].answer == rows[i - 1].answer) {
        EXPECT_EQ(set->rows[i].part, set->rows[i - 1].part) << share << " " << i;
      }
    }
    const auto near = static_cast<double>(rows.size()) * share;
    EXPECT_NEAR(static_cast<double>(set->CountOf(Part::kTest)), near, 7);
    EXPECT_NEAR(static_cast<double>(set->CountOf(Part::kValidation)), near, 7);
  }
}

TEST(ShownSet, IsNotMadeOfEvents) {
  const data::Interactions log = Log();
  const Status refused = MakeLabelledSet(log, MakeItems(log), {}, Shown(0.25, 0.25)).status();
  EXPECT_EQ(refused.code(), Code::kInvalidArgument);
  EXPECT_NE(refused.message().find("rows"), std::string::npos);
}

TEST(IndexRule, IsReadAndRefused) {
  const auto rule = ParseIndexRule("index mod 5 = 4");
  ASSERT_TRUE(rule.ok());
  EXPECT_EQ(*rule, (IndexRule{5, 4}));
  for (const char* wrong : {"", "index mod 5 = 5", "index mod 1 = 0", "index mod 5 = 4 x",
                            "row mod 5 = 4", "index mod -5 = 4"}) {
    EXPECT_EQ(ParseIndexRule(wrong).status().code(), Code::kInvalidArgument) << wrong;
  }
}

}  // namespace
}  // namespace vitrine::evaluate
