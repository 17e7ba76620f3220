// Decide against a table of cases, decide_cases.txt.
#include "rollout/decide.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

namespace vitrine::rollout {
namespace {

struct Case {
  std::string name;
  std::map<std::string, std::string> given;
  std::string act;
  std::string reason;
};

std::string Trim(const std::string& text) {
  const std::size_t begin = text.find_first_not_of(' ');
  return begin == std::string::npos ? ""
                                    : text.substr(begin, text.find_last_not_of(' ') - begin + 1);
}

std::vector<Case> Cases() {
  std::vector<Case> cases;
  std::ifstream in("src/rollout/decide_cases.txt");
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line.front() == '#') {
      continue;
    }
    std::vector<std::string> cells;
    std::istringstream row(line);
    for (std::string cell; std::getline(row, cell, '|');) {
      cells.push_back(Trim(cell));
    }
    EXPECT_EQ(cells.size(), 4U) << line;
    if (cells.size() != 4) {
      continue;
    }
    Case one{.name = cells[0], .given = {}, .act = cells[2], .reason = cells[3]};
    std::istringstream words(cells[1]);
    for (std::string word; words >> word;) {
      const std::size_t equals = word.find('=');
      one.given[word.substr(0, equals)] = word.substr(equals + 1);
    }
    cases.push_back(one);
  }
  return cases;
}

/// What a case gives, each word asked for once; what nobody asked for is a slip in the file.
class Given {
 public:
  explicit Given(std::map<std::string, std::string> words) : words_(std::move(words)) {}
  std::string Text(const std::string& name) {
    const auto found = words_.find(name);
    std::string text = found == words_.end() ? "" : found->second;
    if (found != words_.end()) {
      words_.erase(found);
    }
    return text;
  }
  double Number(const std::string& name) {
    const std::string text = Text(name);
    return text.empty() ? 0 : std::stod(text);
  }
  std::uint64_t Count(const std::string& name) { return static_cast<std::uint64_t>(Number(name)); }
  /// "control/treatment"
  std::pair<double, double> Both(const std::string& name) {
    const std::string text = Text(name);
    const std::size_t slash = text.find('/');
    return slash == std::string::npos
               ? std::pair(0.0, 0.0)
               : std::pair(std::stod(text.substr(0, slash)), std::stod(text.substr(slash + 1)));
  }
  [[nodiscard]] const std::map<std::string, std::string>& left() const { return words_; }

 private:
  std::map<std::string, std::string> words_;
};

RolloutPolicy Policy() {
  RolloutPolicy policy = DefaultPolicy();
  policy.stages = {
      {.kind = StageKind::kShadow, .share = 0.5, .seconds = 10, .answers = 100},
      {.share = 0.1, .seconds = 10, .answers = 200, .users = 50},
      {.kind = StageKind::kAb, .share = 0.5, .seconds = 10, .answers = 200, .users = 50}};
  return policy;
}

/// Ten answers a user; clicks are spread so that users differ a little and the mean is `rate`.
JointMoments Clicks(double users, double rate) {
  JointMoments moments;
  for (int user = 0; user < static_cast<int>(users); ++user) {
    const double clicks = std::floor((user + 1) * 10 * rate) - std::floor(user * 10 * rate);
    moments.Add({.value = clicks + (user % 2 == 0 ? 0.5 : -0.5) * rate, .weight = 10});
  }
  return moments;
}

ArmCounts Counts(std::pair<double, double> of, std::pair<double, double> hits) {
  const auto count = [](double value) { return static_cast<std::uint64_t>(value); };
  return {.control = {count(of.first), count(hits.first)},
          .treatment = {count(of.second), count(hits.second)}};
}

Evidence EvidenceOf(Given& given, Micros now) {
  Evidence evidence;
  if (const double seen = given.Number("seen"); seen > 0) {
    evidence.since = {now.value - static_cast<std::int64_t>(seen * kMicrosPerSecond)};
  }
  evidence.shadow = {.offered = 0,
                     .dropped = given.Count("dropped"),
                     .compared = given.Count("compared"),
                     .failures = given.Count("failures"),
                     .control_seconds = given.Number("c.median"),
                     .candidate_seconds = given.Number("t.median"),
                     .control_items = given.Count("c.items"),
                     .candidate_items = given.Count("t.items")};
  Stretch stretch;
  const auto answers = given.Both("answers");
  const auto users = given.Both("users");
  stretch.share = 0.1;
  stretch.control_answers = static_cast<std::uint64_t>(answers.first);
  stretch.treatment_answers = static_cast<std::uint64_t>(answers.second);
  stretch.control_users = static_cast<std::uint64_t>(users.first);
  stretch.treatment_users = static_cast<std::uint64_t>(users.second);
  stretch.errors = Counts(answers, given.Both("fail"));
  stretch.fallbacks = Counts(answers, given.Both("fall"));
  stretch.slow = Counts(answers, given.Both("slow"));
  stretch.buyers = Counts(users, given.Both("buyers"));
  const auto clickers = given.Both("u");
  const auto rates = given.Both("ctr");
  stretch.clicks = {.control = Clicks(clickers.first, rates.first),
                    .treatment = Clicks(clickers.second, rates.second)};
  evidence.stretches = {stretch};
  evidence.failure = given.Text("said");
  evidence.frozen = given.Text("frozen");
  evidence.candidate_missing = given.Text("missing");
  evidence.candidate_ready = given.Text("loaded") != "no" && evidence.candidate_missing.empty();
  if (const double ratio = given.Number("ratio"); ratio > 0) {
    evidence.sample_ratio_p = ratio;
  }
  return evidence;
}

TEST(Decide, TheTableOfCases) {
  const Micros now{2'000'000'000 * kMicrosPerSecond};
  const std::vector<Case> cases = Cases();
  EXPECT_GT(cases.size(), 35U);
  for (const Case& one : cases) {
    Given given(one.given);
    Rollout rollout{.id = "rollout-000001",
                    .alias = "champion",
                    .candidate = {"new", 2},
                    .control = {"old", 1},
                    .policy = Policy()};
    rollout.stage = static_cast<std::size_t>(given.Count("stage"));
    rollout.entered = {now.value -
                       static_cast<std::int64_t>(given.Number("age") * kMicrosPerSecond)};
    rollout.state =
        given.Text("state") == "paused" ? RolloutState::kPaused : RolloutState::kRunning;
    rollout.policy.promote = given.Text("promote") != "no";
    rollout.actor = "ann";
    rollout.policy.approval = given.Text("approval") == "yes";
    if (const std::string by = given.Text("approved"); !by.empty()) {
      rollout.approvals = {{by, "", {}}};
    }
    Evidence evidence = EvidenceOf(given, now);
    const std::string alias = given.Text("alias");
    if (alias.empty()) {
      evidence.alias = rollout.control;
    } else if (alias != "none") {
      evidence.alias = registry::VersionRef::Parse(alias).value();
    }
    ASSERT_TRUE(given.left().empty()) << one.name << ": " << given.left().begin()->first;
    const Decision decision = Decide(rollout, evidence, now);
    EXPECT_EQ(ActName(decision.act), one.act) << one.name << ": " << decision.reason;
    EXPECT_NE(decision.reason.find(one.reason), std::string::npos)
        << one.name << ": " << decision.reason;
    EXPECT_EQ(decision.waits_for_approval,
              decision.reason.find("waits for approval") != std::string::npos)
        << one.name;
    const auto json = nlohmann::json::parse(decision.evidence, nullptr, false);
    ASSERT_TRUE(json.is_object()) << one.name;
    EXPECT_EQ(json["decision"], one.act) << one.name;
    EXPECT_EQ(json["reason"], decision.reason) << one.name;
  }
}

/// Shoppers who took `theirs` of ten items from the candidate's picks.
Preference Taken(int shoppers, double theirs) {
  Preference preference;
  for (int shopper = 0; shopper < shoppers; ++shopper) {
    const double treatment = 10 * theirs + (shopper % 2 == 0 ? 1 : -1);
    preference.Update({}, {.control = 10 - treatment, .treatment = treatment});
  }
  return preference;
}

TEST(Decide, AnInterleavingStageGoesByWhatShoppersPrefer) {
  Rollout rollout{.id = "rollout-000001",
                  .alias = "champion",
                  .candidate = {"new", 2},
                  .control = {"old", 1},
                  .policy = Policy()};
  rollout.policy.stages = {
      {.kind = StageKind::kInterleaving, .share = 0.2, .seconds = 0, .answers = 100, .users = 50},
      {.share = 0.1, .seconds = 0, .answers = 200, .users = 50}};
  ASSERT_TRUE(Validate(rollout.policy).ok()) << "who saw both need not see the candidate alone";
  const auto decide = [&](int shoppers, double theirs, std::uint64_t answers) {
    Evidence evidence;
    evidence.alias = rollout.control;
    Stretch stretch;
    stretch.treatment_answers = stretch.control_answers = answers;
    stretch.treatment_users = static_cast<std::uint64_t>(shoppers);
    stretch.preference = Taken(shoppers, theirs);
    evidence.stretches = {stretch};
    return Decide(rollout, evidence, Micros{1});
  };
  const Decision worse = decide(1000, 0.3, 50);
  EXPECT_EQ(worse.act, Act::kRollBack) << "at once, however few answers are asked for";
  EXPECT_NE(worse.reason.find("prefer the control's items"), std::string::npos) << worse.reason;
  const auto json = nlohmann::json::parse(worse.evidence);
  EXPECT_NEAR(json["preference"]["preference"].get<double>(), -0.4, 1e-9) << json;
  EXPECT_LT(json["preference"]["interval"][1], 0);
  EXPECT_EQ(decide(1000, 0.7, 50).act, Act::kHold) << "waits for answers";
  const Decision better = decide(1000, 0.7, 500);
  EXPECT_EQ(better.act, Act::kAdvance);
  EXPECT_NE(better.reason.find("next: canary"), std::string::npos);
  EXPECT_EQ(decide(1000, 0.5, 500).act, Act::kAdvance) << "nothing is amiss";
  EXPECT_EQ(decide(60, 0.1, 50).act, Act::kHold) << "too few to say";
}

TEST(Decide, TheSameEvidenceGivesTheSameDecisionAtEveryLook) {
  Rollout rollout{.id = "rollout-000001",
                  .alias = "champion",
                  .candidate = {"new", 2},
                  .control = {"old", 1},
                  .policy = Policy()};
  Evidence evidence;
  evidence.alias = rollout.control;
  const Decision once = Decide(rollout, evidence, Micros{1});
  EXPECT_EQ(once.evidence, Decide(rollout, evidence, Micros{1}).evidence);
}

}  // namespace
}  // namespace vitrine::rollout
