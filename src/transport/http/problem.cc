#include "transport/http/problem.h"

#include <string>

#include "transport/http/json_writer.h"

namespace vitrine::http {

void WriteProblem(Response& response, std::string_view request_id, int status,
                  std::string_view code, std::string_view detail) {
  response.status = status;
  response.body.clear();
  JsonWriter json(response.body);
  if (response.error_style == Response::ErrorStyle::kInference) {
    // A state that forbids a call is the caller's mistake in this protocol.
    response.status = status == 409 ? 400 : status;
    response.content_type = "application/json";
    std::string text(detail);
    if (status >= 500 && status != 501 && status != 503) {
      text.append(" (request ").append(request_id).append(")");
    }
    json.BeginObject().Field("error", text).EndObject();
    return;
  }
  response.content_type = "application/problem+json";
  json.BeginObject()
      .Field("type", "about:blank")
      .Field("title", ReasonPhrase(status))
      .Field("status", status)
      .Field("code", code)
      .Field("detail", detail)
      .Field("request_id", request_id)
      .EndObject();
}

void WriteProblem(Response& response, std::string_view request_id, const Status& status) {
  const int http = StatusToHttp(status.code());
  std::string code(CodeName(status.code()));
  for (char& c : code) {
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  if (http == 429 || http == 503) {
    response.AddHeader("Retry-After", "1");
  }
  const bool hide = status.code() == Code::kInternal || status.code() == Code::kUnknown ||
                    status.code() == Code::kDataLoss;
  WriteProblem(response, request_id, http, code,
               hide ? "The server failed on this request. Its log names the cause under the "
                      "request id."
                    : std::string_view(status.message()));
}

Response::ErrorStyle ErrorStyleOf(std::string_view path) {
  return path == "/v2" || path.starts_with("/v2/") ? Response::ErrorStyle::kInference
                                                   : Response::ErrorStyle::kProblem;
}

int StatusToHttp(Code code) {
  switch (code) {
    case Code::kOk:
      return 200;
    case Code::kCancelled:
      return 499;
    case Code::kInvalidArgument:
    case Code::kOutOfRange:
      return 400;
    case Code::kFailedPrecondition:
      return 409;
    case Code::kDeadlineExceeded:
      return 504;
    case Code::kNotFound:
      return 404;
    case Code::kAlreadyExists:
    case Code::kAborted:
      return 409;
    case Code::kPermissionDenied:
      return 403;
    case Code::kUnauthenticated:
      return 401;
    case Code::kResourceExhausted:
      return 429;
    case Code::kUnimplemented:
      return 501;
    case Code::kUnavailable:
      return 503;
    case Code::kUnknown:
    case Code::kInternal:
    case Code::kDataLoss:
      return 500;
  }
  return 500;
}

}  // namespace vitrine::http
