#include "apps/vitrine/api_session.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>

#include "apps/vitrine/data_directory.h"

namespace vitrine::apps {
namespace {

Code CodeOfHttp(int status) {
  switch (status) {
    case 400:
    case 413:
    case 422:
      return Code::kInvalidArgument;
    case 401:
      return Code::kUnauthenticated;
    case 403:
      return Code::kPermissionDenied;
    case 404:
      return Code::kNotFound;
    case 409:
      return Code::kAlreadyExists;
    case 412:
      return Code::kFailedPrecondition;
    case 429:
    case 503:
      return Code::kUnavailable;
    case 504:
      return Code::kDeadlineExceeded;
    default:
      return Code::kInternal;
  }
}

Status ProblemOf(const http::ClientResponse& response) {
  const auto problem = nlohmann::json::parse(response.body, nullptr, false);
  std::string detail = fmt::format("the server answered {}", response.status);
  if (problem.is_object() && problem.contains("detail") && problem["detail"].is_string()) {
    detail = problem["detail"].get<std::string>();
  }
  return {CodeOfHttp(response.status), std::move(detail)};
}

/// Training, probing and loading behind one call may take minutes.
http::ClientOptions Patient(std::string api_key) {
  return {.timeout = std::chrono::minutes(10), .api_key = std::move(api_key)};
}

}  // namespace

Result<ServerAddress> FindServer(const CommandLine& line) {
  ServerAddress address;
  if (!line.key_file.empty()) {
    std::ifstream in(line.key_file);
    if (!(in >> address.api_key)) {
      return NotFound(fmt::format("{}: no API key in this file", line.key_file));
    }
  }
  if (!line.server.empty()) {
    ASSIGN_OR_RETURN(address.endpoint, http::ParseEndpoint(line.server));
    return address;
  }
  if (!DataDirectory::Held(line.data)) {
    return Unavailable(fmt::format(
        "no server holds {}; start one with 'vitrine up', or name one with --server", line.data));
  }
  address.endpoint.unix_path = DataDirectory::SocketOf(line.data);
  return address;
}

Result<ApiSession> ApiSession::Open(const CommandLine& line, bool make) {
  if (!line.server.empty() || DataDirectory::Held(line.data)) {
    ASSIGN_OR_RETURN(ServerAddress found, FindServer(line));
    return ApiSession(nullptr, http::Client(found.endpoint, Patient(std::move(found.api_key))));
  }
  std::error_code error;
  if (!make && !std::filesystem::exists(line.data, error)) {
    return NotFound(fmt::format(
        "there is no data directory {}; name one with --data, or start one with: vitrine up",
        line.data));
  }
  ASSIGN_OR_RETURN(Settings settings, line.LoadSettings());
  ASSIGN_OR_RETURN(
      auto own,
      Application::Start({.data = line.data, .settings = std::move(settings), .listen = false}));
  RETURN_IF_ERROR(own->WaitUntilReady(After(std::chrono::seconds(60))));
  http::Endpoint socket;
  socket.unix_path = DataDirectory::SocketOf(line.data);
  return ApiSession(std::move(own), http::Client(socket, Patient("")));
}

Result<std::string> ApiSession::Call(std::string_view method, std::string_view target,
                                     std::string_view json) {
  const http::HeaderList headers =
      json.empty() ? http::HeaderList{} : http::HeaderList{{"Content-Type", "application/json"}};
  ASSIGN_OR_RETURN(http::ClientResponse response, client_.Send(method, target, json, headers));
  if (!response.ok()) {
    return ProblemOf(response);
  }
  return std::move(response.body);
}

}  // namespace vitrine::apps
