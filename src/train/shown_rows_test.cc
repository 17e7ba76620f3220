#include "train/shown_rows.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

#include "train/shown_shop_testing.h"

namespace vitrine::train {
namespace {
using evaluate::Part;
using test::FakeShownShop;

constexpr std::int64_t kMinute = 60 * kMicrosPerSecond;

Micros At(std::int64_t minutes) {
  return Micros{1'700'000'000 * kMicrosPerSecond + minutes * kMinute};
}

evaluate::Protocol Shown(std::set<EventType> targets = {EventType::kClick}) {
  evaluate::Protocol protocol;
  protocol.name = "shown";
  protocol.kind = evaluate::ProtocolKind::kLabelled;
  protocol.rows = evaluate::RowSource::kShown;
  protocol.target_events = std::move(targets);
  protocol.test_share = 0.25;
  protocol.validation_share = 0.25;
  return protocol;
}

/// Four answers of two places an hour apart to `subject`, the second place clicked.
void ShowFour(FakeShownShop& shop, const std::string& subject = "u1") {
  for (int i = 0; i < 4; ++i) {
    const std::string request = "r" + std::to_string(i);
    shop.Show(request, subject, At(60 * i), {"a", "b"});
    shop.Do(EventType::kClick, subject, At(60 * i + 1), "b", request);
  }
  shop.as_of = At(100'000);
}

Result<RankerMaterial> Read(FakeShownShop& shop, const evaluate::Protocol& protocol) {
  return ReadShownMaterial("snapshot", protocol, shop, shop, {});
}

std::size_t RowsIn(FakeShownShop& shop, const evaluate::Protocol& protocol) {
  const auto material = Read(shop, protocol);
  EXPECT_TRUE(material.ok()) << material.status().ToString();
  return material.ok() ? material->set.rows.size() : 0;
}

/// "user item label known", a row each.
std::vector<std::string> RowsOf(const RankerMaterial& material) {
  std::vector<std::string> out;
  for (const evaluate::LabelledRow& row : material.set.rows) {
    out.push_back(material.set.users[row.user].user.id + " " + material.set.items[row.item] + " " +
                  std::to_string(row.label) + " " + std::to_string(row.known));
  }
  return out;
}

/// What is told of the answers; fails the test where nothing is.
const ShownSummary& ShownOf(const RankerMaterial& material) {
  static const ShownSummary kNone;
  EXPECT_TRUE(material.shown.has_value());
  return material.shown ? *material.shown : kNone;
}

TEST(ShownRows, EveryShownItemIsARowThatKnowsWhatCameBefore) {
  FakeShownShop shop;
  ShowFour(shop);
  const auto material = Read(shop, Shown());
  ASSERT_TRUE(material.ok()) << material.status().ToString();
  EXPECT_EQ(RowsOf(*material),
            (std::vector<std::string>{"u1 a 0 0", "u1 b 1 0", "u1 a 0 1", "u1 b 1 1", "u1 a 0 2",
                                      "u1 b 1 2", "u1 a 0 3", "u1 b 1 3"}));
  EXPECT_EQ(material->set.CountOf(Part::kTraining), 4U);
  EXPECT_EQ(material->set.CountOf(Part::kValidation), 2U);
  EXPECT_TRUE(material->weights.empty());
  EXPECT_EQ(shop.asked, (std::set<EventType>{EventType::kClick}));
  ASSERT_TRUE(material->shown.has_value());
  EXPECT_EQ(ShownOf(*material).answers, 4U);
  EXPECT_EQ(ShownOf(*material).rows, 8U);
  EXPECT_EQ(ShownOf(*material).positives, 4U);
  const auto json = nlohmann::json::parse(ShownSummaryToJson(ShownOf(*material)));
  EXPECT_EQ(json["share_of_positives"], 0.5);
  EXPECT_FALSE(json.contains("examination"));
}

TEST(ShownRows, AnOpenAnswerGivesNone) {
  FakeShownShop shop;
  ShowFour(shop);
  shop.Show("open", "u1", At(99'990), {"a", "b"});
  shop.Do(EventType::kClick, "u1", At(99'991), "b", "open");
  shop.Do(EventType::kPurchase, "u1", At(99'992), "b", "open");
  const auto material = Read(shop, Shown());
  ASSERT_TRUE(material.ok()) << material.status().ToString();
  EXPECT_EQ(material->set.rows.size(), 8U);
  EXPECT_EQ(ShownOf(*material).unripe, 1U);
  // A click is waited for half an hour, a purchase a day.
  shop.as_of = At(99'990 + 31);
  EXPECT_EQ(RowsIn(shop, Shown()), 10U);
  shop.Do(EventType::kPurchase, "u1", At(2), "a", "r0");
  shop.Do(EventType::kPurchase, "u1", At(122), "a", "r2");
  shop.Do(EventType::kPurchase, "u1", At(182), "a", "r3");
  evaluate::Protocol purchases = Shown({EventType::kPurchase});
  EXPECT_EQ(RowsIn(shop, purchases), 8U);
  purchases.shown.purchase_hours = 0.5;
  EXPECT_EQ(RowsIn(shop, purchases), 10U);
}

TEST(ShownRows, LabelsAreWhatTheTargetsSay) {
  FakeShownShop shop;
  ShowFour(shop);
  const auto labels = [&shop](std::set<EventType> targets) {
    std::string out;
    const auto material = Read(shop, Shown(std::move(targets)));
    EXPECT_TRUE(material.ok()) << material.status().ToString();
    for (std::size_t i = 0; material.ok() && i < material->set.rows.size(); ++i) {
      out += std::to_string(material->set.rows[i].label);
    }
    return out;
  };
  for (const int i : {0, 1, 2, 3}) {
    shop.Do(EventType::kPurchase, "u1", At(60 * i + 2), i == 0 ? "a" : "b").order_id =
        "o" + std::to_string(i);
  }
  EXPECT_EQ(labels({EventType::kClick}), "01010101");
  EXPECT_EQ(labels({EventType::kPurchase}), "10010101");
  EXPECT_EQ(labels({EventType::kClick, EventType::kPurchase}), "11010101");
  shop.Do(EventType::kReturn, "u1", At(900), "b").order_id = "o1";
  EXPECT_EQ(labels({EventType::kPurchase}), "10000101");
}

TEST(ShownRows, OtherScenesTakeTheirEventsAndAreLeftOut) {
  FakeShownShop shop;
  ShowFour(shop);
  // Shown in the cart just before the click that names no answer: it is the cart's.
  shop.Show("c", "u1", At(10), {"a"}, "cart");
  shop.Do(EventType::kClick, "u1", At(11), "a");
  evaluate::Protocol protocol = Shown();
  protocol.shown.scene = "home";
  const auto home = Read(shop, protocol);
  ASSERT_TRUE(home.ok()) << home.status().ToString();
  EXPECT_EQ(home->set.rows.size(), 8U);
  EXPECT_EQ(home->set.rows[0].label, 0);
  EXPECT_EQ(ShownOf(*home).scenes, 1U);
  const auto both = Read(shop, Shown());
  ASSERT_TRUE(both.ok()) << both.status().ToString();
  EXPECT_EQ(both->set.rows.size(), 9U);
  EXPECT_EQ(ShownOf(*both).scenes, 2U);
  protocol.shown.scene = "hom";
  const Status none = Read(shop, protocol).status();
  EXPECT_EQ(none.code(), Code::kFailedPrecondition);
  EXPECT_NE(none.message().find("there are answers of 'cart', 'home'"), std::string::npos)
      << none.message();
}

TEST(ShownRows, ItemsAndShoppersThatOnlyAnswersKnow) {
  FakeShownShop shop;
  ShowFour(shop);
  shop.Show("s", "a-stranger", At(30), {"z", "b", "aa"});
  shop.Show("n", "", At(31), {"b", "z"});
  shop.Show("o", "", At(32), {"a"});
  const auto material = Read(shop, Shown());
  ASSERT_TRUE(material.ok()) << material.status().ToString();
  EXPECT_EQ(material->set.items, (std::vector<std::string>{"a", "aa", "b", "z"}));
  const std::vector<std::string> rows = RowsOf(*material);
  EXPECT_EQ(std::vector<std::string>(rows.begin() + 2, rows.begin() + 8),
            (std::vector<std::string>{"a-stranger z 0 0", "a-stranger b 0 0", "a-stranger aa 0 0",
                                      " b 0 0", " z 0 0", " a 0 0"}));
  const auto& set = material->set;
  EXPECT_EQ(set.rows[5].user, set.rows[6].user);
  EXPECT_NE(set.rows[6].user, set.rows[7].user);
  EXPECT_EQ(std::get<std::string>(set.users[set.rows[2].user].user.attributes.at("name")),
            "the user a-stranger");
  EXPECT_TRUE(set.users[set.rows[5].user].user.attributes.empty());
  // Item numbers of the events moved with the ids.
  EXPECT_EQ(material->interactions.items[material->interactions.item[0]], "b");
}

TEST(ShownRows, WithoutARipeAnswerTheProtocolIsNamed) {
  FakeShownShop shop;
  ShowFour(shop);
  evaluate::Protocol protocol = Shown();
  protocol.shown.click_minutes = 100'000;
  const Status none = Read(shop, protocol).status();
  EXPECT_EQ(none.code(), Code::kFailedPrecondition);
  EXPECT_NE(none.message().find("click_minutes"), std::string::npos) << none.message();
  protocol = Shown();
  protocol.shown.position_bias = evaluate::PlaceBias::kShopperItem;
  const Status alike = Read(shop, protocol).status();
  EXPECT_NE(alike.message().find("position_bias = \"shopper_item\""), std::string::npos)
      << alike.message();
}

/// Everybody sees ten goods at drawn places; who looks, clicks.
FakeShownShop Drawn(std::size_t answers) {
  FakeShownShop shop;
  std::mt19937_64 random(3);
  std::vector<std::string> items;
  for (int i = 0; i < 10; ++i) {
    items.push_back("i" + std::to_string(i));
  }
  for (std::size_t a = 0; a < answers; ++a) {
    const std::string request = "r" + std::to_string(100'000 + a);
    const std::string user = "u" + std::to_string(a % 50);
    const Micros ts = At(static_cast<std::int64_t>(a));
    for (std::size_t i = items.size() - 1; i > 0; --i) {
      std::swap(items[i], items[random() % (i + 1)]);
    }
    shop.Show(request, user, ts, items);
    for (std::size_t p = 0; p < items.size(); ++p) {
      if (random() % (4 * (p + 1)) == 0) {  // looked at 1 / (p + 1), clicked a quarter of the time
        shop.Do(EventType::kClick, user, ts, items[p], request);
      }
    }
  }
  shop.as_of = At(1'000'000);
  return shop;
}

TEST(ShownRows, PositivesWeighByHowOftenTheirPlaceIsLookedAt) {
  FakeShownShop shop = Drawn(3'000);
  evaluate::Protocol protocol = Shown();
  protocol.shown.position_bias = evaluate::PlaceBias::kRandomised;
  protocol.shown.position_clip = 8;
  const auto material = Read(shop, protocol);
  ASSERT_TRUE(material.ok()) << material.status().ToString();
  ASSERT_EQ(material->weights.size(), material->set.rows.size());
  const ShownSummary& shown = ShownOf(*material);
  ASSERT_EQ(shown.places.size(), 10U);
  for (std::size_t p = 0; p < 10; ++p) {
    EXPECT_NEAR(shown.places[p].relative, 1 / (1.0 + static_cast<double>(p)), 0.08) << p;
  }
  double clipped = 0;
  for (std::size_t i = 0; i < material->weights.size(); ++i) {
    const double wanted =
        material->set.rows[i].label == 0 ? 1 : std::min(8.0, 1 / shown.places[i % 10].relative);
    EXPECT_NEAR(material->weights[i], wanted, 1e-5) << i;
    const bool training = material->set.rows[i].part == Part::kTraining;
    clipped += training && material->set.rows[i].label > 0 && i % 10 > 6 && wanted == 8 ? 1 : 0;
  }
  EXPECT_EQ(static_cast<double>(shown.clipped), clipped);
  EXPECT_LT(shown.effective, static_cast<double>(shown.weighed));
  EXPECT_GT(shown.effective, 0.2 * static_cast<double>(shown.weighed));
  const auto json = nlohmann::json::parse(ShownSummaryToJson(shown));
  EXPECT_EQ(json["examination"].size(), 10U);
  EXPECT_EQ(json["examination"][0]["examined"], 1);
  // What the test part says of places is not looked at.
  FakeShownShop other = Drawn(3'000);
  for (int i = 0; i < 500; ++i) {
    other.Do(EventType::kClick, "u" + std::to_string((2'900 + i % 90) % 50), At(2'900 + i % 90),
             "i0", "r" + std::to_string(102'900 + i % 90));
  }
  const auto again = Read(other, protocol);
  ASSERT_TRUE(again.ok()) << again.status().ToString();
  EXPECT_GT(ShownOf(*again).positives, shown.positives);
  for (std::size_t p = 0; p < 10; ++p) {
    EXPECT_EQ(ShownOf(*again).places[p].relative, shown.places[p].relative) << p;
  }
}

TEST(ShownRows, WeightsAreOfFitsAndTheirStopAndEventsOfHeldOutDaysOfNone) {
  FakeShownShop shop = Drawn(400);
  evaluate::Protocol protocol = Shown();
  protocol.shown.position_bias = evaluate::PlaceBias::kRandomised;
  const auto material = Read(shop, protocol);
  ASSERT_TRUE(material.ok()) << material.status().ToString();
  TrainSpec spec;
  spec.algorithm = "any";
  spec.features = {{"item", "candidate", "", {}}};
  const auto selected = MakeRankerSet(*material, spec, evaluate::FitFor::kValidation);
  ASSERT_TRUE(selected.ok()) << selected.status().ToString();
  ASSERT_EQ(selected->rows.columns.size(), 1U);  // the place is no column
  ASSERT_EQ(selected->rows.weights.size(), selected->rows.rows());
  for (std::size_t i = 0; i < selected->rows.rows(); ++i) {
    EXPECT_EQ(selected->rows.weights[i], material->weights[selected->places[i]]) << i;
  }
  const auto& watched = selected->watched;
  if (!watched) {
    FAIL() << "nothing is watched";
  }
  EXPECT_EQ(watched->weights.size(), watched->rows());
  EXPECT_EQ(selected->places.size(), 2'000U);
  const auto everything = MakeRankerSet(*material, spec, evaluate::FitFor::kRefit);
  ASSERT_TRUE(everything.ok()) << everything.status().ToString();
  EXPECT_EQ(everything->places.size(), 4'000U);
}

/// A rate of clicks by item as features know it: of events from before the held-out answers.
TEST(ShownRows, FeaturesAreFittedOnEventsFromBeforeTheHeldOutAnswers) {
  FakeShownShop shop;
  ShowFour(shop);
  // "late" is clicked only in the test part: whatever counts clicks must not know it in the first fit.
  for (int i = 0; i < 30; ++i) {
    shop.Do(EventType::kView, "u2", At(185), "late");
    shop.Do(EventType::kView, "u2", At(5), "early");
  }
  evaluate::Protocol protocol = Shown();
  protocol.whole_catalogue = false;
  const auto material = Read(shop, protocol);
  ASSERT_TRUE(material.ok()) << material.status().ToString();
  TrainSpec spec;
  spec.algorithm = "any";
  spec.features = {{"item", "candidate", "", {}}};
  const auto fitted = MakeRankerSet(*material, spec, evaluate::FitFor::kTest);
  ASSERT_TRUE(fitted.ok()) << fitted.status().ToString();
  const auto& ids = fitted->vocabulary.ids();
  EXPECT_NE(std::find(ids.begin(), ids.end(), "early"), ids.end());
  EXPECT_EQ(std::find(ids.begin(), ids.end(), "late"), ids.end());
  const auto all = MakeRankerSet(*material, spec, evaluate::FitFor::kRefit);
  ASSERT_TRUE(all.ok());
  EXPECT_NE(std::find(all->vocabulary.ids().begin(), all->vocabulary.ids().end(), "late"),
            all->vocabulary.ids().end());
}

}  // namespace
}  // namespace vitrine::train
