// Ready answers must not differ from those that are made anew, whatever the shop does in between.

#include "serve/answer_lists.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "serve/fake_shop.h"
#include "serve/random_shop.h"

namespace vitrine::serve {
namespace {

constexpr std::size_t kMegabyte = std::size_t{1} << 20;

std::string Text(const RecommendResponse& answer) {
  std::string text = answer.scene + "|" + answer.model + "|" + answer.why + "|" +
                     std::string(FallbackName(answer.fallback)) + "|" +
                     std::string(RungName(answer.rung));
  for (const RecommendedItem& item : answer.items) {
    text += "\n" + item.item_id + " " + std::to_string(item.score) + " " + item.source;
  }
  return text;
}

class Lists : public testing::Test {
 protected:
  Lists() {
    shop.make["near:2"] = [this] {
      std::vector<std::string> other(shop.names.rbegin(), shop.names.rend());
      other.pop_back();  // the first item is not known to it
      return FakeParts<double>("near", other, 5, Neighbours<double>);
    };
    EXPECT_TRUE(shop.Serve("near:2", "other").ok());
    EXPECT_TRUE(shop.Serve("near:1").ok());
    ready = shop.Recommending({.bytes = kMegabyte, .trending_age = Micros{0}});
    anew = shop.Recommending({});
    shop.AddCatalogue();
  }
  double Count(const std::string& result) const {
    double sum = 0;
    for (const auto& [name, value] : shop.metrics.Samples()) {
      if (name.starts_with("vitrine_answer_lists_total") &&
          name.find("result=\"" + result + "\"") != std::string::npos) {
        sum += value;
      }
    }
    return sum;
  }
  RecommendResponse Get(const RecommendRequest& request) {
    auto answer = ready->Recommend(request);
    EXPECT_TRUE(answer.ok()) << answer.status().ToString();
    return answer.ok() ? *std::move(answer) : RecommendResponse{};
  }
  void ExpectSame(const RecommendRequest& request) {
    const auto want = anew->Recommend(request);
    ASSERT_TRUE(want.ok()) << want.status().ToString();
    for (int times = 0; times < 2; ++times) {
      EXPECT_EQ(Text(Get(request)), Text(*want));
    }
  }
  void ExpectSame(const SimilarRequest& request) {
    const auto want = anew->Similar(request);
    for (int times = 0; times < 2; ++times) {
      const auto answer = ready->Similar(request);
      ASSERT_EQ(answer.ok(), want.ok());
      if (want.ok()) {
        EXPECT_EQ(Text(*answer), Text(*want));
      }
    }
  }

  FakeShop shop{24};
  std::unique_ptr<Recommender> ready;
  std::unique_ptr<Recommender> anew;
};

TEST_F(Lists, AreGivenAgainWithANewRequestIdAndARecord) {
  RecommendRequest request;
  request.user_id = "nobody";
  const RecommendResponse first = Get(request);
  const int impressions = shop.observer.impressions;
  const RecommendResponse second = Get(request);
  EXPECT_EQ(Text(second), Text(first));
  EXPECT_NE(second.request_id, first.request_id);
  EXPECT_EQ(shop.observer.impressions, impressions + 1);
  const auto kept = shop.log.GetImpression(second.request_id);
  ASSERT_TRUE(kept.ok());
  EXPECT_EQ(kept->items.size(), second.items.size());
  EXPECT_EQ(kept->subject, "nobody");
  EXPECT_EQ(kept->fallback, "unknown_user");
  EXPECT_EQ(Count("hit"), 1);
  EXPECT_EQ(Count("miss"), 1);
}

TEST_F(Lists, OfSimilarItemsTellTheObserverWhatTheScoresWereMadeFrom) {
  SimilarRequest request;
  request.item_id = "item5";
  ASSERT_TRUE(ready->Similar(request).ok());
  const std::vector<double> scores = shop.observer.shown_scores;
  const int served = shop.observer.served;
  shop.observer.shown_scores.clear();
  const auto again = ready->Similar(request);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(Count("hit"), 1);
  EXPECT_EQ(shop.observer.served, served + 1);
  EXPECT_EQ(shop.observer.shown_scores, scores);
  EXPECT_EQ(again->model, "near:1");
  const auto replayed = ready->Replay(again->request_id);
  ASSERT_TRUE(replayed.ok());
  EXPECT_TRUE(replayed->same);
}

TEST_F(Lists, AreNotForThoseWhoSayMore) {
  RecommendRequest plain;
  plain.user_id = "nobody";
  (void)Get(plain);
  ASSERT_EQ(Count("miss"), 1);
  std::vector<RecommendRequest> more(5, plain);
  more[0].filter.exclude = {"item0"};
  more[1].filter.where.brands = {"B"};
  more[2].filter.exclude_out_of_stock = false;
  more[3].as_of = shop.now;
  more[4].history.emplace().push_back({.item_id = "item3", .ts = {1}});
  for (const RecommendRequest& request : more) {
    ExpectSame(request);
  }
  shop.log.SetUser("ann", {{"elsewhere", EventType::kPurchase}});
  RecommendRequest known = plain;
  known.user_id = "ann";
  ExpectSame(known);
  EXPECT_EQ(Count("hit") + Count("miss"), 1);
  known.personalize = false;
  ExpectSame(known);
  EXPECT_EQ(Count("hit"), 2);  // somebody who asks not to be known is nobody
}

TEST_F(Lists, OfTrendingItemsAreNoOlderThanTheirAge) {
  ready = shop.Recommending({.bytes = kMegabyte, .trending_age = Micros{kMicrosPerSecond}});
  Scene scene = *shop.scenes.Find("home").value();
  scene.fallback = FallbackOrder::kTrending;
  ASSERT_TRUE(shop.scenes.Put(scene).ok());
  const auto view = [&](const std::string& item) {
    Event event;
    event.items = {{item, -1, 1, 0}};
    event.ts = shop.now;
    ASSERT_TRUE(shop.log.AppendEvents(std::span(&event, 1), After(std::chrono::seconds(1))).ok());
  };
  RecommendRequest request;
  request.n = 1;
  view("item7");
  EXPECT_EQ(IdsOf(Get(request)), std::vector<std::string>{"item7"});
  for (int i = 0; i < 3; ++i) {
    view("item9");
  }
  shop.now.value += kMicrosPerSecond - 1;
  EXPECT_EQ(IdsOf(Get(request)), std::vector<std::string>{"item7"});
  Item row = FakeShop::Row("item7");  // what may not be shown is never late
  row.hidden = true;
  shop.Change(row);
  EXPECT_EQ(IdsOf(Get(request)), std::vector<std::string>{"item9"});
  for (int i = 0; i < 5; ++i) {
    view("item8");
  }
  shop.now.value += kMicrosPerSecond;
  EXPECT_EQ(IdsOf(Get(request)), std::vector<std::string>{"item8"});
  shop.now.value -= kMicrosPerDay;  // a clock that is set back
  ExpectSame(request);
}

// Likes another distance from the item asked about for each level of the user.
class LevelGraph final : public LoadedGraph {
 public:
  LevelGraph(std::vector<TensorSpec> inputs, std::int64_t width)
      : inputs_(std::move(inputs)),
        outputs_({{.name = "scores", .dtype = DType::kFloat32, .shape = {-1, width}}}) {}
  [[nodiscard]] const std::vector<TensorSpec>& inputs() const override { return inputs_; }
  [[nodiscard]] const std::vector<TensorSpec>& outputs() const override { return outputs_; }
  Status Run(std::span<const Tensor> inputs, std::vector<Tensor>& outputs) const override {
    CHECK(inputs.size() == 2 && inputs[0].name() == "history" && inputs[1].name() == "level");
    const std::int64_t item = inputs[0].values<std::int64_t>().back();
    const std::int64_t level = inputs[1].values<std::int64_t>().front();
    outputs.resize(1);
    outputs[0].set_name("scores");
    outputs[0].Resize(DType::kFloat32, std::array{std::int64_t{1}, outputs_[0].shape[1]});
    const auto scores = outputs[0].values<float>();
    for (std::size_t j = 0; j < scores.size(); ++j) {
      const std::int64_t distance = std::abs(static_cast<std::int64_t>(j) - item - level % 7);
      scores[j] = 1.0F / static_cast<float>(1 + distance);
    }
    return Status::Ok();
  }

 private:
  std::vector<TensorSpec> inputs_;
  std::vector<TensorSpec> outputs_;
};

TEST_F(Lists, OfAVersionThatLooksAtTheUserAreForUsersWhoLookTheSame) {
  shop.make["level:1"] = [this] {
    ModelParts parts;
    parts.manifest.name = "level";
    parts.vocabulary = data::Vocabulary(shop.names);
    auto spec = data::FeatureSpec::Fit(
        {{"history", "history_items", "", {{"length", "5"}}}, {"level", "hash", "user.level", {}}},
        data::Interactions{}, data::ItemTable{}, parts.vocabulary, Micros{0});
    CHECK(spec.ok());
    parts.spec = std::move(spec).value();
    parts.graph = std::make_unique<LevelGraph>(parts.spec.Outputs(),
                                               static_cast<std::int64_t>(parts.vocabulary.width()));
    return parts;
  };
  ASSERT_TRUE(shop.Serve("level:1").ok());
  std::vector<std::pair<std::string, data::UserState>> states(3);
  for (std::size_t i = 0; i < states.size(); ++i) {
    states[i].first = "user" + std::to_string(i);
    states[i].second.attributes["level"] = std::string(i == 1 ? "silver" : "gold");
  }
  ASSERT_TRUE(shop.log.LoadUserStates(states, 0).ok());
  std::vector<std::vector<std::string>> shown;
  for (int turn = 0; turn < 2; ++turn) {
    for (const auto& [user, state] : states) {
      SimilarRequest request;
      request.item_id = "item9";
      request.user_id = user;
      request.n = 3;
      ExpectSame(request);
      shown.push_back(IdsOf(*ready->Similar(request)));
    }
  }
  EXPECT_NE(shown[0], shown[1]);
  EXPECT_EQ(shown[0], shown[2]);
  EXPECT_GT(Count("hit"), 6);
}

TEST_F(Lists, KeepNoVersionInMemory) {
  SimilarRequest request;
  request.item_id = "item5";
  ASSERT_TRUE(ready->Similar(request).ok());
  const std::weak_ptr<const ServedModel> version = shop.models.Get("champion");
  ASSERT_TRUE(shop.Serve("near:2").ok());
  shop.desired.folders.erase("near:1");
  shop.models.SetDesired(shop.desired);
  ASSERT_TRUE(shop.models.WaitUntilReached(After(std::chrono::seconds(10))).ok());
  EXPECT_TRUE(version.expired());
  ExpectSame(request);
}

// Random shops: after every change every kind of question is asked twice of the Recommender that keeps
// lists and once of the one that does not.
TEST_F(Lists, GiveWhatWouldBeMadeAnewWhateverChanges) {
  for (unsigned seed = 0; seed < 4 && !HasFailure(); ++seed) {
    RandomShop random(shop, seed);
    for (int step = 0; step < 250 && !HasFailure(); ++step) {
      SCOPED_TRACE("seed " + std::to_string(seed) + " step " + std::to_string(step));
      random.Change();
      // Both look at the rules of every scene now: which items a rule names is decided then.
      for (const char* scene : {"home", "cart", "item"}) {
        RecommendRequest everyone;
        everyone.scene = scene;
        ExpectSame(everyone);
      }
      ExpectSame(random.AnyRequest());
      ExpectSame(random.AnySimilar());
    }
  }
  EXPECT_GT(Count("hit"), 1000);
}

TEST_F(Lists, AreMadeAndGivenWhileTheShopChanges) {
  std::atomic<bool> stop{false};
  std::vector<std::jthread> shoppers;
  for (int t = 0; t < 2; ++t) {
    shoppers.emplace_back([&, t] {
      RecommendResponse answer;  // used again
      for (std::size_t i = 0; !stop; ++i) {
        RecommendRequest request;
        request.n = 1 + i % 3;
        EXPECT_TRUE(ready->Recommend(request, answer).ok());
        SimilarRequest similar;
        similar.item_id = "item" + std::to_string((i + static_cast<std::size_t>(t)) % 5);
        EXPECT_TRUE(ready->Similar(similar, answer).ok());
      }
    });
  }
  for (int round = 0; round < 200; ++round) {
    Item row = FakeShop::Row("item0");
    row.valid_from.value = 10 + round;
    row.hidden = round % 2 == 0;
    shop.Change(row);
    RecommendRequest request;
    request.n = 1;
    // Once the change is told, no answer has the item, and every later one does without it.
    for (int look = 0; look < 3; ++look) {
      ASSERT_EQ(IdsOf(Get(request)).front(), row.hidden ? "item1" : "item0") << "round " << round;
    }
  }
  stop = true;
}

struct Objects {
  std::shared_ptr<const Scene> scene;
  std::shared_ptr<const ItemTable> table;
  std::shared_ptr<const RuleMatches> rules;
  std::shared_ptr<const ServedModel> model;
  [[nodiscard]] ListBasis Basis() const { return {scene, table, rules, model}; }
};

std::shared_ptr<AnswerList> ListOf(std::size_t items, Micros from = {0}, Micros until = {100}) {
  auto list = std::make_shared<AnswerList>();
  list->items.resize(items);
  list->from = from;
  list->until = until;
  return list;
}

TEST(AnswerLists, MemoryIsBoundedAndTheOneAskedLongestAgoLeaves) {
  AnswerLists lists({.bytes = std::size_t{1} << 18}, nullptr);
  const Objects objects;
  const ListBasis basis = objects.Basis();
  const ListKey regular{.scene = "home", .n = 7};
  lists.Keep(regular, basis, ListOf(5));
  for (data::ItemNumber about = 0; about < 3000; ++about) {
    lists.Keep({.scene = "item", .kind = ListKind::kModel, .about = about, .n = 5}, basis,
               ListOf(5));
    ASSERT_NE(lists.Find(regular, basis, {5}), nullptr) << about;
    ASSERT_LE(lists.bytes(), std::size_t{1} << 18);
  }
  EXPECT_EQ(lists.Find({.scene = "item", .kind = ListKind::kModel, .about = 0, .n = 5}, basis, {5}),
            nullptr);
  lists.Keep({.scene = "large", .n = 500}, basis, ListOf(500));
  EXPECT_EQ(lists.Find({.scene = "large", .n = 500}, basis, {5}), nullptr);
}

TEST(AnswerLists, AKeyABasisAndAMomentMustFit) {
  AnswerLists lists({.bytes = kMegabyte}, nullptr);
  const Objects objects{.scene = std::make_shared<const Scene>(),
                        .table = std::make_shared<const ItemTable>()};
  const ListBasis basis = objects.Basis();
  const ListKey key{
      .scene = "home", .kind = ListKind::kFallback, .similar = true, .about = 3, .n = 4};
  lists.Keep(key, basis, ListOf(4, {10}, {20}));
  EXPECT_NE(lists.Find(key, basis, {10}), nullptr);
  EXPECT_NE(lists.Find(key, basis, {19}), nullptr);
  EXPECT_EQ(lists.Find(key, basis, {9}), nullptr);
  EXPECT_EQ(lists.Find(key, basis, {20}), nullptr);
  Objects other = objects;
  other.table = std::make_shared<const ItemTable>(*objects.table);
  EXPECT_EQ(lists.Find(key, other.Basis(), {15}), nullptr);
  other = objects;
  other.scene = std::make_shared<const Scene>(*objects.scene);
  EXPECT_EQ(lists.Find(key, other.Basis(), {15}), nullptr);
  other = objects;
  other.rules = std::make_shared<const RuleMatches>();
  EXPECT_EQ(lists.Find(key, other.Basis(), {15}), nullptr);
  std::vector<ListKey> keys(5, key);
  keys[0].scene = "cart";
  keys[1].kind = ListKind::kCategory;
  keys[2].similar = false;
  keys[3].about = 4;
  keys[4].n = 5;
  for (const ListKey& wrong : keys) {
    EXPECT_EQ(lists.Find(wrong, basis, {15}), nullptr);
  }
}

TEST(AnswerLists, RulesBoundTheMomentsOfAList) {
  Scene scene;
  EXPECT_LT(TimesOfRules(scene, {5}).from, Micros{-1'000'000});
  scene.rules = {{.name = "a", .from = Micros{10}, .until = Micros{30}},
                 {.name = "b", .until = Micros{20}}};
  const std::vector<std::int64_t> edges = {10, 20, 30};
  for (const std::int64_t now : {5, 10, 15, 20, 29, 30, 40}) {
    const RuleTimes times = TimesOfRules(scene, {now});
    EXPECT_LE(times.from.value, now);
    EXPECT_GT(times.until.value, now);
    for (const std::int64_t edge : edges) {
      EXPECT_TRUE(edge <= times.from.value || edge >= times.until.value) << now << " " << edge;
    }
  }
}

}  // namespace
}  // namespace vitrine::serve
