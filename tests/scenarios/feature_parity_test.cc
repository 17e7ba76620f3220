// One shopper, three roads: rows of the cleaned log (training), lines of a holdout file (evaluation)
// and the state that serving keeps of events it was sent. Every tensor that reaches a graph must be
// the same on all three; where they differ, a model answers to other numbers than it learnt from.
#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "adapters/memory/memory_event_log.h"
#include "data/test_shop.h"
#include "evaluate/evaluate.h"
#include "serve/graph_scorer.h"
#include "serve/served_model.h"
#include "serve/user_view.h"
#include "train/model_scorer.h"
#include "train/training_set.h"

namespace vitrine {
namespace {
using evaluate::Part;

/// Keeps what it is given; scores are the places of the vocabulary.
class ListeningGraph final : public serve::LoadedGraph {
 public:
  ListeningGraph(std::vector<TensorSpec> inputs, std::size_t width)
      : inputs_(std::move(inputs)),
        outputs_({{"scores", DType::kFloat64, {-1, static_cast<std::int64_t>(width)}}}) {}
  [[nodiscard]] const std::vector<TensorSpec>& inputs() const override { return inputs_; }
  [[nodiscard]] const std::vector<TensorSpec>& outputs() const override { return outputs_; }
  Status Run(std::span<const Tensor> inputs, std::vector<Tensor>& outputs) const override {
    heard.assign(inputs.begin(), inputs.end());
    outputs.resize(1);
    outputs[0].set_name("scores");
    const std::int64_t shape[] = {inputs[0].shape()[0], outputs_[0].shape[1]};
    outputs[0].Resize(DType::kFloat64, shape);
    return Status::Ok();
  }
  mutable std::vector<Tensor> heard;

 private:
  std::vector<TensorSpec> inputs_;
  std::vector<TensorSpec> outputs_;
};

/// Hands the histories that evaluation makes on to serving's scorer, and keeps what the graph heard.
class ListeningScorer final : public Scorer {
 public:
  ListeningScorer(const serve::GraphScorer& scorer, const ListeningGraph& graph)
      : scorer_(scorer), graph_(graph) {}
  [[nodiscard]] std::size_t width() const override { return scorer_.width(); }
  Status Score(std::span<const History> histories, std::vector<double>& scores) const override {
    for (std::size_t b = 0; b < histories.size(); ++b) {
      RETURN_IF_ERROR(scorer_.Score(histories.subspan(b, 1), scores));
      heard.push_back(graph_.heard);
    }
    return scorer_.Score(histories, scores);
  }
  mutable std::vector<std::vector<Tensor>> heard;

 private:
  const serve::GraphScorer& scorer_;
  const ListeningGraph& graph_;
};

void ExpectEqual(const std::vector<Tensor>& a, const std::vector<Tensor>& b,
                 const std::string& what) {
  ASSERT_EQ(a.size(), b.size()) << what;
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].name(), b[i].name()) << what;
    EXPECT_EQ(a[i].dtype(), b[i].dtype()) << what << " " << a[i].name();
    EXPECT_EQ(a[i].shape(), b[i].shape()) << what << " " << a[i].name();
    EXPECT_TRUE(std::equal(a[i].bytes().begin(), a[i].bytes().end(), b[i].bytes().begin(),
                           b[i].bytes().end()))
        << what << " " << a[i].name();
  }
}

evaluate::Protocol LeaveOneOut() {
  evaluate::Protocol protocol;
  protocol.name = "leave-one-out";
  protocol.history = evaluate::HistoryRule::kKept;
  protocol.events = {EventType::kView, EventType::kCart, EventType::kPurchase};
  return protocol;
}

evaluate::Protocol LastBasket() {
  evaluate::Protocol protocol = LeaveOneOut();
  protocol.name = "last-basket";
  protocol.kind = evaluate::ProtocolKind::kLastBasket;
  protocol.distinct_in_basket = true;
  protocol.popularity = evaluate::PopularityUnit::kBaskets;
  return protocol;
}

/// Baskets are orders, as a shop's log has them: the rows of one stand at one moment.
data::test::Shop OrderedShop() {
  data::test::Shop shop = data::test::MakeShop({.users = 60, .items = 25, .seed = 12});
  data::Interactions& rows = shop.interactions;
  for (std::size_t u = 0; u < rows.users.size(); ++u) {
    for (std::size_t r = rows.user_begin[u]; r < rows.user_begin[u + 1]; ++r) {
      rows.ts[r] = {rows.basket[r] * 6 * 3600 * kMicrosPerSecond};
    }
  }
  return shop;
}

class FeatureParity : public testing::TestWithParam<evaluate::Protocol> {
 protected:
  void SetUp() override {
    data::test::Shop shop = OrderedShop();
    material_ = {std::move(shop.interactions), std::move(shop.items), GetParam(), {}};
    auto split = evaluate::MakeSplit(material_.interactions, material_.items, material_.protocol);
    ASSERT_TRUE(split.ok()) << split.status().ToString();
    material_.split = std::move(split).value();
    train::TrainSpec spec;
    spec.algorithm = "none";
    auto set = train::MakeTrainingSet(
        material_, spec,
        train::FeaturesOf(spec, material_.protocol,
                          {{"history", "history_items", "", {{"length", "12"}}},
                           {"age", "history_ages", "", {{"length", "12"}, {"unit", "basket"}}},
                           {"place", "history_ages", "", {{"length", "12"}}},
                           {"days", "history_ages", "", {{"length", "12"}, {"unit", "day"}}}}),
        evaluate::FitFor::kTest);
    ASSERT_TRUE(set.ok()) << set.status().ToString();
    set_ = std::move(set).value();
  }

  /// Training's tensors of a case.
  std::vector<Tensor> FromRows(const evaluate::Case& c) {
    const History history = train::HistoryOf(material_, c, set_.index);
    std::vector<Tensor> tensors;
    EXPECT_TRUE(train::ApplyFeatures(set_.features, std::span(&history, 1), tensors).ok());
    return tensors;
  }

  train::Material material_;
  train::TrainingSet set_;
};

TEST_P(FeatureParity, EvaluationOfAHoldoutFile) {
  const std::string path =
      (std::filesystem::temp_directory_path() / "vitrine-parity-holdout.jsonl").string();
  ASSERT_TRUE(
      evaluate::WriteHoldout(
          evaluate::MakeHoldout(material_.interactions, material_.split, material_.protocol), path)
          .ok());
  const auto holdout = evaluate::ReadHoldout(path);
  ASSERT_TRUE(holdout.ok()) << holdout.status().ToString();
  // The artifact's files, not the trainer's objects.
  const auto features = data::FeatureSpec::Parse(set_.features.ToJson());
  const auto vocabulary = data::Vocabulary::Parse(set_.vocabulary.ToText());
  ASSERT_TRUE(features.ok() && vocabulary.ok());
  const ListeningGraph graph(features->Outputs(), features->width());
  const serve::GraphScorer scorer(graph, *features, features->width());
  const ListeningScorer listening(scorer, graph);
  const auto report = evaluate::Evaluate(listening, *holdout, *vocabulary,
                                         {.model = "none", .threads = 1}, Progress());
  ASSERT_TRUE(report.ok()) << report.status().ToString();

  const auto cases = material_.split.Cases(Part::kTest);
  ASSERT_GT(cases.size(), 30U);
  ASSERT_EQ(listening.heard.size(), cases.size());
  for (std::size_t i = 0; i < cases.size(); ++i) {
    ExpectEqual(FromRows(cases[i]), listening.heard[i],
                "case " + std::to_string(i) + " of a holdout file");
  }
}

/// What the shop's pages would have sent for a case, with much that a model must not see.
std::vector<Event> EventsOf(const train::Material& material, const evaluate::Case& c) {
  const data::Interactions& rows = material.interactions;
  std::vector<Event> events;
  // A protocol that counts an item once a basket leaves repeats out of histories; the pages send
  // them all the same.
  const std::size_t first = rows.user_begin[c.user];
  const auto kept = material.split.HistoryRows(c);
  for (std::size_t r = first; r <= kept.back(); ++r) {
    const bool history = std::find(kept.begin(), kept.end(), r) != kept.end();
    const bool repeat = material.split.part[r] == Part::kUnused;
    if (!history && !repeat) {
      continue;
    }
    const std::string serial = std::to_string(r);
    Event event;
    event.event_id = "e" + serial;
    event.type = rows.type[r];
    event.user_id = rows.users[c.user];
    event.items = {{.item_id = rows.items[rows.item[r]]}};
    event.ts = rows.ts[r];
    event.order_id = "o" + std::to_string(rows.basket[r]);
    events.push_back(event);
    event.event_id = "f" + serial;
    event.type = EventType::kFavourite;
    event.order_id.clear();
    events.push_back(event);
    event.event_id = "s" + serial;
    event.type = EventType::kSearch;
    event.items.clear();
    event.query = "shoes";
    events.push_back(event);
  }
  return events;
}

TEST_P(FeatureParity, ServingFromAUsersState) {
  adapters::MemoryEventLog log;
  // Other numbers than the snapshot's: the log gives them in the order in which ids arrive.
  ASSERT_TRUE(log.InternItem("an-item-that-no-model-knows").ok());
  const auto cases = material_.split.Cases(Part::kTest);
  for (const evaluate::Case& c : cases) {
    const std::vector<Event> events = EventsOf(material_, c);
    ASSERT_TRUE(log.AppendEvents(events, After(std::chrono::seconds(10))).ok());
  }
  serve::ModelParts parts;
  parts.manifest.name = "none";
  parts.spec = data::FeatureSpec::Parse(set_.features.ToJson()).value();
  parts.vocabulary = set_.vocabulary;
  auto graph = std::make_unique<ListeningGraph>(parts.spec.Outputs(), parts.spec.width());
  const ListeningGraph& heard = *graph;
  parts.graph = std::move(graph);
  const serve::ItemStates items(log);
  const auto model = serve::ServedModel::Make("none:1", std::move(parts), log, items);
  ASSERT_TRUE(model.ok()) << model.status().ToString();
  const serve::GraphScorer scorer((*model)->graph(), (*model)->spec(), (*model)->spec().width());

  for (std::size_t i = 0; i < cases.size(); ++i) {
    serve::UserView view;
    ASSERT_TRUE(serve::ReadUser(log, material_.interactions.users[cases[i].user],
                                Micros{1000 * kMicrosPerDay}, view)
                    .ok());
    History history;
    std::vector<std::uint32_t> from;
    serve::MapHistory(view, **model, history, from);
    std::vector<double> scores;
    ASSERT_TRUE(scorer.Score(std::span(&history, 1), scores).ok());
    ExpectEqual(FromRows(cases[i]), heard.heard,
                "state of the shopper of case " + std::to_string(i));
  }
}

INSTANTIATE_TEST_SUITE_P(Protocols, FeatureParity, testing::Values(LeaveOneOut(), LastBasket()),
                         [](const auto& protocol) {
                           return protocol.param.name == "last-basket" ? "LastBasket"
                                                                       : "LeaveOneOut";
                         });

}  // namespace
}  // namespace vitrine
