// What the HTTP engine alone costs: GET /livez through server and router over loopback, beside the
// same bytes over the same sockets without HTTP (a thread that reads and answers). Both take turns.
// Method: `kConnections` keep-alive connections, one request outstanding on each; a client thread
// sends on all of its connections, then reads from all. Server and clients share the cores.
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "bench/report.h"
#include "transport/http/client_socket.h"
#include "transport/http/routes.h"

namespace vitrine::http {
namespace {

constexpr int kConnections = 32;
constexpr int kPairs = 12;
constexpr double kSeconds = 0.7;
constexpr std::string_view kRequest =
    "GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: bench\r\n\r\n";

// Requests a second from one client thread. Every answer has the length of the first.
double Drive(const Endpoint& endpoint) {
  std::vector<std::unique_ptr<ClientSocket>> sockets;
  char buffer[4096];
  std::size_t length = 0;
  for (int i = 0; i < kConnections; ++i) {
    sockets.push_back(std::make_unique<ClientSocket>());
    CHECK(sockets.back()->Connect(endpoint, After(std::chrono::seconds(5))).ok());
    CHECK(sockets.back()->WriteAll(kRequest, After(std::chrono::seconds(5))).ok());
    const auto got =
        sockets.back()->ReadSome(buffer, sizeof(buffer), After(std::chrono::seconds(5)));
    CHECK(got.ok() && *got > 0 && (length == 0 || length == *got));
    length = *got;
  }
  const auto start = std::chrono::steady_clock::now();
  const Deadline end = start + std::chrono::milliseconds(static_cast<int>(kSeconds * 1000));
  std::size_t requests = 0;
  while (std::chrono::steady_clock::now() < end) {
    for (const auto& socket : sockets) {
      CHECK(socket->WriteAll(kRequest, After(std::chrono::seconds(5))).ok());
    }
    for (const auto& socket : sockets) {
      for (std::size_t read = 0; read < length;) {
        const auto got = socket->ReadSome(buffer, length - read, After(std::chrono::seconds(5)));
        CHECK(got.ok() && *got > 0);
        read += *got;
      }
    }
    requests += sockets.size();
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  return static_cast<double>(requests) / took.count();
}

// The floor: reads a request's bytes, writes an answer's, knows nothing of HTTP.
class RawEcho {
 public:
  explicit RawEcho(std::size_t answer_bytes) : answer_(answer_bytes, 'x') {
    listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    CHECK(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    CHECK(::listen(listener_, 64) == 0);
    CHECK(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    endpoint_.port = ntohs(address.sin_port);
    thread_ = std::thread([this] { Run(); });
  }
  ~RawEcho() {
    stop_ = true;
    thread_.join();
    ::close(listener_);
  }
  [[nodiscard]] const Endpoint& endpoint() const { return endpoint_; }

 private:
  void Run() {
    std::vector<pollfd> fds = {{listener_, POLLIN, 0}};
    char buffer[4096];
    while (!stop_) {
      if (::poll(fds.data(), fds.size(), 50) <= 0) {
        continue;
      }
      for (std::size_t i = fds.size(); i-- > 0;) {
        if (fds[i].revents == 0) {
          continue;
        }
        if (i == 0) {
          fds.push_back({::accept(listener_, nullptr, nullptr), POLLIN, 0});
        } else if (::recv(fds[i].fd, buffer, sizeof(buffer), 0) <= 0 ||
                   ::send(fds[i].fd, answer_.data(), answer_.size(), MSG_NOSIGNAL) < 0) {
          ::close(fds[i].fd);
          fds.erase(fds.begin() + static_cast<std::ptrdiff_t>(i));
        }
      }
    }
    for (std::size_t i = 1; i < fds.size(); ++i) {
      ::close(fds[i].fd);
    }
  }

  std::string answer_;
  int listener_ = -1;
  Endpoint endpoint_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

int Main() {
  const Services services;
  MetricRegistry metrics;
  const Authorizer authorizer(AuthMode::kOpen, nullptr);
  Router router(ApiRoutes(services), authorizer, {{}, {}, &metrics});
  ServerOptions options;
  options.io_threads = 1;
  options.metrics = &metrics;
  auto server = Server::Start(std::move(options), router);
  CHECK(server.ok());
  Endpoint http;
  http.port = (*server)->listeners()[0].port;
  const RawEcho raw(220);
  Drive(http);
  std::vector<double> rates;
  std::vector<double> ratios;
  std::vector<double> same;
  for (int pair = 0; pair < kPairs; ++pair) {
    const double first = Drive(http);
    const double floor = Drive(raw.endpoint());
    const double second = Drive(http);
    rates.push_back(first);
    ratios.push_back((first + second) / 2 / floor);
    same.push_back(first / second);
  }
  bench::Report("http_echo",
                {{"GET /livez, one I/O thread, 32 connections", bench::Median(rates), "req/s", true,
                  0, kPairs, bench::Spread(rates)},
                 {"GET /livez against the same bytes without HTTP", bench::Median(ratios), "ratio",
                  true, 0, kPairs, bench::Spread(ratios)},
                 {"A/A: GET /livez against itself", bench::Median(same), "ratio", true, 0, kPairs,
                  bench::Spread(same)}});
  return 0;
}

}  // namespace
}  // namespace vitrine::http

int main() { return vitrine::http::Main(); }
