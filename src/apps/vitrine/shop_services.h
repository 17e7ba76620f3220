/// Services of single routes that join two stages: search with availability, explanations with the
/// versions in memory.
#pragma once

#include "data/event_log.h"
#include "explain/explain.h"
#include "search/live_catalogue.h"
#include "serve/item_states.h"
#include "serve/model_set.h"
#include "serve/observer.h"
#include "serve/recommend.h"
#include "serve/scene.h"
#include "transport/http/services.h"

namespace vitrine::apps {

/// Query -> items that may be shown, best match first; every answer leaves an impression.
/// Threads: any.
class CatalogueSearch final : public http::SearchService {
 public:
  CatalogueSearch(data::EventLog& log, const search::LiveCatalogue& catalogue,
                  const serve::ItemStates& items, const serve::SceneBook& scenes,
                  serve::ServeObserver& observer)
      : log_(log), catalogue_(catalogue), items_(items), scenes_(scenes), observer_(observer) {}

  Result<serve::RecommendResponse> Search(const http::SearchRequest& request) const override;

 private:
  void Record(const http::SearchRequest& request, const serve::RecommendResponse& response) const;

  data::EventLog& log_;
  const search::LiveCatalogue& catalogue_;
  const serve::ItemStates& items_;
  const serve::SceneBook& scenes_;
  serve::ServeObserver& observer_;
};

class KeptAnswers final : public http::AnswerExplainer {
 public:
  KeptAnswers(const serve::Recommender& recommender, const serve::ModelSet& models,
              const explain::ScoreExplainer& explainer)
      : recommender_(recommender), models_(models), explainer_(explainer) {}

  Result<Explained> Explain(std::string_view request_id, std::string_view language) const override {
    ASSIGN_OR_RETURN(
        explain::Explanation made,
        explain::ExplainAnswer(recommender_, models_, explainer_, request_id, language));
    return Explained{std::move(made.impression), std::move(made.items), made.same};
  }

 private:
  const serve::Recommender& recommender_;
  const serve::ModelSet& models_;
  const explain::ScoreExplainer& explainer_;
};

}  // namespace vitrine::apps
