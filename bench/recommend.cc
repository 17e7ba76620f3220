// What serving adds to a model's own work: Recommender::Recommend beside FeatureSpec + graph alone,
// alternated pair by pair on one thread. The graph is a fake that copies 12,000 ready scores, so
// that nearly all that is left is ours. The log is in memory; its costs are measured elsewhere.
#include <memory>
#include <random>

#include "bench/report.h"
#include "serve/fake_shop.h"
#include "serve/graph_scorer.h"

namespace vitrine::bench {
namespace {

constexpr std::size_t kItems = 12'000;
constexpr int kPairs = 31;
constexpr int kCalls = 300;

struct Shop {
  Shop() : shop(kItems) {
    auto scores = std::make_shared<std::vector<float>>(kItems + kFirstItem);
    std::mt19937 engine(1);
    std::normal_distribution<float> draw;
    for (float& score : *scores) {
      score = draw(engine);
    }
    shop.make["fake:1"] = [this, scores] {
      return serve::FakeParts<float>("fake", shop.names, 50, [scores](auto, std::span<float> row) {
        std::copy(scores->begin(), scores->end(), row.begin());
      });
    };
    CHECK(shop.Serve("fake:1").ok());
    shop.now = Now();
    std::vector<Item> rows;
    for (std::size_t i = 0; i < kItems; ++i) {
      Item item = serve::FakeShop::Row(shop.names[i]);
      item.brand = "brand" + std::to_string(i % 300);
      item.categories = {"level" + std::to_string(i % 20) + " > sub" + std::to_string(i % 200)};
      item.price = static_cast<double>(1 + i % 100);
      item.hidden = i % 97 == 0;
      item.stock = i % 13 == 0 ? 0 : 5;
      item.tags = {"tag" + std::to_string(i % 7), "tag" + std::to_string(i % 50)};
      if (i % 40 == 0) {  // a fortieth is new
        item.attributes["available_from"] = FormatIso({shop.now.value - kMicrosPerDay});
      }
      rows.push_back(item);
    }
    CHECK(shop.log.AppendItems(rows, After(std::chrono::seconds(60))).ok());
    std::vector<std::pair<std::string, EventType>> events;
    for (int i = 0; i < 9; ++i) {  // the mean length of a real shop's histories
      events.emplace_back("item" + std::to_string(i * 101), EventType::kPurchase);
    }
    shop.log.SetUser("ann", events);
    model = shop.models.Get("champion");
    for (int i = 0; i < 9; ++i) {
      history.push_back({.item = kFirstItem + static_cast<ItemIndex>(i) * 101});
    }
  }

  // The model's own work: features and graph, tensors reused.
  void Bare() {
    const data::FeatureInput input{.history = history};
    CHECK(model->spec().Apply(std::span(&input, 1), features).ok());
    CHECK(model->graph().Run(features, outputs).ok());
  }

  void Ask(const serve::Recommender& recommender, const serve::RecommendRequest& request) {
    CHECK(recommender.Recommend(request, response).ok() && response.items.size() == request.n);
  }

  serve::FakeShop shop;
  std::shared_ptr<const serve::ServedModel> model;
  History history;
  std::vector<Tensor> features;
  std::vector<Tensor> outputs;
  serve::RecommendResponse response;  // reused, as a server's thread does
};

Bar Added(Shop& shop, const serve::Recommender& recommender, const std::string& bar,
          double bound_us, const serve::RecommendRequest& request) {
  const auto bare = [&shop] { shop.Bare(); };
  const auto ask = [&] { shop.Ask(recommender, request); };
  TypicalSeconds(kCalls, bare);
  TypicalSeconds(kCalls, ask);
  std::vector<double> added;
  for (int pair = 0; pair < kPairs; ++pair) {
    const bool first = pair % 2 == 0;
    const double a = TypicalSeconds(kCalls, first ? std::function<void()>(bare) : ask);
    const double b = TypicalSeconds(kCalls, first ? std::function<void()>(ask) : bare);
    added.push_back((first ? b - a : a - b) * 1e6);
  }
  return {bar, Median(added), "us", false, bound_us, kPairs, Spread(added)};
}

void Run() {
  Shop shop;
  serve::RecommendRequest request;
  request.user_id = "ann";
  request.n = 20;
  std::vector<Bar> bars;
  const std::unique_ptr<serve::Recommender> anew = shop.shop.Recommending({});
  const std::unique_ptr<serve::Recommender> ready =
      shop.shop.Recommending({.bytes = std::size_t{1} << 20});
  const serve::Recommender& recommender = *anew;
  bars.push_back(
      Added(shop, recommender, "added by Recommend, n=20, default filters", 30, request));

  serve::RecommendRequest quiet = request;
  quiet.record = false;
  bars.push_back(Added(shop, recommender, "the same without keeping the impression", 0, quiet));

  serve::RecommendRequest where = request;
  where.filter.where.brands = {"brand7", "brand8"};
  where.filter.where.price_max = 90;
  bars.push_back(Added(shop, recommender, "with a filter that 1 item in 150 passes", 0, where));

  serve::Scene scene = *shop.shop.scenes.Find("home").value();
  scene.rules = {{.name = "brand", .when = {.brands = {"brand3"}}, .factor = 1.2},
                 {.name = "down", .kind = serve::RuleKind::kHide, .when = {.brands = {"brand4"}}}};
  scene.spacing.max_per_brand = 2;
  CHECK(shop.shop.scenes.Put(scene).ok());
  bars.push_back(
      Added(shop, recommender, "with a boost, a hide rule and brand spacing", 0, request));

  scene.rules.clear();
  scene.spacing = {};
  scene.exposure = {.share = 0.1, .days = 30};
  CHECK(shop.shop.scenes.Put(scene).ok());
  bars.push_back(Added(shop, recommender, "with a tenth of the places for new items", 0, request));
  scene.exposure = {};
  for (const auto method : {serve::DiversityMethod::kMmr, serve::DiversityMethod::kDpp}) {
    scene.diversity = {.method = method, .strength = 0.5};
    CHECK(shop.shop.scenes.Put(scene).ok());
    bars.push_back(Added(shop, recommender,
                         "with variety among 100, " + std::string(DiversityMethodName(method)), 0,
                         request));
  }
  scene.diversity = {};
  CHECK(shop.shop.scenes.Put(scene).ok());

  serve::RecommendRequest unknown = request;
  unknown.user_id = "nobody";
  bars.push_back(Added(shop, recommender, "popular fallback (less the model's work)", 0, unknown));
  bars.push_back(Added(shop, *ready, "the same from a ready list", 0, unknown));
  Report("recommend", bars);
}

}  // namespace
}  // namespace vitrine::bench

int main() { vitrine::bench::Run(); }
