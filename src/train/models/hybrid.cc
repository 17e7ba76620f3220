#include "train/models/hybrid.h"

#include <algorithm>
#include <cctype>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "train/models/hybrid_candidates.h"
#include "train/models/hybrid_examples.h"
#include "train/models/hybrid_graph.h"
#include "train/models/hybrid_steady.h"
#include "train/models/linear_ranker.h"
#include "train/sequences.h"

namespace vitrine::train {
namespace {

/// Repeats are candidates where at least this share of what users take next is one.
constexpr double kRepeating = 0.05;
/// One list in so many is kept aside to count the trees on.
constexpr std::size_t kWatchedEvery = 5;
constexpr std::string_view kAgain = "again";
constexpr std::string_view kRounds = "rounds";

class Hybrid final : public TrainableModel {
 public:
  Hybrid(HybridOptions options, std::vector<HybridMember> members)
      : options_(std::move(options)), members_(std::move(members)) {}

  [[nodiscard]] std::vector<data::FeatureDef> Features() const override {
    std::vector<data::FeatureDef> features = OwnFeatures(options_.length);
    for (const HybridMember& member : members_) {
      for (data::FeatureDef& def : FeaturesOfMember(member)) {
        features.push_back(std::move(def));
      }
    }
    return features;
  }

  Result<FitOutcome> Fit(const TrainingSequences& sequences, const FitContext& context) override {
    if (context.features == nullptr) {
      return FailedPrecondition("hybrid scores while it is fitted and needs the features to do so");
    }
    FitOutcome outcome{.chosen = context.chosen, .best = 0, .notes = {}};
    ASSIGN_OR_RETURN(const RankExamples examples, Examples(sequences, context, outcome));
    RETURN_IF_ERROR(FitRanker(examples, context, outcome));
    RETURN_IF_ERROR(FitMembers(members_, sequences, nullptr, {context, kOwnFeatures, "all"},
                               outcome.chosen, outcome.notes));
    ASSIGN_OR_RETURN(facts_, FactsOf(sequences));
    return outcome;
  }

  Status Score(std::span<const Tensor> inputs, Tensor& scores) const override {
    ASSIGN_OR_RETURN(const HistoryBatch histories, HistoriesIn(inputs));
    std::vector<Tensor> members;
    RETURN_IF_ERROR(ScoreMembers(members_, inputs.subspan(kOwnFeatures), layout_.width, members));
    return Rank(members, histories, scores);
  }

  [[nodiscard]] Result<std::vector<bool>> Steady(std::span<const Tensor> inputs) const override {
    ASSIGN_OR_RETURN(const HistoryBatch histories, HistoriesIn(inputs));
    std::vector<Tensor> members;
    RETURN_IF_ERROR(ScoreMembers(members_, inputs.subspan(kOwnFeatures), layout_.width, members));
    return SteadyRows(members, histories.rows, [&](std::span<const Tensor> shaken, Tensor& scores) {
      return Rank(shaken, histories, scores);
    });
  }

  Status ExportGraph(graph::Builder& b) const override {
    const graph::Value history = HistoryInput(b);
    const graph::Value ages = AgeInput(b);
    std::vector<graph::Value> scores;
    for (const HybridMember& member : members_) {
      ASSIGN_OR_RETURN(graph::Value score, WriteMember(b, member));
      scores.push_back(std::move(score));
    }
    ScoresOutput(b, WriteHybrid(b, layout_, facts_, *ranker_, scores, history, ages),
                 layout_.width);
    return Status::Ok();
  }

 private:
  Result<HistoryBatch> HistoriesIn(std::span<const Tensor> inputs) const {
    if (inputs.size() < kOwnFeatures) {
      return InvalidArgument("hybrid reads history, age and what its members read");
    }
    return ReadHistories(inputs.first(kOwnFeatures), true, layout_.width);
  }
  /// From the members' scores to the hybrid's.
  Status Rank(std::span<const Tensor> members, const HistoryBatch& histories, Tensor& scores) const;
  /// What follows from the data before anything is fitted.
  Status SetLayout(const TrainingSequences& sequences, const HeldOut& held, FitOutcome& outcome);
  /// Lists of every fold, each by members that have not seen what it holds out.
  Result<RankExamples> Examples(const TrainingSequences& sequences, const FitContext& context,
                                FitOutcome& outcome);
  Status AddFold(HeldOut held, std::size_t fold, const FitContext& context, FitOutcome& outcome,
                 ExamplesFound& found);
  Status FitRanker(const RankExamples& examples, const FitContext& context, FitOutcome& outcome);
  Status FitTrees(const RankExamples& examples, const FitContext& context, FitOutcome& outcome);

  HybridOptions options_;
  std::vector<HybridMember> members_;
  CandidateLayout layout_;
  ItemFacts facts_;
  std::unique_ptr<CandidateRanker> ranker_;
};

Status Hybrid::Rank(std::span<const Tensor> members, const HistoryBatch& histories,
                    Tensor& scores) const {
  CandidateBatch found;
  RETURN_IF_ERROR(FindCandidates(layout_, facts_, members, histories, found));
  const std::span<double> all = ResetScores(histories, layout_.width, scores);
  const double floor = ranker_->Least() - kBelowCandidates;
  const std::size_t columns = layout_.columns();
  for (std::size_t row = 0; row < histories.rows; ++row) {
    const std::span<double> values = all.subspan(row * layout_.width, layout_.width);
    values[kPaddingItem] = values[kUnknownItem] = floor - 1;
    for (std::size_t i = 0; i < layout_.items(); ++i) {
      values[i + kFirstItem] = found.share[row * layout_.items() + i] + floor;
    }
    for (std::size_t c = found.begin[row]; c < found.begin[row + 1]; ++c) {
      values[found.item[c]] = double{
          ranker_->Score(std::span<const float>(found.features).subspan(c * columns, columns))};
    }
  }
  return Status::Ok();
}

Status Hybrid::SetLayout(const TrainingSequences& sequences, const HeldOut& held,
                         FitOutcome& outcome) {
  const double repeats = RepeatShare(held);
  const auto chosen = outcome.chosen.find(std::string(kAgain));
  if (options_.again == "needed" && chosen == outcome.chosen.end() && repeats < kRepeating) {
    return FailedPrecondition(
        fmt::format("{:.1f} % of what users take next they had before; it takes {:.0f} % for "
                    "again = \"needed\" to be worth a fit",
                    100 * repeats, 100 * kRepeating));
  }
  bool again = options_.again == "yes" || options_.again == "needed";
  if (options_.again == "auto") {
    again = chosen != outcome.chosen.end() ? chosen->second != 0 : repeats >= kRepeating;
  }
  if (!again && repeats == 1) {
    return InvalidArgument(
        "all that users took next they had before, and again = \"no\" keeps that from being a "
        "candidate; set again = \"yes\"");
  }
  outcome.chosen[std::string(kAgain)] = again ? 1 : 0;
  outcome.notes["repeats"] = repeats;
  layout_ = {.width = sequences.width,
             .members = members_.size(),
             .best = options_.candidates,
             .length = options_.length,
             .again = again,
             .times = !sequences.ordinal_time};
  return Status::Ok();
}

Status Hybrid::AddFold(HeldOut held, std::size_t fold, const FitContext& context,
                       FitOutcome& outcome, ExamplesFound& found) {
  if (!layout_.again) {
    DropRepeats(held);
  }
  const std::string phase = fold == 0 ? "held out" : fmt::format("held out, fold {}", fold + 1);
  RETURN_IF_ERROR(FitMembers(members_, held.rest, &held, {context, kOwnFeatures, phase},
                             outcome.chosen, outcome.notes));
  ASSIGN_OR_RETURN(facts_, FactsOf(held.rest));
  return CollectExamples({layout_, facts_, members_, held, *context.features}, options_.users,
                         context.seed, context.progress, found);
}

Result<RankExamples> Hybrid::Examples(const TrainingSequences& sequences, const FitContext& context,
                                      FitOutcome& outcome) {
  ExamplesFound found;
  for (std::size_t fold = 0; fold < options_.folds; ++fold) {
    Result<HeldOut> held = HoldOutNewest(sequences, fold);
    if (fold > 0 && !held.ok()) {
      break;  // histories are too short for as many folds
    }
    RETURN_IF_ERROR(held.status());
    if (fold == 0) {
      RETURN_IF_ERROR(SetLayout(sequences, *held, outcome));
    }
    RETURN_IF_ERROR(AddFold(std::move(held).value(), fold, context, outcome, found));
  }
  if (found.examples.sizes.empty()) {
    return InvalidArgument(fmt::format(
        "of {} users, none has what they took next among the candidates, so there is no order to "
        "learn; raise candidates, or add members that find it",
        found.asked));
  }
  const auto asked = static_cast<double>(found.asked);
  outcome.notes["lists"] = static_cast<double>(found.examples.sizes.size());
  outcome.notes["candidates"] = static_cast<double>(found.candidates) / asked;
  outcome.notes["found"] = found.found / asked;
  return std::move(found.examples);
}

Status Hybrid::FitRanker(const RankExamples& examples, const FitContext& context,
                         FitOutcome& outcome) {
  if (options_.ranker == "trees") {
    return FitTrees(examples, context, outcome);
  }
  ASSIGN_OR_RETURN(LinearRanker blend,
                   LinearRanker::Fit(examples, options_.penalty, context.progress));
  ranker_ = std::make_unique<LinearRanker>(std::move(blend));
  return Status::Ok();
}

Status Hybrid::FitTrees(const RankExamples& examples, const FitContext& context,
                        FitOutcome& outcome) {
  BoostOptions options = options_.trees;
  options.seed = context.seed;
  const auto chosen = outcome.chosen.find(std::string(kRounds));
  if (chosen != outcome.chosen.end()) {
    options.rounds = static_cast<std::int64_t>(chosen->second);
  } else if (const auto [fitted, watched] = SplitExamples(examples, kWatchedEvery);
             !fitted.sizes.empty() && !watched.sizes.empty()) {
    ASSIGN_OR_RETURN(const Boosted tried, Boost(fitted, &watched, options, context.progress));
    options.rounds = tried.rounds;
    outcome.best = tried.best;
    outcome.notes["watched_ndcg"] = tried.best;
  }
  ASSIGN_OR_RETURN(Boosted boosted, Boost(examples, nullptr, options, context.progress));
  outcome.chosen[std::string(kRounds)] = static_cast<double>(options.rounds);
  outcome.notes["tree_nodes"] = static_cast<double>(boosted.trees.nodes());
  ranker_ = std::make_unique<TreeEnsemble>(std::move(boosted.trees));
  return Status::Ok();
}

bool IsMemberLetter(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_';
}

Status CheckName(const std::string& name, std::set<std::string>& names) {
  if (name.size() > 40 || !std::all_of(name.begin(), name.end(), IsMemberLetter)) {
    return InvalidArgument(
        fmt::format("'{}' is no member's name: at most 40 letters, digits, '-' and '_'", name));
  }
  if (!names.insert(name).second) {
    return InvalidArgument(
        fmt::format("two members are named '{}'; give one of them another name", name));
  }
  return Status::Ok();
}

/// The member's factory and parameters. Errors: kInvalidArgument.
Result<std::pair<const ModelFactory*, Parameters>> Resolved(const MemberSpec& member,
                                                            const FindFactory& find) {
  ASSIGN_OR_RETURN(const ModelFactory* factory, find(member.algorithm));
  if (factory->compose) {
    return InvalidArgument(
        fmt::format("{} joins models itself; name single models as members", member.algorithm));
  }
  ASSIGN_OR_RETURN(Parameters parameters,
                   Parameters::Resolve(factory->parameters, member.parameters));
  return std::pair(factory, std::move(parameters));
}

Result<std::vector<MemberSpec>> Complete(std::vector<MemberSpec> members, const FindFactory& find) {
  if (members.empty()) {
    return InvalidArgument(
        "hybrid has no member; name the models that it joins in [[member]] tables");
  }
  std::set<std::string> names;
  for (MemberSpec& member : members) {
    if (member.name.empty()) {
      member.name = member.algorithm;
    }
    RETURN_IF_ERROR(CheckName(member.name, names));
    auto resolved = Resolved(member, find);
    if (!resolved.ok()) {
      return resolved.status().WithContext(fmt::format("member '{}'", member.name));
    }
    const auto& values = resolved->second.values();
    member.parameters = {values.begin(), values.end()};
  }
  return members;
}

HybridOptions OptionsOf(const Parameters& p) {
  HybridOptions options;
  options.ranker = p.Word("ranker");
  options.again = p.Word("again");
  options.candidates = static_cast<std::size_t>(p.Int("candidates"));
  options.length = static_cast<std::size_t>(p.Int("length"));
  options.users = static_cast<std::size_t>(p.Int("users"));
  options.folds = static_cast<std::size_t>(p.Int("folds"));
  options.penalty = p.Number("penalty");
  options.trees.objective = p.Word("objective");
  options.trees.rounds = p.Int("rounds");
  options.trees.depth = p.Int("depth");
  options.trees.patience = p.Int("patience");
  options.trees.learning_rate = p.Number("learning_rate");
  options.trees.min_child_weight = p.Number("min_child_weight");
  options.trees.lambda = p.Number("lambda");
  options.trees.rows = p.Number("tree_rows");
  options.trees.columns = p.Number("tree_columns");
  options.trees.threads = p.Int("threads");
  return options;
}

std::vector<ParameterDef> HybridParameters() {
  const HybridOptions d;
  const auto whole = [](std::size_t n) { return static_cast<std::int64_t>(n); };
  return {{"ranker",
           d.ranker,
           "what orders candidates: boosted trees, or a weighted sum",
           {},
           {},
           {"trees", "blend"}},
          {"again",
           d.again,
           "whether what the shopper had can be a candidate; auto: where many take it again; "
           "needed: yes, and no fit where few do",
           {},
           {},
           {"auto", "needed", "yes", "no"}},
          {"candidates", whole(d.candidates), "best items of each member that are joined", 1, 1000},
          {"length", whole(d.length), "newest places of a history that are looked at", 1, 8192},
          {"users", whole(d.users), "users to learn the order from at most a fold, by the seed", 1},
          {"folds", whole(d.folds), "newest baskets of each user held out in turn; each fits all",
           1, 20},
          {"penalty", d.penalty, "blend: L2 of its weights", 0},
          {"objective",
           d.trees.objective,
           "trees: what a list is judged by",
           {},
           {},
           {"softmax", "ndcg", "pairwise"}},
          {"rounds", d.trees.rounds, "trees at most", 1, 10000},
          {"depth", d.trees.depth, "trees: splits on the way to a leaf at most", 1, 12},
          {"patience", d.trees.patience, "trees without a better one before it stops", 1},
          {"learning_rate", d.trees.learning_rate, "trees: weight of each", 1e-4, 1},
          {"min_child_weight", d.trees.min_child_weight, "trees: least curvature of a leaf", 0},
          {"lambda", d.trees.lambda, "trees: L2 of leaves", 0},
          {"tree_rows", d.trees.rows, "share of candidates that each tree sees", 0.01, 1},
          {"tree_columns", d.trees.columns, "share of features that each tree sees", 0.01, 1},
          {"threads", d.trees.threads, "trees: 1: the same bits every time", 1, 256}};
}

}  // namespace

std::unique_ptr<TrainableModel> MakeHybrid(const HybridOptions& options,
                                           std::vector<HybridMember> members) {
  return std::make_unique<Hybrid>(options, std::move(members));
}

ModelFactory HybridFactory(const FindFactory& find) {
  ModelFactory factory;
  factory.algorithm = "hybrid";
  factory.summary = "Best items of several models ([[member]]), in an order learnt out of fold.";
  factory.parameters = HybridParameters();
  factory.complete = [find](std::vector<MemberSpec> members) {
    return Complete(std::move(members), find);
  };
  factory.compose =
      [find](const Parameters& parameters,
             const std::vector<MemberSpec>& specs) -> Result<std::unique_ptr<TrainableModel>> {
    std::vector<HybridMember> members;
    for (const MemberSpec& spec : specs) {
      ASSIGN_OR_RETURN(const auto resolved, Resolved(spec, find));
      ASSIGN_OR_RETURN(std::unique_ptr<TrainableModel> model,
                       MakeModel(*resolved.first, resolved.second, {}));
      members.push_back({spec.name, std::move(model)});
    }
    return MakeHybrid(OptionsOf(parameters), std::move(members));
  };
  return factory;
}

}  // namespace vitrine::train
