// Contracts as values: what is learned, what a person pins, versions, and the running windows.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>

#include "monitor/contract/contract_book.h"
#include "monitor/contract/contract_json.h"
#include "monitor/contract/judge_contract.h"
#include "monitor/contract/learn_contract.h"
#include "monitor/contract/live_contract.h"

namespace vitrine::monitor {
namespace {

constexpr std::int64_t kHour = 3'600 * kMicrosPerSecond;
constexpr Micros kMonday{1'772'409'600 * kMicrosPerSecond};

ContractRule RuleOf(ContractKind kind, const std::string& id, const std::string& field) {
  ContractRule rule;
  rule.id = id;
  rule.kind = kind;
  rule.field = field;
  return rule;
}

/// Hours of a share, a mean, and a volume that differ from day to day as they are told to.
std::vector<ContractWindow> Hours(std::uint64_t seed, int days, double day_spread) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal(0, 1);
  std::vector<ContractWindow> out;
  double share = 0, mean = 0, volume = 0;
  for (int hour = 0; hour < 24 * days; ++hour) {
    if (hour % 24 == 0) {
      share = 0.1 * std::exp(day_spread * normal(random));
      mean = 2 + day_spread * normal(random);
      volume = 50 * std::exp(day_spread * normal(random));
    }
    ContractWindow window{
        .from = {kMonday.value + hour * kHour}, .whole = true, .rules = {}, .examples = {}};
    const double rows = std::poisson_distribution<int>(volume)(random);
    const double hits = std::binomial_distribution<int>(static_cast<int>(rows), share)(random);
    RuleCounts values{.rows = rows};
    for (int i = 0; i < static_cast<int>(rows); ++i) {
      const double value = mean + 0.5 * normal(random);
      values.sum += value;
      values.squares += value * value;
    }
    window.rules = {{.rows = rows, .hits = hits}, values, {.rows = rows}};
    out.push_back(std::move(window));
  }
  return out;
}

DataContract ThreeRules() {
  DataContract contract;
  contract.rules = {RuleOf(ContractKind::kMissing, "a.missing", "scene"),
                    RuleOf(ContractKind::kMean, "b.mean", "price"),
                    RuleOf(ContractKind::kVolume, "c.volume", "")};
  return contract;
}

/// The day's tolerance, which a fit must have made.
const Tolerance& DayOf(const ContractRule& rule) {
  static const Tolerance none{.low = -1, .high = -1, .rows = 0};
  EXPECT_TRUE(rule.day.has_value()) << rule.id;
  return rule.day.has_value() ? *rule.day : none;
}

const Tolerance& DayOf(const DataContract& contract, const char* id) {
  return DayOf(*contract.Find(id));
}

Tolerance Raised(Tolerance tolerance, double high) {
  tolerance.high = high;
  return tolerance;
}

TEST(FitContract, TolerancesFollowFromHowDaysDiffered) {
  DataContract calm = ThreeRules();
  DataContract wild = ThreeRules();
  ASSERT_TRUE(FitContract(Hours(1, 28, 0), calm).ok());
  ASSERT_TRUE(FitContract(Hours(1, 28, 0.2), wild).ok());
  for (std::size_t r = 0; r < 3; ++r) {
    const Tolerance& narrow = DayOf(calm.rules[r]);
    const Tolerance& wide = DayOf(wild.rules[r]);
    EXPECT_LT(narrow.high / narrow.low, 0.8 * wide.high / wide.low) << calm.rules[r].id;
  }
  EXPECT_NEAR(calm.rules[0].expected, 0.1, 0.01);
  EXPECT_NEAR(calm.rules[1].expected, std::exp(2.0), 0.2);
  EXPECT_NEAR(calm.rules[1].deviation, 0.5, 0.02);
  EXPECT_NEAR(calm.rules[2].expected, 1200, 30);
}

TEST(FitContract, TooFewDaysSayNothing) {
  DataContract contract = ThreeRules();
  const Status status = FitContract(Hours(1, 4, 0), contract);
  EXPECT_EQ(status.code(), Code::kFailedPrecondition);
}

// The oracle is simulation: windows of the same source break it at most as often as alpha says, whatever the spread.
TEST(JudgeWindow, KeepsTheStatedRateWhateverTheDaysSpread) {
  for (const double spread : {0.0, 0.1, 0.3}) {
    double broken = 0, windows = 0;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
      DataContract contract = ThreeRules();
      contract.alpha = 0.05;
      const auto hours = Hours(seed, 42, spread);
      ASSERT_TRUE(FitContract({hours.begin(), hours.begin() + 28 * 24}, contract).ok());
      const std::vector<ContractWindow> fresh(hours.begin() + 28 * 24, hours.end());
      for (const ContractWindow& day : DaysOf(fresh)) {
        broken += JudgeWindow(contract, day, {.grain = Grain::kDay}).findings.empty() ? 0 : 1;
        ++windows;
      }
    }
    EXPECT_LE(broken / windows, 0.05) << spread;
  }
}

TEST(JudgeWindow, FindsWhatIsFarAndLeavesPartsOfAWindowAlone) {
  DataContract contract = ThreeRules();
  const auto hours = Hours(3, 29, 0.1);
  ASSERT_TRUE(FitContract({hours.begin(), hours.begin() + 28 * 24}, contract).ok());
  ContractWindow day = DaysOf({hours.begin() + 28 * 24, hours.end()}).at(0);
  ASSERT_TRUE(JudgeWindow(contract, day, {.grain = Grain::kDay}).findings.empty());
  ContractWindow many = day;
  many.rules[0].hits = many.rules[0].rows / 2;
  ContractWindow dear = day;
  dear.rules[1].sum += dear.rules[1].rows * std::log(100.0);
  ContractWindow few = day;
  few.rules[2].rows /= 4;
  for (const auto& [window, rule] :
       {std::pair(many, "a.missing"), {dear, "b.mean"}, {few, "c.volume"}}) {
    const Judged judged = JudgeWindow(contract, window, {.grain = Grain::kDay});
    ASSERT_EQ(judged.findings.size(), 1U) << rule;
    EXPECT_EQ(judged.findings[0].rule, rule);
    EXPECT_NE(FindingText(judged.findings[0]).find(rule), std::string::npos);
  }
  EXPECT_TRUE(JudgeWindow(contract, few, {.grain = Grain::kDay, .looks = 1, .partial = true})
                  .findings.empty())
      << "half a day has half the rows";
  contract.rules[0].enabled = false;
  EXPECT_TRUE(JudgeWindow(contract, many, {.grain = Grain::kDay}).findings.empty());
}

TEST(Edited, PinsWhatDiffersAndLearningLeavesItAlone) {
  DataContract learned = ThreeRules();
  ASSERT_TRUE(FitContract(Hours(5, 28, 0.1), learned).ok());
  const auto as_text = ContractFromText(ToJson(learned).dump());
  ASSERT_TRUE(as_text.ok()) << as_text.status().message();
  EXPECT_EQ(*as_text, learned) << "JSON comes back as it was";

  DataContract given = learned;
  given.rules[0].day = Raised(DayOf(learned.rules[0]), 0.5);
  given.rules[2].enabled = false;
  given.rules.erase(given.rules.begin() + 1);  // the mean
  given.rules.push_back(RuleOf(ContractKind::kValues, "own.values", "scene"));
  given.rules.back().values = {"home"};
  given.rules.back().day = Tolerance{.low = 0, .high = 0.01, .rows = 0};
  const DataContract edited = Edited(learned, given);
  EXPECT_EQ(edited.Find("a.missing")->pinned, std::vector<std::string>{"day.high"});
  EXPECT_EQ(edited.Find("c.volume")->pinned, std::vector<std::string>{"enabled"});
  EXPECT_FALSE(edited.Find("b.mean")->enabled) << "left out: off, and stays so";
  EXPECT_EQ(edited.Find("own.values")->origin, "person");
  EXPECT_EQ(Diff(learned, edited).size(), 7U) << "three values, three lists of pins, one new rule";

  DataContract again = ThreeRules();
  KeepPinned(edited, again);
  ASSERT_TRUE(FitContract(Hours(6, 28, 0.1), again).ok());
  EXPECT_EQ(DayOf(again, "a.missing").high, 0.5);
  EXPECT_NE(DayOf(again, "a.missing").low, DayOf(learned, "a.missing").low);
  EXPECT_FALSE(again.Find("c.volume")->enabled);
  EXPECT_FALSE(again.Find("b.mean")->enabled);
  EXPECT_EQ(*again.Find("own.values"), *edited.Find("own.values"));
  // A name taken out of the list is the data's again.
  DataContract freed = again;
  for (ContractRule& rule : freed.rules) {
    if (rule.id == "a.missing") rule.pinned.clear();
  }
  DataContract third = ThreeRules();
  KeepPinned(Edited(again, freed), third);
  ASSERT_TRUE(FitContract(Hours(6, 28, 0.1), third).ok());
  EXPECT_LT(DayOf(third, "a.missing").high, 0.5);
}

TEST(ContractFromText, SaysWhatIsWrongAndWhere) {
  for (const auto& [text, message] : std::map<std::string, std::string>{
           {"[]", "rules"},
           {R"({"rules": [{"id": "x", "kind": "missin", "field": "scene"}]})", "missing"},
           {R"({"rules": [{"id": "x", "kind": "missing", "field": "colour"}]})", "colour"},
           {R"({"rules": [{"id": "x", "kind": "missing", "field": "scene", "hgih": 1}]})", "hgih"},
           {R"({"rules": [{"id": "x", "kind": "range", "field": "price"}]})", "at_least"},
           {R"({"rules": [{"id": "x", "kind": "refused", "day": {"low": 0.2, "high": 0.1}}]})",
            "day.low"},
           {R"({"rules": [{"id": "x", "kind": "refused", "pinned": ["colour"]}]})", "day.high"},
           {R"({"alpha": 2, "rules": []})", "alpha"},
           {R"({"rules": [{"id": "x", "kind": "refused"}, {"id": "x", "kind": "future"}]})",
            "two rules"}}) {
    const auto read = ContractFromText(text);
    EXPECT_EQ(read.status().code(), Code::kInvalidArgument) << text;
    EXPECT_NE(read.status().message().find(message), std::string::npos) << read.status().message();
  }
}

class FakeStore final : public ContractStore {
 public:
  Status Add(std::uint64_t number, std::string_view text) override {
    if (full) return ResourceExhausted("the disk is full");
    return texts.emplace(number, text).second ? Status::Ok() : AlreadyExists("it is there");
  }
  Result<std::vector<std::uint64_t>> Numbers() const override {
    std::vector<std::uint64_t> out;
    for (const auto& [number, text] : texts) out.push_back(number);
    return out;
  }
  Result<std::string> Read(std::uint64_t number) const override {
    const auto found = texts.find(number);
    return found == texts.end() ? Result<std::string>(NotFound("no such version")) : found->second;
  }
  std::map<std::uint64_t, std::string> texts;
  bool full = false;
};

TEST(ContractBook, NumbersItsVersionsAndRefusesAChangeOfAnOldOne) {
  FakeStore store;
  std::uint64_t in_force = 0;
  const auto listen = [&in_force](const auto& version) { in_force = version->version; };
  auto book = ContractBook::Open(store, listen);
  ASSERT_TRUE(book.ok());
  EXPECT_EQ((*book)->Current(), nullptr);
  DataContract learned = ThreeRules();
  ASSERT_TRUE(FitContract(Hours(5, 28, 0.1), learned).ok());
  ASSERT_TRUE((*book)
                  ->Learn({.contract = learned, .author = "cli", .reason = "first", .at = kMonday})
                  .ok());
  EXPECT_EQ(in_force, 1U);
  DataContract edit = learned;
  edit.rules[0].day = Raised(DayOf(learned.rules[0]), 0.4);
  const auto set = (*book)->Set(
      {.contract = edit, .author = "ann", .reason = "sale", .based_on = 1, .at = kMonday});
  ASSERT_TRUE(set.ok()) << set.status().message();
  EXPECT_EQ(set->version, 2U);
  EXPECT_EQ((*book)
                ->Set({.contract = edit, .author = "bob", .based_on = 1, .at = kMonday})
                .status()
                .code(),
            Code::kAborted);
  DataContract fresh = ThreeRules();
  ASSERT_TRUE(FitContract(Hours(9, 28, 0.1), fresh).ok());
  ASSERT_TRUE((*book)->Learn({.contract = fresh, .author = "cli", .at = kMonday}).ok());
  EXPECT_EQ(DayOf((*book)->Current()->contract, "a.missing").high, 0.4) << "the edit survives";
  store.full = true;
  EXPECT_EQ((*book)->Set({.contract = edit, .author = "ann", .at = kMonday}).status().code(),
            Code::kResourceExhausted);
  EXPECT_EQ(in_force, 3U) << "what is not on disk is not in force";
  const auto list = (*book)->List(0, 2);
  ASSERT_TRUE(list.ok());
  ASSERT_EQ(list->size(), 2U);
  EXPECT_EQ((*list)[1].reason, "sale");

  const auto reopened = ContractBook::Open(store, listen);
  ASSERT_TRUE(reopened.ok());
  EXPECT_EQ((*reopened)->Current()->version, 3U);
  store.texts[4] = "{half";
  EXPECT_EQ(ContractBook::Open(store, listen).status().code(), Code::kDataLoss);
}

std::shared_ptr<const DataContract> LiveRules() {
  DataContract contract;
  ContractRule missing = RuleOf(ContractKind::kMissing, "scene.missing", "scene");
  missing.hour = missing.day = Tolerance{.low = 0, .high = 0.1, .rows = 0};
  ContractRule refused = RuleOf(ContractKind::kRefused, "refused", "");
  refused.hour = refused.day = Tolerance{.low = 0, .high = 0.01, .rows = 0};
  ContractRule silence = RuleOf(ContractKind::kSilence, "silence", "");
  silence.day = Tolerance{.low = 0, .high = 1800, .rows = 0};
  ContractRule volume = RuleOf(ContractKind::kVolume, "volume", "");
  volume.expected = 2400;
  volume.hour = volume.day = Tolerance{.low = 0.8, .high = 1.25, .rows = 0};
  contract.rules = {refused, missing, silence, volume};
  return std::make_shared<const DataContract>(contract);
}

void Send(LiveContract& live, Micros from, int rows, bool scene) {
  for (int i = 0; i < rows; ++i) {
    Event event;
    event.event_id = "e" + std::to_string(i);
    event.user_id = "u";
    event.scene = scene ? "home" : "";
    event.items = {{.item_id = "i" + std::to_string(i), .price = 1}};
    event.ts = {from.value + i * kHour / rows};
    live.Count(event, event.ts);
  }
}

std::vector<std::string> Rules(const LiveContract& live) {
  std::vector<std::string> out;
  for (const ContractFinding& finding : live.Report().findings) out.push_back(finding.rule);
  return out;
}

TEST(LiveContract, JudgesQuartersHoursDaysAndSilence) {
  LiveContract live;
  EXPECT_EQ(live.Report().version, 0U);
  live.SetContract(LiveRules(), 7);
  live.Advance({kMonday.value - kHour / 2});  // the hour before is only half seen
  Send(live, kMonday, 100, true);
  live.Advance({kMonday.value + kHour});
  EXPECT_TRUE(Rules(live).empty()) << Rules(live)[0];
  EXPECT_EQ(live.Report().judged_hour, kMonday);
  // A quarter of an hour without a scene is enough to say so.
  Send(live, {kMonday.value + kHour}, 100, false);
  live.Advance({kMonday.value + kHour + kHour / 4});
  ASSERT_EQ(Rules(live), std::vector<std::string>{"scene.missing"});
  EXPECT_NE(live.Report().findings[0].example.find("event_id e99"), std::string::npos);
  // Then nothing comes: the hour that was bad stays said until the next is judged, and the silence is.
  live.Advance({kMonday.value + 3 * kHour - 1});
  const auto rules = Rules(live);
  EXPECT_TRUE(std::count(rules.begin(), rules.end(), "silence") == 1);
  live.Advance({kMonday.value + 3 * kHour});
  const auto later = Rules(live);
  EXPECT_TRUE(std::count(later.begin(), later.end(), "volume") == 1) << "an hour without a row";
  // The day is judged when it ends.
  live.Advance({kMonday.value + kMicrosPerDay});
  EXPECT_EQ(live.Report().judged_day, kMonday);
  const auto day = live.Report().findings;
  EXPECT_TRUE(std::any_of(day.begin(), day.end(), [](const ContractFinding& f) {
    return f.grain == Grain::kDay && f.rule == "scene.missing";
  }));
}

TEST(LiveContract, GoesOnAfterARestartWithTheSameContractOnly) {
  LiveContract live;
  live.SetContract(LiveRules(), 7);
  Send(live, kMonday, 50, false);
  const auto saved = live.Save();
  LiveContract same;
  same.Load(saved);
  same.SetContract(LiveRules(), 7);
  same.Advance({kMonday.value + kHour / 2});
  EXPECT_EQ(Rules(same), std::vector<std::string>{"scene.missing"});
  LiveContract other;
  other.Load(saved);
  other.SetContract(LiveRules(), 8);
  other.Advance({kMonday.value + kHour / 2});
  EXPECT_TRUE(Rules(other).empty()) << "what another contract's rules counted is not these rules'";
}

TEST(LiveContract, RefusedRowsCountAgainstThoseThatCame) {
  LiveContract live;
  live.SetContract(LiveRules(), 1);
  Send(live, kMonday, 100, true);
  live.CountRefused(20);
  live.Advance({kMonday.value + kHour / 2});
  ASSERT_EQ(Rules(live), std::vector<std::string>{"refused"});
  EXPECT_DOUBLE_EQ(live.Report().findings[0].seen, 20.0 / 120);
}

}  // namespace
}  // namespace vitrine::monitor
