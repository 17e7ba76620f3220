/// The server: everything that one data directory needs, opened in order, wired, and closed in the
/// reverse order. The command line opens the same class, with only its socket, where no server runs.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "apps/vitrine/settings.h"
#include "core/status.h"
#include "core/time.h"
#include "transport/http/server.h"

namespace vitrine::apps {

struct ApplicationOptions {
  std::string data;
  Settings settings;
  /// Also listen on server.listen and server.grpc_listen; else only the data directory's socket answers.
  bool listen = true;
};

class Application {
 public:
  /// Errors: kUnavailable (the directory is held: names the process), kFailedPrecondition (a listener
  ///         that others can reach, without a key), those of the stores and of Server::Start.
  static Result<std::unique_ptr<Application>> Start(ApplicationOptions options);
  ~Application();

  /// "http://127.0.0.1:7700"; the socket where it does not listen.
  [[nodiscard]] std::string url() const;
  /// "127.0.0.1:7701"; empty where gRPC is off.
  [[nodiscard]] std::string grpc_address() const;
  /// OK once the champion (where there is one) answers.
  Status WaitUntilReady(Deadline deadline);
  /// OK once also what was loaded on request is loaded again.
  Status WaitUntilLoaded(Deadline deadline);

 private:
  struct Parts;
  explicit Application(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace vitrine::apps
