/// For tests: a shop of ten items with everything a Recommender works on, on fakes.
#pragma once

#include <chrono>
#include <cmath>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/metrics.h"
#include "serve/explainer.h"
#include "serve/fake_graph.h"
#include "serve/fake_log.h"
#include "serve/item_states.h"
#include "serve/model_set.h"
#include "serve/observer.h"
#include "serve/recommend.h"
#include "serve/scene.h"
#include "serve/trending.h"

namespace vitrine::serve {

/// "item0" .. by descending popularity.
inline std::vector<std::string> ItemNames(std::size_t count) {
  std::vector<std::string> ids;
  for (std::size_t i = 0; i < count; ++i) {
    ids.push_back("item" + std::to_string(i));
  }
  return ids;
}

/// Additive: an item of the history gives its neighbours in the vocabulary 1 / (1 + distance).
template <typename T>
void Neighbours(std::span<const std::int64_t> history, std::span<T> scores) {
  for (const std::int64_t item : history) {
    for (std::size_t j = kFirstItem; item >= kFirstItem && j < scores.size(); ++j) {
      scores[j] += T{1} / static_cast<T>(1 + std::abs(static_cast<std::int64_t>(j) - item));
    }
  }
}

class FakeObserver final : public ServeObserver {
 public:
  void OnServed(const ServedRun& run) override {
    const std::scoped_lock lock(mutex_);
    ++served;
    version = run.model.version();
    shown_scores.assign(run.shown_scores.begin(), run.shown_scores.end());
    history_places = run.features.front().size();
  }
  void OnImpression(const Impression& impression, bool kept) override {
    const std::scoped_lock lock(mutex_);
    ++impressions;
    last = impression;
    last_kept = kept;
  }
  void OnDegraded(std::string_view scene, std::string_view rung) override {
    const std::scoped_lock lock(mutex_);
    degraded = std::string(scene) + ":" + std::string(rung);
  }
  void OnModelFailure(const ServedModel&, std::string_view message) override {
    const std::scoped_lock lock(mutex_);
    failure = message;
  }

  int served = 0;
  std::string degraded;  ///< "scene:rung" of the last that was
  int impressions = 0;
  std::string version;
  std::vector<double> shown_scores;
  std::int64_t history_places = 0;
  Impression last;
  bool last_kept = false;
  std::string failure;

 private:
  std::mutex mutex_;  // tests read the fields when nobody is served any more
};

struct FakeShop {
  using MakeExplainer = std::function<std::unique_ptr<Explainer>(const data::EventLog&)>;

  explicit FakeShop(std::size_t count = 10, const MakeExplainer& make_explainer = nullptr)
      : names(ItemNames(count)),
        items(log),
        trending(log),
        models([this](const auto& version, const auto&) -> Result<std::shared_ptr<const Servable>> {
          ASSIGN_OR_RETURN(auto model, ServedModel::Make(version, make.at(version)(), log, items));
          return std::shared_ptr<const Servable>(std::move(model));
        }) {
    if (make_explainer) {
      explainer = make_explainer(log);
    }
    log.SetListener([this](const data::LogRecord& record) {
      items.Apply(record);
      trending.Apply(record);
    });
    make["near:1"] = [this] { return FakeParts<double>("near", names, 5, Neighbours<double>); };
    // Trending items are counted in every answer: tests set the clock, and it stands.
    recommender = Recommending({.bytes = std::size_t{1} << 20, .trending_age = Micros{0}});
  }

  /// Another Recommender over the same shop.
  std::unique_ptr<Recommender> Recommending(const ListOptions& lists) {
    return std::make_unique<Recommender>(RecommenderParts{.log = &log,
                                                          .models = &models,
                                                          .scenes = &scenes,
                                                          .items = &items,
                                                          .trending = &trending,
                                                          .explainer = explainer.get(),
                                                          .observer = &observer,
                                                          .now = [this] { return now; },
                                                          .metrics = &metrics,
                                                          .lists = lists});
  }

  /// Points `alias` at a version of `make` and waits until it serves.
  Status Serve(const std::string& version, const std::string& alias = "champion") {
    desired.aliases[alias] = version;
    desired.folders[version] = "unused";
    models.SetDesired(desired);
    return models.WaitUntilReached(After(std::chrono::seconds(10)));
  }

  /// A catalogue row for every item: brand "A" for even ones, "B" for odd ones.
  void AddCatalogue() {
    std::vector<Item> rows;
    for (std::size_t i = 0; i < names.size(); ++i) {
      Item item;
      item.id = names[i];
      item.valid_from = Micros{1};
      item.brand = i % 2 == 0 ? "A" : "B";
      item.categories = {i < names.size() / 2 ? "Low > First" : "High > Second"};
      item.price = static_cast<double>(i + 1);
      rows.push_back(item);
    }
    CHECK(log.AppendItems(rows, After(std::chrono::seconds(1))).ok());
  }
  void Change(Item row) {
    CHECK(log.AppendItems(std::span(&row, 1), After(std::chrono::seconds(1))).ok());
  }
  static Item Row(const std::string& id) {
    Item item;
    item.id = id;
    item.valid_from = Micros{2};
    return item;
  }

  std::vector<std::string> names;
  Micros now{1'000 * kMicrosPerDay};
  FakeLog log;
  ItemStates items;
  Trending trending;
  SceneBook scenes;
  FakeObserver observer;
  MetricRegistry metrics;
  std::unique_ptr<Explainer> explainer;
  std::map<std::string, std::function<ModelParts()>> make;
  DesiredModels desired;
  ModelSet models;
  std::unique_ptr<Recommender> recommender;
};

inline std::vector<std::string> IdsOf(const RecommendResponse& response) {
  std::vector<std::string> ids;
  for (const RecommendedItem& item : response.items) {
    ids.push_back(item.item_id);
  }
  return ids;
}

}  // namespace vitrine::serve
