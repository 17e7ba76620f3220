#include "apps/vitrine/bench_requests.h"

#include <fmt/format.h>

#include <charconv>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <utility>

#include "simulate/shop.h"
#include "transport/grpc/load_target.h"
#include "transport/http/client_wire.h"
#include "transport/http/inference_load.h"
#include "transport/http/message.h"

namespace vitrine::apps {
namespace {

using nlohmann::json;

constexpr std::size_t kHistories = 1000;
constexpr std::size_t kLongestHistory = 20;

const http::HeaderList kJsonHeaders = {{"Content-Type", "application/json"}};

Result<std::vector<json>> ReadBodies(const std::string& file) {
  std::ifstream in(file);
  if (!in) {
    return NotFound(fmt::format("{}: cannot be read", file));
  }
  std::vector<json> bodies;
  std::size_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) {
      continue;
    }
    bodies.push_back(json::parse(line, nullptr, false));
    if (bodies.back().is_discarded()) {
      return InvalidArgument(fmt::format("{}: line {} is not JSON", file, number));
    }
  }
  if (bodies.empty()) {
    return InvalidArgument(fmt::format("{}: no body in this file", file));
  }
  return bodies;
}

void Add(BenchRequests& requests, const http::WireRequest& request, const ServerAddress& server,
         const http::HeaderList& headers) {
  std::string text;
  http::AppendRequest(request, server.endpoint, server.api_key, headers, text);
  requests.wire.push_back(std::move(text));
}

void AddBodies(BenchRequests& requests, std::string_view method, const std::string& target,
               const std::vector<json>& bodies, const ServerAddress& server) {
  for (const json& body : bodies) {
    const std::string text = body.dump();
    Add(requests, {.method = method, .target = target, .body = text}, server, kJsonHeaders);
  }
}

Result<std::pair<std::string, Shape>> ParseShape(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  const char* at = text.data() + std::min(colon, text.size() - 1) + 1;
  const char* end = text.data() + text.size();
  Shape shape;
  bool good = colon != std::string::npos && colon > 0 && at < end;
  while (good) {
    std::int64_t size = 0;
    const auto [next, error] = std::from_chars(at, end, size);
    good = error == std::errc() && (next == end || *next == ',');
    shape.push_back(size);
    if (next == end) {
      break;
    }
    at = next + 1;
  }
  if (!good) {
    return InvalidArgument(fmt::format("'{}' is no shape; write it as INPUT:1,50", text));
  }
  return std::pair(text.substr(0, colon), shape);
}

/// Bodies whose histories are items of the catalogue.
Result<std::vector<json>> DrawHistories(const RecommendFlags& flags, std::uint64_t seed,
                                        ApiSession& session) {
  ASSIGN_OR_RETURN(const std::string text, session.Get("/v1/items?limit=1000"));
  const json page = json::parse(text, nullptr, false);
  std::vector<std::string> ids;
  for (const json& item : page.is_object() ? page.value("items", json::array()) : json::array()) {
    ids.push_back(item.value("id", ""));
  }
  if (ids.empty()) {
    return FailedPrecondition(
        "the server's catalogue is empty: name a file of bodies with --bodies");
  }
  std::mt19937_64 random(seed);
  std::vector<json> bodies;
  for (std::size_t i = 0; i < kHistories; ++i) {
    json history = json::array();
    for (std::size_t left = 1 + simulate::Pick(random, kLongestHistory); left > 0; --left) {
      history.push_back(ids[simulate::Pick(random, ids.size())]);
    }
    bodies.push_back({{"n", flags.n}, {"history", std::move(history)}});
  }
  return bodies;
}

}  // namespace

namespace {

/// The bodies of `flags`, read or made up.
Result<std::vector<http::InferenceRequest>> InferBodies(const InferFlags& flags, std::uint64_t seed,
                                                        const std::string& model,
                                                        ApiSession& session) {
  if (!flags.bodies.empty()) {
    ASSIGN_OR_RETURN(const std::vector<json> bodies, ReadBodies(flags.bodies));
    std::vector<http::InferenceRequest> requests;
    for (const json& body : bodies) {
      requests.push_back({.body = body.dump(), .headers = kJsonHeaders});
    }
    return requests;
  }
  http::InferenceLoad load{.binary = flags.binary || !flags.grpc.empty(),
                           .low = flags.range.front(),
                           .high = flags.range.back(),
                           .seed = seed};
  for (const std::string& text : flags.shapes) {
    ASSIGN_OR_RETURN(auto shape, ParseShape(text));
    load.shapes.insert(std::move(shape));
  }
  ASSIGN_OR_RETURN(const std::string metadata, session.Get(model));
  return http::MakeInferenceRequests(metadata, load);
}

}  // namespace

Result<BenchRequests> MakeInfer(const InferFlags& flags, std::uint64_t seed,
                                const ServerAddress& server, ApiSession& session) {
  const std::string number = flags.version == 0 ? "" : std::to_string(flags.version);
  const std::string model = "/v2/models/" + http::PercentEncode(flags.model) +
                            (number.empty() ? "" : "/versions/" + number);
  const std::string target = model + "/infer";
  BenchRequests requests{
      .name = "POST " + target, .grpc_address = flags.grpc, .stats_target = model + "/stats"};
  if (!flags.grpc.empty()) {
    requests.name = "ModelInfer " + flags.model + (number.empty() ? "" : ":" + number);
  }
  ASSIGN_OR_RETURN(const auto bodies, InferBodies(flags, seed, model, session));
  for (const http::InferenceRequest& one : bodies) {
    if (flags.grpc.empty()) {
      Add(requests, {.method = "POST", .target = target, .body = one.body}, server, one.headers);
      continue;
    }
    ASSIGN_OR_RETURN(std::string message, rpc::MakeInferMessage(one, flags.model, number));
    requests.wire.push_back(std::move(message));
  }
  return requests;
}

Result<BenchRequests> MakeRecommend(const RecommendFlags& flags, std::uint64_t seed,
                                    const ServerAddress& server, ApiSession& session) {
  BenchRequests requests{.name = "POST /v1/recommend"};
  ASSIGN_OR_RETURN(std::vector<json> bodies, flags.bodies.empty()
                                                 ? DrawHistories(flags, seed, session)
                                                 : ReadBodies(flags.bodies));
  for (json& body : bodies) {
    if (!flags.scene.empty() && body.is_object()) {
      body["scene"] = flags.scene;
    }
  }
  AddBodies(requests, "POST", "/v1/recommend", bodies, server);
  return requests;
}

Result<BenchRequests> MakeRequest(const RequestFlags& flags, const ServerAddress& server) {
  if (!flags.target.starts_with('/')) {
    return InvalidArgument(
        fmt::format("'{}' is no path of the server: it begins with '/'", flags.target));
  }
  BenchRequests requests{.name = flags.method + " " + flags.target, .head = flags.method == "HEAD"};
  if (flags.bodies.empty()) {
    Add(requests, {.method = flags.method, .target = flags.target}, server, {});
    return requests;
  }
  ASSIGN_OR_RETURN(const std::vector<json> bodies, ReadBodies(flags.bodies));
  AddBodies(requests, flags.method, flags.target, bodies, server);
  return requests;
}

}  // namespace vitrine::apps
