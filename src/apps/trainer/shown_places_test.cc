// Goods whose liking is known, shown by a rule that puts what is liked least first: what the shop's rankers learn of
// them with and without weights for places.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include "apps/trainer/algorithms.h"
#include "train/shown_rows.h"
#include "train/shown_shop_testing.h"

namespace vitrine::apps {
namespace {

constexpr std::size_t kItems = 12;

double Liking(std::size_t item) { return 0.06 + 0.03 * static_cast<double>(item); }
double Examined(std::size_t place) { return std::pow(1.0 + static_cast<double>(place), -1.3); }

std::string Name(std::size_t item) { return (item < 10 ? "i0" : "i") + std::to_string(item); }

/// 4,000 answers of all goods: the least liked first, each moved by up to five places.
train::test::FakeShownShop TurnedRound() {
  train::test::FakeShownShop shop;
  std::mt19937_64 random(11);
  const auto unit = [&random] { return static_cast<double>(random() >> 11) * 0x1p-53; };
  std::vector<std::pair<double, std::size_t>> order(kItems);
  for (std::size_t answer = 0; answer < 4'000; ++answer) {
    for (std::size_t i = 0; i < kItems; ++i) {
      order[i] = {static_cast<double>(i) + 5 * unit(), i};
    }
    std::sort(order.begin(), order.end());
    const std::string request = "r" + std::to_string(100'000 + answer);
    const std::string user = "u" + std::to_string(answer % 100);
    const Micros ts{static_cast<std::int64_t>(answer + 1) * 60 * kMicrosPerSecond};
    std::vector<std::string> items;
    for (const auto& shown : order) {
      items.push_back(Name(shown.second));
    }
    shop.Show(request, user, ts, items);
    for (std::size_t place = 0; place < kItems; ++place) {
      if (unit() < Examined(place) * Liking(order[place].second)) {
        shop.Do(EventType::kClick, user, ts, items[place], request);
      }
    }
  }
  shop.as_of.value = kMicrosPerDay * 100;
  return shop;
}

/// What a ranker says of each item. `ignored`: as if no weight had been made.
std::vector<double> Learnt(const std::string& algorithm, evaluate::PlaceBias bias,
                           bool ignored = false) {
  train::test::FakeShownShop shop = TurnedRound();
  evaluate::Protocol protocol;
  protocol.name = "shown";
  protocol.kind = evaluate::ProtocolKind::kLabelled;
  protocol.rows = evaluate::RowSource::kShown;
  protocol.target_events = {EventType::kClick};
  protocol.shown.position_bias = bias;
  protocol.shown.position_clip = 30;
  auto material = train::ReadShownMaterial("snapshot", protocol, shop, shop, {});
  EXPECT_TRUE(material.ok()) << material.status().ToString();
  if (!material.ok()) {
    return {};
  }
  if (ignored) {
    material->weights.clear();
  }
  train::TrainSpec spec;
  spec.algorithm = algorithm;
  if (algorithm == "gbdt") {
    spec.parameters = {{"rounds", std::int64_t{60}}};
  }
  spec.features = {{"brand", "level", "item.brand", {}}};
  const auto set = train::MakeRankerSet(*material, spec, evaluate::FitFor::kTest);
  EXPECT_TRUE(set.ok()) << set.status().ToString();
  const train::RankerFactory* const factory = FindRanker(algorithm);
  const auto parameters = train::Parameters::Resolve(factory->parameters, spec.parameters);
  EXPECT_TRUE(parameters.ok());
  auto ranker = factory->create(*parameters);
  EXPECT_TRUE(ranker.ok());
  const train::RankerContext context{
      .seed = 1, .chosen = {}, .checkpoint = {}, .fingerprint = {}, .progress = {}};
  const auto fitted = (*ranker)->Fit(set->rows, nullptr, context);
  EXPECT_TRUE(fitted.ok()) << fitted.status().ToString();
  std::vector<float> said;
  EXPECT_TRUE((*ranker)->Score(set->rows.features, said).ok());
  std::vector<double> of_item(kItems, -1);
  for (std::size_t i = 0; i < said.size(); ++i) {
    of_item.at(material->set.rows[set->places[i]].item) = double{said[i]};
  }
  return of_item;
}

/// Pairs of items in their true order less those turned round, of all: 1 is right, -1 is upside down.
double AgreementWithLiking(const std::vector<double>& said) {
  double agreement = 0;
  double pairs = 0;
  for (std::size_t a = 0; a < said.size(); ++a) {
    for (std::size_t b = a + 1; b < said.size(); ++b) {
      agreement += said[b] > said[a] ? 1 : said[b] < said[a] ? -1 : 0;
      pairs += 1;
    }
  }
  return pairs > 0 ? agreement / pairs : 0;
}

TEST(ShownPlaces, WeightsBringTheLearntOrderToWhatIsLiked) {
  for (const std::string algorithm : {"lr", "gbdt"}) {
    const double plain = AgreementWithLiking(Learnt(algorithm, evaluate::PlaceBias::kNone));
    const double weighed = AgreementWithLiking(Learnt(algorithm, evaluate::PlaceBias::kItem));
    const double ignored = AgreementWithLiking(Learnt(algorithm, evaluate::PlaceBias::kItem, true));
    EXPECT_LT(plain, -0.3) << algorithm;     // who stands first is learnt, upside down
    EXPECT_GT(weighed, 0.6) << algorithm;    // what is liked is learnt
    EXPECT_EQ(ignored, plain) << algorithm;  // and it is the weights that do it
  }
}

}  // namespace
}  // namespace vitrine::apps
