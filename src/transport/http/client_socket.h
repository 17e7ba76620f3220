/// A blocking stream socket with a deadline on every call. Internal to the client.
/// Threads: one at a time.
#pragma once

#include <cstddef>
#include <string_view>

#include "core/status.h"
#include "core/time.h"
#include "transport/http/client.h"

namespace vitrine::http {

class ClientSocket {
 public:
  ClientSocket() = default;
  ~ClientSocket() { Close(); }
  ClientSocket(const ClientSocket&) = delete;
  ClientSocket& operator=(const ClientSocket&) = delete;

  /// Errors: kUnavailable, kDeadlineExceeded; both name the address.
  Status Connect(const Endpoint& endpoint, Deadline deadline);
  Status WriteAll(std::string_view bytes, Deadline deadline);
  /// Bytes read; 0 where the peer ended the connection.
  Result<std::size_t> ReadSome(char* buffer, std::size_t size, Deadline deadline);
  [[nodiscard]] bool open() const { return fd_ >= 0; }
  /// True where the peer has closed or sent something nobody asked for.
  [[nodiscard]] bool Stale() const;
  void Close();

 private:
  Status Wait(short events, Deadline deadline) const;
  int fd_ = -1;
};

/// "http://host:port" or "unix:/path".
std::string EndpointName(const Endpoint& endpoint);

}  // namespace vitrine::http
