/// How a command reaches the API: a server named by --server, the server that holds the data
/// directory (over its socket), or, where none runs, the same application opened for the length of
/// the command.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "apps/vitrine/application.h"
#include "apps/vitrine/command_line.h"
#include "core/status.h"
#include "transport/http/client.h"

namespace vitrine::apps {

/// A server that runs, and the key for it; empty where none was given.
struct ServerAddress {
  http::Endpoint endpoint;
  std::string api_key;
};
/// The server named by --server, or the one that holds the data directory.
/// Errors: kInvalidArgument (the URL), kUnavailable (none holds it), kNotFound (no key in the file)
Result<ServerAddress> FindServer(const CommandLine& line);

class ApiSession {
 public:
  /// Errors: kUnavailable (nobody answers), kNotFound (no data directory, and `make` is false),
  ///         those of Application::Start.
  static Result<ApiSession> Open(const CommandLine& line, bool make = false);

  /// One call; an answer that is a problem becomes its Status.
  Result<std::string> Get(std::string_view target) { return Call("GET", target, {}); }
  Result<std::string> Post(std::string_view target, std::string_view json) {
    return Call("POST", target, json);
  }
  Result<std::string> Call(std::string_view method, std::string_view target, std::string_view json);

  [[nodiscard]] http::Client& client() { return client_; }
  /// Null where a server answers.
  [[nodiscard]] Application* own() { return own_.get(); }

 private:
  ApiSession(std::unique_ptr<Application> own, http::Client client)
      : own_(std::move(own)), client_(std::move(client)) {}
  std::unique_ptr<Application> own_;  // outlives the client's connection
  http::Client client_;
};

}  // namespace vitrine::apps
