/// A version as scenes use it: a Servable with its FeatureSpec, its vocabulary and the map to item
/// numbers, loaded, checked and warmed before anybody sees it. A retriever scores its whole vocabulary, a
/// ranker the candidates it is given.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "core/artifact.h"
#include "core/history.h"
#include "core/status.h"
#include "data/event_log.h"
#include "data/feature_spec.h"
#include "data/features/history_sequence.h"
#include "graph/artifact_files.h"
#include "serve/candidate_scorer.h"
#include "serve/dense_graph.h"
#include "serve/item_space.h"
#include "serve/item_states.h"
#include "serve/model_runtime.h"
#include "serve/servable.h"

namespace vitrine::serve {

/// The parts of a version, read from its artifact folder or made by a test.
struct ModelParts {
  Manifest manifest;
  data::FeatureSpec spec;
  data::Vocabulary vocabulary;
  std::unique_ptr<LoadedGraph> graph;
  bool outside =
      false;  ///< another server runs the graph: it is neither checked nor warmed by a run
};

/// Reads FeatureSpec, vocabulary and graph of a verified folder.
/// Errors: kNotFound (the artifact has no such file), kDataLoss (a file's hash differs from the
///         manifest: named), and the ports'.
Result<ModelParts> ReadModelParts(graph::Artifact artifact, ModelRuntime& runtime,
                                  const RuntimeOptions& options = {});

/// Threads: immutable; shared by all requests.
class ServedModel final : public Servable {
 public:
  /// Interns the vocabulary, makes the state view, and warms the graph at every size up to `most_rows` that
  /// requests will be joined to. Of a dense model, measures how long a scan of its items takes; where that is too
  /// long, a thread of its own builds and tries an index of neighbours while the version serves.
  /// `version`: "name:number".
  /// Errors: kInvalidArgument (kind, inputs that the FeatureSpec does not make, a ranker whose scores
  ///         depend on the other candidates), kInternal (the graph fails on a warm-up or scores are
  ///         not finite), those of the log.
  static Result<std::shared_ptr<const ServedModel>> Make(std::string version, ModelParts parts,
                                                         data::EventLog& log,
                                                         const ItemStates& items,
                                                         std::int64_t most_rows = 1,
                                                         const RetrievalOptions& retrieval = {});

  [[nodiscard]] const data::FeatureSpec& spec() const { return spec_; }
  [[nodiscard]] const data::Vocabulary& vocabulary() const { return vocabulary_; }
  [[nodiscard]] const ItemSpace& space() const { return *space_; }
  [[nodiscard]] const StateView& states() const { return *states_; }
  /// The graph where it answers query vectors and scores are searched for; else null.
  [[nodiscard]] const DenseGraph* dense() const { return dense_; }
  /// How a ranker takes its candidates; null: a retriever.
  [[nodiscard]] const CandidateLayout* candidate_layout() const {
    return layout_ ? &*layout_ : nullptr;
  }
  /// "model:sasrec"
  [[nodiscard]] const std::string& source() const { return source_; }
  /// Most events that can influence a score; 0: the model looks at no history.
  [[nodiscard]] std::size_t history_limit() const { return history_limit_; }
  /// Keeps the events that the FeatureSpec selects, so that what is handed on, kept and explained is
  /// what counts. `from` (one entry per event) is cut along.
  void KeepWhatCounts(History& history, std::vector<std::uint32_t>& from) const;
  [[nodiscard]] bool uses_user() const { return uses_user_; }
  /// Another server runs it: asking it takes a while, and it cannot be asked again for what it said.
  [[nodiscard]] bool outside() const { return outside_; }

 private:
  ServedModel(std::string version, ModelParts parts, std::shared_ptr<const ItemSpace> space,
              DenseGraph* dense);
  Status ReadSpec();
  Status Warm(std::int64_t most_rows);
  Status WarmRanker(const CandidateLayout& layout);
  [[nodiscard]] History WarmHistory() const;
  Status ChooseRetrieval(const RetrievalOptions& options);
  Result<std::vector<float>> TrialQueries() const;

  std::string source_;
  data::FeatureSpec spec_;
  data::Vocabulary vocabulary_;
  std::shared_ptr<const ItemSpace> space_;
  std::shared_ptr<const StateView> states_;
  DenseGraph* dense_;  // the graph's own
  std::size_t history_limit_ = 0;
  bool counts_all_ = false;  // a feature counts over the whole history
  std::vector<data::features::Selection> selections_;
  bool uses_user_ = false;
  bool outside_ = false;
  std::optional<CandidateLayout> layout_;  // of a ranker
  std::jthread indexing_;  // of a dense model; last, so that it ends before what it reads
};

}  // namespace vitrine::serve
