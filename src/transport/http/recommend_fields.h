/// Bodies of the serving routes: JSON -> requests of serve/. Unknown members are refused: a typo in
/// a filter must not quietly widen an answer. Internal.
#pragma once

#include "serve/recommend.h"
#include "transport/http/json_fields.h"
#include "transport/http/services.h"

namespace vitrine::http {

/// Each returns false after an error of the reader.
bool ReadRecommend(FieldReader& reader, ondemand::object body, serve::RecommendRequest& request);
bool ReadRank(FieldReader& reader, ondemand::object body, serve::RankRequest& request);
bool ReadSearch(FieldReader& reader, ondemand::object body, SearchRequest& request);
bool ReadImpression(FieldReader& reader, ondemand::object body, Impression& impression);

}  // namespace vitrine::http
