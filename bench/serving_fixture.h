/// What benchmarks of the whole path share: a data directory with a champion, a server on it, load.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "apps/vitrine/application.h"
#include "simulate/load/load_run.h"
#include "transport/http/client_wire.h"

namespace vitrine::bench {

inline constexpr std::size_t kConnections = 8;

/// A directory of its own that goes with the object.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// Makes a data directory with a champion by the programs: item-knn-decay on the amazon-beauty data set
/// (VITRINE_TEST_DATA, default ../shared), or the demo's on a simulated shop.
/// `specs`: the models to fit instead, where the data set is there.
void Prepare(const std::string& data, const std::vector<std::string>& specs = {"item-knn-decay"});

/// A server with one I/O thread and no gRPC that answers; ends the program where it does not start.
std::unique_ptr<apps::Application> Serve(const std::string& data,
                                         const std::vector<std::string>& settings = {});
http::Endpoint EndpointOf(const apps::Application& server);

/// The bytes of a POST of `body` to /v1/recommend.
std::string Asking(const std::string& body);
std::vector<std::string> AskingAll(const std::vector<std::string>& bodies);

/// A body for each test case of the newest job, 5,000 at most: the JSON object `question` with its shopper and history.
std::vector<std::string> BodiesOfTestCases(const std::string& data, const std::string& question);

/// One client thread; no request may fail.
simulate::LoadResult Load(const http::Endpoint& endpoint, const std::vector<std::string>& requests,
                          std::size_t connections, const simulate::LoadOptions& options);
/// kConnections connections with one request outstanding on each, for a second.
simulate::LoadResult ServeForASecond(const http::Endpoint& endpoint,
                                     const std::vector<std::string>& requests);

/// The file of the newest job's cases.
std::string HoldoutOf(const std::string& data);

}  // namespace vitrine::bench
