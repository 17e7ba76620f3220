/// A small blocking HTTP/1.1 client over TCP or a Unix socket: for the CLI, the simulator and
/// tests. Keeps one connection open.
/// Threads: one caller at a time; use one client a thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/status.h"
#include "core/time.h"

namespace vitrine::http {

/// Where a server is: "http://host:port" or "unix:/path".
struct Endpoint {
  std::string unix_path;  ///< empty: TCP
  std::string host = "127.0.0.1";
  std::uint16_t port = 80;
};
/// Errors: kInvalidArgument (https is not spoken; says what is).
Result<Endpoint> ParseEndpoint(std::string_view url);

using HeaderList = std::vector<std::pair<std::string, std::string>>;

struct ClientOptions {
  std::chrono::milliseconds connect_timeout{3'000};
  std::chrono::milliseconds timeout{30'000};  ///< for one whole call
  std::size_t max_answer_bytes = 256UL << 20;
  std::string api_key;  ///< sent as Authorization: Bearer where not empty
};

struct ClientResponse {
  int status = 0;
  HeaderList headers;
  std::string body;

  [[nodiscard]] bool ok() const { return status >= 200 && status < 300; }
  /// Value of a header, name in any case; empty where absent.
  [[nodiscard]] std::string_view header(std::string_view name) const;
};

/// One server-sent event.
struct ServerEvent {
  std::string event;
  std::string data;
  std::string id;
};

class Client {
 public:
  explicit Client(Endpoint endpoint, ClientOptions options = {});
  ~Client();
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;

  /// One call. Any HTTP status is an answer; failures are of the connection. A call without side
  /// effects (GET, HEAD) is tried again once where the kept connection turned out to be dead.
  /// Errors: kUnavailable (nobody listens: names the address), kDeadlineExceeded,
  ///         kDataLoss (the answer is not HTTP), kResourceExhausted (answer too large).
  Result<ClientResponse> Send(std::string_view method, std::string_view target,
                              std::string_view body = {}, const HeaderList& headers = {});
  Result<ClientResponse> Get(std::string_view target) { return Send("GET", target); }
  /// Posts JSON.
  Result<ClientResponse> Post(std::string_view target, std::string_view json);

  /// Follows a server-sent event stream until `on_event` returns false, the server ends it, or the
  /// deadline passes. Errors: as Send; kInternal with the problem's text where it is not a stream.
  Status Follow(std::string_view target, Deadline deadline,
                const std::function<bool(const ServerEvent&)>& on_event);

  /// Of the calls from now on, connecting included.
  void set_timeout(std::chrono::milliseconds timeout);

  /// Closes the kept connection.
  void Disconnect();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace vitrine::http
