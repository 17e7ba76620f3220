/// A stream socket: with a deadline on every call that waits, or without waiting, for those that
/// wait for many at once. Internal to the clients.
/// Threads: one at a time.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "core/status.h"
#include "core/time.h"
#include "transport/http/client.h"

namespace vitrine::http {

/// Where connections go, looked up once.
struct SocketAddress {
  alignas(8) std::array<char, 128> bytes{};  ///< a sockaddr_storage
  unsigned size = 0;
  std::string name;  ///< for messages
};
/// Errors: kUnavailable (no such host), kInvalidArgument (a socket path that is too long).
Result<SocketAddress> Resolve(const Endpoint& endpoint);

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

  /// Begins a connection without waiting: the socket can be written once it is there or has failed.
  /// Errors: kUnavailable, where that is known at once.
  Status Begin(const SocketAddress& address);
  /// What came of it. Errors: kUnavailable; then the socket is closed.
  Status Finish(const SocketAddress& address);
  /// For waiting on several, and reading and writing without waiting; -1 where it is closed.
  [[nodiscard]] int fd() const { return fd_; }

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
