#include "transport/http/client_pool.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace vitrine::http {

ClientPool::ClientPool(Endpoint endpoint, ClientOptions options, std::size_t most_idle)
    : endpoint_(std::move(endpoint)), options_(std::move(options)), most_idle_(most_idle) {}

Result<ClientResponse> ClientPool::Send(std::string_view method, std::string_view target,
                                        std::string_view body, const HeaderList& headers,
                                        Deadline deadline) {
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  if (left.count() <= 0) {
    return DeadlineExceeded("no time is left for the call");
  }
  std::unique_ptr<Client> client = Take();
  client->set_timeout(std::min(left, options_.timeout));
  Result<ClientResponse> answer = client->Send(method, target, body, headers);
  if (answer.ok()) {
    Give(std::move(client));  // after a failure its connection is closed: it is let go
  }
  return answer;
}

std::size_t ClientPool::idle() const {
  const std::scoped_lock lock(mutex_);
  return idle_.size();
}

std::unique_ptr<Client> ClientPool::Take() {
  {
    const std::scoped_lock lock(mutex_);
    if (!idle_.empty()) {
      std::unique_ptr<Client> client = std::move(idle_.back());
      idle_.pop_back();
      return client;
    }
  }
  return std::make_unique<Client>(endpoint_, options_);
}

void ClientPool::Give(std::unique_ptr<Client> client) {
  const std::scoped_lock lock(mutex_);
  if (idle_.size() < most_idle_) {
    idle_.push_back(std::move(client));
  }
}

}  // namespace vitrine::http
