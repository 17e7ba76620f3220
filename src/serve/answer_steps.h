/// The steps of one answer, in the order in which they run. Internal to serve/.
/// Memory: what is as long as the vocabulary is kept per thread and reused.
#pragma once

#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "core/tensor.h"
#include "search/top_k.h"
#include "serve/answer.h"
#include "serve/candidate_filter.h"
#include "serve/dense_scores.h"
#include "serve/explainer.h"
#include "serve/served_model.h"
#include "serve/spacing.h"
#include "serve/user_view.h"

namespace vitrine::serve {

/// Scores over a space; of the graph's output, of this thread's scratch.
using ScoreSpan = std::variant<std::span<const float>, std::span<const double>>;

/// One item on its way into the answer.
struct Pick {
  data::ItemNumber number = kNoNumber;
  ItemIndex index = kUnknownItem;  ///< in the space that was ranked
  double plain = 0;                ///< the version's score (a fallback's: its order's)
  double score = 0;                ///< with bid and rules
  double bid_part = 0;
  std::string_view asked_id;  ///< kRank: as the request spells it
  const Rule* pin = nullptr;
};

/// What is reused between requests of one thread.
struct Scratch {
  std::vector<data::FeatureInput> inputs;
  std::vector<Tensor> features;
  std::vector<Tensor> outputs;
  std::vector<Tensor> ranker_features;
  std::vector<Tensor> ranker_outputs;
  std::vector<ItemIndex> candidates;     ///< in a ranker's vocabulary, as handed to it
  std::vector<double> candidate_scores;  ///< one each
  History history;
  History ranker_history;
  std::vector<std::uint32_t> from;
  std::vector<std::uint32_t> ranker_from;
  DenseMemory dense;
  std::vector<double> plain;       ///< scores that no graph made
  std::vector<double> popularity;  ///< by index, the same for every vocabulary; only ever grows
  std::vector<double> adjusted;    ///< with boosts
  std::vector<std::uint64_t> skip;
  std::vector<search::RankedItem> top;
  std::vector<Likeness> likes;
  std::vector<double> shown_scores;
  std::vector<data::ItemNumber> recent;
  std::vector<Pick> picks;
  FilterNumbers filter;
  UserView user;
  Impression impression;
};

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
  Status ExplainAll() const;
  void Keep();
  [[nodiscard]] bool ErasedMeanwhile() const;
  void Remember();
  void FillHistory(std::vector<SeenEvent>& history) const;

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
  bool retriever_is_ranker_ = false;
  NumberSpace numbers_;  // held while it is ranked over
  UserView& user_;       // in the scratch
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
  AnswerLists::List list_;  // the ready answer, where there was one
  bool list_missed_ = false;
};

}  // namespace vitrine::serve
