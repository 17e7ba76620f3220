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
    Print(nlohmann::json({{"url", application.url()}, {"data", line.data}}).dump());
  } else {
    Print(
        fmt::format("Vitrine serves at {} from {}\nstatus: vitrine --data {} status    stop: "
                    "Ctrl-C",
                    application.url(), line.data, line.data));
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
