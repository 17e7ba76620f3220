#include "apps/vitrine/adopt_job.h"

#include <fmt/format.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>

#include "apps/vitrine/data_directory.h"
#include "apps/vitrine/user_states.h"
#include "transport/http/client.h"

namespace vitrine::apps {
namespace {

using nlohmann::json;

constexpr std::size_t kRowsPerCall = 1000;

struct Written {
  std::string path;
  std::uint64_t lines = 0;
  std::uint64_t watermark = 0;
};

Result<Written> WriteFromLake(const char* verb, const std::string& data,
                              const loop::Programs& programs, loop::Steps& steps) {
  const loop::ChildCommand command{.program = programs.lake,
                                   .arguments = {verb, "--data", data, "--json"}};
  ASSIGN_OR_RETURN(const std::string text, steps.Run(verb, command));
  const json result = json::parse(text, nullptr, false);
  if (!result.is_object() || !result.contains("path")) {
    return Internal(fmt::format("{}: its result names no file", verb));
  }
  return Written{.path = result.value("path", ""),
                 .lines = result.value("lines", std::uint64_t{0}),
                 .watermark = result.value("log_watermark", std::uint64_t{0})};
}

/// Posts a file of item rows, a page a call; returns how many were taken.
Result<std::uint64_t> PostItems(const std::string& path, const std::string& socket,
                                std::uint64_t total, const Progress& progress) {
  std::ifstream in(path);
  if (!in) {
    return NotFound(fmt::format("{}: no such file of items", path));
  }
  http::Endpoint endpoint;
  endpoint.unix_path = socket;
  http::Client client(endpoint);
  std::uint64_t sent = 0;
  std::string line;
  std::string body(1, '[');
  std::size_t rows = 0;
  const auto flush = [&]() -> Status {
    if (rows == 0) {
      return Status::Ok();
    }
    body += ']';
    ASSIGN_OR_RETURN(const http::ClientResponse response, client.Post("/v1/items", body));
    if (!response.ok()) {
      return Internal(fmt::format("{}: the catalogue was refused: {}", path, response.body));
    }
    sent += rows;
    progress.report({.stage = "catalogue",
                     .done = static_cast<double>(sent),
                     .total = static_cast<double>(total),
                     .unit = "items",
                     .detail = {}});
    body.assign(1, '[');
    rows = 0;
    return Status::Ok();
  };
  while (std::getline(in, line)) {
    if (progress.cancelled()) {
      return Cancelled("taking over the catalogue was cancelled; start it again");
    }
    if (rows > 0) {
      body += ',';
    }
    body += line;
    if (++rows == kRowsPerCall) {
      RETURN_IF_ERROR(flush());
    }
  }
  RETURN_IF_ERROR(flush());
  return sent;
}

}  // namespace

JobBody AdoptJob(std::string data, loop::Programs programs, data::EventLog& log) {
  return [data = std::move(data), programs = std::move(programs), &log](
             const loop::Job& /*job*/, const std::string& folder,
             const Progress& progress) -> Result<std::string> {
    loop::Steps steps(folder, progress);
    ASSIGN_OR_RETURN(const Written catalogue, WriteFromLake("catalogue", data, programs, steps));
    ASSIGN_OR_RETURN(
        const std::uint64_t items,
        PostItems(catalogue.path, DataDirectory::SocketOf(data), catalogue.lines, progress));
    ASSIGN_OR_RETURN(const Written states, WriteFromLake("states", data, programs, steps));
    progress.report({.stage = "states", .unit = "users", .detail = "started"});
    RETURN_IF_ERROR(ReadUserStates(states.path, log, states.watermark));
    return json({{"items", items}, {"users", states.lines}}).dump();
  };
}

}  // namespace vitrine::apps
