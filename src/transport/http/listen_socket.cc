#include "transport/http/listen_socket.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

namespace vitrine::http {
namespace {

constexpr int kBacklog = 1024;

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
  int family = 0;
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

// Closes what it holds unless it was taken.
class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd() {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  Fd& operator=(Fd&&) = delete;
  [[nodiscard]] int get() const { return fd_; }
  int Take() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

std::string ErrorText(int error) {
  return std::error_code(error, std::generic_category()).message();
}

Result<Address> ParseAddress(const Listener& listener) {
  Address address;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
  if (::inet_pton(AF_INET, listener.address.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(listener.port);
    address.size = sizeof(sockaddr_in);
    address.family = AF_INET;
    return address;
  }
  if (::inet_pton(AF_INET6, listener.address.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(listener.port);
    address.size = sizeof(sockaddr_in6);
    address.family = AF_INET6;
    return address;
  }
  return InvalidArgument(
      "cannot listen on '" + listener.address +
      "': server.listen wants a numeric address and a port, such as 127.0.0.1:7700");
}

Status BindFailure(const Listener& listener, int error) {
  const std::string where = ListenerName(listener);
  switch (error) {
    case EADDRINUSE:
      return AlreadyExists("port " + std::to_string(listener.port) + " on " + listener.address +
                           " is in use by another program. Stop that program, or choose another "
                           "port with --port or server.listen (port 0 picks a free one)");
    case EACCES:
      return PermissionDenied("may not listen on " + where +
                              ". Ports below 1024 need a privilege: choose a higher --port");
    case EADDRNOTAVAIL:
      return InvalidArgument("cannot listen on " + where +
                             ": this machine has no such address. Change server.listen");
    default:
      return Unavailable("cannot listen on " + where + ": " + ErrorText(error));
  }
}

Result<int> TcpSocket(const Listener& listener, Address& address, bool share) {
  Fd fd(::socket(address.family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int on = 1;
  if (fd.get() < 0 || ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0) {
    return BindFailure(listener, errno);
  }
  if (share && ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) != 0) {
    return BindFailure(listener, errno);
  }
  if (address.family == AF_INET6 &&
      ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) != 0) {
    return BindFailure(listener, errno);
  }
  if (::bind(fd.get(), address.get(), address.size) != 0 || ::listen(fd.get(), kBacklog) != 0) {
    return BindFailure(listener, errno);
  }
  return fd.Take();
}

std::uint16_t PortOf(int fd) {
  Address address;
  address.size = sizeof(address.storage);
  if (::getsockname(fd, address.get(), &address.size) != 0) {
    return 0;
  }
  return address.storage.ss_family == AF_INET
             ? ntohs(reinterpret_cast<sockaddr_in*>(&address.storage)->sin_port)
             : ntohs(reinterpret_cast<sockaddr_in6*>(&address.storage)->sin6_port);
}

Result<BoundListener> BindTcp(const Listener& listener, std::size_t threads) {
  ASSIGN_OR_RETURN(Address address, ParseAddress(listener));
  BoundListener bound{listener, address.family, {}};
  if (listener.port != 0) {
    // SO_REUSEPORT would let a second server of the same user share the port without a word; a
    // socket that does not share finds out whether anybody listens.
    ASSIGN_OR_RETURN(const int probe, TcpSocket(listener, address, false));
    ::close(probe);
  }
  std::vector<Fd> fds;
  for (std::size_t i = 0; i < threads; ++i) {
    ASSIGN_OR_RETURN(address, ParseAddress(bound.listener));
    ASSIGN_OR_RETURN(const int fd, TcpSocket(bound.listener, address, true));
    fds.emplace_back(fd);
    bound.listener.port = PortOf(fd);
  }
  for (Fd& fd : fds) {
    bound.fds.push_back(fd.Take());
  }
  return bound;
}

// True where a server answers on the socket file.
bool IsAlive(Address& address) {
  const Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return fd.get() >= 0 && ::connect(fd.get(), address.get(), address.size) == 0;
}

Result<BoundListener> BindUnix(const Listener& listener) {
  Address address;
  auto* un = reinterpret_cast<sockaddr_un*>(&address.storage);
  if (listener.address.empty() || listener.address.size() >= sizeof(un->sun_path)) {
    return InvalidArgument("the socket path '" + listener.address + "' is empty or longer than " +
                           std::to_string(sizeof(un->sun_path) - 1) +
                           " bytes: choose a data directory with a shorter path");
  }
  un->sun_family = AF_UNIX;
  std::memcpy(un->sun_path, listener.address.c_str(), listener.address.size() + 1);
  address.size = sizeof(sockaddr_un);
  struct stat info{};
  if (::lstat(listener.address.c_str(), &info) == 0) {
    if (!S_ISSOCK(info.st_mode)) {
      return AlreadyExists(listener.address + " exists and is not a socket: move it away");
    }
    if (IsAlive(address)) {
      return AlreadyExists("another server answers on " + listener.address +
                           ": stop it, or use another data directory");
    }
    ::unlink(listener.address.c_str());
  }
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  // The mode must be right from the first moment: fchmod before bind sets it on Linux.
  if (fd.get() < 0 || ::fchmod(fd.get(), S_IRUSR | S_IWUSR) != 0 ||
      ::bind(fd.get(), address.get(), address.size) != 0 ||
      ::chmod(listener.address.c_str(), S_IRUSR | S_IWUSR) != 0 ||
      ::listen(fd.get(), kBacklog) != 0) {
    return Unavailable("cannot listen on " + listener.address + ": " + ErrorText(errno));
  }
  return BoundListener{listener, AF_UNIX, {fd.Take()}};
}

}  // namespace

std::string ListenerName(const Listener& listener) {
  if (listener.kind == Listener::Kind::kUnix) {
    return "unix:" + listener.address;
  }
  const bool v6 = listener.address.find(':') != std::string::npos;
  return "http://" + (v6 ? "[" + listener.address + "]" : listener.address) + ":" +
         std::to_string(listener.port);
}

Result<BoundListener> Bind(const Listener& listener, std::size_t threads) {
  return listener.kind == Listener::Kind::kTcp ? BindTcp(listener, threads) : BindUnix(listener);
}

}  // namespace vitrine::http
