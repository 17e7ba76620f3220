#include "explain/feature_parts.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

namespace vitrine::explain {
namespace {

double NumberOf(const Attributes* attributes, std::string_view name) {
  if (attributes == nullptr) {
    return 0;
  }
  const auto found = attributes->find(name);
  return found == attributes->end() ? 0 : std::get<double>(found->second);
}

// Attributes and history act on each other, so that the parts are not to be read off.
class FactScorer final : public Scorer {
 public:
  FactScorer(const User* user, const Attributes* context)
      : level_(user == nullptr ? 0 : NumberOf(&user->attributes, "level")),
        hour_(NumberOf(context, "hour")) {}
  [[nodiscard]] std::size_t width() const override { return 6; }
  Status Score(std::span<const History> histories, std::vector<double>& scores) const override {
    scores.clear();
    for (const History& history : histories) {
      double events = 0;
      for (const HistoryEvent& event : history) {
        events += event.item >= kFirstItem ? 1 : 0;
      }
      for (std::size_t item = 0; item < width(); ++item) {
        scores.push_back(0.5 * static_cast<double>(item) + level_ * hour_ + 3 * level_ +
                         events * (1 + level_));
      }
    }
    return Status::Ok();
  }

 private:
  double level_;
  double hour_;
};

TEST(AttributeFeatures, SplitsWhatIsThereWithoutAnyHistory) {
  User user;
  user.attributes["level"] = 2.0;
  const Attributes context = {{"hour", 5.0}, {"page", 1.0}};
  const ScorerOf scorer = [](const User* u, const Attributes* c) {
    return std::make_unique<FactScorer>(u, c);
  };
  const std::vector<ItemIndex> targets = {2, 4};
  const std::vector<std::string> names = {"context.hour", "user.level"};
  const History history(3, {.item = 3});
  const auto parts = AttributeFeatures(scorer, history, targets, &user, &context, names, {});
  ASSERT_TRUE(parts.ok()) << parts.status().ToString();
  for (std::size_t t = 0; t < targets.size(); ++t) {
    EXPECT_DOUBLE_EQ(parts->base[t], 0.5 * targets[t]);
    // Shapley of level * hour + 3 * level by hand: the product is shared, the rest is level's.
    EXPECT_NEAR(parts->contributions[t][0], 5, 1e-12);
    EXPECT_NEAR(parts->contributions[t][1], 5 + 6, 1e-12);
    const double sum = std::accumulate(parts->contributions[t].begin(),
                                       parts->contributions[t].end(), parts->base[t]);
    EXPECT_NEAR(sum, 0.5 * targets[t] + 16, 1e-12);  // no event of the history is in it
  }
}

TEST(GivenFeatures, AreThoseOfTheSpecThatAreThere) {
  auto spec = data::FeatureSpec::Fit(
      {{.name = "h", .op = "history_items", .source = "", .options = {{"length", "3"}}},
       {.name = "hour", .op = "context", .source = "context.hour", .options = {}},
       {.name = "city", .op = "hash", .source = "user.city", .options = {{"buckets", "8"}}}},
      data::Interactions{}, data::ItemTable{}, data::Vocabulary({"a", "b"}), Micros{0});
  ASSERT_TRUE(spec.ok()) << spec.status().ToString();
  User user;
  user.attributes["level"] = 2.0;
  const Attributes context = {{"hour", 5.0}};
  EXPECT_EQ(GivenFeatures(*spec, &user, &context), std::vector<std::string>{"context.hour"});
  user.attributes["city"] = std::string("Ulm");
  EXPECT_EQ(GivenFeatures(*spec, &user, &context),
            (std::vector<std::string>{"context.hour", "user.city"}));
  EXPECT_TRUE(GivenFeatures(*spec, nullptr, nullptr).empty());
}

}  // namespace
}  // namespace vitrine::explain
