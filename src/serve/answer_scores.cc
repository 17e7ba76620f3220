#include <algorithm>
#include <limits>

#include "serve/answer_steps.h"
#include "serve/graph_scorer.h"
#include "serve/model_set.h"
#include "serve/observer.h"
#include "serve/trending.h"

namespace vitrine::serve {
namespace {

ScoreSpan SpanOf(const Tensor& scores) {
  if (scores.dtype() == DType::kFloat64) {
    return scores.values<double>();
  }
  return scores.values<float>();
}

template <typename T>
Status CheckNumbers(std::span<const T> scores) {
  for (const T score : scores) {
    // Minus infinity is a word of models for "never"; not a number and infinity are not.
    if (!(score <= std::numeric_limits<T>::max())) {
      return Internal("the model's scores are not finite numbers");
    }
  }
  return Status::Ok();
}

}  // namespace

Status AnswerSteps::Score() {
  if (fallback_ == Fallback::kNone) {
    model_begun_ = Clock::now();
    bool answered = Retrieve();
    if (!answered && TakeControl()) {
      answered = fallback_ == Fallback::kNone && Retrieve();
    }
    if (!answered && fallback_ == Fallback::kNone) {
      fallback_ = Fallback::kModelFailed;
    }
    model_ended_ = Clock::now();
  }
  if (fallback_ != Fallback::kNone) {
    ScoreByFallback();
  }
  scores_ = plain_;
  return Status::Ok();
}

bool AnswerSteps::Retrieve() {
  if (!RunRetriever()) {
    return false;
  }
  space_ = &model_->space();
  states_ = &model_->states();
  source_ = model_->source();
  return true;
}

bool AnswerSteps::ShowsTrend() const {
  return model_ == nullptr || scene_->fallback == FallbackOrder::kTrending;
}

void AnswerSteps::ScoreByFallback() {
  if (ShowsTrend()) {
    ScoreByTrend();
  } else {
    ScoreByPopularity();
  }
  switch (fallback_) {
    case Fallback::kUnknownItem:
      PreferLikeAsked();
      break;
    case Fallback::kDeadline:
    case Fallback::kModelFailed:
    case Fallback::kNoModel:
      rung_ = PreferRecent() ? Rung::kCached : Rung::kPopular;
      break;
    default:
      break;  // there was nothing to ask a model about
  }
}

// Only answers to a known user's own state: a given history may be anybody's, and is another each time.
bool AnswerSteps::Remembers() const {
  return question_.route == Route::kRecommend && !subject_.empty() && user_.known && !user_.given;
}

// What the model last gave this user stands above the fallback's order; what may not be shown any more is
// left out by the filters as ever.
bool AnswerSteps::PreferRecent() {
  if (!Remembers() || !caches_.recent.Find(scene_->name, subject_, scratch_.recent)) {
    return false;
  }
  OwnPlain();
  const double most = *std::max_element(scratch_.plain.begin(), scratch_.plain.end());
  const auto count = static_cast<double>(scratch_.recent.size());
  for (std::size_t i = 0; i < scratch_.recent.size(); ++i) {
    const ItemIndex index = space_->IndexOf(scratch_.recent[i]);
    if (index != kUnknownItem) {
      scratch_.plain[index] = most + 1 - static_cast<double>(i) / count;
    }
  }
  source_ = "fallback:cached";
  return true;
}

// Leaves the history for the model in the scratch where the answer is kNone.
Fallback AnswerSteps::WhyNotTheModel() {
  scratch_.history.clear();
  scratch_.from.clear();
  if (question_.route != Route::kSimilar && !request_.personalize) {
    return Fallback::kNotPersonalised;
  }
  if (model_ == nullptr) {
    return Fallback::kNoModel;
  }
  if (question_.route == Route::kSimilar) {
    const ItemIndex index = model_->space().IndexOf(asked_about_);
    if (index == kUnknownItem) {
      return Fallback::kUnknownItem;
    }
    scratch_.history.push_back(
        {.item = index, .ts = as_of_, .type = EventType::kView, .basket = 0});
  } else {
    if (!user_.known) {
      return Fallback::kUnknownUser;
    }
    MapHistory(user_, *model_, scratch_.history, scratch_.from);
    const bool says_something = std::any_of(scratch_.history.begin(), scratch_.history.end(),
                                            [](const auto& e) { return e.item != kUnknownItem; });
    // A history that came with the request is scored as it is, also where the model knows none of
    // it, so that an evaluator sees the model and not a fallback.
    const bool enough = user_.given ? !scratch_.history.empty() : says_something;
    if (model_->history_limit() > 0 && !enough) {
      return Fallback::kNoHistory;
    }
  }
  return TimeIsShort(*model_) ? Fallback::kDeadline : Fallback::kNone;
}

// A request that has just come in always gets its model; one that has waited gets it only where the
// time left is likely to do.
bool AnswerSteps::TimeIsShort(const ServedModel& model, double times) const {
  const std::chrono::duration<double> left = deadline_ - Clock::now();
  const double half = scene_->deadline_ms / 2000.0;
  return left.count() <= std::min(model.warm_seconds() * times, half);
}

Status AnswerSteps::MakeFeatures(const ServedModel& model, const History& history,
                                 std::vector<Tensor>& features) {
  scratch_.inputs.assign(1, {.history = history,
                             .as_of = as_of_,
                             .user = model.uses_user() && user_.known ? &user_.user : nullptr,
                             .context = &request_.context,
                             .candidates = {}});
  return model.spec().Apply(scratch_.inputs, features);
}

bool AnswerSteps::RunModel(const ServedModel& model, const History& history,
                           std::vector<Tensor>& features, std::vector<Tensor>& outputs) {
  const Clock::time_point begun = Clock::now();
  Status status = MakeFeatures(model, history, features);
  const Clock::time_point featured = Clock::now();
  features_time_ += featured - begun;
  const bool asks_query = dense_ && &model == model_.get();
  if (status.ok()) {
    status = asks_query ? dense_.Ask(features, outputs) : model.graph().Run(features, outputs);
  }
  graph_time_ += Clock::now() - featured;
  if (status.ok() && !asks_query) {
    status = outputs.empty() ? Internal("the model has no output")
                             : CheckScores(outputs.front(), 1, model.space().width());
  }
  // Selection leaves out what is no number, so that a list which is short or empty would pass for an answer of a
  // version on trial. What serves has been looked at in that way before.
  const bool on_trial = arm_ != Arm::kNone || question_.retrieves;
  if (status.ok() && on_trial && &model == model_.get()) {
    status = asks_query ? CheckNumbers(std::span<const float>(scratch_.dense.query))
                        : std::visit(
                              [](auto scores) {
                                return CheckNumbers(scores.subspan(
                                    std::min<std::size_t>(kFirstItem, scores.size())));
                              },
                              SpanOf(outputs.front()));
  }
  if (!status.ok()) {
    TellFailure(model, status);
  }
  return status.ok();
}

// Of a dense model only the query is made here; its scores are worked out as they are asked for.
bool AnswerSteps::RunRetriever() {
  const DenseGraph* dense = model_->dense();
  if (dense != nullptr) {
    dense_ = DenseScores(*dense, scratch_.dense);
  }
  if (!RunModel(*model_, scratch_.history, scratch_.features, scratch_.outputs)) {
    dense_ = {};
    return false;
  }
  if (!dense_) {
    plain_ = SpanOf(scratch_.outputs.front());
  }
  return true;
}

// The ranker scores the retriever's best again: the others drop out. Where it cannot, the
// retriever's order stands.
void AnswerSteps::RunRanker(const CandidateFilter& filter) {
  if (fallback_ != Fallback::kNone || scene_->ranker.empty() ||
      question_.route != Route::kRecommend) {
    return;
  }
  std::shared_ptr<const ServedModel> ranker = FindRanker();
  if (ranker == model_) {
    return;
  }
  rung_ = Rung::kNoRanker;
  if (ranker == nullptr || TimeIsShort(*ranker, WarmRuns(*ranker, scene_->candidates))) {
    return;
  }
  MapHistory(user_, *ranker, scratch_.ranker_history, scratch_.ranker_from);
  if (ranker->candidate_layout() == nullptr &&
      !RunModel(*ranker, scratch_.ranker_history, scratch_.ranker_features,
                scratch_.ranker_outputs)) {
    return;
  }
  FindBest(filter, scene_->candidates);
  AddNewcomersToTop(filter);
  if (ranker->candidate_layout() != nullptr) {
    if (RankBest(*ranker)) {
      RankedBy(std::move(ranker));
    }
    return;
  }
  scratch_.plain.assign(space_->width(), -std::numeric_limits<double>::infinity());
  bool knows_any = false;
  std::visit(
      [&](auto scores) {
        for (const search::RankedItem& item : scratch_.top) {
          const ItemIndex index = ranker->space().IndexOf(space_->NumberOf(item.index));
          if (index != kUnknownItem) {
            scratch_.plain[item.index] = static_cast<double>(scores[index]);
            knows_any = true;
          }
        }
      },
      SpanOf(scratch_.ranker_outputs.front()));
  if (knows_any) {
    RankedBy(std::move(ranker));
  }
}

// What stands in scratch_.plain are its scores now.
void AnswerSteps::RankedBy(std::shared_ptr<const ServedModel> ranker) {
  rung_ = Rung::kFull;
  ranker_ = std::move(ranker);
  source_ = ranker_->source();
  plain_ = std::span<const double>(scratch_.plain);
  scores_ = plain_;
}

// Items are numbered by descending popularity: the reciprocal of the rank is the score.
void AnswerSteps::ScoreByPopularity() {
  space_ = &model_->space();
  states_ = &model_->states();
  source_ = "fallback:popularity";
  std::vector<double>& scores = scratch_.popularity;
  scores.reserve(space_->width());
  scores.resize(std::max<std::size_t>(scores.size(), kFirstItem), 0);
  while (scores.size() < space_->width()) {
    scores.push_back(1.0 / static_cast<double>(scores.size() - kFirstItem + 1));
  }
  plain_ = std::span<const double>(scores).first(space_->width());
}

void AnswerSteps::OwnPlain() {
  const auto scores = std::get<std::span<const double>>(plain_);
  if (scores.data() != scratch_.plain.data()) {
    scratch_.plain.assign(scores.begin(), scores.end());
    plain_ = std::span<const double>(scratch_.plain);
  }
}

void AnswerSteps::ScoreByTrend() {
  const std::size_t count = parts_.log->ItemNumbers();
  std::shared_ptr<const NumberSpace> numbers = caches_.numbers.Get();
  if (numbers == nullptr || numbers->space->width() < count + kFirstItem) {
    auto made = std::make_shared<NumberSpace>();
    made->space = std::make_shared<const ItemSpace>(ItemSpace::OfNumbers(count));
    made->states = parts_.items->View(made->space);
    caches_.numbers.Publish(made);
    numbers = std::move(made);
  }
  numbers_ = *numbers;
  space_ = numbers_.space.get();
  states_ = numbers_.states.get();
  source_ = "fallback:trending";
  scratch_.plain.assign(space_->width(), 0);
  if (parts_.trending != nullptr) {
    parts_.trending->AddTo(*space_, as_of_, scratch_.plain);
  }
  plain_ = std::span<const double>(scratch_.plain);
}

// Similar to an item that no model knows yet: what shares its category comes first.
void AnswerSteps::PreferLikeAsked() {
  const std::uint64_t category = LikenessOf(asked_about_).category;
  if (category == 0) {
    return;
  }
  OwnPlain();
  const double most = *std::max_element(scratch_.plain.begin(), scratch_.plain.end());
  for (ItemIndex index = kFirstItem; index < space_->width(); ++index) {
    if (LikenessOf(space_->NumberOf(index)).category == category) {
      scratch_.plain[index] += most + 1;
    }
  }
  source_ = "fallback:category";
}

}  // namespace vitrine::serve
