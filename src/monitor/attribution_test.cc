#include "monitor/attribution.h"

#include <cmath>
#include <map>
#include <random>
#include <set>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace vitrine::monitor {
namespace {

constexpr std::int64_t kSecond = kMicrosPerSecond;

Impression Shown(const std::string& request, const std::string& subject, std::int64_t ts,
                 const std::vector<std::string>& items) {
  Impression impression;
  impression.request_id = request;
  impression.subject = subject;
  impression.ts = Micros{ts};
  impression.model = "m:1";
  impression.scene = "home";
  for (const std::string& item : items) impression.items.push_back({item, 0, ""});
  return impression;
}

Event Did(EventType type, const std::string& user, std::int64_t ts, const std::string& item,
          const std::string& request = "") {
  Event event;
  event.type = type;
  event.user_id = user;
  event.ts = Micros{ts};
  event.items.push_back({item});
  event.request_id = request;
  return event;
}

const QualityCounts& Row(const Attribution& attribution) {
  return attribution.rows().at("m:1\nhome");
}
const QualityCounts::OfLabel& Of(const Attribution& attribution, Label label) {
  return Row(attribution).labels[static_cast<std::size_t>(label)];
}
const JoinCounts& Joins(const Attribution& attribution, EventType type) {
  return attribution.joins()[static_cast<std::size_t>(type)];
}

TEST(AttributionTest, AClickByRequestAndAPurchaseByShopper) {
  Attribution a({.ks = {1, 2}});
  a.Add(Shown("r1", "u", 0, {"a", "b", "c"}));
  a.Record(Did(EventType::kClick, "u", 5 * kSecond, "b", "r1"));
  a.Record(Did(EventType::kPurchase, "u", 9 * kSecond, "a"));
  EXPECT_EQ(Joins(a, EventType::kClick).by_request, 1U);
  EXPECT_EQ(Joins(a, EventType::kPurchase).by_subject, 1U);
  const auto& click = Of(a, Label::kClick);
  EXPECT_EQ(click.answers, 1U);
  EXPECT_EQ(click.places, 1U);
  EXPECT_EQ(click.recall, (std::vector<double>{0, 1}));
  EXPECT_NEAR(click.ndcg[1], 1 / std::log2(3.0), 1e-12);
  EXPECT_EQ(Of(a, Label::kPurchase).ndcg, (std::vector<double>{1, 1}));
}

TEST(AttributionTest, APlaceCountsOnceHoweverOftenItIsClicked) {
  Attribution a({});
  a.Add(Shown("r1", "u", 0, {"a", "b"}));
  for (int i = 0; i < 5; ++i) a.Record(Did(EventType::kClick, "u", i, "a", "r1"));
  a.Record(Did(EventType::kView, "u", 7, "a"));
  EXPECT_EQ(Row(a).clicks, 5U);
  EXPECT_EQ(Of(a, Label::kClick).places, 1U);
}

TEST(AttributionTest, TheNewestAnswerThatShowedTheItemGetsIt) {
  Attribution a({});
  a.Add(Shown("old", "u", 0, {"a", "x"}));
  a.Add(Shown("newer", "u", 10, {"a"}));
  a.Add(Shown("newest", "u", 20, {"z"}));
  a.Record(Did(EventType::kClick, "u", 30, "a"));
  a.Record(Did(EventType::kClick, "u", 40, "a", "old"));
  EXPECT_EQ(Of(a, Label::kClick).answers, 2U) << "newer by shopper, old by request";
  EXPECT_EQ(Of(a, Label::kClick).missed, 0U);
}

TEST(AttributionTest, WhatNoAnswerShowedIsMissed) {
  Attribution a({.ks = {5}});
  a.Add(Shown("r1", "u", 0, {"a", "b"}));
  a.Record(Did(EventType::kPurchase, "u", 1, "a"));
  a.Record(Did(EventType::kPurchase, "u", 2, "elsewhere"));
  a.Record(Did(EventType::kPurchase, "u", 3, "elsewhere"));
  EXPECT_EQ(Of(a, Label::kPurchase).missed, 1U);
  EXPECT_NEAR(Of(a, Label::kPurchase).recall[0], 0.5, 1e-12);
  EXPECT_EQ(Joins(a, EventType::kPurchase).unjoined, 2U);
}

TEST(AttributionTest, LateStrangeAndUnknownRequestsAreTold) {
  Attribution a({.click_window = Micros{10 * kSecond}, .purchase_window = Micros{60 * kSecond}});
  a.Add(Shown("r1", "u", 0, {"a"}));
  a.Record(Did(EventType::kClick, "u", 11 * kSecond, "a", "r1"));
  a.Record(Did(EventType::kClick, "u", 11 * kSecond, "a"));
  a.Record(Did(EventType::kClick, "u", 5 * kSecond, "q", "r1"));
  a.Record(Did(EventType::kClick, "u", 5 * kSecond, "a", "nobody"));
  a.Record(Did(EventType::kClick, "u", -1, "a"));
  const JoinCounts& joins = Joins(a, EventType::kClick);
  EXPECT_EQ(joins.events, 5U);
  EXPECT_EQ(joins.orphans, 2U);
  EXPECT_EQ(joins.unshown, 1U);
  EXPECT_EQ(joins.unjoined, 2U);
  EXPECT_EQ(Of(a, Label::kClick).places, 0U);
}

TEST(AttributionTest, AReturnTakesThePurchaseBack) {
  Attribution a({});
  a.Add(Shown("r1", "u", 0, {"a", "b"}));
  a.Record(Did(EventType::kPurchase, "u", 1, "a"));
  a.Record(Did(EventType::kReturn, "u", 2, "a"));
  EXPECT_EQ(Of(a, Label::kPurchase).places, 0U);
  EXPECT_EQ(Of(a, Label::kPurchase).hit_answers, 0U);
  EXPECT_NEAR(Of(a, Label::kPurchase).ndcg[0], 0, 1e-12);
}

TEST(AttributionTest, IdentifyMovesTheAnonymousAnswers) {
  Attribution a({});
  a.Add(Shown("r1", "device", 0, {"a"}));
  Event identify;
  identify.type = EventType::kIdentify;
  identify.user_id = "u";
  identify.anonymous_id = "device";
  identify.ts = Micros{1};
  a.Record(identify);
  a.Record(Did(EventType::kPurchase, "u", 2, "a"));
  EXPECT_EQ(Of(a, Label::kPurchase).places, 1U);
}

TEST(AttributionTest, MemoryIsBounded) {
  Attribution a({.most_waiting = 100});
  for (int i = 0; i < 1000; ++i) {
    a.Add(Shown("r" + std::to_string(i), "u" + std::to_string(i % 7), i, {"a"}));
  }
  EXPECT_EQ(a.waiting(), 100U);
  EXPECT_EQ(a.forgotten(), 900U);
  EXPECT_EQ(Row(a).mature, 0U);
  a.Record(Did(EventType::kClick, "u3", 1000, "a", "r5"));
  EXPECT_EQ(Joins(a, EventType::kClick).orphans, 1U);
  a.Record(Did(EventType::kClick, "u3", 1000, "a", "r999"));
  EXPECT_EQ(Joins(a, EventType::kClick).by_request, 1U);
}

TEST(AttributionTest, AnswersRipenWithTime) {
  Attribution a({});
  a.Add(Shown("r1", "u", 0, {"a"}));
  a.Add(Shown("r2", "u", kMicrosPerDay + 1, {"a"}));
  EXPECT_EQ(Row(a).mature, 1U);
  EXPECT_EQ(a.waiting(), 1U);
}

/// Joins everything afterwards, the slow way: no windows (all within), no bounds.
struct Oracle {
  struct Answer {
    Impression shown;
    std::map<Label, std::set<std::string>> hits;
    std::map<Label, std::set<std::string>> missed;
  };
  std::vector<Answer> answers;

  static bool Shows(const Answer& answer, const std::string& item) {
    for (const auto& s : answer.shown.items) {
      if (s.item_id == item) return true;
    }
    return false;
  }

  void Record(const Event& event, Label label) {
    const std::string& item = event.items[0].item_id;
    for (auto& answer : answers) {
      if (!event.request_id.empty() && answer.shown.request_id == event.request_id) {
        (Shows(answer, item) ? answer.hits : answer.missed)[label].insert(item);
      }
    }
    if (!event.request_id.empty()) return;
    std::vector<Answer*> own;
    for (auto& answer : answers) {
      if (answer.shown.subject == event.user_id) own.insert(own.begin(), &answer);
    }
    if (own.size() > 8) own.resize(8);
    for (Answer* answer : own) {
      if (Shows(*answer, item)) {
        answer->hits[label].insert(item);
        return;
      }
    }
    if (!own.empty()) own.front()->missed[label].insert(item);
  }

  /// Sums of recall and NDCG at k, answers with a label, and the sum of the first hit's reciprocal place.
  std::array<double, 4> Sums(Label label, std::size_t k) {
    std::array<double, 4> sums{};
    for (auto& answer : answers) {
      const auto relevant = answer.hits[label].size() + answer.missed[label].size();
      if (relevant == 0) continue;
      double hits = 0;
      double gain = 0;
      double ideal = 0;
      for (std::size_t p = 0; p < k; ++p) {
        if (p < answer.shown.items.size() &&
            answer.hits[label].contains(answer.shown.items[p].item_id)) {
          hits += 1;
          gain += 1 / std::log2(static_cast<double>(p) + 2);
        }
        if (p < relevant) ideal += 1 / std::log2(static_cast<double>(p) + 2);
      }
      sums[0] += hits / static_cast<double>(relevant);
      sums[1] += gain / ideal;
      sums[2] += 1;
      for (std::size_t p = 0; p < answer.shown.items.size(); ++p) {
        if (answer.hits[label].contains(answer.shown.items[p].item_id)) {
          sums[3] += 1 / (static_cast<double>(p) + 1);
          break;
        }
      }
    }
    return sums;
  }
};

TEST(AttributionTest, EqualsTheOracleOnRandomTraffic) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    std::mt19937 random(seed);
    Attribution a({.ks = {1, 3, 5}});
    Oracle oracle;
    std::int64_t now = 0;
    for (int step = 0; step < 600; ++step) {
      now += static_cast<std::int64_t>(random() % kSecond);
      const std::string user = "u" + std::to_string(random() % 6);
      if (random() % 3 == 0) {
        std::vector<std::string> items;
        for (unsigned i = 0; i < 6; ++i)
          items.push_back("i" + std::to_string((random() % 4) * 6 + i));
        oracle.answers.push_back({Shown("r" + std::to_string(step), user, now, items), {}, {}});
        a.Add(oracle.answers.back().shown);
        continue;
      }
      const bool buys = random() % 4 == 0;
      Event event = Did(buys ? EventType::kPurchase : EventType::kClick, user, now,
                        "i" + std::to_string(random() % 26));
      if (random() % 2 == 0 && !oracle.answers.empty()) {
        event.request_id = oracle.answers[random() % oracle.answers.size()].shown.request_id;
      }
      oracle.Record(event, buys ? Label::kPurchase : Label::kClick);
      a.Record(event);
      if (step == 300) {  // a restart in between changes nothing
        Attribution restarted(a.options());
        ASSERT_TRUE(restarted.Load(nlohmann::json::parse(a.Save())).ok());
        a = std::move(restarted);
      }
    }
    for (const Label label : {Label::kClick, Label::kPurchase}) {
      for (std::size_t i = 0; i < 3; ++i) {
        const auto sums = oracle.Sums(label, i * 2 + 1);
        EXPECT_NEAR(Of(a, label).recall[i], sums[0], 1e-9) << seed;
        EXPECT_NEAR(Of(a, label).ndcg[i], sums[1], 1e-9) << seed;
        EXPECT_EQ(static_cast<double>(Of(a, label).answers), sums[2]) << seed;
        EXPECT_NEAR(Of(a, label).reciprocal, sums[3], 1e-9) << seed;
      }
    }
  }
}

TEST(AttributionTest, CountsOfBeforeReciprocalPlacesAreRead) {
  QualityCounts counts;
  counts.answers = 9;
  for (auto& label : counts.labels) {
    label.answers = 4;
    label.recall = {1.5};
    label.ndcg = {2.5};
    label.reciprocal = 3.5;
  }
  nlohmann::json kept = QualityCountsToJson(counts);
  EXPECT_EQ(QualityCountsFromJson(kept, 1, true).labels[0].reciprocal, 3.5);
  for (auto& label : kept.at(4)) {
    label.erase(6);
  }
  const QualityCounts read = QualityCountsFromJson(kept, 1, true);
  EXPECT_EQ(read.labels[1].ndcg, counts.labels[1].ndcg);
  EXPECT_EQ(read.labels[1].reciprocal, 0);
}

TEST(AttributionTest, ChangedCutOffsStartAnew) {
  Attribution a({.ks = {5}});
  a.Add(Shown("r1", "u", 0, {"a"}));
  a.Record(Did(EventType::kClick, "u", 1, "a", "r1"));
  Attribution other({.ks = {3, 10}});
  ASSERT_TRUE(other.Load(nlohmann::json::parse(a.Save())).ok());
  EXPECT_EQ(Of(other, Label::kClick).answers, 0U);
  EXPECT_EQ(Row(other).answers, 1U);
  other.Record(Did(EventType::kClick, "u", 1, "a", "r1"));
  EXPECT_EQ(Of(other, Label::kClick).recall, (std::vector<double>{1, 1}));
}

TEST(AttributionTest, StatesOfBeforeHashesWereHexadecimalAreRead) {
  Attribution a({});
  a.Add(Shown("r1", "u", 0, {"a", "b"}));
  a.Record(Did(EventType::kClick, "u", 1, "missed", "r1"));
  auto before = nlohmann::json::parse(a.Save());
  nlohmann::json& answer = before.at("waiting").at(0);
  const auto as_numbers = [](nlohmann::json& hashes) {
    const auto text = hashes.get<std::string>();
    hashes = nlohmann::json::array();
    for (std::size_t at = 0; at < text.size(); at += 16) {
      hashes.push_back(std::stoull(text.substr(at, 16), nullptr, 16));
    }
    return hashes.size();
  };
  EXPECT_EQ(as_numbers(answer.at(4)), 2U);
  EXPECT_EQ(as_numbers(answer.at(5).at(0).at(1)), 1U);
  EXPECT_EQ(as_numbers(answer.at(5).at(1).at(1)), 0U);
  Attribution read({});
  ASSERT_TRUE(read.Load(before).ok());
  EXPECT_EQ(read.Save(), a.Save());
  answer.at(4) = "0123456789abcdeg";
  EXPECT_EQ(read.Load(before).code(), Code::kInvalidArgument);
  EXPECT_EQ(read.Save(), a.Save());
}

TEST(AttributionTest, BrokenStateIsRefusedWhole) {
  Attribution a({});
  a.Add(Shown("r1", "u", 0, {"a"}));
  EXPECT_FALSE(a.Load({{"rows", 1}}).ok());
  auto broken = nlohmann::json::parse(a.Save());
  broken["rows"] = nlohmann::json::object();
  EXPECT_EQ(a.Load(broken).code(), Code::kInvalidArgument);
  EXPECT_EQ(a.waiting(), 1U);
}

}  // namespace
}  // namespace vitrine::monitor
