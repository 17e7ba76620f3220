#include "serve/served_model.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <random>
#include <utility>

#include "serve/graph_scorer.h"

namespace vitrine::serve {
namespace {

/// Histories that retrieval is measured with.
constexpr std::size_t kTrialQueries = 64;

bool IsSequence(std::string_view op) { return op == "history_items" || op == "history_ages"; }

// A type of event that the model's first sequence takes, a purchase where it can.
EventType TakenType(const std::vector<data::features::Selection>& selections) {
  const std::uint32_t types = selections.empty() ? 0 : selections.front().types;
  const auto bit = 1U << static_cast<unsigned>(EventType::kPurchase);
  return types == 0 || (types & bit) != 0 ? EventType::kPurchase
                                          : static_cast<EventType>(std::countr_zero(types));
}

Status CheckInputs(const ModelParts& parts) {
  const std::vector<TensorSpec> made = parts.spec.Outputs();
  for (const TensorSpec& input : parts.graph->inputs()) {
    const auto found = std::find_if(made.begin(), made.end(), [&input](const TensorSpec& output) {
      return output.name == input.name;
    });
    if (found == made.end()) {
      return InvalidArgument("the model asks for input '" + input.name +
                             "', which its featurespec.json does not make; train it again");
    }
    if (found->dtype != input.dtype) {
      return InvalidArgument("the model's input '" + input.name + "' is " +
                             std::string(DTypeName(input.dtype)) + ", featurespec.json makes " +
                             std::string(DTypeName(found->dtype)) + "; train it again");
    }
  }
  return Status::Ok();
}

Status CheckFinite(const std::vector<double>& scores, std::size_t width) {
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (i % width >= kFirstItem && (std::isnan(scores[i]) || scores[i] == INFINITY)) {
      return Internal("the model gives no finite score for item index " +
                      std::to_string(i % width) + "; train it again with a lower learning rate");
    }
  }
  return Status::Ok();
}

}  // namespace

Result<ModelParts> ReadModelParts(graph::Artifact artifact, ModelRuntime& runtime,
                                  const RuntimeOptions& options) {
  ASSIGN_OR_RETURN(const std::string spec_text,
                   graph::ReadArtifactFile(artifact, graph::kFeatureSpecFile));
  ASSIGN_OR_RETURN(const std::string ids,
                   graph::ReadArtifactFile(artifact, graph::kVocabularyFile));
  ASSIGN_OR_RETURN(data::FeatureSpec spec, data::FeatureSpec::Parse(spec_text));
  ASSIGN_OR_RETURN(data::Vocabulary vocabulary, data::Vocabulary::Parse(ids));
  ASSIGN_OR_RETURN(std::unique_ptr<LoadedGraph> loaded,
                   LoadScoringGraph(artifact, vocabulary.width(), runtime, options));
  return ModelParts{.manifest = std::move(artifact.manifest),
                    .spec = std::move(spec),
                    .vocabulary = std::move(vocabulary),
                    .graph = std::move(loaded)};
}

ServedModel::ServedModel(std::string version, ModelParts parts,
                         std::shared_ptr<const ItemSpace> space, DenseGraph* dense)
    : Servable(std::move(version), std::move(parts.manifest), std::move(parts.graph)),
      source_("model:" + manifest().name),
      spec_(std::move(parts.spec)),
      vocabulary_(std::move(parts.vocabulary)),
      space_(std::move(space)),
      dense_(dense),
      outside_(parts.outside) {}

Status ServedModel::ReadSpec() {
  for (const data::FeatureDef& def : spec_.defs()) {
    uses_user_ = uses_user_ || def.source.starts_with("user.");
    counts_all_ = counts_all_ || def.op == "count_asof" || def.op == "rate_asof";
    if (!IsSequence(def.op)) {
      continue;
    }
    ASSIGN_OR_RETURN(data::features::Selection selection, data::features::ParseSelection(def));
    if (std::find(selections_.begin(), selections_.end(), selection) == selections_.end()) {
      history_limit_ += selection.length;
      selections_.push_back(std::move(selection));
    }
  }
  history_limit_ = counts_all_ ? data::kMaxStateEvents : history_limit_;
  return Status::Ok();
}

void ServedModel::KeepWhatCounts(History& history, std::vector<std::uint32_t>& from) const {
  if (counts_all_) {
    return;
  }
  thread_local data::features::SequencePlaces places;
  thread_local std::vector<std::uint32_t> kept;
  const data::FeatureInput input{.history = history};
  kept.clear();
  for (const data::features::Selection& selection : selections_) {
    data::features::SelectPlaces(selection, std::span(&input, 1), places);
    kept.insert(kept.end(), places.event.begin(), places.event.end());
  }
  std::sort(kept.begin(), kept.end());
  kept.erase(std::unique(kept.begin(), kept.end()), kept.end());
  for (std::size_t i = 0; i < kept.size(); ++i) {  // kept[i] >= i: moves go down
    history[i] = history[kept[i]];
    from[i] = from[kept[i]];
  }
  history.resize(kept.size());
  from.resize(kept.size());
}

Result<std::shared_ptr<const ServedModel>> ServedModel::Make(std::string version, ModelParts parts,
                                                             data::EventLog& log,
                                                             const ItemStates& items,
                                                             std::int64_t most_rows,
                                                             const RetrievalOptions& retrieval) {
  if (!ServesScenes(parts.manifest.kind)) {
    return InvalidArgument("version " + version + " is a " +
                           std::string(ModelKindName(parts.manifest.kind)) +
                           "; an alias of a scene must name a retriever or a ranker");
  }
  std::optional<CandidateLayout> layout;
  if (parts.manifest.kind == ModelKind::kRanker) {
    auto read = CandidateLayout::Of(parts.spec, parts.graph->inputs());
    RETURN_IF_ERROR(read.status().WithContext("version " + version));
    layout = std::move(*read);
  } else {
    RETURN_IF_ERROR(CheckInputs(parts).WithContext("version " + version));
  }
  ASSIGN_OR_RETURN(ItemSpace space, ItemSpace::OfVocabulary(parts.vocabulary, log));
  auto shared_space = std::make_shared<const ItemSpace>(std::move(space));
  auto* const dense = dynamic_cast<DenseGraph*>(parts.graph.get());
  const std::shared_ptr<ServedModel> model(
      new ServedModel(std::move(version), std::move(parts), shared_space, dense));
  model->layout_ = std::move(layout);
  RETURN_IF_ERROR(model->ReadSpec().WithContext("version " + model->version()));
  model->states_ = items.View(std::move(shared_space));
  if (!model->outside()) {
    const CandidateLayout* const layout_of = model->candidate_layout();
    const Status warm =
        layout_of != nullptr ? model->WarmRanker(*layout_of) : model->Warm(most_rows);
    RETURN_IF_ERROR(warm.WithContext("version " + model->version()));
    RETURN_IF_ERROR(model->ChooseRetrieval(retrieval).WithContext("version " + model->version()));
  }
  return std::shared_ptr<const ServedModel>(model);
}

// Queries of histories drawn from the vocabulary: nothing is known yet of those to come. One by one, as
// requests come.
Result<std::vector<float>> ServedModel::TrialQueries() const {
  const std::size_t items = space_->width() - kFirstItem;
  const std::size_t width = dense_->items().matrix().width();
  std::mt19937_64 random(1);
  std::vector<Tensor> features;
  std::vector<Tensor> encoded;
  std::vector<float> query;
  std::vector<float> queries;
  for (std::size_t h = 0; h < kTrialQueries; ++h) {
    History history;
    for (std::size_t i = 0; i < 1 + h % 8; ++i) {
      history.push_back({.item = static_cast<ItemIndex>(kFirstItem + random() % items),
                         .ts = manifest().window_to,
                         .type = TakenType(selections_),
                         .basket = static_cast<std::uint32_t>(i)});
    }
    const data::FeatureInput input{
        .history = history, .as_of = manifest().window_to, .candidates = {}};
    RETURN_IF_ERROR(spec_.Apply(std::span(&input, 1), features));
    RETURN_IF_ERROR(dense_->Encode(features, encoded, query));
    if (query.size() != width) {
      return Internal("the model answers one history with " + std::to_string(query.size() / width) +
                      " query vectors; export it with one row a history");
    }
    queries.insert(queries.end(), query.begin(), query.end());
  }
  return queries;
}

Status ServedModel::ChooseRetrieval(const RetrievalOptions& options) {
  if (dense_ == nullptr || space_->width() == kFirstItem) {
    return Status::Ok();
  }
  const auto start = std::chrono::steady_clock::now();
  ASSIGN_OR_RETURN(std::vector<float> queries, TrialQueries());
  const std::chrono::duration<double> encoding = std::chrono::steady_clock::now() - start;
  Retrieval scan = MeasureScan(dense_->items(), queries, options);
  // A request encodes and searches; what the warm-up ran gives every score, which takes far longer.
  set_warm_seconds(encoding.count() / static_cast<double>(kTrialQueries) + scan.exact_seconds);
  const bool slow = WantsIndex(scan, options);
  dense_->set_retrieval(std::move(scan));
  if (slow) {
    indexing_ = std::jthread(
        [dense = dense_, queries = std::move(queries), options](const std::stop_token& stop) {
          dense->set_retrieval(TryIndex(dense->items(), kFirstItem, queries, options, stop));
        });
  }
  return Status::Ok();
}

History ServedModel::WarmHistory() const {
  History history;
  const std::size_t items = space_->width() - kFirstItem;
  const std::size_t places = std::clamp<std::size_t>(history_limit_, 1, data::kMaxStateEvents);
  for (std::size_t i = 0; items > 0 && i < places; ++i) {
    history.push_back({.item = static_cast<ItemIndex>(kFirstItem + i % items),
                       .ts = manifest().window_to,
                       .type = TakenType(selections_),
                       .basket = static_cast<std::uint32_t>(i)});
  }
  return history;
}

Status ServedModel::Warm(std::int64_t most_rows) {
  const std::size_t width = space_->width();
  const GraphScorer scorer(graph(), spec_, width, {.as_of = manifest().window_to});
  const History history = WarmHistory();
  std::vector<double> scores;
  RETURN_IF_ERROR(scorer.Score(std::span(&history, 1), scores));
  RETURN_IF_ERROR(CheckFinite(scores, width));
  const data::FeatureInput row{.history = history, .as_of = manifest().window_to, .candidates = {}};
  std::vector<Tensor> inputs;
  RETURN_IF_ERROR(spec_.Apply(std::span(&row, 1), inputs));
  return WarmUp(inputs, most_rows);
}

// With as many candidates as a new scene has, the vocabulary over and over where it is smaller.
Status ServedModel::WarmRanker(const CandidateLayout& layout) {
  const History history = WarmHistory();
  const std::size_t items = space_->width() - kFirstItem;
  std::vector<ItemIndex> candidates;
  for (std::size_t i = 0; i < kWarmCandidates; ++i) {
    candidates.push_back(items == 0 ? kUnknownItem
                                    : static_cast<ItemIndex>(kFirstItem + i % items));
  }
  const data::FeatureInput input{
      .history = history, .as_of = manifest().window_to, .candidates = candidates};
  RETURN_IF_ERROR(CheckScoredAlone(graph(), spec_, layout, input));
  std::vector<Tensor> features;
  std::vector<Tensor> arranged;
  RETURN_IF_ERROR(spec_.Apply(std::span(&input, 1), features));
  const std::span<const Tensor> inputs = layout.Arrange(features, candidates.size(), arranged);
  return WarmUp(inputs, 1);
}

}  // namespace vitrine::serve
