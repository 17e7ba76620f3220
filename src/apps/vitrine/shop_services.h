/// Services of single routes that join two stages: search with availability, explanations with the
/// versions in memory.
#pragma once

#include "data/event_log.h"
#include "search/live_catalogue.h"
#include "serve/item_states.h"
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

}  // namespace vitrine::apps
