#include "apps/vitrine/shop_services.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "serve/request_id.h"

namespace vitrine::apps {
namespace {

constexpr std::size_t kMaxQueryBytes = 1024;

bool Contains(const std::vector<std::string>& ids, std::string_view id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

/// One sentence: the words of the query that the item holds.
std::string Sentence(const std::vector<search::TermScore>& terms, std::string_view language) {
  std::string words;
  for (const search::TermScore& term : terms) {
    words += (words.empty() ? "" : ", ") + term.term;
  }
  return language == "zh" ? fmt::format("与搜索词匹配：{}", words)
                          : fmt::format("Matches your search: {}", words);
}

}  // namespace

Result<serve::RecommendResponse> CatalogueSearch::Search(const http::SearchRequest& request) const {
  const auto started = std::chrono::steady_clock::now();
  if (request.query.empty() || request.query.size() > kMaxQueryBytes) {
    return InvalidArgument(fmt::format("query must have 1 to {} bytes", kMaxQueryBytes));
  }
  ASSIGN_OR_RETURN(const auto scene,
                   scenes_.Find(request.scene.empty() ? "search" : request.scene));
  const std::size_t n = request.n == 0 ? scene->n_default : request.n;
  if (n > scene->n_max) {
    return InvalidArgument(
        fmt::format("n is {}, the scene '{}' gives at most {}", n, scene->name, scene->n_max));
  }
  const auto table = items_.Table();
  const serve::RequestFilter& filter = request.filter;
  const bool in_stock = filter.exclude_out_of_stock.value_or(scene->filters.exclude_out_of_stock);
  const auto skip = [&](std::string_view id) {
    const auto number = log_.FindItem(id);
    const serve::ItemFields* fields = number ? table->Find(*number) : nullptr;
    return fields == nullptr || fields->hidden || (in_stock && fields->stock == 0) ||
           (!filter.where.empty() && !filter.where.Matches(id, fields)) ||
           Contains(filter.exclude, id) ||
           (!filter.include.empty() && !Contains(filter.include, id));
  };
  serve::RecommendResponse response;
  response.request_id = request.request_id.empty() ? serve::NewRequestId() : request.request_id;
  response.scene = scene->name;
  for (auto& found : catalogue_.Search(request.query, n, skip, request.explain)) {
    serve::RecommendedItem item{.item_id = std::move(found.item_id),
                                .score = found.score,
                                .source = "search:bm25",
                                .reasons = {}};
    if (request.explain) {
      const std::string text = Sentence(found.terms, request.language);
      for (const search::TermScore& term : found.terms) {
        item.reasons.push_back({.kind = serve::ReasonKind::kBase,
                                .item_id = {},
                                .rule = term.term,
                                .contribution = term.score,
                                .text = text});
      }
    }
    response.items.push_back(std::move(item));
  }
  response.seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  Record(request, response);
  return response;
}

void CatalogueSearch::Record(const http::SearchRequest& request,
                             const serve::RecommendResponse& response) const {
  Impression impression;
  impression.request_id = response.request_id;
  impression.ts = Now();
  if (request.personalize) {
    impression.subject = request.user_id.empty() ? request.anonymous_id : request.user_id;
  }
  impression.scene = response.scene;
  impression.route = "search";
  impression.query = request.query;
  impression.seconds = response.seconds;
  for (const serve::RecommendedItem& item : response.items) {
    impression.items.push_back({item.item_id, item.score, item.source});
  }
  observer_.OnImpression(impression, log_.AppendImpression(impression).ok());
}

}  // namespace vitrine::apps
