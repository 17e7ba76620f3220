#include "transport/http/client_socket.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

namespace vitrine::http {
namespace {

std::string ErrorText(int error) {
  return std::error_code(error, std::generic_category()).message();
}

int MillisLeft(Deadline deadline) {
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 1'000'000));
}

Status NoServer(const SocketAddress& address, int error) {
  return Unavailable("no server answers on " + address.name + " (" + ErrorText(error) +
                     "). Start one with 'vitrine up'");
}

}  // namespace

std::string EndpointName(const Endpoint& endpoint) {
  if (!endpoint.unix_path.empty()) {
    return "unix:" + endpoint.unix_path;
  }
  const bool v6 = endpoint.host.find(':') != std::string::npos;
  return "http://" + (v6 ? "[" + endpoint.host + "]" : endpoint.host) + ":" +
         std::to_string(endpoint.port);
}

Status ClientSocket::Wait(short events, Deadline deadline) const {
  pollfd entry{fd_, events, 0};
  while (true) {
    const int ready = ::poll(&entry, 1, MillisLeft(deadline));
    if (ready > 0) {
      return Status::Ok();
    }
    if (ready == 0) {
      return DeadlineExceeded("the server did not answer in time");
    }
    if (errno != EINTR) {
      return Unavailable("waiting for the server failed: " + ErrorText(errno));
    }
  }
}

Result<SocketAddress> Resolve(const Endpoint& endpoint) {
  SocketAddress address{.name = EndpointName(endpoint)};
  static_assert(sizeof(address.bytes) >= sizeof(sockaddr_storage));
  if (!endpoint.unix_path.empty()) {
    auto* un = reinterpret_cast<sockaddr_un*>(address.bytes.data());
    if (endpoint.unix_path.size() >= sizeof(un->sun_path)) {
      return InvalidArgument("the socket path " + endpoint.unix_path + " is too long");
    }
    un->sun_family = AF_UNIX;
    std::memcpy(un->sun_path, endpoint.unix_path.c_str(), endpoint.unix_path.size() + 1);
    address.size = sizeof(sockaddr_un);
    return address;
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* raw = nullptr;
  const std::string port = std::to_string(endpoint.port);
  const int error = ::getaddrinfo(endpoint.host.c_str(), port.c_str(), &hints, &raw);
  if (error != 0) {
    return Unavailable("cannot find host " + endpoint.host + ": " + ::gai_strerror(error));
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> found(raw, &::freeaddrinfo);
  std::memcpy(address.bytes.data(), found->ai_addr, found->ai_addrlen);
  address.size = found->ai_addrlen;
  return address;
}

Status ClientSocket::Begin(const SocketAddress& address) {
  Close();
  const auto* to = reinterpret_cast<const sockaddr*>(address.bytes.data());
  fd_ = ::socket(to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) {
    return Unavailable("cannot make a socket: " + ErrorText(errno));
  }
  const int on = 1;
  if (to->sa_family != AF_UNIX) {
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  }
  if (::connect(fd_, to, address.size) != 0 && errno != EINPROGRESS) {
    const int failure = errno;
    Close();
    return NoServer(address, failure);
  }
  return Status::Ok();
}

Status ClientSocket::Finish(const SocketAddress& address) {
  int failure = 0;
  socklen_t length = sizeof(failure);
  ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &failure, &length);
  if (failure != 0) {
    Close();
    return NoServer(address, failure);
  }
  return Status::Ok();
}

Status ClientSocket::Connect(const Endpoint& endpoint, Deadline deadline) {
  ASSIGN_OR_RETURN(const SocketAddress address, Resolve(endpoint));
  RETURN_IF_ERROR(Begin(address));
  if (const Status ready = Wait(POLLOUT, deadline); !ready.ok()) {
    Close();
    return ready.WithContext(address.name);
  }
  return Finish(address);
}

Status ClientSocket::WriteAll(std::string_view bytes, Deadline deadline) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      RETURN_IF_ERROR(Wait(POLLOUT, deadline));
    } else if (errno != EINTR) {
      return Unavailable("the connection broke while sending: " + ErrorText(errno));
    }
  }
  return Status::Ok();
}

Result<std::size_t> ClientSocket::ReadSome(char* buffer, std::size_t size, Deadline deadline) {
  while (true) {
    const ssize_t got = ::recv(fd_, buffer, size, 0);
    if (got >= 0) {
      return static_cast<std::size_t>(got);
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      RETURN_IF_ERROR(Wait(POLLIN, deadline));
    } else if (errno != EINTR) {
      return Unavailable("the connection broke while reading: " + ErrorText(errno));
    }
  }
}

bool ClientSocket::Stale() const {
  char byte = 0;
  const ssize_t got = ::recv(fd_, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return !(got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK));
}

void ClientSocket::Close() {
  if (fd_ >= 0) {
    ::close(std::exchange(fd_, -1));
  }
}

}  // namespace vitrine::http
