/// Connections to one server, kept open between calls and used by several threads, each for one call at a time.
/// Threads: any.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "core/time.h"
#include "transport/http/client.h"

namespace vitrine::http {

class ClientPool {
 public:
  /// `most_idle`: connections that are kept while nobody uses them.
  ClientPool(Endpoint endpoint, ClientOptions options, std::size_t most_idle);

  /// As Client::Send, no longer than the deadline. A name is looked up for each new connection, and the system's
  /// resolver does not know the deadline.
  Result<ClientResponse> Send(std::string_view method, std::string_view target,
                              std::string_view body, const HeaderList& headers, Deadline deadline);
  [[nodiscard]] std::size_t idle() const;

 private:
  std::unique_ptr<Client> Take();
  void Give(std::unique_ptr<Client> client);

  const Endpoint endpoint_;
  const ClientOptions options_;
  const std::size_t most_idle_;
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<Client>> idle_;  // the last used is used first
};

}  // namespace vitrine::http
