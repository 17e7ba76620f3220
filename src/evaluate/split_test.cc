#include "evaluate/split.h"

#include <random>
#include <set>

#include <gtest/gtest.h>

#include "evaluate/test_log.h"

namespace vitrine::evaluate {
namespace {

using test::MakeItems;
using test::MakeLog;
using test::Row;

Protocol Named(ProtocolKind kind) {
  Protocol protocol;
  protocol.name = "test";
  protocol.kind = kind;
  return protocol;
}

Result<Split> SplitOf(const data::Interactions& log, const Protocol& protocol) {
  return MakeSplit(log, MakeItems(log), protocol);
}

/// "user: history -> targets" of every case of a part.
std::vector<std::string> Describe(const data::Interactions& log, const Split& split, Part part) {
  std::vector<std::string> out;
  for (const Case& c : split.Cases(part)) {
    std::string line = log.users[c.user] + ":";
    for (const std::size_t row : split.HistoryRows(c)) line += " " + log.items[log.item[row]];
    line += " ->";
    for (const std::uint32_t item : split.Targets(c)) line += " " + log.items[item];
    out.push_back(line);
    EXPECT_EQ(c.part, part);
  }
  return out;
}

using Lines = std::vector<std::string>;

TEST(LeaveOneOutTest, LastIsTestAndTheOneBeforeIsValidation) {
  const auto log =
      MakeLog({{"u", "a"}, {"u", "b"}, {"u", "c"}, {"u", "d"}, {"v", "a"}, {"v", "b"}});
  const auto split = SplitOf(log, Named(ProtocolKind::kLeaveOneOut));
  ASSERT_TRUE(split.ok()) << split.status().message();
  EXPECT_EQ(Describe(log, *split, Part::kValidation), Lines{"u: a b -> c"});
  EXPECT_EQ(Describe(log, *split, Part::kTest), Lines{"u: a b c -> d"});
  EXPECT_EQ(split->part, (std::vector<Part>{Part::kTraining, Part::kTraining, Part::kValidation,
                                            Part::kTest, Part::kTraining, Part::kTraining}));
}

TEST(LeaveOneOutTest, OnlyTargetEventsAreTargetsAndHistoriesHoldAll) {
  const EventType view = EventType::kView;
  const auto log = MakeLog({{"u", "a", 1},
                            {"u", "b", 2, view},
                            {"u", "b", 3},
                            {"u", "c", 4, view},
                            {"u", "d", 5},
                            {"u", "e", 6, view}});
  Protocol protocol = Named(ProtocolKind::kLeaveOneOut);
  protocol.history = HistoryRule::kKept;
  protocol.target_events = {EventType::kPurchase};
  const auto split = SplitOf(log, protocol);
  ASSERT_TRUE(split.ok()) << split.status().message();
  EXPECT_EQ(Describe(log, *split, Part::kValidation), Lines{"u: a b -> b"});
  EXPECT_EQ(Describe(log, *split, Part::kTest), Lines{"u: a b b c -> d"});
  EXPECT_EQ(split->part[5], Part::kTest);
}

TEST(LeaveOneOutTest, AFilteredRepeatIsNoTarget) {
  const auto log = MakeLog({{"u", "a"}, {"u", "b"}, {"u", "c"}, {"u", "a"}});
  const auto split = SplitOf(log, Named(ProtocolKind::kLeaveOneOut));
  ASSERT_TRUE(split.ok()) << split.status().message();
  EXPECT_EQ(Describe(log, *split, Part::kTest), Lines{});
  EXPECT_EQ(Describe(log, *split, Part::kValidation), Lines{"u: a b -> c"});
  EXPECT_EQ(split->dropped_cases, 1U);
}

TEST(LastBasketTest, BasketsAreSetsInOrderOfTheirNumbers) {
  const EventType buy = EventType::kPurchase;
  const auto log = MakeLog({{"u", "a", 1, buy, 0},
                            {"u", "a", 1, buy, 0},
                            {"u", "b", 2, buy, 1},
                            {"u", "c", 2, buy, 0},
                            {"u", "a", 3, buy, 2},
                            {"u", "d", 3, buy, 2},
                            {"u", "d", 4, buy, 2},
                            {"v", "a", 1, buy, 0},
                            {"v", "a", 2, buy, 1}});
  Protocol protocol = Named(ProtocolKind::kLastBasket);
  protocol.history = HistoryRule::kKept;
  protocol.distinct_in_basket = true;
  const auto split = SplitOf(log, protocol);
  ASSERT_TRUE(split.ok()) << split.status().message();
  EXPECT_EQ(Describe(log, *split, Part::kValidation), Lines{"u: a c -> b"});
  EXPECT_EQ(Describe(log, *split, Part::kTest), Lines{"u: a c b -> a d"});
  EXPECT_EQ(split->part[1], Part::kUnused);
  EXPECT_EQ(split->part[6], Part::kUnused);
  const auto fitted = FittedRows(log, *split, protocol, FitFor::kTest);
  const auto popularity = Popularity(log, fitted, PopularityUnit::kBaskets);
  EXPECT_EQ(popularity, (std::vector<std::uint64_t>{3, 1, 1, 0}));  // a: one of u, two of v
  EXPECT_EQ(Popularity(log, fitted, PopularityUnit::kUsers),
            (std::vector<std::uint64_t>{2, 1, 1, 0}));
}

TEST(TimeSplitTest, WindowsAtTheEndOfTheLog) {
  const std::int64_t day = kMicrosPerDay;
  const auto log = MakeLog({{"u", "a", 1},
                            {"u", "b", 8 * day},
                            {"u", "c", 9 * day + 5},
                            {"u", "d", 10 * day},
                            {"v", "z", 10 * day},
                            {"w", "a", 2}});
  Protocol protocol = Named(ProtocolKind::kTimeSplit);
  protocol.test_days = 1;
  protocol.validation_days = 2;
  const auto split = SplitOf(log, protocol);
  ASSERT_TRUE(split.ok()) << split.status().message();
  EXPECT_EQ(split->test_from.value, 9 * day + 1);
  EXPECT_EQ(split->validation_from.value, 7 * day + 1);
  EXPECT_EQ(Describe(log, *split, Part::kValidation), Lines{"u: a -> b"});
  EXPECT_EQ(Describe(log, *split, Part::kTest), Lines{"u: a b -> c d"});
  EXPECT_EQ(split->dropped_cases, 1U) << "v has no history";
  EXPECT_EQ(split->part.back(), Part::kTraining);
}

TEST(TimeSplitTest, OrdinalTimeIsRefused) {
  auto log = MakeLog({{"u", "a"}, {"u", "b"}});
  log.ordinal_time = true;
  const auto split = SplitOf(log, Named(ProtocolKind::kTimeSplit));
  EXPECT_EQ(split.status().code(), Code::kFailedPrecondition);
}

TEST(SplitTest, NobodyToEvaluateSaysWhatIsMissing) {
  const auto log = MakeLog({{"u", "a"}, {"u", "b"}});
  const auto split = SplitOf(log, Named(ProtocolKind::kLeaveOneOut));
  EXPECT_EQ(split.status().code(), Code::kFailedPrecondition);
  EXPECT_NE(split.status().message().find("minimum_length"), std::string::npos);
}

TEST(SplitTest, SlicesSeeTargetLastUserAndHistory) {
  const auto log = MakeLog({{"u", "a"}, {"u", "c"}, {"u", "b"}, {"u", "d"}});
  Protocol protocol = Named(ProtocolKind::kLeaveOneOut);
  protocol.slices = {{"falling", "target.id < last.id"},
                     {"gold", "user.level == \"gold\""},
                     {"long", "history.length >= 3"}};
  const std::vector<User> users = {
      {.id = "u", .valid_from = {}, .attributes = {{"level", std::string("gold")}}}};
  const auto split = MakeSplit(log, MakeItems(log), protocol, users);
  ASSERT_TRUE(split.ok()) << split.status().message();
  EXPECT_EQ(split->Cases(Part::kValidation)[0].slices, 0b011U);
  EXPECT_EQ(split->Cases(Part::kTest)[0].slices, 0b110U);
}

TEST(SplitTest, EveryRowIsUsedOnceAndNoCaseSeesItsTarget) {
  std::mt19937 random(7);
  std::vector<Row> rows;
  for (int u = 0; u < 60; ++u) {
    const auto n = random() % 20;
    std::uint32_t basket = 0;
    for (unsigned i = 0; i < n; ++i) {
      basket += static_cast<std::uint32_t>(random() % 2);
      rows.push_back({"u" + std::to_string(u), "i" + std::to_string(random() % 15),
                      static_cast<std::int64_t>(basket) * kMicrosPerDay,
                      random() % 3 == 0 ? EventType::kPurchase : EventType::kView, basket});
    }
  }
  const auto log = MakeLog(rows);
  for (const auto kind :
       {ProtocolKind::kLeaveOneOut, ProtocolKind::kLastBasket, ProtocolKind::kTimeSplit}) {
    for (const auto rule : {HistoryRule::kFiltered, HistoryRule::kKept}) {
      Protocol protocol = Named(kind);
      protocol.history = rule;
      protocol.target_events = {EventType::kPurchase};
      protocol.test_days = 2;
      protocol.validation_days = 2;
      const auto split = SplitOf(log, protocol);
      ASSERT_TRUE(split.ok()) << split.status().message();
      for (const Case& c : split->cases) {
        ASSERT_FALSE(split->HistoryRows(c).empty());
        ASSERT_FALSE(split->Targets(c).empty());
        std::set<std::uint32_t> known;
        for (const std::size_t row : split->HistoryRows(c)) {
          known.insert(log.item[row]);
          EXPECT_EQ(log.user[row], c.user);
          EXPECT_LT(static_cast<int>(split->part[row]), static_cast<int>(c.part))
              << "a history row stands in a part that the case's model may not have seen";
        }
        for (const std::uint32_t item : split->Targets(c)) {
          if (rule == HistoryRule::kFiltered) {
            EXPECT_FALSE(known.contains(item));
          }
        }
      }
    }
  }
}

TEST(VocabularyOrderTest, PopularityThenIdAsNumberOrBytes) {
  EXPECT_EQ(VocabularyOrder({"1", "10", "2", "3"}, {1, 5, 1, 0}, true),
            (std::vector<std::uint32_t>{1, 0, 2, 3}));
  EXPECT_EQ(VocabularyOrder({"1", "10", "2", "3"}, {1, 5, 1, 0}, false),
            (std::vector<std::uint32_t>{1, 0, 2}));
  EXPECT_EQ(VocabularyOrder({"10", "2", "2x"}, {1, 1, 1}, true),
            (std::vector<std::uint32_t>{0, 1, 2}));
  EXPECT_EQ(VocabularyOrder({"10", "2", "007"}, {1, 1, 1}, true),
            (std::vector<std::uint32_t>{1, 2, 0}));
}

TEST(FittedRowsTest, FollowThePurpose) {
  const auto log = MakeLog({{"u", "a"}, {"u", "b"}, {"u", "c"}});
  Protocol protocol = Named(ProtocolKind::kLeaveOneOut);
  const auto split = SplitOf(log, protocol);
  ASSERT_TRUE(split.ok());
  EXPECT_EQ(FittedRows(log, *split, protocol, FitFor::kValidation),
            (std::vector<bool>{true, false, false}));
  EXPECT_EQ(FittedRows(log, *split, protocol, FitFor::kTest),
            (std::vector<bool>{true, true, false}));
  EXPECT_EQ(FittedRows(log, *split, protocol, FitFor::kRefit),
            (std::vector<bool>{true, true, true}));
  protocol.fit_validation_for_test = false;
  EXPECT_EQ(FittedRows(log, *split, protocol, FitFor::kTest),
            (std::vector<bool>{true, false, false}));
}

}  // namespace
}  // namespace vitrine::evaluate
