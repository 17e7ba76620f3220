/// Requests made from text and calls without a network, for tests.
#pragma once

#include <string>
#include <string_view>

#include "transport/http/request_parser.h"
#include "transport/http/server.h"

namespace vitrine::http {

/// A client's request as text: "GET /a", extra header lines, a body.
inline std::string RequestText(std::string_view line, std::string_view body = {},
                               std::string_view headers = {}) {
  return std::string(line) + " HTTP/1.1\r\nHost: localhost\r\n" + std::string(headers) +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

/// Runs one request through a handler as a connection does, and returns the status.
class DirectCall {
 public:
  DirectCall(RequestHandler& handler, std::string_view text) : parser_({}) {
    parser_.Start(request);
    std::size_t used = 0;
    auto state = parser_.Feed(text, used);
    bool admitted = false;
    if (state == RequestParser::State::kHead) {
      admitted = true;
      placement = handler.Admit(request, response);
      std::size_t more = 0;
      state = parser_.Feed(text.substr(used), more);
    }
    if (state != RequestParser::State::kDone) {
      response.status = -1;
      return;
    }
    if (!admitted) {
      placement = handler.Admit(request, response);
    }
    if (placement != RequestHandler::Placement::kRefused) {
      handler.Handle(request, response);
    }
    const auto ended = std::chrono::steady_clock::now();
    handler.Finished(request, response.status, ended - std::chrono::microseconds(1), ended);
  }

  Request request;
  Response response;
  RequestHandler::Placement placement = RequestHandler::Placement::kRefused;

 private:
  RequestParser parser_;
};

}  // namespace vitrine::http
