/// The steps of one answer, in the order in which they run. Internal to serve/.
/// Memory: what is as long as the vocabulary is kept per thread and reused.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "serve/answer.h"
#include "serve/answer_scratch.h"
#include "serve/candidate_filter.h"
#include "serve/dense_scores.h"
#include "serve/explainer.h"
#include "serve/served_model.h"
#include "serve/spacing.h"
#include "serve/traffic.h"
#include "serve/user_view.h"

namespace vitrine::serve {

class AnswerSteps {
 public:
  AnswerSteps(const RecommenderParts& parts, AnswerCaches& caches, const Question& question,
              Scratch& scratch, RecommendResponse& response);
  Status Run();

 private:
  using Clock = std::chrono::steady_clock;

  // answer.cc: what is asked, by whom; what goes back and is kept.
  Status Prepare();
  Status ReadWhoAsks();
  [[nodiscard]] std::size_t Wanted() const;
  Status Respond();
  void Show(const Pick& pick, RecommendedItem& item) const;
  void Keep();
  [[nodiscard]] bool ErasedMeanwhile() const;
  void Remember();
  void CountShown();
  void FillHistory(std::vector<SeenEvent>& history) const;

  // answer_arms.cc: a rollout's candidate.
  void ChooseArm();
  bool TakeControl();
  void CountArm() const;
  void TellFailure(const ServedModel& model, const Status& status) const;
  void Mirror() const;

  // answer_draft.cc: both versions' lists in one.
  void DraftWithCandidate();
  static void Draft(std::vector<RecommendedItem>& own, std::vector<RecommendedItem>& theirs,
                    std::uint64_t seed, std::vector<RecommendedItem>& drafted);

  // answer_explain.cc
  Status ExplainAll();
  [[nodiscard]] ExplainItem PartsOf(const Pick& pick, const ServedModel* ranked_by) const;

  // answer_list_steps.cc: answers that are ready.
  [[nodiscard]] bool MayBeReady() const;
  [[nodiscard]] ListKey KeyOfList() const;
  [[nodiscard]] ListBasis BasisOfList() const;
  bool TakeList();
  void KeepList();

  // answer_scores.cc: a score for every item of a space.
  Status Score();
  [[nodiscard]] Fallback WhyNotTheModel();
  Status MakeFeatures(const ServedModel& model, const History& history,
                      std::vector<Tensor>& features);
  bool RunModel(const ServedModel& model, const History& history, std::vector<Tensor>& features,
                std::vector<Tensor>& outputs);
  bool RunRetriever();
  bool Retrieve();
  void RunRanker(const CandidateFilter& filter);
  void RankedBy(std::shared_ptr<const ServedModel> ranker);
  void ScoreByPopularity();
  void ScoreByFallback();
  [[nodiscard]] bool ShowsTrend() const;
  /// Where scores that are shared must be changed.
  void OwnPlain();
  [[nodiscard]] bool Remembers() const;
  bool PreferRecent();
  void ScoreByTrend();
  void PreferLikeAsked();
  [[nodiscard]] bool TimeIsShort(const ServedModel& model, double times = 1) const;

  // answer_candidates.cc: scores of a ranker for candidates.
  [[nodiscard]] std::shared_ptr<const ServedModel> FindRanker() const;
  static double WarmRuns(const ServedModel& ranker, std::size_t candidates);
  [[nodiscard]] data::FeatureInput RankerInput(const ServedModel& ranker) const;
  bool ScoreWith(const ServedModel& ranker, Deadline deadline);
  bool RankGiven();
  bool RankBest(const ServedModel& ranker);
  [[nodiscard]] std::span<const Tensor> ServedFeatures();

  // answer_select.cc: the best of them, under filters and rules.
  void Select(const CandidateFilter& filter);
  void SelectFromSpace(const CandidateFilter& filter);
  void SelectCandidates(const CandidateFilter& filter);
  /// Best first; null: those that may not be shown too.
  [[nodiscard]] std::vector<Pick> OrderCandidates(const CandidateFilter* filter) const;
  void ApplyBoosts();
  [[nodiscard]] std::size_t RuledItems() const;
  [[nodiscard]] double Boosted(const Rule& rule, double score) const;
  [[nodiscard]] bool RuleHolds(const Rule& rule, const Pick& pick) const;
  void FindBest(const CandidateFilter& filter, std::size_t k);
  [[nodiscard]] double PlainOf(ItemIndex index) const;
  [[nodiscard]] double ScoreOf(ItemIndex index) const;
  [[nodiscard]] ScoreSpan AllPlain() const;
  /// The scores are the dense model's, worked out as they are asked for: plain_ and scores_ are empty.
  [[nodiscard]] bool IsLazy() const;
  void PlacePins(const CandidateFilter& filter);
  void BidOn(std::vector<Pick>& picks) const;

  // answer_rerank.cc: variety, and places for new items.
  [[nodiscard]] bool Reranks() const;
  [[nodiscard]] Micros NewSince() const;
  [[nodiscard]] bool IsNew(data::ItemNumber number, const ItemFields* fields) const;
  void FindNewcomers(const CandidateFilter& filter);
  void AddNewcomersToTop(const CandidateFilter& filter);
  void SelectVaried(const CandidateFilter& filter);
  void SelectVariedCandidates(const CandidateFilter& filter);
  void DescribePool(std::size_t reserve);
  std::size_t ArrangePool(std::size_t reserve, std::size_t want, bool all);
  void TakePlaces();
  [[nodiscard]] std::optional<AbsenceCause> WhyRearranged(const Pick& pick) const;

  // answer_absent.cc: what is not in the answer, and why.
  struct Field;
  [[nodiscard]] Status CheckAbsent() const;
  Status NameAbsent(const CandidateFilter& filter);
  Status FindAsked();
  void NameRemoved(const Field& field, const CandidateFilter& filter);
  [[nodiscard]] Field FieldOfSpace(const CandidateFilter& filter);
  [[nodiscard]] Field FieldOfCandidates(const CandidateFilter& filter) const;
  void ScoreLeftOut(Field& field);
  [[nodiscard]] std::vector<double> RankerScores(std::span<const ItemIndex> items);
  [[nodiscard]] double RetrieverScore(ItemIndex index) const;
  [[nodiscard]] bool IsShown(const Pick& pick) const;
  [[nodiscard]] Absence AbsenceOf(const Field& field, const CandidateFilter& filter,
                                  std::size_t place, const Pick& pick) const;
  [[nodiscard]] AbsenceReason WhyBehind(const Field& field, std::size_t place,
                                        const Pick& pick) const;
  [[nodiscard]] AbsenceReason WhyMoved(const Pick& pick) const;
  [[nodiscard]] std::optional<AbsenceCause> BrokenLimit(const Likeness& like) const;

  [[nodiscard]] Likeness LikenessOf(data::ItemNumber number) const;
  [[nodiscard]] std::string IdOf(const Pick& pick) const;
  void AssignId(const Pick& pick, std::string& id) const;

  const RecommenderParts& parts_;
  AnswerCaches& caches_;
  const Question& question_;
  const RecommendRequest& request_;
  Scratch& scratch_;

  Clock::time_point started_;
  Deadline deadline_;
  Micros as_of_;
  std::string_view subject_;
  std::shared_ptr<const Scene> scene_;
  std::shared_ptr<const ItemTable> table_;
  std::shared_ptr<const RuleMatches> rules_;
  std::shared_ptr<const ServedModel> model_;   // the retriever's alias; ranks unless fallback_
  std::shared_ptr<const ServedModel> ranker_;  // null unless it ranked
  std::shared_ptr<const ServedModel> asked_ranker_;  // of a kept answer
  bool retriever_is_ranker_ = false;
  std::shared_ptr<const TrafficSplits> splits_;
  const TrafficSplit* split_ = nullptr;  // of splits_; null: no rollout is about this request
  Arm arm_ = Arm::kNone;
  bool candidate_failed_ = false;  // the version that serves answers in its place
  NumberSpace numbers_;            // held while it is ranked over
  UserView& user_;                 // in the scratch
  data::ItemNumber asked_about_ = kNoNumber;

  Fallback fallback_ = Fallback::kNone;
  Rung rung_ = Rung::kFull;
  bool waited_ = false;  // for another server: what was read of the user is of before
  const ItemSpace* space_ = nullptr;
  const StateView* states_ = nullptr;
  DenseScores dense_;
  ScoreSpan plain_;
  ScoreSpan scores_;  // plain_ with boosts
  std::string_view source_;
  Clock::time_point model_begun_;
  Clock::time_point model_ended_;
  Clock::duration features_time_{};
  Clock::duration graph_time_{};
  std::vector<Pick>& picks_;  // in the scratch
  RecommendResponse& response_;
  // Of the pool, what would stand where by score alone, and without places for new items; only with explain.
  std::vector<RerankPlace> by_score_;
  std::vector<RerankPlace> by_variety_;
  std::vector<Pick> asked_picks_;  // of the items that are asked "why not?"
  AnswerLists::List list_;         // the ready answer, where there was one
  bool list_missed_ = false;
};

}  // namespace vitrine::serve
