// Jobs of the loop, their logs, and the stream of everything that changes.
#include <string>
#include <utility>
#include <vector>

#include "transport/http/api_json.h"
#include "transport/http/handler_parts.h"
#include "transport/http/handlers.h"
#include "transport/http/json_fields.h"

namespace vitrine::http {
namespace {

constexpr std::size_t kMaxPage = 500;

void WriteOne(const Result<loop::Job>& job, const Request& request, Response& response) {
  if (!job.ok()) {
    WriteProblem(response, request.id(), job.status());
    return;
  }
  JsonWriter json(response.body);
  WriteJob(json, *job);
}

}  // namespace

void PostJob(const Services& services, Request& request, Response& response) {
  std::string kind;
  std::string spec = "{}";
  if (!Need(services.jobs, "jobs", request, response) || !CheckIdempotencyKey(request, response)) {
    return;
  }
  FieldReader reader;
  const Status status = ReadObjectBody(request, reader, [&](ondemand::object object) {
    return reader.Members(object, [&](std::string_view key, ondemand::value member) {
      reader.Enter(key);
      if (key == "kind") {
        return reader.Text(member, kind);
      }
      std::string_view text;
      ondemand::object inner;
      if (key == "spec" && member.get_object().get(inner) == simdjson::SUCCESS &&
          inner.raw_json().get(text) == simdjson::SUCCESS) {
        spec = text;
        return true;
      }
      return reader.Fail(
          "unknown_field",
          "A job has 'kind' (a text) and 'spec' (an object), not '" + std::string(key) + "'.");
    });
  });
  if (!status.ok() || reader.error()) {
    WriteProblem(response, request.id(), 400, status.ok() ? reader.error().code : "bad_json",
                 status.ok() ? reader.error().message : status.message());
    return;
  }
  const auto job = services.jobs->Start(kind, spec, request.scope().principal,
                                        request.header("Idempotency-Key"));
  WriteOne(job, request, response);
  if (job.ok()) {
    response.status = 202;
    response.AddHeader("Location", "/v1/jobs/" + PercentEncode(job->id));
  }
}

void ListJobs(const Services& services, Request& request, Response& response) {
  Page page;
  if (!Need(services.jobs, "jobs", request, response) ||
      !ReadPage(request, response, kMaxPage, page)) {
    return;
  }
  const auto jobs = services.jobs->List(page.cursor, page.limit + 1);
  if (!jobs.ok()) {
    WriteProblem(response, request.id(), jobs.status());
    return;
  }
  const std::size_t shown = std::min(jobs->size(), page.limit);
  JsonWriter json(response.body);
  json.BeginObject().Key("jobs").BeginArray();
  for (std::size_t i = 0; i < shown; ++i) {
    WriteJob(json, (*jobs)[i]);
  }
  json.EndArray();
  WriteNextCursor(json, jobs->size() > shown, shown > 0 ? (*jobs)[shown - 1].id : "");
  json.EndObject();
}

void GetJob(const Services& services, Request& request, Response& response) {
  if (Need(services.jobs, "jobs", request, response)) {
    WriteOne(services.jobs->Get(request.arg(0)), request, response);
  }
}

void CancelJob(const Services& services, Request& request, Response& response) {
  if (!Need(services.jobs, "jobs", request, response)) {
    return;
  }
  const Status status = services.jobs->Cancel(request.arg(0), request.scope().principal);
  if (!status.ok()) {
    WriteProblem(response, request.id(), status);
    return;
  }
  WriteOne(services.jobs->Get(request.arg(0)), request, response);
  response.status = 202;
}

void FollowJobLog(const Services& services, Request& request, Response& response) {
  if (!Need(services.jobs, "jobs", request, response)) {
    return;
  }
  const auto job = services.jobs->Get(request.arg(0));
  if (!job.ok()) {
    WriteProblem(response, request.id(), job.status());
    return;
  }
  response.Stream(
      [jobs = services.jobs, id = job->id, last = std::string(request.header("Last-Event-ID"))](
          std::shared_ptr<EventStream> stream) { jobs->FollowLog(id, last, std::move(stream)); });
}

void FollowChanges(const Services& services, Request& request, Response& response) {
  if (!Need(services.changes, "a stream of changes", request, response)) {
    return;
  }
  response.Stream(
      [changes = services.changes, last = std::string(request.header("Last-Event-ID"))](
          std::shared_ptr<EventStream> stream) { changes->Follow(last, std::move(stream)); });
}

}  // namespace vitrine::http
