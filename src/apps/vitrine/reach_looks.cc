#include "apps/vitrine/reach_looks.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>

namespace vitrine::apps {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kConnectWithin{3};
constexpr std::chrono::seconds kAnswerWithin{10};
constexpr std::size_t kMostAnswer = std::size_t{16} << 20;
constexpr std::uint16_t kHttpPort = 80;
constexpr std::uint16_t kHttpsPort = 443;

std::string AddressText(const sockaddr* address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const void* bytes =
      address->sa_family == AF_INET
          ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in*>(address)->sin_addr)
          : static_cast<const void*>(&reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr);
  return ::inet_ntop(address->sa_family, bytes, text.data(), text.size()) == nullptr ? ""
                                                                                     : text.data();
}

bool IsInternet(const sockaddr* address) {
  return address != nullptr && (address->sa_family == AF_INET || address->sa_family == AF_INET6);
}

using Found = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

Found Resolve(const ReachTarget& target) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const std::string port = std::to_string(target.port);
  const bool ok = ::getaddrinfo(target.host.c_str(), port.c_str(), &hints, &found) == 0;
  return {ok ? found : nullptr, &::freeaddrinfo};
}

std::vector<std::string> OwnAddresses() {
  std::vector<std::string> own = {"127.0.0.1", "::1"};
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) {
    return own;
  }
  for (const ifaddrs* one = all; one != nullptr; one = one->ifa_next) {
    if (IsInternet(one->ifa_addr)) {
      own.push_back(AddressText(one->ifa_addr));
    }
  }
  ::freeifaddrs(all);
  return own;
}

class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  ~Socket() {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  [[nodiscard]] int fd() const { return fd_; }

  /// False where `until` came first.
  [[nodiscard]] bool Wait(short events, Clock::time_point until) const {
    pollfd wait{fd_, events, 0};
    for (;;) {
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
      const int ready = ::poll(&wait, 1, static_cast<int>(std::max<std::int64_t>(left, 0)));
      if (ready >= 0 || errno != EINTR) {
        return ready > 0;
      }
    }
  }

 private:
  int fd_;
};

monitor::ConnectResult Connect(const Socket& socket, const addrinfo& to) {
  using monitor::ConnectResult;
  int error = ::connect(socket.fd(), to.ai_addr, to.ai_addrlen) == 0 ? 0 : errno;
  if (error == EINPROGRESS) {
    if (!socket.Wait(POLLOUT, Clock::now() + kConnectWithin)) {
      return ConnectResult::kTimedOut;
    }
    socklen_t size = sizeof(error);
    ::getsockopt(socket.fd(), SOL_SOCKET, SO_ERROR, &error, &size);
  }
  return error == 0              ? ConnectResult::kConnected
         : error == ECONNREFUSED ? ConnectResult::kRefused
         : error == ETIMEDOUT    ? ConnectResult::kTimedOut
                                 : ConnectResult::kUnreachable;
}

/// What comes until the other side ends, or the time is over.
std::string Ask(const Socket& socket, const ReachTarget& target) {
  const bool six = target.host.find(':') != std::string::npos;
  const std::string request = fmt::format(
      "GET {} HTTP/1.1\r\nHost: {}:{}\r\n{}Accept: */*\r\nConnection: close\r\n\r\n", target.path,
      six ? "[" + target.host + "]" : target.host, target.port,
      target.api_key.empty() ? "" : fmt::format("Authorization: Bearer {}\r\n", target.api_key));
  const Clock::time_point until = Clock::now() + kAnswerWithin;
  std::string_view left = request;
  while (!left.empty() && socket.Wait(POLLOUT, until)) {
    const ssize_t n = ::send(socket.fd(), left.data(), left.size(), MSG_NOSIGNAL);
    if (n < 0 && errno != EINTR && errno != EAGAIN) {
      return {};
    }
    left.remove_prefix(n > 0 ? static_cast<std::size_t>(n) : 0);
  }
  std::string answer;
  std::array<char, 16384> buffer{};
  while (answer.size() < kMostAnswer && socket.Wait(POLLIN, until)) {
    const ssize_t n = ::recv(socket.fd(), buffer.data(), buffer.size(), 0);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) {
      continue;
    }
    if (n <= 0) {
      break;
    }
    answer.append(buffer.data(), static_cast<std::size_t>(n));
  }
  return answer;
}

void Read(std::string_view answer, monitor::ReachEvidence& evidence) {
  constexpr std::string_view kVersion = "HTTP/1.";
  if (answer.starts_with(kVersion) && answer.size() > kVersion.size() + 5) {
    int status = 0;
    const std::string_view digits = answer.substr(kVersion.size() + 2, 3);
    std::from_chars(digits.data(), digits.data() + digits.size(), status);
    evidence.http_status = status;
    evidence.server_speaks_tls = false;
    const std::size_t body = answer.find("{");
    if (status >= 400 && body != std::string_view::npos) {
      const auto problem =
          nlohmann::json::parse(answer.substr(body, answer.rfind('}') - body + 1), nullptr, false);
      if (problem.is_object() && problem.contains("code") && problem["code"].is_string()) {
        evidence.problem = problem["code"].get<std::string>();
      }
      // What a server that ends TLS says to one that speaks plainly.
      if (status == 400 && answer.find("HTTPS port") != std::string_view::npos) {
        evidence.server_speaks_tls = true;
      }
    }
  } else if (answer.size() >= 2 && (answer[0] == 0x15 || answer[0] == 0x16) && answer[1] == 0x03) {
    evidence.server_speaks_tls = true;  // an alert or a handshake of TLS
  }
}

}  // namespace

Result<ReachTarget> ParseReachTarget(std::string_view text) {
  ReachTarget target;
  std::string_view rest = text;
  target.tls = rest.starts_with("https://");
  if (const std::size_t scheme = rest.find("://"); scheme != std::string_view::npos) {
    if (!target.tls && !rest.starts_with("http://")) {
      return InvalidArgument(
          fmt::format("'{}': write http://HOST:PORT or https://HOST:PORT", text));
    }
    rest.remove_prefix(scheme + 3);
  }
  if (const std::size_t slash = rest.find('/'); slash != std::string_view::npos) {
    if (slash + 1 < rest.size()) {
      target.path = rest.substr(slash);
    }
    rest = rest.substr(0, slash);
  }
  target.port = target.tls ? kHttpsPort : kHttpPort;
  const std::size_t colon = rest.rfind(':');
  const bool bare_six = !rest.starts_with('[') && rest.find(':') != colon;
  if (colon != std::string_view::npos && !bare_six && !rest.ends_with(']')) {
    const std::string_view digits = rest.substr(colon + 1);
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), target.port);
    if (error != std::errc() || end != digits.data() + digits.size() || target.port == 0) {
      return InvalidArgument(fmt::format("'{}': the port must be 1 to 65535", text));
    }
    rest = rest.substr(0, colon);
  }
  if (rest.starts_with('[') && rest.ends_with(']')) {
    rest = rest.substr(1, rest.size() - 2);
  }
  if (rest.empty()) {
    return InvalidArgument(fmt::format("'{}' names no host", text));
  }
  target.host = rest;
  return target;
}

monitor::ReachEvidence LookFromHere(const ReachTarget& target,
                                    const std::optional<std::vector<std::string>>& listeners) {
  monitor::ReachEvidence evidence;
  evidence.listeners = listeners;
  evidence.asked_port = target.port;
  evidence.client_speaks_tls = target.tls;
  if (target.scrape_timeout_seconds) {
    evidence.scrape = monitor::ScrapeConfig{target.path, *target.scrape_timeout_seconds, {}};
  }
  const Found found = Resolve(target);
  std::vector<std::string> resolved;
  for (const addrinfo* one = found.get(); one != nullptr; one = one->ai_next) {
    resolved.push_back(AddressText(one->ai_addr));
  }
  evidence.resolved = resolved;
  if (found == nullptr) {
    return evidence;
  }
  if (listeners) {  // the server is on this machine
    evidence.own_addresses = OwnAddresses();
    evidence.asked_from_elsewhere = std::none_of(
        resolved.begin(), resolved.end(),
        [](const std::string& address) { return address.starts_with("127.") || address == "::1"; });
  }
  for (const addrinfo* one = found.get(); one != nullptr; one = one->ai_next) {
    const Socket socket(
        ::socket(one->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, one->ai_protocol));
    if (socket.fd() < 0) {
      continue;
    }
    evidence.connect = Connect(socket, *one);
    if (*evidence.connect != monitor::ConnectResult::kConnected) {
      continue;
    }
    const Clock::time_point begun = Clock::now();
    Read(Ask(socket, target), evidence);
    if (evidence.scrape) {
      evidence.scrape->answer_seconds = std::chrono::duration<double>(Clock::now() - begun).count();
    }
    break;
  }
  return evidence;
}

}  // namespace vitrine::apps
