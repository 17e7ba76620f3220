/// A server of the inference protocol inside the benchmark's process, and the two sides that are compared: load
/// over loopback, and a bare loop over the same graph.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "serve/inference.h"
#include "serve/model_set.h"
#include "simulate/load/load_run.h"
#include "transport/grpc/server.h"
#include "transport/http/auth.h"
#include "transport/http/client.h"
#include "transport/http/router.h"
#include "transport/http/server.h"
#include "transport/http/services.h"

namespace vitrine::bench {

/// One I/O thread over HTTP, one over gRPC; models by name, number 1, from files.
class InferenceServer {
 public:
  InferenceServer(const std::map<std::string, std::string>& files, serve::ModelRuntime& runtime,
                  const serve::InferenceOptions& options, std::int64_t batch_rows);

  [[nodiscard]] const http::Endpoint& endpoint() const { return endpoint_; }
  [[nodiscard]] const std::string& grpc_address() const { return grpc_->address(); }
  /// A further version of a model, which is asked from when this returns.
  void Publish(const std::string& name, const std::string& file, int number);
  [[nodiscard]] std::int64_t batch_rows(const std::string& name) const {
    return models_.Newest(name)->batch_rows();
  }

 private:
  serve::ModelSet models_;
  serve::DesiredModels desired_;
  serve::Inference inference_;
  http::Services services_;
  http::Authorizer authorizer_;
  std::unique_ptr<http::Router> router_;
  std::unique_ptr<http::Server> server_;
  http::Endpoint endpoint_;
  std::unique_ptr<rpc::Server> grpc_;
};

/// What a load on one model looks like.
struct Requests {
  std::string model;
  std::string input;
  std::int64_t length = 0;
  std::int64_t values = 0;  ///< ids are drawn below it
  bool binary = false;
  std::size_t bodies = 256;     ///< different ones
  std::int64_t timeout_us = 0;  ///< the protocol's parameter; 0: none
};
std::vector<std::string> Render(const Requests& requests);
/// Asks the first of them, as JSON; returns the seconds it took.
double AskOnce(http::Client& client, const Requests& requests);

struct Measured {
  simulate::LoadResult load;
  double server_seconds = 0;  ///< of CPU time, a good answer
  double client_share = 0;    ///< of one core, that the client took
};
/// The process's CPU time without this thread's is the server's: nothing else may run meanwhile.
Measured Load(const InferenceServer& server, const std::vector<std::string>& requests,
              std::size_t connections, const simulate::LoadOptions& options);
Measured ClosedLoop(const InferenceServer& server, const std::vector<std::string>& requests,
                    std::size_t concurrency, double seconds);

/// Over gRPC, by `vitrine bench infer --grpc` as a child: within one process gRPC's threads do each other's work, and the
/// client's could not be told from the server's. `requests.bodies` and `timeout_us` are the program's own.
struct MeasuredApart {
  double server_seconds = 0;  ///< of CPU time, a good answer
  double client_share = 0;    ///< of one core, that the client took
};
MeasuredApart GrpcClosedLoop(const InferenceServer& server, const Requests& requests,
                             std::size_t concurrency, double seconds);

struct Bare {
  double per_second = 0;
  double seconds = 0;  ///< of CPU time, a run
  double p99 = 0;      ///< seconds
};
/// One run after the other of one row each, while another thread keeps a second core as busy as a client did.
Bare BareRuns(const serve::LoadedGraph& graph, const Requests& requests, double seconds,
              double client_share);

/// What no server can be better than: arrivals drawn beforehand, one thread, each run of one row as soon as the one
/// before is over, nothing read and nothing sent. Returns p99 from the moment each was due, in seconds. The neighbour as
/// for BareRuns.
double BareQueueP99(const serve::LoadedGraph& graph, const Requests& requests, double rate,
                    double seconds, double client_share);

}  // namespace vitrine::bench
