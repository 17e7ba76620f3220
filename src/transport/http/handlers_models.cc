// Versions, aliases and the audit trail.
#include <algorithm>
#include <charconv>
#include <string>
#include <vector>

#include "transport/http/api_json.h"
#include "transport/http/handler_parts.h"
#include "transport/http/handlers.h"
#include "transport/http/json_fields.h"

namespace vitrine::http {
namespace {

constexpr std::size_t kMaxPage = 500;

const serve::VersionStatus* StateOf(const std::vector<serve::VersionStatus>& loaded,
                                    const std::string& version) {
  const auto found = std::find_if(loaded.begin(), loaded.end(),
                                  [&](const auto& state) { return state.version == version; });
  return found == loaded.end() ? nullptr : &*found;
}

registry::Cause CauseOf(const Request& request, std::string_view reason) {
  registry::Cause cause;
  cause.actor = request.scope().principal;
  cause.evidence.clear();
  JsonWriter json(cause.evidence);
  json.BeginObject().Field("request_id", request.id()).FieldIfAny("reason", reason).EndObject();
  return cause;
}

void WriteVersions(const Services& services, std::string_view name, const Request& request,
                   Response& response) {
  Page page;
  if (!Need(services.models, "a model registry", request, response) ||
      !ReadPage(request, response, kMaxPage, page)) {
    return;
  }
  const auto versions = services.models->List(name, page.cursor, page.limit + 1);
  if (!versions.ok()) {
    WriteProblem(response, request.id(), versions.status());
    return;
  }
  const auto loaded = services.models->Loaded();
  const std::size_t shown = std::min(versions->size(), page.limit);
  JsonWriter json(response.body);
  json.BeginObject().Key("versions").BeginArray();
  std::string last;
  for (std::size_t i = 0; i < shown; ++i) {
    last = (*versions)[i].ref.ToString();
    WriteVersion(json, (*versions)[i], StateOf(loaded, last));
  }
  json.EndArray();
  WriteNextCursor(json, versions->size() > shown, last);
  json.EndObject();
}

// Reads {"<field>": text, "reason": text}; an empty body is an empty object. False after a problem.
bool ReadTexts(const Request& request, Response& response, std::string_view field,
               std::string& value, std::string& reason) {
  if (request.body().empty()) {
    return true;
  }
  FieldReader reader;
  const Status status = ReadObjectBody(request, reader, [&](ondemand::object object) {
    return reader.Members(object, [&](std::string_view key, ondemand::value member) {
      reader.Enter(key);
      if (key == field) {
        return reader.Text(member, value);
      }
      if (key == "reason") {
        return reader.Text(member, reason);
      }
      return reader.Fail("unknown_field",
                         "'" + std::string(key) + "' is not a field of this call.");
    });
  });
  if (!status.ok() || reader.error()) {
    WriteProblem(response, request.id(), 400, status.ok() ? reader.error().code : "bad_json",
                 status.ok() ? reader.error().message : status.message());
    return false;
  }
  return true;
}

// Of an alias that scenes retrieve with: a ranker cannot take its place.
Status CheckNoRetriever(const Services& services, std::string_view alias,
                        const registry::VersionRef& ref) {
  if (services.scenes == nullptr) {
    return Status::Ok();
  }
  const auto version = services.models->Find(ref.ToString());
  if (!version.ok() || version->kind != ModelKindName(ModelKind::kRanker)) {
    return Status::Ok();
  }
  for (const auto& [name, scene] : *services.scenes->All()) {
    if (scene->retriever == alias) {
      return FailedPrecondition(ref.ToString() + " is a ranker, and scene '" + name +
                                "' retrieves with alias '" + std::string(alias) +
                                "'; give the ranker another alias and name that as 'ranker'");
    }
  }
  return Status::Ok();
}

}  // namespace

void ListModels(const Services& services, Request& request, Response& response) {
  WriteVersions(services, "", request, response);
}

void ListVersions(const Services& services, Request& request, Response& response) {
  WriteVersions(services, request.arg(0), request, response);
}

// One version by "name:number" or by an alias.
void GetModel(const Services& services, Request& request, Response& response) {
  if (!Need(services.models, "a model registry", request, response)) {
    return;
  }
  const auto version = services.models->Find(request.arg(0));
  if (!version.ok()) {
    WriteProblem(response, request.id(), version.status());
    return;
  }
  const auto loaded = services.models->Loaded();
  JsonWriter json(response.body);
  WriteVersion(json, *version, StateOf(loaded, version->ref.ToString()));
}

// What its answers rest on, by "name:number" or by an alias.
void GetModelExplanation(const Services& services, Request& request, Response& response) {
  if (!Need(services.model_explainer, "explanations of models", request, response)) {
    return;
  }
  const auto report = services.model_explainer->ExplainModel(
      request.arg(0), request.QueryValue("against").value_or(""),
      request.QueryValue("language").value_or("en"));
  if (!report.ok()) {
    WriteProblem(response, request.id(), report.status());
    return;
  }
  response.body = *report;
}

void ImportModel(const Services& services, Request& request, Response& response) {
  std::string folder;
  std::string reason;
  if (!Need(services.models, "a model registry", request, response) ||
      !ReadTexts(request, response, "folder", folder, reason)) {
    return;
  }
  // A path only means something to who shares the file system and the account.
  if (request.peer().kind != Peer::Kind::kUnix) {
    WriteProblem(response, request.id(), 403, "local_only",
                 "A folder can only be imported from this machine: run 'vitrine model import' "
                 "beside the server.");
    return;
  }
  if (folder.empty()) {
    WriteProblem(response, request.id(), 400, "invalid_argument",
                 "'folder' must name an artifact's folder.");
    return;
  }
  const auto version = services.models->Import(folder, CauseOf(request, reason));
  if (!version.ok()) {
    WriteProblem(response, request.id(), version.status());
    return;
  }
  response.status = 201;
  JsonWriter json(response.body);
  WriteVersion(json, *version, nullptr);
}

void ListAliases(const Services& services, Request& request, Response& response) {
  if (!Need(services.models, "a model registry", request, response)) {
    return;
  }
  const auto aliases = services.models->Aliases();
  if (!aliases.ok()) {
    WriteProblem(response, request.id(), aliases.status());
    return;
  }
  JsonWriter json(response.body);
  json.BeginObject().Key("aliases").BeginObject();
  for (const auto& [alias, ref] : *aliases) {
    json.Field(alias, ref.ToString());
  }
  json.EndObject().EndObject();
}

void GetAlias(const Services& services, Request& request, Response& response) {
  if (!Need(services.models, "a model registry", request, response)) {
    return;
  }
  const auto aliases = services.models->Aliases();
  if (!aliases.ok()) {
    WriteProblem(response, request.id(), aliases.status());
    return;
  }
  const auto found = aliases->find(std::string(request.arg(0)));
  if (found == aliases->end()) {
    WriteProblem(response, request.id(), 404, "not_found",
                 "No alias '" + std::string(request.arg(0)) + "'.");
    return;
  }
  JsonWriter json(response.body);
  json.BeginObject()
      .Field("alias", found->first)
      .Field("version", found->second.ToString())
      .EndObject();
}

void PutAlias(const Services& services, Request& request, Response& response) {
  std::string version;
  std::string reason;
  if (!Need(services.models, "a model registry", request, response) ||
      !ReadTexts(request, response, "version", version, reason)) {
    return;
  }
  const auto ref = registry::VersionRef::Parse(version);
  if (!ref.ok()) {
    WriteProblem(response, request.id(), ref.status());
    return;
  }
  Status status = CheckNoRetriever(services, request.arg(0), *ref);
  if (status.ok()) {
    status = services.models->SetAlias(request.arg(0), *ref, CauseOf(request, reason));
  }
  if (!status.ok()) {
    WriteProblem(response, request.id(), status);
    return;
  }
  JsonWriter json(response.body);
  json.BeginObject().Field("alias", request.arg(0)).Field("version", ref->ToString()).EndObject();
}

void RollBack(const Services& services, Request& request, Response& response) {
  std::string none;
  std::string reason;
  if (!Need(services.models, "a model registry", request, response) ||
      !ReadTexts(request, response, "reason", none, reason)) {
    return;
  }
  const auto ref = services.models->Rollback(CauseOf(request, reason.empty() ? none : reason));
  if (!ref.ok()) {
    WriteProblem(response, request.id(), ref.status());
    return;
  }
  JsonWriter json(response.body);
  json.BeginObject().Field("alias", "champion").Field("version", ref->ToString()).EndObject();
}

void ListAudit(const Services& services, Request& request, Response& response) {
  Page page;
  if (!Need(services.models, "a model registry", request, response) ||
      !ReadPage(request, response, kMaxPage, page)) {
    return;
  }
  std::uint64_t before = 0;
  const char* end = page.cursor.data() + page.cursor.size();
  if (const auto [at, error] = std::from_chars(page.cursor.data(), end, before);
      !page.cursor.empty() && (error != std::errc() || at != end)) {
    WriteProblem(response, request.id(), 400, "invalid_argument",
                 "'cursor' must come from 'next_cursor' of the page before.");
    return;
  }
  const auto entries = services.models->Audit(before, page.limit + 1);
  if (!entries.ok()) {
    WriteProblem(response, request.id(), entries.status());
    return;
  }
  const std::size_t shown = std::min(entries->size(), page.limit);
  JsonWriter json(response.body);
  json.BeginObject().Key("entries").BeginArray();
  for (std::size_t i = 0; i < shown; ++i) {
    WriteAuditEntry(json, (*entries)[i]);
  }
  json.EndArray();
  WriteNextCursor(json, entries->size() > shown,
                  shown > 0 ? std::to_string((*entries)[shown - 1].number) : "");
  json.EndObject();
}

}  // namespace vitrine::http
