// Re-ranking against slow oracles: every gain worked out anew from its definition, determinants by elimination.
#include "serve/rerank.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace vitrine::serve {
namespace {

using Order = std::vector<std::uint32_t>;
using Matrix = std::vector<std::vector<double>>;

double Determinant(Matrix m) {
  double determinant = 1;
  for (std::size_t c = 0; c < m.size(); ++c) {
    std::size_t pivot = c;
    for (std::size_t r = c + 1; r < m.size(); ++r) {
      pivot = std::fabs(m[r][c]) > std::fabs(m[pivot][c]) ? r : pivot;
    }
    if (m[pivot][c] == 0) {
      return 0;
    }
    determinant *= pivot == c ? 1 : -1;
    std::swap(m[pivot], m[c]);
    determinant *= m[c][c];
    for (std::size_t r = c + 1; r < m.size(); ++r) {
      const double factor = m[r][c] / m[c][c];
      for (std::size_t k = c; k < m.size(); ++k) {
        m[r][k] -= factor * m[c][k];
      }
    }
  }
  return determinant;
}

/// Items of random features: cosines, some of them alike in everything.
struct World {
  explicit World(unsigned seed, std::size_t count) : engine(seed) {
    std::normal_distribution<double> draw;
    std::vector<std::vector<double>> features(count, std::vector<double>(6));
    for (std::size_t i = 0; i < count; ++i) {
      for (double& value : features[i]) {
        value = draw(engine);
      }
      if (i > 0 && engine() % 5 == 0) {
        features[i] = features[engine() % i];
      }
    }
    alike.assign(count, std::vector<double>(count, 0));
    for (std::size_t a = 0; a < count; ++a) {
      for (std::size_t b = 0; b < count; ++b) {
        double ab = 0;
        double aa = 0;
        double bb = 0;
        for (std::size_t k = 0; k < 6; ++k) {
          ab += features[a][k] * features[b][k];
          aa += features[a][k] * features[a][k];
          bb += features[b][k] * features[b][k];
        }
        alike[a][b] = ab / std::sqrt(aa * bb);
      }
    }
    const std::size_t scored = count - engine() % 4;
    const std::size_t pool = scored - engine() % 6;
    for (std::size_t i = 0; i < count; ++i) {
      RerankItem item;
      item.likeness = {.brand = engine() % 4, .category = engine() % 3};
      item.relevance = 1 - static_cast<double>(i) / static_cast<double>(count);
      item.scored = i < scored;
      item.reserve = i >= pool;
      item.is_new = item.reserve || engine() % 6 == 0;
      items.push_back(item);
    }
  }

  [[nodiscard]] Order Run(const RerankPlan& plan) {
    const auto pair = [this](std::size_t a, std::size_t b) { return alike[a][b]; };
    Order order;
    for (const RerankPlace& place : Rerank(plan, items, PairAlikeness(pair), scratch)) {
      order.push_back(place.item);
    }
    return order;
  }

  std::mt19937 engine;
  Matrix alike;
  std::vector<RerankItem> items;
  RerankScratch scratch;
};

// By definition, from nothing but what is placed.
struct Oracle {
  const World& world;
  const RerankPlan& plan;
  Order placed;

  [[nodiscard]] Matrix KernelOf(const Order& order) const {
    Matrix kernel(order.size(), std::vector<double>(order.size(), 1));
    for (std::size_t a = 0; a < order.size(); ++a) {
      for (std::size_t b = 0; b < order.size(); ++b) {
        kernel[a][b] = a == b ? 1 : kDppLikeness * world.alike[order[a]][order[b]];
      }
    }
    return kernel;
  }
  [[nodiscard]] double GainOf(std::uint32_t item) const {
    const double relevance = world.items[item].relevance;
    if (plan.strength == 0) {
      return relevance;
    }
    double variety = 0;
    if (plan.method == DiversityMethod::kMmr) {
      for (const std::uint32_t above : placed) {
        variety = std::min(variety, -world.alike[item][above]);
      }
    } else {
      Order with = placed;
      with.push_back(item);
      variety = std::log(Determinant(KernelOf(with)) / Determinant(KernelOf(placed)));
    }
    return (1 - plan.strength) * relevance + plan.strength * variety;
  }
  [[nodiscard]] bool Fits(std::uint32_t item) const {
    std::vector<Likeness> memory;
    SpacedPlaces spaced(plan.spacing, memory);
    for (const std::uint32_t above : placed) {
      spaced.Add(world.items[above].likeness);
    }
    return spaced.Fits(world.items[item].likeness);
  }
  // -1: none
  template <typename May>
  [[nodiscard]] int Best(const May& may) const {
    int best = -1;
    for (std::uint32_t i = 0; i < world.items.size(); ++i) {
      if (std::find(placed.begin(), placed.end(), i) != placed.end() || !may(i)) {
        continue;
      }
      if (best < 0) {
        best = static_cast<int>(i);
      } else if (world.items[i].scored) {
        const auto so_far = static_cast<std::uint32_t>(best);
        best = GainOf(i) > GainOf(so_far) + 1e-12 ? static_cast<int>(i) : best;
      }
    }
    return best;
  }
  Order Run() {
    while (placed.size() < plan.n) {
      const auto pool = [this](std::uint32_t i) { return !world.items[i].reserve; };
      int item = Best([&](std::uint32_t i) { return pool(i) && Fits(i); });
      if (item < 0 && plan.all) {
        item = Best(pool);
      }
      double fresh_places = 0;
      for (const std::uint32_t above : placed) {
        fresh_places += world.items[above].is_new ? 1 : 0;
      }
      const double places = static_cast<double>(placed.size() + 1);
      if (fresh_places + 1 <= plan.new_share * places + 1e-9) {
        const int fresh = Best([&](std::uint32_t i) { return world.items[i].is_new && Fits(i); });
        item = fresh >= 0 ? fresh : item;
      }
      if (item < 0) {
        break;
      }
      placed.push_back(static_cast<std::uint32_t>(item));
    }
    return placed;
  }
};

Spacing AnySpacing(std::mt19937& engine) {
  Spacing spacing;
  if (engine() % 2 == 0) {
    spacing.max_per_brand = static_cast<int>(engine() % 4);
    spacing.max_per_category = static_cast<int>(engine() % 5);
    spacing.brand_gap = static_cast<int>(engine() % 3);
  }
  return spacing;
}

TEST(Rerank, GivesEachPlaceToTheItemThatTheDefinitionNames) {
  for (unsigned seed = 1; seed <= 300; ++seed) {
    World world(seed, 5 + seed % 26);
    const Spacing spacing = AnySpacing(world.engine);
    for (const DiversityMethod method : {DiversityMethod::kMmr, DiversityMethod::kDpp}) {
      const RerankPlan plan{.spacing = spacing,
                            .method = method,
                            .strength = static_cast<double>(seed % 6) / 5,
                            .new_share = static_cast<double>(seed % 4) / 5,
                            .n = 1 + seed % 12,
                            .all = seed % 3 != 0};
      EXPECT_EQ(world.Run(plan), (Oracle{.world = world, .plan = plan, .placed = {}}.Run()))
          << seed << DiversityMethodName(method);
    }
  }
}

TEST(Rerank, WithoutStrengthAndShareIsArrange) {
  for (unsigned seed = 1; seed <= 200; ++seed) {
    World world(seed, 1 + seed % 40);
    std::vector<Likeness> likes;
    for (RerankItem& item : world.items) {
      item.reserve = false;
      likes.push_back(item.likeness);
    }
    const Spacing spacing = AnySpacing(world.engine);
    for (const bool all : {false, true}) {
      // Where limits must be broken Arrange takes what stands first, scored or not; so do those without a score.
      const std::size_t n = 1 + seed % 15;
      EXPECT_EQ(world.Run({.spacing = spacing, .n = n, .all = all}),
                Arrange(spacing, likes, n, all))
          << seed;
    }
  }
}

TEST(Rerank, EveryPrefixHoldsItsShareOfNewItems) {
  for (unsigned seed = 1; seed <= 100; ++seed) {
    World world(seed, 40);
    const double share = static_cast<double>(seed % 11) / 10;
    const Spacing none;
    const Order order = world.Run({.spacing = none,
                                   .strength = static_cast<double>(seed % 3) / 3,
                                   .new_share = share,
                                   .n = 10});
    std::size_t left = 0;
    for (const RerankItem& item : world.items) {
      left += item.is_new ? 1 : 0;
    }
    std::size_t fresh = 0;
    for (std::size_t p = 0; p < order.size(); ++p) {
      fresh += world.items[order[p]].is_new ? 1 : 0;
      const auto owed =
          static_cast<std::size_t>(std::floor(share * static_cast<double>(p + 1) + 1e-9));
      EXPECT_GE(fresh, std::min(owed, left)) << seed << " place " << p;
    }
  }
}

TEST(Rerank, AKeptPlaceIsMarkedOnlyWhereItChangesSomething) {
  World world(3, 0);
  for (int i = 0; i < 6; ++i) {
    RerankItem item;
    item.relevance = 1 - i * 0.1;
    item.is_new = i == 0 || i >= 4;
    world.items.push_back(item);
  }
  const Spacing none;
  const auto never = [](std::size_t, std::size_t) { return 0.0; };
  const auto places = Rerank({.spacing = none, .new_share = 0.5, .n = 4}, world.items,
                             PairAlikeness(never), world.scratch);
  ASSERT_EQ(places.size(), 4U);
  EXPECT_EQ(places[0].item, 0U);  // new, and the best anyway
  EXPECT_FALSE(places[0].kept);
  EXPECT_EQ(places[3].item, 4U);
  EXPECT_TRUE(places[3].kept);
}

TEST(Rerank, OfTwinsTheSecondComesLast) {
  for (const DiversityMethod method : {DiversityMethod::kMmr, DiversityMethod::kDpp}) {
    std::vector<RerankItem> items(4);
    for (std::size_t i = 0; i < items.size(); ++i) {
      items[i].relevance = 1 - static_cast<double>(i) / 10;
    }
    const auto twins = [](std::size_t a, std::size_t b) { return a + b == 1 ? 1.0 : 0.0; };
    RerankScratch scratch;
    const Spacing none;
    const auto places = Rerank({.spacing = none, .method = method, .strength = 0.9, .n = 4}, items,
                               PairAlikeness(twins), scratch);
    ASSERT_EQ(places.size(), 4U);
    EXPECT_EQ(places[0].item, 0U);
    EXPECT_EQ(places[3].item, 1U);
  }
}

TEST(Rerank, BeyondTheVariedPlacesScoreAloneCounts) {
  World world(1, 0);
  world.items.resize(kMostVaried + 20);
  for (std::size_t i = 0; i < world.items.size(); ++i) {
    world.items[i].relevance = 1 - static_cast<double>(i) / 200;
  }
  const auto alike = [](std::size_t a, std::size_t b) { return a % 7 == b % 7 ? 1.0 : 0.0; };
  const Spacing none;
  const auto places = Rerank({.spacing = none, .strength = 0.5, .n = world.items.size()},
                             world.items, PairAlikeness(alike), world.scratch);
  ASSERT_EQ(places.size(), world.items.size());
  for (std::size_t p = kMostVaried + 1; p < places.size(); ++p) {
    EXPECT_LT(places[p - 1].item, places[p].item);
  }
}

}  // namespace
}  // namespace vitrine::serve
