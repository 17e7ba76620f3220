#include "explain/explain.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <numeric>
#include <utility>

#include "explain/feature_parts.h"
#include "explain/sentence.h"
#include "serve/candidate_scorer.h"
#include "serve/graph_scorer.h"
#include "serve/served_model.h"

namespace vitrine::explain {
namespace {

using serve::Reason;
using serve::ReasonKind;

// A batch may be summed in another order than a single row: that much is not a difference.
constexpr double kBatchSlack = 1e-4;

// It says why the item stands where it does, not what its score is made of.
bool IsPlacing(const Reason& reason) {
  return reason.contribution == 0 &&
         (reason.kind == ReasonKind::kRule || reason.kind == ReasonKind::kDiversity ||
          reason.kind == ReasonKind::kExposure);
}

// Its place first, then by size, the base last.
bool ComesFirst(const Reason& a, const Reason& b) {
  const auto rank = [](const Reason& reason) {
    return IsPlacing(reason) ? 0 : reason.kind == ReasonKind::kBase ? 2 : 1;
  };
  return rank(a) != rank(b) ? rank(a) < rank(b)
                            : std::fabs(a.contribution) > std::fabs(b.contribution);
}

// Reasons of one target: its places, events of one kind with one item together.
std::vector<Reason> PlaceReasons(const serve::ExplainInput& input, const Attribution& attribution,
                                 std::size_t target) {
  std::vector<Reason> reasons;
  std::map<std::pair<std::string_view, EventType>, std::size_t> known;
  for (std::size_t place = 0; place < input.history.size(); ++place) {
    const double contribution = attribution.contributions[target][place];
    if (contribution == 0) {
      continue;
    }
    const std::string& id = input.history_ids[place];
    const EventType type = input.history[place].type;
    const auto [at, made] = known.emplace(std::pair(std::string_view(id), type), reasons.size());
    if (made) {
      Reason& reason = reasons.emplace_back();
      reason.kind = input.similar ? ReasonKind::kSimilar : ReasonKind::kHistory;
      reason.item_id = id;
      reason.type = type;
    }
    Reason& reason = reasons[at->second];
    reason.contribution += contribution;
    reason.error = std::hypot(reason.error, attribution.errors[target][place]);
  }
  return reasons;
}

// What an attribution says of a model's scores: places, and of what is left the attributes.
struct ModelParts {
  Attribution places;
  std::vector<std::string> names;  // of the attributes
  Attribution attributes;          // by name; empty where there are none
};

std::vector<Reason> ModelReasons(const serve::ExplainInput& input, const ModelParts& parts,
                                 std::size_t target, double shift) {
  std::vector<Reason> reasons = PlaceReasons(input, parts.places, target);
  double base = parts.places.base[target] + shift;
  for (std::size_t n = 0; n < parts.names.size(); ++n) {
    const double contribution = parts.attributes.contributions[target][n];
    if (contribution == 0) {
      continue;
    }
    base -= contribution;
    Reason& reason = reasons.emplace_back();
    reason.kind = ReasonKind::kFeature;
    reason.feature = parts.names[n];
    reason.contribution = contribution;
    reason.error = parts.attributes.errors[target][n];
  }
  reasons.push_back({.kind = ReasonKind::kBase, .contribution = base});
  return reasons;
}

serve::Fallback ParseFallback(std::string_view name) {
  for (int f = 0; f <= static_cast<int>(serve::Fallback::kUnknownItem); ++f) {
    const auto fallback = static_cast<serve::Fallback>(f);
    if (serve::FallbackName(fallback) == name) {
      return fallback;
    }
  }
  return serve::Fallback::kNone;
}

/// Of a retriever the targets are read out of the whole vocabulary's scores, of a ranker they are all that
/// is scored.
Result<ModelParts> AttributeTo(const serve::ServedModel& model, const serve::ExplainInput& input,
                               const std::vector<ItemIndex>& targets,
                               const AttributionOptions& options) {
  const bool ranker = model.candidate_layout() != nullptr;
  const ScorerOf make = [&](const User* user, const Attributes* context) {
    const serve::RequestFacts facts{.as_of = input.as_of, .user = user, .context = context};
    return ranker ? std::unique_ptr<Scorer>(std::make_unique<serve::CandidateScorer>(
                        model.graph(), model.spec(), *model.candidate_layout(), targets, facts))
                  : std::make_unique<serve::GraphScorer>(model.graph(), model.spec(),
                                                         model.space().width(), facts);
  };
  std::vector<ItemIndex> places = targets;
  if (ranker) {
    std::iota(places.begin(), places.end(), ItemIndex{0});
  }
  const History history(input.history.begin(), input.history.end());
  ModelParts parts;
  ASSIGN_OR_RETURN(parts.places,
                   Attribute(*make(input.user, input.context), history, places, options));
  parts.names = GivenFeatures(model.spec(), input.user, input.context);
  if (!parts.names.empty() && !targets.empty()) {
    ASSIGN_OR_RETURN(parts.attributes, AttributeFeatures(make, history, places, input.user,
                                                         input.context, parts.names, options));
  }
  return parts;
}

// What stands between the model's score and the one shown, by the source that was kept.
std::vector<Reason> AddedTo(const ShownItem& shown, double model_score) {
  std::vector<Reason> added;
  const double rest = shown.score - model_score;
  if (shown.source.starts_with("rule:")) {
    added.push_back(
        {.kind = ReasonKind::kRule, .rule = shown.source.substr(5), .contribution = rest});
  } else if (shown.source == serve::kNewSource) {
    added.push_back({.kind = ReasonKind::kExposure, .contribution = rest});
  } else if (shown.source == "bid") {
    added.push_back({.kind = ReasonKind::kBid, .contribution = rest});
  }
  return added;
}

}  // namespace

ScoreExplainer::ScoreExplainer(const data::EventLog& log, AttributionOptions options)
    : log_(log), options_(options) {}

Result<serve::Explained> ScoreExplainer::Explain(const serve::ExplainInput& input,
                                                 std::span<const serve::ExplainItem> parts,
                                                 std::span<serve::RecommendedItem> items) const {
  serve::Explained explained;
  if (input.model != nullptr) {
    ASSIGN_OR_RETURN(explained, ExplainByModel(input, parts, items));
  } else {
    for (std::size_t i = 0; i < items.size(); ++i) {
      const bool searched = items[i].source.starts_with("search:");
      items[i].reasons.clear();
      if (parts[i].model_score == 0 && !parts[i].added.empty()) {
        continue;  // a pin or a new item that no order holds
      }
      items[i].reasons = {{.kind = searched ? ReasonKind::kQuery : ReasonKind::kPopularity,
                           .contribution = parts[i].model_score}};
    }
  }
  for (std::size_t i = 0; i < items.size(); ++i) {
    std::vector<Reason>& reasons = items[i].reasons;
    reasons.insert(reasons.end(), parts[i].added.begin(), parts[i].added.end());
    std::stable_sort(reasons.begin(), reasons.end(), ComesFirst);
  }
  Word(input, items);
  return explained;
}

Result<serve::Explained> ScoreExplainer::ExplainByModel(
    const serve::ExplainInput& input, std::span<const serve::ExplainItem> parts,
    std::span<serve::RecommendedItem> items) const {
  std::vector<ItemIndex> targets;
  for (const serve::ExplainItem& part : parts) {
    if (part.index != kUnknownItem) {
      targets.push_back(part.index);
    }
  }
  const serve::ServedModel& model = *input.model;
  if (model.outside()) {
    // Some hundred calls would tell what it does with a history; one was what the shopper waited for.
    for (std::size_t i = 0; i < items.size(); ++i) {
      items[i].reasons.clear();
      if (parts[i].index != kUnknownItem) {
        items[i].reasons.push_back(
            {.kind = ReasonKind::kOutside, .contribution = parts[i].model_score});
      }
    }
    return serve::Explained{};
  }
  ASSIGN_OR_RETURN(const ModelParts made, AttributeTo(model, input, targets, options_));
  serve::Explained explained{.method = MethodName(made.places.method),
                             .scored = made.places.scored + made.attributes.scored,
                             .residual = made.places.residual};
  std::size_t t = 0;
  for (std::size_t i = 0; i < items.size(); ++i) {
    items[i].reasons.clear();
    if (parts[i].index == kUnknownItem) {
      continue;  // the model said nothing of it
    }
    const double shift = parts[i].model_score - made.places.score[t];
    if (!(std::fabs(shift) <= kBatchSlack * std::max(1.0, std::fabs(parts[i].model_score)))) {
      return Internal("version " + model.version() + " scores item '" + items[i].item_id +
                      "' otherwise when asked again");
    }
    explained.residual = std::max(explained.residual, std::fabs(shift));
    items[i].reasons = ModelReasons(input, made, t, shift);
    ++t;
  }
  return explained;
}

void ScoreExplainer::Word(serve::Absences& absences, std::string_view language) const {
  const auto parsed = ParseLanguage(language);
  const Language words = parsed.ok() ? *parsed : Language::kEnglish;
  for (std::vector<serve::Absence>* list : {&absences.items, &absences.removed}) {
    for (serve::Absence& absence : *list) {
      for (serve::AbsenceReason& why : absence.why) {
        why.text = Sentence(why, words);
      }
    }
  }
}

void ScoreExplainer::Word(const serve::ExplainInput& input,
                          std::span<serve::RecommendedItem> items) const {
  const Language language = ParseLanguage(input.language).ok()
                                ? ParseLanguage(input.language).value()
                                : Language::kEnglish;
  std::map<std::string, std::string> titles;
  for (serve::RecommendedItem& item : items) {
    for (Reason& reason : item.reasons) {
      std::string& title = titles[reason.item_id];
      if (title.empty() && !reason.item_id.empty()) {
        title = TitleOf(reason.item_id);
      }
      const bool asked = reason.kind == ReasonKind::kQuery;
      reason.text = Sentence(reason, asked ? input.query : title, item.source, language);
    }
  }
}

std::string ScoreExplainer::TitleOf(const std::string& item_id) const {
  const auto item = log_.GetItem(item_id);
  return item.ok() && !item->title.empty() ? item->title : item_id;
}

namespace {

/// The items of an answer that one version ranked, explained by it.
class ExplainedBy {
 public:
  /// `model` null: a fallback ranked.
  ExplainedBy(const serve::Replayed& replayed, const serve::ServedModel* model)
      : replayed_(replayed), model_(model) {
    for (const SeenEvent& event : replayed.impression.history) {
      ids_.push_back(event.item_id);
      history_.push_back({.item = IndexOf(event.item_id),
                          .ts = event.ts,
                          .type = event.type,
                          .basket = event.basket});
    }
  }

  void Add(std::size_t place) {
    const ShownItem& shown = replayed_.impression.items[place];
    const double now = model_ == nullptr ? shown.score : replayed_.model_scores[place];
    serve::ExplainItem part;
    part.index = IndexOf(shown.item_id);
    part.model_score = now;
    // Of a fallback's score only the sum was kept: a rule is named, its part is not.
    part.added = AddedTo(shown, now);
    part.score = part.added.empty() ? now : shown.score;
    items_.push_back(
        {.item_id = shown.item_id, .score = part.score, .source = shown.source, .reasons = {}});
    parts_.push_back(std::move(part));
    places_.push_back(place);
  }

  /// Writes the items to their places.
  Status Explain(const ScoreExplainer& explainer, std::string_view language,
                 Explanation& explanation) {
    const Impression& impression = replayed_.impression;
    ASSIGN_OR_RETURN(explanation.explained,
                     explainer.Explain({.model = model_,
                                        .fallback = ParseFallback(impression.fallback),
                                        .similar = impression.route == "similar",
                                        .history = history_,
                                        .history_ids = ids_,
                                        .as_of = impression.ts,
                                        .query = impression.query,
                                        .language = language},
                                       parts_, items_));
    for (std::size_t i = 0; i < places_.size(); ++i) {
      explanation.items[places_[i]] = std::move(items_[i]);
    }
    return Status::Ok();
  }

  [[nodiscard]] bool empty() const { return places_.empty(); }

 private:
  [[nodiscard]] ItemIndex IndexOf(const std::string& item) const {
    return model_ == nullptr ? kUnknownItem : model_->vocabulary().Find(item);
  }

  const serve::Replayed& replayed_;
  const serve::ServedModel* model_;
  History history_;
  std::vector<std::string> ids_;
  std::vector<serve::ExplainItem> parts_;
  std::vector<serve::RecommendedItem> items_;
  std::vector<std::size_t> places_;
};

/// Null for "".
Result<std::shared_ptr<const serve::ServedModel>> StillLoaded(const serve::ModelSet& models,
                                                              const std::string& version) {
  std::shared_ptr<const serve::ServedModel> model = models.FindModel(version);
  if (model == nullptr && !version.empty()) {
    return FailedPrecondition("version " + version +
                              " was retired just now; ask again after giving it an alias");
  }
  return model;
}

}  // namespace

Result<Explanation> ExplainAnswer(const serve::Recommender& recommender,
                                  const serve::ModelSet& models, const ScoreExplainer& explainer,
                                  std::string_view request_id, std::string_view language) {
  RETURN_IF_ERROR(ParseLanguage(language).status());
  ASSIGN_OR_RETURN(serve::Replayed replayed, recommender.Replay(request_id));
  const Impression& impression = replayed.impression;
  ASSIGN_OR_RETURN(const auto model, StillLoaded(models, impression.model));
  ASSIGN_OR_RETURN(const auto candidate, StillLoaded(models, impression.candidate));
  Explanation explanation{.impression = {}, .items = {}, .same = replayed.same};
  explanation.items.resize(impression.items.size());
  ExplainedBy by_model(replayed, model.get());
  ExplainedBy by_candidate(replayed, candidate.get());
  for (std::size_t i = 0; i < impression.items.size(); ++i) {
    (impression.items[i].team == Team::kCandidate ? by_candidate : by_model).Add(i);
  }
  if (!by_candidate.empty()) {
    RETURN_IF_ERROR(by_candidate.Explain(explainer, language, explanation));
  }
  RETURN_IF_ERROR(by_model.Explain(explainer, language, explanation));
  explanation.impression = std::move(replayed.impression);
  return explanation;
}

}  // namespace vitrine::explain
