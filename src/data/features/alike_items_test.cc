// Option `same` of counts and rates: what a shopper did with items like the candidate.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "data/feature_spec.h"
#include "data/test_shop.h"

namespace vitrine::data {
namespace {

FeatureDef Rate(std::string same) {
  return {.name = "rate",
          .op = "rate_asof",
          .source = "user",
          .options = {{"event", "purchase"},
                      {"per", "view,cart,purchase"},
                      {"days", "20"},
                      {"strength", "3"},
                      {"same", std::move(same)}}};
}
FeatureDef Count(std::string same) {
  return {.name = "count",
          .op = "count_asof",
          .source = "user",
          .options = {{"event", "view,cart,purchase"}, {"days", "20"}, {"same", std::move(same)}}};
}

class AlikeItems : public testing::Test {
 protected:
  AlikeItems() {
    for (std::size_t i = 0; i < shop.items.rows.size(); ++i) {
      if (i % 3 == 0) {
        shop.items.rows[i].categories.push_back("Third");
      }
    }
  }
  test::Shop shop = test::MakeShop({.users = 20, .items = 12, .longest = 30, .days = 60});
  Vocabulary vocabulary{shop.interactions.items};
};

/// The slow way: every event, every pair of words.
double Oracle(const History& history, Micros as_of, const Item* candidate,
              const std::vector<const Item*>& items, bool purchases, bool by_category) {
  double count = 0;
  for (const HistoryEvent& event : history) {
    const bool inside = event.ts < as_of && event.ts.value >= as_of.value - 20 * kMicrosPerDay;
    const Item* item = items[event.item];
    if (!inside || item == nullptr || candidate == nullptr ||
        (purchases && event.type != EventType::kPurchase)) {
      continue;
    }
    bool alike = false;
    if (by_category) {
      for (const std::string& a : item->categories) {
        for (const std::string& b : candidate->categories) {
          alike = alike || a == b;
        }
      }
    } else {
      alike = !item->brand.empty() && item->brand == candidate->brand;
    }
    count += alike ? 1 : 0;
  }
  return count;
}

TEST_F(AlikeItems, CountWhatTheSlowWayCounts) {
  for (const bool by_category : {true, false}) {
    const std::string field = by_category ? "item.categories" : "item.brand";
    const Micros until{1'900'000'000'000'000};
    auto fitted = FeatureSpec::Fit({Rate(field), Count(field)}, shop.interactions, shop.items,
                                   vocabulary, until);
    ASSERT_TRUE(fitted.ok()) << fitted.status().ToString();
    const auto spec = FeatureSpec::Parse(fitted->ToJson());  // as serving reads it
    ASSERT_TRUE(spec.ok()) << spec.status().ToString();
    std::vector<const Item*> items(vocabulary.width(), nullptr);
    std::vector<ItemIndex> candidates = {kUnknownItem};
    for (std::size_t i = 0; i < shop.items.rows.size(); ++i) {
      items[i + kFirstItem] = &shop.items.rows[i];
      candidates.push_back(static_cast<ItemIndex>(i + kFirstItem));
    }
    const Interactions& rows = shop.interactions;
    double purchases = 0;
    for (const EventType type : rows.type) {
      purchases += type == EventType::kPurchase ? 1 : 0;
    }
    const double prior = purchases / static_cast<double>(rows.rows());
    double most = 0;
    for (std::size_t u = 0; u < rows.users.size(); ++u) {
      History history;
      for (std::size_t r = rows.user_begin[u]; r < rows.user_begin[u + 1]; ++r) {
        history.push_back({rows.item[r] + kFirstItem, rows.ts[r], rows.type[r], rows.basket[r]});
      }
      FeatureInput input;
      input.history = history;
      input.as_of = history.back().ts;  // of this very moment nothing counts
      input.candidates = candidates;
      std::vector<Tensor> out;
      ASSERT_TRUE(spec->Apply({&input, 1}, out).ok());
      for (std::size_t c = 0; c < candidates.size(); ++c) {
        const Item* candidate = items[candidates[c]];
        const double all = Oracle(history, input.as_of, candidate, items, false, by_category);
        const double taken = Oracle(history, input.as_of, candidate, items, true, by_category);
        EXPECT_EQ(out[1].values<float>()[c], static_cast<float>(all));
        EXPECT_NEAR(double{out[0].values<float>()[c]}, (taken + 3 * prior) / (all + 3), 1e-6);
        most = std::max(most, all);
      }
    }
    EXPECT_GT(most, 3);  // there was something to count
  }
}

TEST_F(AlikeItems, MistakesAreNamed) {
  const auto message = [this](FeatureDef def) {
    return std::string(
        FeatureSpec::Fit({std::move(def)}, shop.interactions, shop.items, vocabulary, Micros{1})
            .status()
            .message());
  };
  FeatureDef item = Count("item.brand");
  item.source = "item";
  EXPECT_NE(message(item).find("source must be \"user\""), std::string::npos);
  EXPECT_NE(message(Count("user.level")).find("must be item.FIELD"), std::string::npos);
  EXPECT_NE(message(Count("item.colur")).find("did you mean"), std::string::npos);
}

}  // namespace
}  // namespace vitrine::data
