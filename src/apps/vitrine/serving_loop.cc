#include "apps/vitrine/serving_loop.h"

#include <fmt/format.h>

#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>

namespace vitrine::apps {

Status ServeUntilStopped(Application& application, const CommandLine& line,
                         const std::stop_token& stop) {
  // A version that does not load is no reason to stay away: popular items are served meanwhile.
  if (const Status ready = application.WaitUntilLoaded(After(std::chrono::seconds(60)));
      !ready.ok()) {
    Say(fmt::format("vitrine: warning: {}", ready.message()));
  }
  if (line.json) {
    nlohmann::json said = {{"url", application.url()}, {"data", line.data}};
    if (!application.grpc_address().empty()) {
      said["grpc_url"] = application.grpc_address();
    }
    Print(said.dump());
  } else {
    const std::string grpc = application.grpc_address().empty()
                                 ? std::string()
                                 : fmt::format(", gRPC at {},", application.grpc_address());
    Print(
        fmt::format("Vitrine serves at {}{} from {}\nstatus: vitrine --data {} status    stop: "
                    "Ctrl-C",
                    application.url(), grpc, line.data, line.data));
  }
  std::mutex mutex;
  std::condition_variable_any stopped;
  std::unique_lock lock(mutex);
  stopped.wait(lock, stop, [] { return false; });
  if (!line.json) {
    Say("stopping");
  }
  return Status::Ok();
}

}  // namespace vitrine::apps
