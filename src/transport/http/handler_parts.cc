#include "transport/http/handler_parts.h"

#include <charconv>

#include "data/validate.h"

namespace vitrine::http {

bool ReadCount(const Request& request, Response& response, std::string_view name, std::size_t max,
               std::size_t& out) {
  const auto text = request.QueryValue(name);
  if (!text) {
    return true;
  }
  std::size_t value = 0;
  const char* end = text->data() + text->size();
  const auto [at, error] = std::from_chars(text->data(), end, value);
  if (error != std::errc() || at != end || value == 0 || value > max) {
    WriteProblem(response, request.id(), 400, "invalid_argument",
                 "'" + std::string(name) + "' must be a whole number from 1 to " +
                     std::to_string(max) + ".");
    return false;
  }
  out = value;
  return true;
}

bool ReadSwitch(const Request& request, Response& response, std::string_view name, bool& out) {
  const auto text = request.QueryValue(name);
  if (!text) {
    return true;
  }
  if (*text == "true" || *text == "1") {
    out = true;
    return true;
  }
  if (*text == "false" || *text == "0") {
    out = false;
    return true;
  }
  WriteProblem(response, request.id(), 400, "invalid_argument",
               "'" + std::string(name) + "' must be true or false.");
  return false;
}

bool ReadPage(const Request& request, Response& response, std::size_t max, Page& page) {
  page.cursor = request.QueryValue("cursor").value_or("");
  return ReadCount(request, response, "limit", max, page.limit);
}

bool Need(const void* service, std::string_view what, const Request& request, Response& response) {
  if (service != nullptr) {
    return true;
  }
  WriteProblem(response, request.id(), 503, "not_configured",
               "This server runs without " + std::string(what) + ".");
  return false;
}

std::shared_ptr<const serve::Servable> AskedModel(const Services& services, const Request& request,
                                                  Response& response) {
  if (!Need(services.inference, "inference", request, response)) {
    return nullptr;
  }
  auto found = services.inference->Find(request.arg(0), request.arg(1));
  if (!found.ok()) {
    WriteProblem(response, request.id(), found.status());
    return nullptr;
  }
  return *std::move(found);
}

void WriteAppendProblem(const Status& status, const Request& request, Response& response) {
  if (status.code() == Code::kResourceExhausted) {
    WriteProblem(response, request.id(), 507, "disk_full", status.message());
    return;
  }
  WriteProblem(response, request.id(), status);
}

bool CheckGivenId(std::string_view field, std::string_view id, const Request& request,
                  Response& response) {
  if (const auto rejection = data::CheckId(field, id)) {
    WriteProblem(response, request.id(), 400, rejection->code, rejection->message);
    return false;
  }
  return true;
}

bool CheckIdempotencyKey(const Request& request, Response& response) {
  if (request.header("Idempotency-Key").size() <= kMaxIdBytes) {
    return true;
  }
  WriteProblem(response, request.id(), 400, "bad_idempotency_key",
               "An Idempotency-Key has at most " + std::to_string(kMaxIdBytes) + " bytes.");
  return false;
}

Micros TimeNow(const Services& services) { return services.now ? services.now() : Now(); }

void WriteNextCursor(JsonWriter& json, bool more, std::string_view last) {
  json.Key("next_cursor");
  if (more) {
    json.String(last);
  } else {
    json.Null();
  }
}

bool Audit(const Services& services, const Request& request, Response& response,
           std::string_view action, std::string_view subject, std::string_view evidence) {
  if (!services.audit) {
    return true;
  }
  const Status status = services.audit(request.scope().principal, action, subject, evidence);
  if (!status.ok()) {
    WriteProblem(response, request.id(), status);
  }
  return status.ok();
}

}  // namespace vitrine::http
