// Recommendations, similar items, search, ranking, and answers that were given before.
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "data/validate.h"
#include "serve/request_id.h"
#include "transport/http/answer_call.h"
#include "transport/http/api_json.h"
#include "transport/http/handler_parts.h"
#include "transport/http/handlers.h"
#include "transport/http/json_fields.h"
#include "transport/http/recommend_fields.h"

namespace vitrine::http {
namespace {

constexpr std::size_t kMaxN = 10'000;

// Reads the one object of a serving call. False after a problem.
bool ReadBody(const Request& request, Response& response,
              const std::function<bool(FieldReader&, ondemand::object)>& read) {
  FieldReader reader;
  const Status status = ReadObjectBody(
      request, reader, [&](ondemand::object object) { return read(reader, object); });
  if (!status.ok()) {
    WriteProblem(response, request.id(), 400, "bad_json", status.message());
    return false;
  }
  if (reader.error()) {
    WriteProblem(response, request.id(), 400, reader.error().code, reader.error().message);
    return false;
  }
  return true;
}

// Explaining runs the model many times: not on an I/O thread.
bool WaitsForPool(bool explain, const Request& request, Response& response) {
  if (explain && !request.on_pool()) {
    response.MoveToPool();
    return true;
  }
  return false;
}

void WriteResult(const Status& status, const serve::RecommendResponse& answer, Request& request,
                 Response& response) {
  if (!status.ok()) {
    WriteProblem(response, request.id(), status);
    return;
  }
  RequestTrace& trace = request.scope().trace;
  if (answer.model_ended > answer.model_begun) {
    trace.Note("model", answer.model_begun, answer.model_ended);
  }
  trace.NoteModel(answer.model);
  JsonWriter json(response.body);
  WriteAnswer(json, answer);
}

void WriteMade(const Result<serve::RecommendResponse>& answer, Request& request,
               Response& response) {
  static const serve::RecommendResponse kNone;
  WriteResult(answer.status(), answer.ok() ? *answer : kNone, request, response);
}

// Of this thread, for its memory: answers are written before the next one is made.
serve::RecommendResponse& ThreadAnswer() {
  thread_local serve::RecommendResponse answer;
  return answer;
}

// Of a request whose scene waits for another server: when its answer must be there. None: it is made here,
// at once. An explained one is on a pool already.
template <typename R>
std::optional<Deadline> WaitsUntil(const Services& services, const R& r, const Request& request) {
  return request.on_pool() ? std::nullopt : services.recommender->WaitsUntil(r);
}

void AnswerLater(const Services& services, AnswerCall::Make make, Request& request,
                 Response& response) {
  if (services.outside_pool == nullptr) {
    WriteMade(make(false), request, response);
    return;
  }
  response.Suspend(
      std::make_shared<AnswerCall>(*services.outside_pool, std::move(make), &WriteMade));
}

void AnswerRecommend(const Services& services, serve::RecommendRequest& r, Request& request,
                     Response& response) {
  r.deadline = WaitsUntil(services, r, request);
  if (!r.deadline) {
    r.may_wait = request.on_pool();  // the scene may have got its ranker since it was looked at
    serve::RecommendResponse& answer = ThreadAnswer();
    const Status status = services.recommender->Recommend(r, answer);
    WriteResult(status, answer, request, response);
    return;
  }
  AnswerLater(
      services,
      [recommender = services.recommender, r = std::move(r)](bool may_wait) mutable {
        r.may_wait = may_wait;
        return recommender->Recommend(r);
      },
      request, response);
}

/// An id that may be missing.
bool CheckOptionalId(std::string_view field, std::string_view id, const Request& request,
                     Response& response) {
  return id.empty() || CheckGivenId(field, id, request, response);
}

/// Of any request that may name a user.
template <typename R>
bool CheckIds(const R& r, const Request& request, Response& response) {
  return CheckOptionalId("user_id", r.user_id, request, response) &&
         CheckOptionalId("anonymous_id", r.anonymous_id, request, response);
}

/// Each names an item: an entry may be an object without an id.
template <typename Entries>
bool CheckNamed(std::string_view list, const Entries& entries, const Request& request,
                Response& response) {
  if (std::ranges::none_of(entries, [](const auto& entry) { return entry.item_id.empty(); })) {
    return true;
  }
  WriteProblem(response, request.id(), 400, "missing_item",
               "An entry of '" + std::string(list) + "' names no item_id.");
  return false;
}

bool CheckImpression(const Impression& impression, const Request& request, Response& response) {
  return CheckOptionalId("request_id", impression.request_id, request, response) &&
         CheckOptionalId("user_id", impression.subject, request, response) &&
         CheckNamed("items", impression.items, request, response);
}

bool CheckLanguage(std::string_view language, const Request& request, Response& response) {
  if (language == "en" || language == "zh") {
    return true;
  }
  WriteProblem(response, request.id(), 400, "invalid_argument",
               "'language' is not known; use en or zh.");
  return false;
}

/// `language` of the query; false after a problem.
bool ReadLanguage(const Request& request, Response& response, std::string& language) {
  language = request.QueryValue("language").value_or("en");
  return CheckLanguage(language, request, response);
}

// Which items that are not there are asked about: one by name, and how many at most.
bool ReadAbsent(const Request& request, Response& response, std::string_view name,
                serve::AbsenceQuestion& absent) {
  if (auto item = request.QueryValue(name); item.has_value()) {
    if (item->empty()) {
      WriteProblem(response, request.id(), 400, "missing_item",
                   "'" + std::string(name) + "' must name an item.");
      return false;
    }
    if (!CheckGivenId(name, *item, request, response)) {
      return false;
    }
    absent.items.push_back(*std::move(item));
  }
  return ReadCount(request, response, "removed", kMaxN, absent.removed);
}

// What GET routes take from the query.
template <typename R>
bool ReadServeQuery(const Request& request, Response& response, R& r) {
  r.scene = request.QueryValue("scene").value_or("");
  return ReadAbsent(request, response, "why_not", r.absent) &&
         ReadLanguage(request, response, r.language) &&
         ReadCount(request, response, "n", kMaxN, r.n) &&
         ReadSwitch(request, response, "explain", r.explain) &&
         ReadSwitch(request, response, "personalize", r.personalize);
}

}  // namespace

void PostRecommend(const Services& services, Request& request, Response& response) {
  serve::RecommendRequest r;
  if (!Need(services.recommender, "recommendations", request, response) ||
      !ReadBody(request, response,
                [&](FieldReader& reader, ondemand::object body) {
                  return ReadRecommend(reader, body, r);
                }) ||
      !CheckIds(r, request, response) || WaitsForPool(r.explain, request, response)) {
    return;
  }
  AnswerRecommend(services, r, request, response);
}

void GetRecommend(const Services& services, Request& request, Response& response) {
  serve::RecommendRequest r;
  r.user_id = request.arg(0);
  if (!Need(services.recommender, "recommendations", request, response) ||
      !ReadServeQuery(request, response, r) || !CheckIds(r, request, response) ||
      WaitsForPool(r.explain, request, response)) {
    return;
  }
  AnswerRecommend(services, r, request, response);
}

void GetSimilar(const Services& services, Request& request, Response& response) {
  serve::SimilarRequest r;
  r.item_id = request.arg(0);
  r.user_id = request.QueryValue("user_id").value_or("");
  r.anonymous_id = request.QueryValue("anonymous_id").value_or("");
  if (!Need(services.recommender, "recommendations", request, response) ||
      !CheckGivenId("item_id", r.item_id, request, response) ||
      !ReadServeQuery(request, response, r) || !CheckIds(r, request, response) ||
      WaitsForPool(r.explain, request, response)) {
    return;
  }
  serve::RecommendResponse& answer = ThreadAnswer();
  const Status status = services.recommender->Similar(r, answer);
  WriteResult(status, answer, request, response);
}

void PostRank(const Services& services, Request& request, Response& response) {
  serve::RankRequest r;
  if (!Need(services.recommender, "recommendations", request, response) ||
      !ReadBody(
          request, response,
          [&](FieldReader& reader, ondemand::object body) { return ReadRank(reader, body, r); }) ||
      !CheckIds(r.request, request, response) ||
      !CheckNamed("candidates", r.candidates, request, response) ||
      WaitsForPool(r.request.explain, request, response)) {
    return;
  }
  r.request.deadline = WaitsUntil(services, r, request);
  if (!r.request.deadline) {
    r.request.may_wait = request.on_pool();
    WriteMade(services.recommender->Rank(r), request, response);
    return;
  }
  AnswerLater(
      services,
      [recommender = services.recommender, r = std::move(r)](bool may_wait) mutable {
        r.request.may_wait = may_wait;
        return recommender->Rank(r);
      },
      request, response);
}

void PostSearch(const Services& services, Request& request, Response& response) {
  SearchRequest r;
  if (!Need(services.search, "search", request, response) ||
      !ReadBody(request, response,
                [&](FieldReader& reader, ondemand::object body) {
                  return ReadSearch(reader, body, r);
                }) ||
      !CheckIds(r, request, response) || !CheckLanguage(r.language, request, response)) {
    return;
  }
  WriteMade(services.search->Search(r), request, response);
}

// An answer that another system gave: kept like ours, so that it is monitored like ours.
void PostImpressions(const Services& services, Request& request, Response& response) {
  Impression impression;
  if (!Need(services.log, "an event log", request, response) ||
      !ReadBody(request, response,
                [&](FieldReader& reader, ondemand::object body) {
                  return ReadImpression(reader, body, impression);
                }) ||
      !CheckImpression(impression, request, response)) {
    return;
  }
  if (impression.items.empty()) {
    WriteProblem(response, request.id(), 400, "missing_item", "'items' must name what was shown.");
    return;
  }
  if (impression.request_id.empty()) {
    impression.request_id = serve::NewRequestId();
  }
  const Micros now = TimeNow(services);
  if (impression.ts.value == 0) {
    impression.ts = now;
  }
  if (impression.ts.value > now.value + data::kFutureSlack.value) {
    WriteProblem(response, request.id(), 400, "future_time",
                 "'ts' is more than an hour from now; send UTC, or leave it out.");
    return;
  }
  impression.route = "external";
  impression.personalised = !impression.subject.empty();
  const Status kept = services.log->AppendImpression(impression);
  if (!kept.ok()) {
    WriteAppendProblem(kept, request, response);
    return;
  }
  if (services.on_external_answer) {
    services.on_external_answer(impression);
  }
  response.status = 201;
  JsonWriter json(response.body);
  json.BeginObject().Field("request_id", impression.request_id).EndObject();
}

void GetAnswer(const Services& services, Request& request, Response& response) {
  bool explain = false;
  std::string language;
  serve::AbsenceQuestion absent;
  if (!ReadSwitch(request, response, "explain", explain) ||
      !ReadLanguage(request, response, language) ||
      !ReadAbsent(request, response, "item", absent)) {
    return;
  }
  if (!absent.empty() && (!explain || services.explainer == nullptr)) {
    WriteProblem(response, request.id(), 400, "invalid_argument",
                 "'item' and 'removed' are parts of an explanation; ask with explain=true.");
    return;
  }
  const std::string_view id = request.arg(0);
  if (!explain || services.explainer == nullptr) {
    if (!Need(services.log, "an event log", request, response)) {
      return;
    }
    const auto kept = services.log->GetImpression(id);
    if (!kept.ok()) {
      WriteProblem(response, request.id(), kept.status());
      return;
    }
    JsonWriter json(response.body);
    json.BeginObject();
    WriteImpressionFields(json, *kept);
    json.Key("items").BeginArray();
    for (const ShownItem& item : kept->items) {
      json.BeginObject()
          .Field("item_id", item.item_id)
          .Field("score", item.score)
          .Field("source", item.source)
          .FieldIfAny("team", TeamName(item.team))
          .EndObject();
    }
    json.EndArray().EndObject();
    return;
  }
  const auto explained = services.explainer->Explain(id, language);
  if (!explained.ok()) {
    WriteProblem(response, request.id(), explained.status());
    return;
  }
  serve::Examined examined;
  if (!absent.empty()) {
    auto made = services.explainer->Examine(id, absent, language);
    if (!made.ok()) {
      WriteProblem(response, request.id(), made.status());
      return;
    }
    examined = *std::move(made);
  }
  JsonWriter json(response.body);
  json.BeginObject();
  WriteImpressionFields(json, explained->impression);
  json.Field("same_scores_now", explained->same).Key("items").BeginArray();
  for (const serve::RecommendedItem& item : explained->items) {
    WriteRecommended(json, item);
  }
  json.EndArray();
  WriteExplained(json, explained->explained);
  if (!absent.empty()) {
    json.Field("same_answer_now", examined.same);
    WriteAbsences(json, examined.absent);
  }
  json.EndObject();
}

}  // namespace vitrine::http
