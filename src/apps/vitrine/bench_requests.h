/// What `vitrine bench` sends: requests rendered before the load begins.
/// Threads: functions of one caller.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "apps/vitrine/api_session.h"
#include "core/status.h"

namespace vitrine::apps {

struct BenchRequests {
  std::string name;               ///< for people: "POST /v1/recommend"
  std::vector<std::string> wire;  ///< whole, sent in turn; over gRPC the messages alone
  std::string grpc_address;       ///< empty: over HTTP
  bool head = false;              ///< they are HEAD
  std::string stats_target;       ///< where the server's own account is; empty: there is none
};

struct InferFlags {
  std::string model;
  int version = 0;                  ///< 0: the one that the server takes
  std::vector<std::string> shapes;  ///< INPUT:SIZE,SIZE,...
  bool binary = false;
  std::string grpc;  ///< HOST:PORT; empty: over HTTP
  std::vector<double> range = {0, 1};
  std::string bodies;  ///< file of whole bodies instead
};
struct RecommendFlags {
  std::string scene;
  std::size_t n = 10;
  std::string bodies;
};
struct RequestFlags {
  std::string method;
  std::string target;
  std::string bodies;
};

/// Each reads from the server what it needs, and the file of bodies, one JSON body a line, where one
/// is named.
/// Errors: kNotFound (file, model), kInvalidArgument (a line that is no JSON, with its number), those
///         of the server
Result<BenchRequests> MakeInfer(const InferFlags& flags, std::uint64_t seed,
                                const ServerAddress& server, ApiSession& session);
/// Without a file: histories of 1 to 20 items drawn from the server's catalogue.
Result<BenchRequests> MakeRecommend(const RecommendFlags& flags, std::uint64_t seed,
                                    const ServerAddress& server, ApiSession& session);
Result<BenchRequests> MakeRequest(const RequestFlags& flags, const ServerAddress& server);

}  // namespace vitrine::apps
