/// How one answer is made: read the user, score, filter, rules, spacing, explain, keep. Internal to
/// serve/; callers use recommend.h.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "core/guarded.h"
#include "core/status.h"
#include "serve/answer_lists.h"
#include "serve/item_space.h"
#include "serve/item_states.h"
#include "serve/newcomers.h"
#include "serve/recent_answers.h"
#include "serve/recommend.h"
#include "serve/rule_matches.h"

namespace vitrine::serve {

class ServedModel;

enum class Route : std::uint8_t { kRecommend, kSimilar, kRank };
std::string_view RouteName(Route route);

/// The space of all item numbers and its view: what is ranked where no model's vocabulary is.
struct NumberSpace {
  std::shared_ptr<const ItemSpace> space;
  std::shared_ptr<const StateView> states;
};

/// What a Recommender keeps between requests.
struct AnswerCaches {
  AnswerCaches(const ListOptions& options, MetricRegistry* metrics) : lists(options, metrics) {}

  AnswerLists lists;
  RuleCache rules;
  Published<NumberSpace> numbers;
  RecentAnswers recent;
  NewcomerCache newcomers;
  ShownCounts shown;
};

/// One request of any route. Everything outlives the call.
struct Question {
  Route route = Route::kRecommend;
  const RecommendRequest* request = nullptr;
  std::string_view scene;                 ///< the request's, or the route's own where it names none
  std::string_view similar_to;            ///< kSimilar: an item id that the log knows
  std::span<const Candidate> candidates;  ///< kRank
  /// A kept answer is made again: by this version, where there is one, and with what is stored of the user
  /// beside the history of the request.
  bool kept = false;
  std::shared_ptr<const ServedModel> version;
  bool retrieves =
      false;  ///< `version` takes the place of the scene's retriever, whatever ranks behind it
};

/// Uses the response's memory again.
Status Answer(const RecommenderParts& parts, AnswerCaches& caches, const Question& question,
              RecommendResponse& response);

}  // namespace vitrine::serve
