/// Errors as RFC 9457 problem documents with a stable `code` that clients and the console key on.
///   {"type":"about:blank","title":"Not Found","status":404,"code":"item_not_found",
///    "detail":"...","request_id":"..."}
#pragma once

#include <string_view>

#include "core/status.h"
#include "transport/http/message.h"

namespace vitrine::http {

/// Replaces what the response held by a problem; headers already added stay.
/// `code` is snake_case and never changes once published; `detail` is written for people.
void WriteProblem(Response& response, std::string_view request_id, int status,
                  std::string_view code, std::string_view detail);

/// The same from a Status: HTTP status by StatusToHttp, code = the Status code in lower case.
/// Internal failures keep their detail out of the answer: only the request id leaves the server.
/// Adds Retry-After to 429 and 503.
void WriteProblem(Response& response, std::string_view request_id, const Status& status);

/// How errors of a path are written: those below /v2 as the Open Inference Protocol has them.
Response::ErrorStyle ErrorStyleOf(std::string_view path);

/// HTTP status of a Status code (google.rpc's table).
int StatusToHttp(Code code);

}  // namespace vitrine::http
