#include "monitor/outcomes/list_behaviour.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <random>

#include "monitor/attribution.h"
#include "monitor/stable_hash.h"

namespace vitrine::monitor {
namespace {

using Hour = std::pair<std::int64_t, std::string>;

std::uint64_t HashOf(int i) { return StableHash("item-" + std::to_string(i)); }

struct List {
  Impression impression;
  std::vector<std::uint64_t> items;
};
List Of(const std::vector<int>& items, const std::vector<double>& scores) {
  List list;
  for (std::size_t i = 0; i < items.size(); ++i) {
    list.impression.items.push_back({"item-" + std::to_string(items[i]), scores[i], ""});
    list.items.push_back(HashOf(items[i]));
  }
  return list;
}

/// Nothing counted where there is none.
BehaviourCounts Found(const ListBehaviour& behaviour, const Hour& hour) {
  return behaviour.Find(hour).value_or(BehaviourCounts());
}

TEST(Gini, IsThatOfAllPairs) {
  std::mt19937 random(1);
  for (int round = 0; round < 50; ++round) {
    std::vector<double> counts;
    for (int i = 0; i < 30; ++i) counts.push_back(1 + static_cast<double>(random() % 40));
    double pairs = 0;
    double sum = 0;
    for (const double a : counts) {
      sum += a;
      for (const double b : counts) pairs += std::fabs(a - b);
    }
    EXPECT_NEAR(Gini(counts), pairs / (2 * 30 * sum), 1e-12);
  }
  std::vector<double> none;
  EXPECT_EQ(Gini(none), 0);
}

TEST(ItemsSeen, CountActionsAndKnowCategories) {
  ItemsSeen seen;
  EXPECT_EQ(seen.Information(HashOf(1)), 0);  // nothing is known
  std::map<int, int> counts;
  std::mt19937 random(2);
  for (int i = 0; i < 100'000; ++i) {
    const int item =
        static_cast<int>(std::pow(static_cast<double>(random() % 1000) / 1000, 3) * 2000);
    ++counts[item];
    seen.OnAction(HashOf(item));
  }
  double error = 0;
  for (const auto& [item, count] : counts) {
    const double exact = std::log2(100'000.0 / count);
    const double bits = seen.Information(HashOf(item));
    EXPECT_LE(bits, exact + 1e-9);  // two items in one counter make both look known
    error += exact - bits;
  }
  EXPECT_LT(error / static_cast<double>(counts.size()), 0.15);
  EXPECT_NEAR(seen.Information(HashOf(999'999)), std::log2(200'000), 6);
  EXPECT_FALSE(seen.InHead(HashOf(0)));  // not looked for yet
  seen.FindHead();
  EXPECT_TRUE(seen.InHead(HashOf(0)));
  EXPECT_FALSE(seen.InHead(HashOf(1900)));
  seen.OnItem(HashOf(1), "Audio");
  seen.OnItem(HashOf(2), "Audio");
  seen.OnItem(HashOf(3), "Tea");
  seen.OnItem(HashOf(4), "");
  EXPECT_EQ(seen.CategoryOf(HashOf(1)), seen.CategoryOf(HashOf(2)));
  EXPECT_NE(seen.CategoryOf(HashOf(1)), seen.CategoryOf(HashOf(3)));
  EXPECT_EQ(seen.CategoryOf(HashOf(4)), 0);
  seen.OnItem(HashOf(3), "Audio");  // it moved
  EXPECT_EQ(seen.CategoryOf(HashOf(3)), seen.CategoryOf(HashOf(1)));
  ItemsSeen kept;
  kept.Load(nlohmann::json::parse(seen.Save().dump()));
  EXPECT_EQ(kept.Save(), seen.Save());
  EXPECT_EQ(kept.CategoryOf(HashOf(3)), seen.CategoryOf(HashOf(3)));
}

TEST(ItemsSeen, KnowNoMoreCategoriesThanTheyMay) {
  ItemsSeen seen;
  for (int i = 0; i < 40'000; ++i) seen.OnItem(HashOf(i), "Tea");
  int known = 0;
  for (int i = 0; i < 40'000; ++i) known += seen.CategoryOf(HashOf(i)) != 0 ? 1 : 0;
  EXPECT_GE(known, 16'384);
  EXPECT_LE(known, 16'390);  // two items whose short hashes are alike
}

TEST(ListBehaviour, MeasuresAList) {
  ListBehaviour behaviour;
  for (int i = 0; i < 100; ++i) behaviour.items().OnAction(HashOf(i % 2 == 0 ? 0 : 1 + i));
  behaviour.items().OnItem(HashOf(0), "Audio");
  behaviour.items().OnItem(HashOf(1), "Audio");
  behaviour.items().OnItem(HashOf(2), "Tea");
  const List list = Of({0, 1, 2, 77}, {0.9, 0.9, 0.5, 0.1});
  behaviour.OnAnswer("m:1\nhome", list.impression, list.items,
                     {.scored = true, .lowest = 0.2, .highest = 0.8}, 7);
  const BehaviourCounts counts = Found(behaviour, {7, "m:1\nhome"});
  EXPECT_EQ(counts.places, 4);
  EXPECT_NEAR(counts.novelty, 1 + 3 * std::log2(200.0), 2.5);  // 0 by half of all, others by none
  EXPECT_EQ(counts.tied, 1);
  EXPECT_EQ(counts.outside, 3);
  EXPECT_EQ(counts.scored, 4);
  EXPECT_EQ(counts.known, 3);
  EXPECT_EQ(counts.lists, 1);
  EXPECT_NEAR(counts.diversity, 2.0 / 3, 1e-12);
  EXPECT_GE(counts.head, 1);
  EXPECT_NEAR(counts.gini, 0, 1e-12);
  EXPECT_EQ(counts.gini_places, 4);
}

TEST(ListBehaviour, AModelThatCollapsesIsSeen) {
  ListBehaviour behaviour;
  std::mt19937 random(3);
  for (int i = 0; i < 20'000; ++i) {
    behaviour.items().OnAction(
        HashOf(static_cast<int>(random() % 1000 * (random() % 1000) / 1000)));
  }
  for (const std::int64_t hour : {1, 2}) {
    for (int answer = 0; answer < 500; ++answer) {
      std::vector<int> items;
      std::vector<double> scores;
      for (int place = 0; place < 10; ++place) {
        items.push_back(hour == 1 ? static_cast<int>(random() % 1000) : place);
        scores.push_back(hour == 1 ? 10 - place : 1);
      }
      const List list = Of(items, scores);
      behaviour.OnAnswer("m:1\nhome", list.impression, list.items, {}, hour);
    }
  }
  const BehaviourCounts before = Found(behaviour, {1, "m:1\nhome"});
  const BehaviourCounts after = Found(behaviour, {2, "m:1\nhome"});
  EXPECT_GT(before.novelty, after.novelty + 5000);
  EXPECT_LT(before.head, 0.2 * 5000);
  EXPECT_GT(after.head, 0.9 * 5000);
  EXPECT_EQ(before.tied, 0);
  EXPECT_EQ(after.tied, 4500);
  EXPECT_GT(before.gini / before.gini_places, 0.15);  // chance alone is not equal
  EXPECT_NEAR(after.gini, 0, 1e-9);                   // ten items, all as often
}

TEST(ListBehaviour, HoursEndAndRestartsDoNotShow) {
  ListBehaviour one;
  ListBehaviour two;
  std::mt19937 random(4);
  for (int i = 0; i < 3000; ++i) {
    std::vector<int> items;
    for (int place = 0; place < 5; ++place) items.push_back(static_cast<int>(random() % 900));
    const List list = Of(items, {5, 4, 3, 2, 1});
    const std::string row = "m:" + std::to_string(random() % 60) + "\nhome";
    const std::int64_t hour = i / 200 - static_cast<std::int64_t>(random() % 3);
    for (ListBehaviour* behaviour : {&one, &two}) {
      behaviour->items().OnAction(HashOf(items[0]));
      behaviour->OnAnswer(row, list.impression, list.items, {}, hour);
      behaviour->Finish(i / 200 - 4);
    }
    if (i % 500 == 0) {
      ListBehaviour kept;
      kept.Load(nlohmann::json::parse(two.Save().dump()));
      two = std::move(kept);
    }
  }
  EXPECT_EQ(one.Save(), two.Save());
  double places = 0;
  for (const auto& [row, counts] : one.totals()) places += counts.places;
  EXPECT_EQ(places, 15'000);
  EXPECT_TRUE(one.Find({5, "m:1\nhome"}).has_value());
  one.DropFinalHours({{5, "m:1\nhome"}});
  EXPECT_FALSE(one.Find({5, "m:1\nhome"}).has_value());
}

TEST(ListBehaviour, CategoriesComeFromTheCatalogue) {
  Attribution attribution({});
  Item item;
  item.id = "a";
  item.categories = {"Audio > Soundbar"};
  attribution.OnItem(item);
  item.id = "b";
  item.categories = {"Audio > Microphone", "Sale"};
  attribution.OnItem(item);
  Impression answer;
  answer.model = "m:1";
  answer.scene = "home";
  answer.ts = {1};
  answer.items = {{"a", 1, ""}, {"b", 1, ""}};
  for (int i = 0; i < 100; ++i) {
    answer.request_id = "r" + std::to_string(i);
    attribution.Add(answer);
  }
  const BehaviourCounts& counts = attribution.behaviour().totals().at("m:1\nhome");
  EXPECT_NEAR(counts.lists, 25, 15);  // one of four is looked at
  EXPECT_EQ(counts.diversity, 0);
}

}  // namespace
}  // namespace vitrine::monitor
